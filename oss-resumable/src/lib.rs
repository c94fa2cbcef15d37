//! A resumable upload as a state machine without I/O, the codec that speaks OSS for it, and a ready driver.

mod action;
mod backoff;
mod event;
mod fault;
mod limits;
mod moment;
mod note;
mod outcome;
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
pub use progress::Progress;
pub use spec::{Adopt, OnChange, UploadSpec, Verify};
pub use upload::Upload;
