//! What was measured, as it is kept: `docs/benchmarks/results.json`.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::{column::Figure, scenario::Scenario, spread::Spread};
use crate::command;

const VERSION: u32 = 1;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Results {
    v: u32,
    pub(super) scenarios: BTreeMap<String, Measured>,
    /// Single functions, by the clock.
    pub(super) functions: Option<Functions>,
}

/// One scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Measured {
    pub(super) at: At,
    pub(super) rounds: usize,
    /// In the order of the table.
    pub(super) rows: Vec<Row>,
    /// Name and version of each client that took part.
    pub(super) versions: Vec<String>,
    /// Clients that did not, with the reason.
    pub(super) left_out: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) client: String,
    pub(super) variant: String,
    /// Those that ended well.
    pub(super) runs: Vec<Run>,
    /// How many did not.
    pub(super) gave_up: usize,
}

pub(super) type Run = BTreeMap<Figure, f64>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Functions {
    pub(super) at: At,
    pub(super) functions: Vec<Function>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Function {
    pub(super) group: String,
    pub(super) name: String,
    /// Median time of one of what it is called after.
    pub(super) nanoseconds: f64,
}

/// Where and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct At {
    /// Year, month and day, UTC.
    pub(super) day: String,
    pub(super) commit: String,
    pub(super) cpu: String,
    pub(super) cores: usize,
    pub(super) kernel: String,
}

impl Results {
    pub(super) fn new() -> Self {
        Self { v: VERSION, ..Self::default() }
    }

    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let results: Self = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        ensure!(results.v == VERSION, "{} is of version {}, not {VERSION}", path.display(), results.v);
        Ok(results)
    }

    /// As it stands in a file.
    pub(super) fn text(&self) -> Result<String> {
        Ok(format!("{}\n", serde_json::to_string_pretty(self)?))
    }

    /// Only these scenarios; all, if none is named.
    pub(super) fn only(mut self, scenarios: &[&'static Scenario]) -> Self {
        if !scenarios.is_empty() {
            self.scenarios.retain(|name, _| scenarios.iter().any(|scenario| scenario.name == name));
            self.functions = None;
        }
        self
    }

    /// What is newer takes the place of what is here.
    pub(super) fn renew(&mut self, newer: Self) {
        self.scenarios.extend(newer.scenarios);
        if newer.functions.is_some() {
            self.functions = newer.functions;
        }
    }
}

impl Row {
    pub(super) fn name(&self) -> String {
        if self.variant.is_empty() {
            self.client.clone()
        } else {
            format!("{}, {}", self.client, self.variant)
        }
    }

    pub(super) fn spread(&self, figure: Figure) -> Option<Spread> {
        Spread::of(self.runs.iter().filter_map(|run| run.get(&figure).copied()))
    }
}

impl At {
    /// Here and now.
    pub(super) fn now() -> Result<Self> {
        let said = |program: &str, arguments: &[&str]| -> Result<String> {
            Ok(command::output(Command::new(program).args(arguments))?.trim().to_owned())
        };
        Ok(Self {
            day: said("date", &["-u", "+%Y-%m-%d"])?,
            commit: said("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_default(),
            cpu: cpu(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default()),
            cores: std::thread::available_parallelism()?.get(),
            kernel: said("uname", &["-sr"])?,
        })
    }
}

/// The model in `/proc/cpuinfo`.
fn cpu(info: &str) -> String {
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or("an unknown CPU", |(_, model)| model).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_of_the_cpu_is_found() {
        assert_eq!(cpu("processor\t: 0\nmodel name\t: AMD EPYC\nmodel name\t: AMD EPYC\n"), "AMD EPYC");
        assert_eq!(cpu(""), "an unknown CPU");
    }
}
