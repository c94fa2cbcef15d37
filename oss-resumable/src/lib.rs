//! A resumable upload to Alibaba Cloud OSS as a state machine without I/O, the codec that speaks OSS for it, and a
//! ready driver.
//!
//! The default build is the machine alone: [`Upload`] decides what is done next and does nothing itself. It has no clock,
//! no thread, no file, no socket and no source of chance: the same inputs give the same outputs. Feature `wire` adds
//! OSS as HTTP (`wire`), feature `driver` a ready uploader over ports for transport, journal, source and credentials
//! (`driver`).
//!
//! # The contract
//!
//! 1. [`Upload::poll`] until it says [`Step::Wait`] or [`Step::Done`]. Each [`Step::Act`] names a piece of work: start it.
//! 2. Wait for the first of: a piece of work has ended, somebody wants to stop, the moment in `until` has come. `until:
//!    None` means that something is in flight.
//! 3. Hand in what has happened with [`Upload::handle`], as one [`Event`]. Nothing has happened? Go on with 1.
//!
//! An action names work and carries none: upload id, part list and records are borrowed from the machine when it is carried
//! out. Every action has a fresh [`Ticket`] and is owed one event with it; a reply whose ticket is not outstanding changes
//! nothing, so late, doubled and misrouted replies need no care. [`Action::Cancel`] is owed none: drop that ticket's work.
//!
//! | Action | Reply |
//! | --- | --- |
//! | [`Action::InspectSource`] | [`Event::SourceInspected`] |
//! | [`Action::PutObject`] | [`Event::ObjectPut`] |
//! | [`Action::FindUploads`] | [`Event::UploadsFound`] |
//! | [`Action::Initiate`] | [`Event::Initiated`] |
//! | [`Action::ListParts`] | [`Event::PartsListed`] |
//! | [`Action::ChecksumPart`] | [`Event::PartChecksummed`] |
//! | [`Action::UploadPart`] | [`Event::PartUploaded`] |
//! | [`Action::Complete`] | [`Event::Completed`] |
//! | [`Action::InspectObject`] | [`Event::ObjectInspected`] |
//! | [`Action::Abort`] | [`Event::Aborted`] |
//! | [`Action::Save`] | [`Event::Saved`] |
//! | [`Action::Retire`] | [`Event::Retired`] |
//! | [`Action::Cancel`] | none |
//!
//! Any of them may be answered by [`Event::Failed`] with a [`Fault`]; its [`FaultClass`] alone decides what follows.
//!
//! # A whole driver
//!
//! This one uploads to a service in its own memory, and does each thing at once:
//!
//! ```
//! use oss_checkpoint::{BucketName, ByteCount, Crc64, Job, ObjectKey, ServiceName, SourceStamp};
//! use oss_resumable::{Action, Event, Limits, Moment, Outcome, Step, StoredObject, Upload, UploadSpec};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let job = Job {
//!     service: ServiceName::new("local")?,
//!     bucket: BucketName::new("demo")?,
//!     key: ObjectKey::new("hello.txt")?,
//!     source: b"/hello.txt".to_vec(),
//! };
//! let mut upload = Upload::begin(UploadSpec::new(job, "oss.example", 1_800_000_000), Limits::default());
//! loop {
//!     let event = match upload.poll(Moment::START) {
//!         // "hello world", 11 bytes.
//!         Step::Act(Action::InspectSource { ticket }) => Event::SourceInspected {
//!             ticket,
//!             stamp: SourceStamp { len: ByteCount::new(11), mtime_ns: 0, identity: None },
//!         },
//!         Step::Act(Action::PutObject { ticket }) => {
//!             let crc64 = Crc64::new(5_981_764_153_023_615_706);
//!             let object = StoredObject { crc64: Some(crc64), ..StoredObject::default() };
//!             Event::ObjectPut { ticket, object, local: crc64 }
//!         }
//!         Step::Act(other) => panic!("a small object needs no {other:?}"),
//!         Step::Wait { .. } => panic!("everything is done at once here"),
//!         Step::Done => break,
//!     };
//!     upload.handle(event, Moment::START);
//! }
//! assert!(matches!(upload.outcome(), Some(Outcome::Completed(_))));
//! # Ok(())
//! # }
//! ```
//!
//! `examples/blocking.rs` is a complete one with threads, files and sockets.
//!
//! # What holds whatever happens
//!
//! * At [`Action::Complete`] the receipts are parts 1..=n without a gap and tile the source, and each part's CRC-64 of the
//!   local bytes is the one that the server states.
//! * The intent is durable before `Initiate`, the upload id before the first part, the stage before `Complete` and
//!   `Abort`; durable means that a flushed save of *that* revision or a later one came back.
//! * What the server holds and what can be proved is not sent again, with holes or not.
//! * An answer that is lost is asked about before anything is repeated that is not harmless.
//! * An abort outranks a pause; past the seal an abort is refused, since the object may exist.
//! * `Wait { until: None }` means that something is in flight; `until` is later than `now`.
//!
//! `tests/model` holds each of them against a world in a struct, with crashes at every step.

mod action;
mod backoff;
mod event;
mod fault;
mod limits;
mod moment;
mod note;
mod outcome;
mod part_size;
mod progress;
mod spec;
mod upload;

#[cfg(feature = "wire")]
pub mod wire;

#[cfg(feature = "driver")]
pub mod driver;

pub use action::{Action, Part, Revision, Step, Ticket};
pub use event::{
    Event, FoundUpload, ListedPart, PartsPage, Stop, StoredObject, UploadedPart, UploadsMarker, UploadsPage,
};
pub use fault::{Fault, FaultClass, Refusal};
pub use limits::Limits;
pub use moment::Moment;
pub use note::Note;
pub use outcome::{Failure, Finished, Outcome, Unproved};
pub use part_size::PartSize;
pub use progress::Progress;
pub use spec::{Adopt, OnChange, UploadSpec, Verify};
pub use upload::Upload;

/// The README's example compiles.
#[cfg(all(doctest, feature = "driver"))]
#[doc = include_str!("../README.md")]
struct Readme;
