//! What a resumable upload *is* when nothing runs: its nouns, their bytes, and the journal that keeps them.
//!
//! No async, no network, and no clock but in the message that a lock holds for whoever comes second. The nouns
//! ([`Checkpoint`], [`PartPlan`], [`SourceStamp`], [`PartReceipt`], …) are what the state machine of `oss-resumable`
//! works on; [`Record`] is one step in the life of an upload, and a journal is a sequence of them. [`CheckpointStore`]
//! hands out [`Slot`]s, one process at a time; [`MemoryStore`] is for tests and embedders without a disk, `FileStore`
//! (feature `fs`) for everybody else.
//!
//! ```text
//!   Record --append--> Slot --> header | frame | frame | frame ...       one journal a job
//!                       |                                                 on a disk or in memory
//!   Checkpoint <--open--'    every good frame, and findings about the rest
//! ```
//!
//! ```
//! use oss_checkpoint::{
//!     Begun, BucketName, ByteCount, CheckpointStore, Crc64, Durability, ETag, Job, MemoryStore, ObjectKey,
//!     ObjectOptions, PartNumber, PartReceipt, Record, ServiceName, SourceStamp, UploadId,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = MemoryStore::new(); // or FileStore::new("/var/lib/oss/uploads")
//! let job = Job {
//!     service: ServiceName::new("oss:cn-hangzhou")?,
//!     bucket: BucketName::new("archive")?,
//!     key: ObjectKey::new("genomes/17.bam")?,
//!     source: b"/data/17.bam".to_vec(),
//! };
//!
//! // A first run gets as far as one part.
//! let mut slot = store.claim(&job)?;
//! let begun = Begun {
//!     job: job.clone(),
//!     endpoint: "oss-cn-hangzhou.aliyuncs.com".into(),
//!     stamp: SourceStamp { len: ByteCount::mib(25), mtime_ns: 1_760_000_000_000_000_000, identity: None },
//!     part_size: ByteCount::mib(10),
//!     options: ObjectOptions::default(),
//!     at: 1_760_000_100,
//! };
//! slot.append(&[Record::Begun(Box::new(begun))], Durability::Flushed)?; // before Initiate goes out
//! let upload_id = UploadId::new("0004B9894A22E5B1888A1E29F8236E2D")?;
//! slot.append(&[Record::Initiated { upload_id, at: None }], Durability::Flushed)?; // before the first part does
//! let receipt = PartReceipt {
//!     number: PartNumber::FIRST,
//!     size: ByteCount::mib(10),
//!     crc64: Crc64::new(6_571_598_172_666_981_661),
//!     etag: ETag::new("5B3C1A2E053D763E1B002CC607C5A0FE")?,
//! };
//! slot.append(&[Record::PartUploaded { receipt, at_rest: true }], Durability::Written)?;
//! assert!(store.claim(&job).is_err(), "one at a time");
//! drop(slot);
//!
//! // The next one goes on from there.
//! let mut slot = store.claim(&job)?;
//! let opened = slot.open()?;
//! assert!(opened.findings.is_empty());
//! assert_eq!(opened.checkpoint.plan().map(|plan| plan.count()), Some(3));
//! assert_eq!(opened.checkpoint.parts().count(), 1);
//! slot.retire()?;
//! # Ok(())
//! # }
//! ```

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test that cannot go on has failed"))]

// The histories of the tests are those of the integration tests, which know this crate by its name.
#[cfg(test)]
extern crate self as oss_checkpoint;

mod byte_range;
mod checkpoint;
mod crc64;
#[cfg(test)]
mod damage;
mod etag;
mod format;
#[cfg(test)]
#[path = "../tests/store/history.rs"]
mod history;
mod job;
mod names;
mod object_options;
mod part_number;
mod plan;
mod receipt;
mod record;
mod replay;
mod server_time;
mod source_stamp;
mod stage;
mod store;
mod upload_id;

pub use byte_range::{ByteCount, ByteRange};
pub use checkpoint::{Checkpoint, Inconsistent, LocalPart};
pub use crc64::{Crc64, CrcJoin};
pub use etag::ETag;
pub use job::{Job, ServiceName};
pub use names::{BucketName, InvalidName, ObjectKey};
pub use object_options::ObjectOptions;
pub use part_number::{OutOfRange, PartNumber};
pub use plan::{PartPlan, PlanError};
pub use receipt::{ObjectFacts, PartReceipt, Proof};
pub use record::{Begun, Record};
pub use server_time::ServerTime;
pub use source_stamp::{FileIdentity, SourceStamp};
pub use stage::Stage;
pub use store::{CheckpointStore, Durability, Finding, Holder, MemoryStore, Opened, Slot, StoreError};
#[cfg(all(feature = "fs", unix))]
pub use store::{FileStore, JobEntry, Jobs};
pub use upload_id::UploadId;
