//! OSS as HTTP, by recorded exchanges, by tables, and by answers that no service would send.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod addresses;
mod endpoints;
mod hostile;
mod options;
mod recorded;
mod refusals;
mod world;
