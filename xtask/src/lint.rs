//! Format and clippy, for the workspace as one and for each package alone.
//!
//! A build of the workspace unites the features of all members and so hides a package that leans on a feature which only
//! another member asks for. Hence the second pass, one package and one feature set at a time.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{command, outcome::Outcome, workspace::Workspace};

/// A package of ours with a set of its features, others off.
struct Alone {
    package: &'static str,
    features: &'static str,
}

const ALONE: &[Alone] = &[
    Alone { package: "oss-sign", features: "" },
    Alone { package: "oss-sign", features: "verify" },
    Alone { package: "oss-transport", features: "" },
    Alone { package: "oss-transport", features: "fault" },
    Alone { package: "oss-transport", features: "hyper" },
    Alone { package: "oss-checkpoint", features: "" },
    Alone { package: "oss-checkpoint", features: "fs" },
    Alone { package: "oss-resumable", features: "" },
    Alone { package: "oss-resumable", features: "wire" },
    Alone { package: "oss-resumable", features: "driver" },
    Alone { package: "oss-emulator", features: "" },
    Alone { package: "oss-cli", features: "" },
    Alone { package: "xtask", features: "" },
];

/// Clippy with all warnings denied.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    if !has_component(workspace, "clippy")? {
        return Ok(Outcome::Skipped("clippy is not installed and could not be".into()));
    }
    let mut commands = vec![workspace.cargo(&["clippy", "--workspace", "--all-targets", "--all-features"])];
    for Alone { package, features } in ALONE {
        let mut alone = workspace.cargo(&["clippy", "--package", package, "--no-default-features"]);
        if !features.is_empty() {
            alone.args(["--features", features]);
        }
        commands.push(alone);
    }
    // All of them, so that one run shows all there is to mend.
    let mut failed = Vec::new();
    for command in &mut commands {
        command.args(["--quiet", "--keep-going", "--", "--deny", "warnings"]);
        if command::run(command).is_err() {
            failed.push(command::shown(command));
        }
    }
    match failed.as_slice() {
        [] => Ok(Outcome::Passed),
        [first, ..] => {
            Ok(Outcome::Failed(format!("{} of {} failed, first `{first}`", failed.len(), commands.len())))
        }
    }
}

/// Fails when a file is not in the workspace's format.
pub(crate) fn check_format(workspace: &Workspace) -> Result<Outcome> {
    if !has_component(workspace, "fmt")? {
        return Ok(Outcome::Skipped("rustfmt is not installed and could not be".into()));
    }
    command::run(&mut workspace.cargo(&["fmt", "--all", "--check"]))?;
    Ok(Outcome::Passed)
}

/// Writes every file in the workspace's format; with `--check` only looks.
pub(crate) fn format(workspace: &Workspace, arguments: &[String]) -> Result<Outcome> {
    match arguments {
        [] => command::run(&mut workspace.cargo(&["fmt", "--all"]))?,
        [one] if one == "--check" => return check_format(workspace),
        [first, ..] => bail!("`{first}` is not known here; there is --check"),
    }
    Ok(Outcome::Passed)
}

/// Whether cargo has this command of the toolchain; if not, rustup is asked for it once.
fn has_component(workspace: &Workspace, command: &str) -> Result<bool> {
    let there = || command::answers(&mut workspace.cargo(&[command, "--version"]));
    if there()? {
        return Ok(true);
    }
    let component = if command == "fmt" { "rustfmt" } else { command };
    command::answers(Command::new("rustup").args(["component", "add", component]))?;
    there()
}
