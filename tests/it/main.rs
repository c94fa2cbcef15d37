//! The built program against the emulator in another process: what needs more than one crate to be shown.

#![expect(clippy::unwrap_used, reason = "a scene that cannot be set up fails its test")]

mod support;

mod afterwards;
mod bandwidth;
mod chaos;
mod checkpoint_damage;
mod credentials;
mod faults;
mod kill;
mod lies;
mod locking;
mod memory;
mod network;
mod output;
mod proof;
mod refusals;
mod resets;
mod resume;
mod secrets;
mod source;
mod source_changes;
mod stop;
mod upload;
mod wire_bytes;
