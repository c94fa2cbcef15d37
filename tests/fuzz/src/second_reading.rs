//! Formats read a second time, from their descriptions and with no code of the crates that write and read them.

mod canonical;
mod frames;
mod percent;
mod record;

pub(crate) use canonical::canonical_request;
pub(crate) use frames::{Beginning, Journal, framed, header};
pub(crate) use percent::{decoded, encoded};
pub(crate) use record::record;
