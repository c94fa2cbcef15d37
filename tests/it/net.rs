//! The built program on a machine whose network changes under it. Needs a network of its own; `cargo xtask net` makes one and runs
//! this in it.

#![expect(clippy::unwrap_used, reason = "a scene that cannot be set up fails its test")]

#[expect(dead_code, unused_imports, reason = "the tests in a network that stays need more of it")]
mod support;

#[path = "net/address.rs"]
mod address;
#[path = "net/resolver.rs"]
mod resolver;

use std::process::Command;

/// Runs `ip` with these words.
#[track_caller]
fn ip(words: &str) {
    let ended = Command::new("ip").args(words.split(' ')).output().unwrap();
    assert!(ended.status.success(), "ip {words}: {}", String::from_utf8_lossy(&ended.stderr));
}
