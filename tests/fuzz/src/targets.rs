//! The targets, one a file or a family of them a file.

mod emulator;
mod journal;
mod listings;
mod machine;
mod names;
mod replies;
mod signature;

pub(crate) use emulator::{complete_body, emulator_connection, emulator_request, fault_script};
pub(crate) use journal::{frame, journal};
pub(crate) use listings::{list_buckets, list_objects, list_parts, list_uploads};
pub(crate) use machine::machine;
pub(crate) use names::{endpoint, object_key};
pub(crate) use replies::{complete, error_reply, initiate, object_replies};
pub(crate) use signature::signature;
