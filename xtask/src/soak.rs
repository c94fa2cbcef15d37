//! `cargo xtask soak`: what takes too long for every change, part by part. Its figures go into `docs/reliability.md`.

use std::time::Instant;

use anyhow::{Result, bail};

use crate::{
    breakages, command, fuzz, inject, mutants,
    outcome::Outcome,
    power, sim,
    workspace::{Profile, Workspace},
};

/// A long run of one kind.
struct Part {
    name: &'static str,
    about: &'static str,
    run: fn(&Workspace) -> Result<Outcome>,
}

const PARTS: &[Part] = &[
    Part { name: "sim", about: "ten million schedules of the machine in virtual time", run: simulate },
    Part { name: "fuzz", about: "every decoder and the machine, 15 minutes each", run: fuzz::soak },
    Part { name: "disk", about: "a hundred million damaged images of journals", run: damage },
    Part {
        name: "power",
        about: "five hundred uploads whose power is cut",
        run: |workspace| power::cut(workspace, 500),
    },
    Part { name: "kill", about: "two thousand kills at random instants", run: kill },
    Part {
        name: "inject",
        about: "every system call failing with every error, at every n",
        run: inject::soak,
    },
    Part {
        name: "breakages",
        about: "whether a test fails for each promise that is broken on purpose",
        run: |workspace| breakages::run(workspace, &[]),
    },
    Part { name: "chaos", about: "ten thousand uploads over a network that does everything", run: chaos },
    Part {
        name: "mutants",
        about: "whether a test fails for each small change of journal and machine",
        run: mutants::soak,
    },
];

/// Runs the parts that are named, or all; one that fails does not stop the others.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<Outcome> {
    for name in arguments {
        if !PARTS.iter().any(|part| part.name == name) {
            let known: Vec<String> =
                PARTS.iter().map(|part| format!("  {:<8} {}", part.name, part.about)).collect();
            bail!("no part of the soak is called `{name}`; there are\n{}", known.join("\n"));
        }
    }
    let mut failed = Vec::new();
    for part in PARTS {
        if !arguments.is_empty() && !arguments.iter().any(|name| name == part.name) {
            continue;
        }
        println!("=== {}: {}", part.name, part.about);
        let started = Instant::now();
        let outcome = (part.run)(workspace).unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        println!("=== {}: {} in {:.1} s", part.name, outcome.word(), started.elapsed().as_secs_f64());
        match outcome {
            Outcome::Passed => {}
            Outcome::Skipped(why) => println!("skipped: {}: {why}", part.name),
            Outcome::Failed(why) => failed.push(format!("{}: {why}", part.name)),
        }
    }
    Ok(if failed.is_empty() { Outcome::Passed } else { Outcome::Failed(failed.join("\n")) })
}

/// Behind the seeds that every run of the tests has.
fn simulate(workspace: &Workspace) -> Result<Outcome> {
    let arguments = ["--from", "100000", "--count", "10000000", "--coverage"];
    sim::run(workspace, &arguments.map(str::to_owned))
}

fn damage(workspace: &Workspace) -> Result<Outcome> {
    let mut test = workspace.cargo(&["test", "--package", "oss-checkpoint", "--all-features", "--lib"]);
    // Two and a half million images at first, and with longer journals more.
    let images = ["--", "damage::every_image", "store::power_cut", "--nocapture"];
    command::run(test.args(images).env("OSS_JOURNAL_TIMES", "30"))?;
    Ok(Outcome::Passed)
}

fn kill(workspace: &Workspace) -> Result<Outcome> {
    let program = workspace.build_program(Profile::Dev)?;
    let mut test = workspace.cargo(&["test", "--package", "oss-tests", "--test", "it", "kill::random"]);
    test.args(["--", "--nocapture", "--test-threads", "4"]);
    command::run(test.env("OSS_BIN", program).env("OSS_KILL_ROUNDS", "2000"))?;
    Ok(Outcome::Passed)
}

fn chaos(workspace: &Workspace) -> Result<Outcome> {
    let program = workspace.build_program(Profile::Dev)?;
    let mut test = workspace.cargo(&["test", "--package", "oss-tests", "--test", "it", "chaos::"]);
    test.args(["--", "--nocapture", "--test-threads", "4"]);
    command::run(test.env("OSS_BIN", program).env("OSS_CHAOS_RUNS", "10000"))?;
    Ok(Outcome::Passed)
}
