//! The driver against a service in memory, over a transport that fails by script.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::duplicate_mod,
    reason = "a test that cannot go on has failed; its sizes are small; both examples speak HTTP the same way"
)]

mod broken_sources;
mod canary;
mod checksum;
mod credentials;
mod fake_oss;
mod server;
mod service;
mod sockets;
mod sources;
mod stops;
mod support;
mod uploads;

#[allow(dead_code, unreachable_pub, reason = "an example, of which all but its main function is tested here")]
#[path = "../../examples/blocking.rs"]
mod blocking;
#[allow(dead_code, unreachable_pub, reason = "an example, of which all but its main function is tested here")]
#[path = "../../examples/embed.rs"]
mod embed;
