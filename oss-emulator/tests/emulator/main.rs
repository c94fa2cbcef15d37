//! The server as a client sees it.

mod client;
mod multipart;
mod objects;
