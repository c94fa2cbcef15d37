//! One file and one function a command.

pub(crate) mod check;
pub(crate) mod cp;
pub(crate) mod emulate;
pub(crate) mod hash;
pub(crate) mod jobs;
pub(crate) mod ls;
pub(crate) mod mb;
mod reading;
mod single;
pub(crate) mod stat;
pub(crate) mod verify;
