//! The machine driven by hand.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod lines;
mod long_tries;
mod plans;
mod promises;
mod retries;
mod world;
