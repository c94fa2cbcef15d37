//! The journal, by its public face: every store keeps the same contract, and files keep theirs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod contract;
#[cfg(all(feature = "fs", unix))]
mod files;
#[cfg(all(feature = "fs", unix))]
mod golden;
mod history;
#[cfg(all(feature = "fs", unix))]
mod listing;
#[cfg(all(feature = "fs", unix))]
mod locks;
