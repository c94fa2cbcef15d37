//! What a transport promises, against servers that stall, close, reset and lie.

mod exchange;
mod peer;
mod request;
