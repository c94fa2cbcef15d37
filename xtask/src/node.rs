//! A folder of Node packages below the target folder, with pinned versions.

use std::process::Command;

use anyhow::Result;

use crate::{command, tools::Environment, workspace::Workspace};

/// The official SDK. The version is part of what the benchmarks say.
pub(crate) const SDK: &str = "ali-oss@6.23.0";

/// The folder `target/node/node_modules` with [`SDK`] in it; made and filled the first time.
pub(crate) fn environment(workspace: &Workspace) -> Result<Environment> {
    for program in ["node", "npm"] {
        if !command::answers(Command::new(program).arg("--version"))? {
            return Ok(Environment::Missing(format!("there is no {program}")));
        }
    }
    let folder = workspace.scratch("node")?;
    let packages = folder.join("node_modules");
    let filled = folder.join("installed.txt");
    if std::fs::read_to_string(&filled).is_ok_and(|installed| installed == SDK) {
        return Ok(Environment::Ready(packages));
    }
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-fund", "--no-audit", "--prefix"]).arg(&folder).arg(SDK);
    if let Err(error) = command::run(&mut npm) {
        return Ok(Environment::Missing(format!("{SDK} cannot be installed: {error}")));
    }
    std::fs::write(filled, SDK)?;
    Ok(Environment::Ready(packages))
}
