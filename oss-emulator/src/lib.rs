//! A local server that answers as Alibaba Cloud OSS does, verifies every V4 signature, and misbehaves by script.
//!
//! It is the second reading of the protocol: of this project's crates it shares only `oss-sign`, whose vectors come from
//! elsewhere. Objects, parts and unfinished uploads are plain files in a folder that several servers may share and that outlives
//! a killed process. It is not a store for anything dear: nothing is synced, and there is one owner, no policy, no version.
//!
//! ```
//! use oss_emulator::{Emulator, Settings, faults::Script};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let mut settings = Settings::new(folder.path());
//! settings.create_buckets = true;
//! settings.faults = Script::parse(
//!     "
//!     [[fault]]
//!     at = 'upload_part'
//!     nth = 2
//!     do = 'lose-answer'
//!     ",
//! )?;
//! let running = Emulator::bind(settings)?.start()?;
//!
//! // Clients sign with the key pair `local` / `local` for the region `cn-hangzhou`.
//! assert!(running.endpoint().starts_with("http://127.0.0.1:"));
//! assert!(running.requests().is_empty());
//! running.stop();
//! # Ok(())
//! # }
//! ```
//!
//! ```text
//! connection -> head -> address, operation -> rules that fire -> signature -> operation on disk -> answer -> log
//!     |                                           |                                |                 |
//!     +--- slowed, cut, reset --------------------+---- refused, stalled ----------+-- body hurt ----+-- lost, cut, changed
//! ```

mod address;
mod auth;
mod call;
mod clock;
mod crc64;
mod error;
mod exchange;
pub mod faults;
mod incoming;
mod line;
mod listing;
mod operations;
mod query;
#[doc(hidden)]
pub mod reading;
mod refusal;
mod reply;
mod requests;
mod route;
mod server;
mod settings;
mod store;
mod xml;

pub use error::StartError;
pub use requests::Request;
pub use server::{Emulator, Running};
pub use settings::{AccessKey, Cname, Settings};

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
