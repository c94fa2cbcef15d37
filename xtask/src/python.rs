//! A Python environment below the target folder, with pinned packages.

use std::process::Command;

use anyhow::Result;

use crate::{command, tools::Environment, workspace::Workspace};

/// The official SDKs. The versions are part of what the checks say.
pub(crate) const SDKS: [&str; 2] = ["oss2==2.19.1", "alibabacloud-oss-v2==1.4.1"];

/// The environment `target/interop/venv` with [`SDKS`] in it, as its interpreter; made and filled the first time.
pub(crate) fn environment(workspace: &Workspace) -> Result<Environment> {
    if !command::answers(Command::new("python3").args(["-c", "import venv, ensurepip"]))? {
        return Ok(Environment::Missing("there is no python3 with venv and pip".into()));
    }
    let folder = workspace.scratch("interop")?.join("venv");
    let python = folder.join("bin").join("python");
    let filled = folder.join("installed.txt");
    let wanted = SDKS.join("\n");
    if std::fs::read_to_string(&filled).is_ok_and(|installed| installed == wanted) {
        return Ok(Environment::Ready(python));
    }
    command::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(SDKS);
    if let Err(error) = command::run(&mut pip) {
        return Ok(Environment::Missing(format!("the SDKs cannot be installed: {error}")));
    }
    std::fs::write(filled, wanted)?;
    Ok(Environment::Ready(python))
}
