//! Mutants: whether some test fails for each small change of the code, by cargo-mutants.
//!
//! What is not worth a mutant stands in `.cargo/mutants.toml`, with the reason.

use anyhow::Result;

use crate::{command, outcome::Outcome, workspace::Workspace};

/// The crates in which a wrong line loses work: the journal and the machine.
const PACKAGES: &[&str] = &["oss-checkpoint", "oss-resumable"];
/// Longest run of the tests of one mutant, in seconds: several times what the tests of either take.
const TIMEOUT: &str = "120";
/// Schedules of the machine for each mutant: with so many every branch is reached.
const SCHEDULES: &str = "20000";
/// Mutants under way at a time; the tests of each use all cores.
const JOBS: &str = "1";

/// The part of the soak. Installs cargo-mutants if the machine has none; without it the part is skipped.
pub(crate) fn soak(workspace: &Workspace) -> Result<Outcome> {
    if !command::answers(&mut workspace.cargo(&["mutants", "--version"]))? {
        println!("cargo-mutants is not installed; installing it takes some minutes, once");
        let mut install = workspace.cargo(&["install", "--locked", "--quiet", "cargo-mutants"]);
        if let Err(error) = command::run(&mut install) {
            return Ok(Outcome::Skipped(format!("cargo-mutants is not installed and could not be: {error}")));
        }
    }
    let mut survived = Vec::new();
    for package in PACKAGES {
        let output = workspace.scratch("mutants")?.join(package);
        std::fs::create_dir_all(&output)?;
        let mut mutants = workspace.cargo(&["mutants", "--package", package, "--all-features"]);
        mutants.args(["--jobs", JOBS, "--timeout", TIMEOUT, "--output"]).arg(&output);
        mutants.env("OSS_SIM_SCHEDULES", SCHEDULES);
        // A loop that never ends is a mutant too, and is caught by the time that it takes.
        if let Err(error) = command::run(&mut mutants) {
            println!("{error:#}");
            let missed = std::fs::read_to_string(output.join("mutants.out/missed.txt")).unwrap_or_default();
            survived.push(format!("{package}: {} missed", missed.lines().count()));
        }
    }
    Ok(if survived.is_empty() { Outcome::Passed } else { Outcome::Failed(survived.join("; ")) })
}
