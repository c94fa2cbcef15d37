//! `cargo xtask`: the tasks of this workspace.
//!
//! `cargo xtask ci` is the whole of what must hold before a change is done, in groups; every other verb is one of
//! those groups or something that is run by hand. `cargo xtask help` lists them. Nothing here depends on a crate of
//! the workspace, so that a broken crate never stops the task that shows it.

mod bench;
mod breakages;
mod ci;
mod clock;
mod command;
mod deny;
mod emulator;
mod faults;
mod fuzz;
mod inject;
mod instructions;
mod interop;
mod layers;
mod lint;
mod measure;
mod mutants;
mod net;
mod node;
mod outcome;
mod power;
mod python;
mod requests;
mod sim;
mod soak;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::{outcome::Outcome, workspace::Workspace};

/// A task that can be asked for by name.
struct Verb {
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    run: fn(&Workspace, &[String]) -> Result<Outcome>,
}

const VERBS: &[Verb] = &[
    Verb {
        name: "ci",
        usage: "[--only GROUP]...",
        about: "all that must hold: every group in order, one summary line each",
        run: ci::run,
    },
    Verb { name: "fmt", usage: "", about: "write the sources in the workspace's format", run: lint::format },
    Verb {
        name: "lint",
        usage: "",
        about: "clippy: the workspace, and each package alone by feature set",
        run: |workspace, arguments| no_arguments(arguments, || lint::run(workspace)),
    },
    Verb {
        name: "test",
        usage: "[ARGUMENT...]",
        about: "build the program and run all tests; arguments go to `cargo test`",
        run: test::run_with,
    },
    Verb {
        name: "layers",
        usage: "",
        about: "compare the dependency trees with the allowed arrows and budgets",
        run: |workspace, arguments| no_arguments(arguments, || layers::run(workspace)),
    },
    Verb {
        name: "docs",
        usage: "",
        about: "rustdoc for the workspace, warnings denied",
        run: |workspace, arguments| no_arguments(arguments, || test::docs(workspace)),
    },
    Verb {
        name: "deny",
        usage: "",
        about: "licences, bans and sources of all dependencies (installs cargo-deny once)",
        run: |workspace, arguments| no_arguments(arguments, || deny::run(workspace)),
    },
    Verb {
        name: "faults",
        usage: "[--all]",
        about: "rows of the fault catalogue without a test; --all: each row with its tests",
        run: faults::run,
    },
    Verb {
        name: "golden",
        usage: "[--bless]",
        about: "check the golden files, or write them anew",
        run: test::golden,
    },
    Verb {
        name: "interop",
        usage: "",
        about: "the official Python SDKs against the emulator and the program (installs them into target/interop)",
        run: |workspace, arguments| no_arguments(arguments, || interop::run(workspace)),
    },
    Verb {
        name: "bench",
        usage: "[--rounds N] [--only SCENARIO]... [--criterion] [--write] [--from FILE]",
        about: "what uploads cost, beside other clients; --write: into docs/benchmarks, from FILE where one is given",
        run: bench::run,
    },
    Verb {
        name: "breakages",
        usage: "[WORD]",
        about: "break each promise in a copy of the sources, and see that a test fails",
        run: breakages::run,
    },
    Verb {
        name: "clock",
        usage: "[TEST]",
        about: "the program under clocks that are wrong or jump (needs libfaketime)",
        run: clock::run,
    },
    Verb {
        name: "fuzz",
        usage: "[TARGET]... [--seconds N]",
        about: "the decoders and the machine under libFuzzer, or under our own mutator where that is not there",
        run: fuzz::run,
    },
    Verb {
        name: "inject",
        usage: "[TEST]",
        about: "the program under strace: killed behind every call, every call failing once (needs strace)",
        run: inject::run,
    },
    Verb {
        name: "instructions",
        usage: "[--bless]",
        about: "what fixed pieces of work cost in instructions, against what is written down (needs valgrind)",
        run: instructions::run,
    },
    Verb {
        name: "net",
        usage: "[TEST]",
        about: "the program in a network of its own that changes under it (needs namespaces)",
        run: net::run,
    },
    Verb {
        name: "power",
        usage: "[--rounds N]",
        about: "cut the power of an ext4 with journals on it while the program uploads (needs root)",
        run: power::run,
    },
    Verb {
        name: "sim",
        usage: "[--seed S | --from S --count N] [--coverage]",
        about: "schedules of the machine in virtual time; one seed is replayed aloud",
        run: sim::run,
    },
    Verb {
        name: "soak",
        usage: "[PART]...",
        about: "what takes hours rather than minutes, part by part",
        run: soak::run,
    },
    Verb {
        name: "help",
        usage: "",
        about: "this list",
        run: |_, _| {
            println!("{}", help());
            Ok(Outcome::Passed)
        },
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(Outcome::Passed | Outcome::Skipped(_)) => ExitCode::SUCCESS,
        Ok(Outcome::Failed(why)) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<Outcome> {
    let (name, rest) = match arguments.split_first() {
        None => ("help", &[][..]),
        Some((first, rest)) if first == "-h" || first == "--help" => ("help", rest),
        Some((first, rest)) => (first.as_str(), rest),
    };
    let Some(verb) = VERBS.iter().find(|verb| verb.name == name) else {
        eprintln!("{}", help());
        bail!("no task is called `{name}`");
    };
    if rest.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("cargo xtask {} {}\n    {}", verb.name, verb.usage, verb.about);
        return Ok(Outcome::Passed);
    }
    let outcome = (verb.run)(&Workspace::open()?, rest)?;
    if let Outcome::Skipped(why) = &outcome {
        println!("skipped: {name}: {why}");
    }
    Ok(outcome)
}

fn help() -> String {
    let mut lines = vec!["cargo xtask VERB".to_owned(), String::new()];
    lines.extend(VERBS.iter().map(|verb| format!("  {:<8} {:<43} {}", verb.name, verb.usage, verb.about)));
    lines.push(String::new());
    lines.push(format!("Groups of `ci`, in order: {}", ci::group_names().join(", ")));
    lines.join("\n")
}

fn no_arguments(arguments: &[String], task: impl FnOnce() -> Result<Outcome>) -> Result<Outcome> {
    if let Some(first) = arguments.first() {
        bail!("no argument is expected here, but `{first}` came");
    }
    task()
}
