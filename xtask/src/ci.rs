//! `cargo xtask ci`: the groups of checks, in order, with a summary that can be read by a machine.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{
    clock, deny, faults, inject, instructions, interop, layers, lint, net, outcome::Outcome, power, test,
    workspace::Workspace,
};

/// A set of checks that passes, fails or is skipped as a whole.
struct Group {
    name: &'static str,
    run: fn(&Workspace) -> Result<Outcome>,
}

/// Cheap and telling first.
const GROUPS: &[Group] = &[
    Group { name: "fmt", run: lint::check_format },
    Group { name: "lint", run: lint::run },
    Group { name: "test", run: test::run },
    Group { name: "power", run: |workspace| power::run(workspace, &[]) },
    Group { name: "inject", run: |workspace| inject::run(workspace, &[]) },
    Group { name: "net", run: |workspace| net::run(workspace, &[]) },
    Group { name: "clock", run: |workspace| clock::run(workspace, &[]) },
    Group { name: "faults", run: |workspace| faults::run(workspace, &[]) },
    Group { name: "layers", run: layers::run },
    Group { name: "docs", run: test::docs },
    Group { name: "deny", run: deny::run },
    Group { name: "advisories", run: deny::advisories },
    Group { name: "interop", run: interop::run },
    Group { name: "instructions", run: |workspace| instructions::run(workspace, &[]) },
];

/// What became of one group.
struct Report {
    name: &'static str,
    outcome: Outcome,
    took: Duration,
}

pub(crate) fn group_names() -> Vec<&'static str> {
    GROUPS.iter().map(|group| group.name).collect()
}

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<Outcome> {
    let chosen = chosen(arguments)?;
    let mut reports = Vec::new();
    for group in GROUPS.iter().filter(|group| chosen.is_empty() || chosen.contains(&group.name)) {
        println!("=== {}", group.name);
        let started = Instant::now();
        let outcome = (group.run)(workspace).unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        let report = Report { name: group.name, outcome, took: started.elapsed() };
        println!("=== {}: {} in {:.1} s", report.name, report.outcome.word(), report.took.as_secs_f64());
        reports.push(report);
    }
    println!();
    println!("{}", summary(&reports));
    if reports.iter().any(|report| matches!(report.outcome, Outcome::Failed(_))) {
        // The summary has said it, and its last line stays the last.
        std::process::exit(1);
    }
    Ok(Outcome::Passed)
}

/// The names behind each `--only`.
fn chosen(arguments: &[String]) -> Result<Vec<&'static str>> {
    let mut chosen = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let name = match argument.strip_prefix("--only") {
            Some("") => arguments.next().map_or("", String::as_str),
            Some(rest) => rest.trim_start_matches('='),
            None => bail!("`{argument}` is not known here; there is --only GROUP"),
        };
        match GROUPS.iter().find(|group| group.name == name) {
            Some(group) => chosen.push(group.name),
            None => bail!("no group is called `{name}`; there are {}", group_names().join(", ")),
        }
    }
    Ok(chosen)
}

/// One line a group, and last `N passed, N failed, N skipped`.
fn summary(reports: &[Report]) -> String {
    let mut lines = Vec::new();
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for Report { name, outcome, took } in reports {
        let seconds = took.as_secs_f64();
        lines.push(match outcome {
            Outcome::Passed => {
                passed += 1;
                format!("passed: {name} ({seconds:.1} s)")
            }
            Outcome::Failed(why) => {
                failed += 1;
                let first = why.lines().next().unwrap_or_default();
                format!("failed: {name}: {first} ({seconds:.1} s)")
            }
            Outcome::Skipped(why) => {
                skipped += 1;
                format!("skipped: {name}: {why}")
            }
        });
    }
    lines.push(format!("{passed} passed, {failed} failed, {skipped} skipped"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(name: &'static str, outcome: Outcome) -> Report {
        Report { name, outcome, took: Duration::from_millis(1500) }
    }

    #[test]
    fn the_summary_ends_with_the_counts() {
        let reports = [
            report("fmt", Outcome::Passed),
            report("lint", Outcome::Failed("clippy said no\nand more".into())),
            report("interop", Outcome::Skipped("there is no python3".into())),
        ];
        let expected = "passed: fmt (1.5 s)\nfailed: lint: clippy said no (1.5 s)\n\
                        skipped: interop: there is no python3\n1 passed, 1 failed, 1 skipped";
        assert_eq!(summary(&reports), expected);
    }

    #[test]
    fn only_known_groups_can_be_chosen() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(chosen(&words(&["--only", "docs", "--only=fmt"])).unwrap(), ["docs", "fmt"]);
        assert_eq!(chosen(&[]).unwrap(), [""; 0]);
        for refused in [&["--only", "nonsense"][..], &["--only"], &["fmt"]] {
            assert!(chosen(&words(refused)).is_err(), "{refused:?}");
        }
    }
}
