//! `cargo xtask sim`: the machine in virtual time, by seeds; one seed is replayed aloud.

use anyhow::Result;

use crate::{command, outcome::Outcome, workspace::Workspace};

/// Hands the arguments to the model, which is an example of `oss-resumable`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<Outcome> {
    let mut sim =
        workspace.cargo(&["run", "--quiet", "--package", "oss-resumable", "--example", "sim", "--"]);
    command::run(sim.args(arguments))?;
    Ok(Outcome::Passed)
}
