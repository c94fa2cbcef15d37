//! Licences, bans, sources and advisories of the dependencies, by cargo-deny. The rules are in `deny.toml`.

use std::path::PathBuf;

use anyhow::Result;

use crate::{command, outcome::Outcome, workspace::Workspace};

/// Checks licences, bans and sources. Installs cargo-deny if the machine has none; without it the group is skipped.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    if !installed(workspace)? {
        println!("cargo-deny is not installed; installing it takes some minutes, once");
        if let Err(error) =
            command::run(&mut workspace.cargo(&["install", "--locked", "--quiet", "cargo-deny"]))
        {
            return Ok(Outcome::Skipped(format!("cargo-deny is not installed and could not be: {error}")));
        }
    }
    let mut check =
        workspace.cargo(&["deny", "--log-level", "error", "check", "bans", "licenses", "sources"]);
    command::run(&mut check)?;
    Ok(Outcome::Passed)
}

/// Checks the advisories of the copy of the database that this machine has; nothing is fetched here.
pub(crate) fn advisories(workspace: &Workspace) -> Result<Outcome> {
    if !installed(workspace)? {
        return Ok(Outcome::Skipped("cargo-deny is not installed".into()));
    }
    if !database_is_here()? {
        return Ok(Outcome::Skipped("the database cannot be had offline".into()));
    }
    let mut check = workspace.cargo(&["deny", "--offline", "--log-level", "error", "check", "advisories"]);
    command::run(&mut check)?;
    Ok(Outcome::Passed)
}

fn installed(workspace: &Workspace) -> Result<bool> {
    command::answers(&mut workspace.cargo(&["deny", "--version"]))
}

/// Whether `cargo deny fetch` has ever put a database into cargo's home.
fn database_is_here() -> Result<bool> {
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let Some(home) = cargo_home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))) else {
        return Ok(false);
    };
    let folder = home.join("advisory-dbs");
    Ok(folder.is_dir() && folder.read_dir()?.next().is_some())
}
