//! The server as a client sees it.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod auth;
mod client;
mod faults;
mod multipart;
mod objects;
mod server;
