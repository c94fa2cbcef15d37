//! What a resumable upload *is* when nothing runs: its nouns, their bytes, and the journal that keeps them.
//!
//! No async, no network, no clock. The nouns ([`Checkpoint`], [`PartPlan`], [`SourceStamp`], [`PartReceipt`], …) are
//! what the state machine of `oss-resumable` works on; [`Record`] is one step in the life of an upload, and a journal
//! is a sequence of them. [`CheckpointStore`] hands out [`Slot`]s, one process at a time; [`MemoryStore`] is for tests
//! and embedders without a disk, `FileStore` (feature `fs`) for everybody else.

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
