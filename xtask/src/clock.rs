//! `cargo xtask clock`: the program under clocks that are wrong or jump, by libfaketime.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::{
    command,
    outcome::Outcome,
    tools,
    workspace::{Profile, Workspace},
};

/// Where libraries lie; each architecture has a folder of its own below.
const LIBRARIES: [&str; 3] = ["/usr/lib", "/usr/lib64", "/usr/local/lib"];
/// The one for programs with threads.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// Where libfaketime is missing and cannot be installed, it is skipped; arguments go to `cargo test`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<Outcome> {
    let missing = || Outcome::Skipped("there is no libfaketime, and it cannot be installed".into());
    if !cfg!(target_os = "linux") || !tools::have("faketime", "faketime", &["-v"])? {
        return Ok(missing());
    }
    let Some(library) = library()? else { return Ok(missing()) };
    let program = workspace.build_program(Profile::Dev)?;
    let mut test = workspace.cargo(&["test", "--package", "oss-tests", "--test", "clock"]);
    command::run(test.args(arguments).env("OSS_BIN", program).env("OSS_FAKETIME", library))?;
    Ok(Outcome::Passed)
}

fn library() -> Result<Option<PathBuf>> {
    for folder in LIBRARIES.map(Path::new).into_iter().filter(|folder| folder.is_dir()) {
        let here = folder.join(LIBRARY);
        if here.is_file() {
            return Ok(Some(here));
        }
        for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let below = entry?.path().join(LIBRARY);
            if below.is_file() {
                return Ok(Some(below));
            }
        }
    }
    Ok(None)
}
