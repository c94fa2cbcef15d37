//! Tests, documentation and golden files.

use anyhow::{Result, bail};

use crate::{
    command,
    outcome::Outcome,
    workspace::{Profile, Workspace},
};

/// Builds the program, then runs every test of the workspace with its path in `OSS_BIN`.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    run_with(workspace, &[])
}

/// As [`run`], with further arguments for `cargo test`.
pub(crate) fn run_with(workspace: &Workspace, arguments: &[String]) -> Result<Outcome> {
    let program = workspace.build_program(Profile::Dev)?;
    let mut test = workspace.cargo(&["test", "--workspace", "--all-features", "--no-fail-fast"]);
    command::run(test.args(arguments).env("OSS_BIN", program))?;
    Ok(Outcome::Passed)
}

/// Runs the golden tests, which are those with `golden` in their name; `--bless` makes them write what they found.
pub(crate) fn golden(workspace: &Workspace, arguments: &[String]) -> Result<Outcome> {
    let bless = match arguments {
        [] => false,
        [one] if one == "--bless" => true,
        [first, ..] => bail!("`{first}` is not known here; there is --bless"),
    };
    let program = workspace.build_program(Profile::Dev)?;
    let mut test = workspace.cargo(&["test", "--workspace", "--all-features", "--tests", "golden"]);
    test.env("OSS_BIN", program);
    if bless {
        test.env("BLESS", "1");
    }
    command::run(&mut test)?;
    Ok(Outcome::Passed)
}

/// The documentation of every member, with warnings denied.
pub(crate) fn docs(workspace: &Workspace) -> Result<Outcome> {
    let mut doc = workspace.cargo(&["doc", "--quiet", "--workspace", "--all-features", "--no-deps"]);
    command::run(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Outcome::Passed)
}
