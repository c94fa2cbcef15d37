//! `cargo xtask inject`: the program under strace, killed behind every system call, each of them failing once, or hanging.

use anyhow::Result;

use crate::{
    command,
    outcome::Outcome,
    tools,
    workspace::{Profile, Workspace},
};

/// The tests at once: each waits for others more than it computes.
const AT_ONCE: &str = "4";

/// Where strace is missing and cannot be installed, or may not trace, it is skipped; arguments go to `cargo test`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<Outcome> {
    inject(workspace, arguments, false)
}

/// With every n of every call, where `run` takes some.
pub(crate) fn soak(workspace: &Workspace) -> Result<Outcome> {
    inject(workspace, &[], true)
}

fn inject(workspace: &Workspace, arguments: &[String], all: bool) -> Result<Outcome> {
    if !cfg!(target_os = "linux") {
        return Ok(Outcome::Skipped("strace is a program for Linux".into()));
    }
    if !tools::have("strace", "strace", &["-f", "-e", "trace=none", "true"])? {
        return Ok(Outcome::Skipped("there is no strace that may trace, and it cannot be installed".into()));
    }
    let program = workspace.build_program(Profile::Dev)?;
    let mut test = workspace.cargo(&["test", "--package", "oss-tests", "--test", "inject"]);
    test.args(arguments).args(["--", "--test-threads", AT_ONCE]).env("OSS_BIN", program);
    if all {
        test.env("OSS_INJECT_ALL", "1");
    }
    command::run(&mut test)?;
    Ok(Outcome::Passed)
}
