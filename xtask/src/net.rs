//! `cargo xtask net`: the program in a network of its own, which changes under it.

use std::process::Command;

use anyhow::Result;

use crate::{
    command,
    outcome::Outcome,
    workspace::{Profile, Workspace},
};

/// Where no network of its own can be made, it is skipped; arguments go to `cargo test`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<Outcome> {
    if !cfg!(target_os = "linux") {
        return Ok(Outcome::Skipped("networks of their own are made on Linux".into()));
    }
    let mut apart = apart();
    if !command::answers(apart.args([
        "sh",
        "-c",
        "ip link set lo up && mount --bind /dev/null /etc/resolv.conf",
    ]))? {
        return Ok(Outcome::Skipped(
            "unshare and ip (util-linux, iproute2) cannot make a network of its own here".into(),
        ));
    }
    let program = workspace.build_program(Profile::Dev)?;
    let test = ["test", "--package", "oss-tests", "--test", "net"];
    command::run(workspace.cargo(&test).arg("--no-run"))?;
    let cargo = workspace.cargo(&test);
    let mut apart = self::apart();
    apart.arg(cargo.get_program()).args(cargo.get_args()).arg("--offline").args(arguments);
    // They change one network.
    apart.args(["--", "--test-threads", "1"]).current_dir(workspace.root()).env("OSS_BIN", program);
    command::run(&mut apart)?;
    Ok(Outcome::Passed)
}

/// What runs a command as root of a network and of mounts that nobody else sees.
fn apart() -> Command {
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--net", "--mount"]);
    unshare
}
