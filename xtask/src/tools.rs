//! Programs of the system that a task needs beyond the toolchain.

use std::{path::PathBuf, process::Command};

use anyhow::Result;

use crate::command;

/// Packages of another language that are installed, or why they are not.
pub(crate) enum Environment {
    /// What is started, or the folder that they are in.
    Ready(PathBuf),
    /// What the machine lacks.
    Missing(String),
}

/// Whether a program answers to these arguments; where it is not there, and we may, its Debian package is installed once.
///
/// # Errors
/// When it is there and cannot be started.
pub(crate) fn have(package: &str, program: &str, arguments: &[&str]) -> Result<bool> {
    let asked = || command::answers(Command::new(program).args(arguments));
    if asked()? {
        return Ok(true);
    }
    // Without root, or the package lists, it fails; that is its answer.
    let mut install = Command::new("apt-get");
    install.args(["install", "--yes", "--no-install-recommends", package]);
    install.args([
        "-o",
        "Acquire::Retries=0",
        "-o",
        "Acquire::http::Timeout=20",
        "-o",
        "DPkg::Lock::Timeout=20",
    ]);
    Ok(command::answers(install.env("DEBIAN_FRONTEND", "noninteractive"))? && asked()?)
}
