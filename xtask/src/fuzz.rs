//! `cargo xtask fuzz`: the targets of `tests/fuzz` under libFuzzer where that is there, else under our own mutator.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{command, outcome::Outcome, workspace::Workspace};

/// How long each target runs unless told, in seconds.
const SECONDS: u64 = 60;
/// The soak's time for each target, in seconds.
const SOAK_SECONDS: u64 = 900;

/// `[TARGET]... [--seconds N]`: each target, or those that are named, for so long each.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<Outcome> {
    let known = targets(workspace)?;
    let mut seconds = SECONDS;
    let mut chosen = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--seconds" {
            let number = arguments.next().context("--seconds needs a number")?;
            seconds = number.parse().with_context(|| format!("`{number}` is no number of seconds"))?;
        } else if known.contains(argument) {
            chosen.push(argument.clone());
        } else {
            bail!("no target is called `{argument}`; there are {}", known.join(", "));
        }
    }
    fuzz(workspace, if chosen.is_empty() { &known } else { &chosen }, seconds)
}

/// The part of the soak.
pub(crate) fn soak(workspace: &Workspace) -> Result<Outcome> {
    fuzz(workspace, &targets(workspace)?, SOAK_SECONDS)
}

/// Each has a folder of inputs of its name.
fn targets(workspace: &Workspace) -> Result<Vec<String>> {
    let corpus = workspace.root().join("tests/fuzz/corpus");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&corpus).with_context(|| format!("cannot read {}", corpus.display()))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn fuzz(workspace: &Workspace, targets: &[String], seconds: u64) -> Result<Outcome> {
    let with_libfuzzer = command::answers(Command::new("cargo").args(["+nightly", "fuzz", "--version"]))?;
    if !with_libfuzzer {
        println!("there is no nightly toolchain with cargo-fuzz; the mutator of tests/fuzz runs instead");
    }
    let mut failed = Vec::new();
    for target in targets {
        let mut one = if with_libfuzzer {
            libfuzzer(workspace, target, seconds)?
        } else {
            mutator(workspace, target, seconds)
        };
        if command::run(&mut one).is_err() {
            failed.push(target.as_str());
        }
    }
    Ok(match failed.as_slice() {
        [] => Outcome::Passed,
        failed => Outcome::Failed(format!("findings in {}", failed.join(", "))),
    })
}

/// What it finds on the way is kept below the target folder, beside the corpus, which it only reads.
fn libfuzzer(workspace: &Workspace, target: &str, seconds: u64) -> Result<Command> {
    let grown = workspace.scratch(&format!("fuzz/{target}"))?;
    let mut cargo = Command::new("cargo");
    cargo
        .args([
            "+nightly",
            "fuzz",
            "run",
            "--sanitizer",
            "none",
            "--fuzz-dir",
            "tests/fuzz/libfuzzer",
            "targets",
        ])
        .arg(grown)
        .arg(format!("tests/fuzz/corpus/{target}"))
        .args(["--", "-max_len=65536", "-timeout=30", "-rss_limit_mb=2048", "-print_final_stats=1"])
        .arg(format!("-max_total_time={seconds}"))
        .env("OSS_FUZZ_TARGET", target)
        // Of the toolchain that runs this task.
        .env_remove("RUSTUP_TOOLCHAIN")
        .current_dir(workspace.root());
    Ok(cargo)
}

fn mutator(workspace: &Workspace, target: &str, seconds: u64) -> Command {
    let mut test =
        workspace.cargo(&["test", "--package", "oss-fuzz", "--test", "replay", "--", "--nocapture"]);
    test.env("OSS_FUZZ_TARGET", target).env("OSS_FUZZ_SECONDS", seconds.to_string());
    test
}
