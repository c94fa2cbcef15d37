//! Misbehaving by script: rules that say at which requests what goes wrong.

mod action;
mod measure;
mod mischief;
mod script;

pub(crate) use action::{Action, Change, Parting, When};
pub(crate) use mischief::{Mischief, Rules};
pub use script::{Script, ScriptError};
