//! One file and one function a command.

pub(crate) mod cp;
pub(crate) mod emulate;
pub(crate) mod jobs;
pub(crate) mod ls;
pub(crate) mod mb;
mod single;
pub(crate) mod stat;
