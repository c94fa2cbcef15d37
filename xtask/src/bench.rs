//! `cargo xtask bench`: what uploads cost, beside peers that are installed from their registries.
//!
//! Client and server share the machine, so that wall times say little and CPU seconds swing by about a tenth. The
//! clients run in turn, round after round, and what counts is the ratio between them within one call.

mod client;
mod column;
mod functions;
mod page;
mod plot;
mod results;
mod rounds;
mod scenario;
mod spread;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use self::{
    client::Clients,
    results::Results,
    rounds::Ground,
    scenario::{SCENARIOS, Scenario},
};
use crate::{
    outcome::Outcome,
    workspace::{Profile, Workspace},
};

struct Settings {
    rounds: usize,
    /// Empty: all.
    only: Vec<&'static Scenario>,
    /// Single functions; in place of the scenarios where none is named.
    criterion: bool,
    write: bool,
    from: Option<PathBuf>,
}

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<Outcome> {
    let settings = settings(arguments)?;
    let results = match &settings.from {
        Some(file) => Results::read(file)?.only(&settings.only),
        None => measure(workspace, &settings)?,
    };
    println!("\n{}", page::text(&results));
    if settings.write {
        page::write(workspace.root(), results)?;
    }
    Ok(Outcome::Passed)
}

fn measure(workspace: &Workspace, settings: &Settings) -> Result<Results> {
    let mut results = Results::new();
    if settings.criterion {
        results.functions = Some(functions::measure(workspace)?);
    }
    let scenarios: Vec<&'static Scenario> = match settings.only.as_slice() {
        [] if settings.criterion => Vec::new(),
        [] => SCENARIOS.iter().collect(),
        some => some.to_vec(),
    };
    if scenarios.is_empty() {
        return Ok(results);
    }
    let folder = workspace.scratch("bench")?;
    let program = workspace.build_program(Profile::Release)?;
    let clients = Clients::find(workspace, &program)?;
    for missing in &clients.missing {
        println!("skipped: {missing}");
    }
    let ground = Ground { program: &program, clients: &clients, folder: &folder };
    for scenario in scenarios {
        results.scenarios.insert(scenario.name.to_owned(), ground.measure(scenario, settings.rounds)?);
        // For `--from`, if what follows is broken off.
        std::fs::write(folder.join("results.json"), results.text()?)?;
    }
    Ok(results)
}

fn settings(arguments: &[String]) -> Result<Settings> {
    let mut settings = Settings { rounds: 3, only: Vec::new(), criterion: false, write: false, from: None };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value =
            || arguments.next().with_context(|| format!("something must stand behind {argument}"));
        match argument.as_str() {
            "--rounds" => {
                let rounds = value()?;
                settings.rounds = rounds.parse().with_context(|| format!("--rounds {rounds}"))?;
                if settings.rounds == 0 {
                    bail!("--rounds must be at least 1");
                }
            }
            "--only" => {
                let name = value()?;
                let scenario = Scenario::named(name);
                settings.only.push(scenario.with_context(|| {
                    let known: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
                    format!("no scenario is called `{name}`; there are {}", known.join(", "))
                })?);
            }
            "--criterion" => settings.criterion = true,
            "--write" => settings.write = true,
            "--from" => settings.from = Some(PathBuf::from(value()?)),
            other => bail!(
                "`{other}` is not known here; there are --rounds N, --only SCENARIO, --criterion, --write and --from FILE"
            ),
        }
    }
    if settings.from.is_some() && settings.criterion {
        bail!("--from measures nothing, and --criterion does");
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Settings> {
        settings(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn settings_are_read_and_nonsense_is_refused() {
        let read = parse("--rounds 5 --only far --only large --criterion --write").unwrap();
        assert_eq!((read.rounds, read.only.len(), read.criterion, read.write), (5, 2, true, true));
        for refused in [
            "--rounds",
            "--rounds 0",
            "--rounds many",
            "--only near",
            "--from",
            "--from results.json --criterion",
            "--turbo",
        ] {
            assert!(parse(refused).is_err(), "{refused}");
        }
    }
}
