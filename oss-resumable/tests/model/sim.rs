//! `cargo xtask sim`: schedules of the machine by their seeds, as many as asked for, or one with all that befell it.

#![expect(clippy::unwrap_used, reason = "this is the model of the tests, which panics when it is wrong")]

mod campaign;
mod coverage;
mod judge;
mod script;
mod simulate;
mod world;

use std::process::ExitCode;

use campaign::{Campaign, histories, history_of};

const USAGE: &str = "sim [--seed SEED | --from SEED --count N] [--coverage]";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}\nusage: {USAGE}");
            ExitCode::from(2)
        }
    }
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<bool, String> {
    let (mut seed, mut from, mut count, mut coverage) = (None, 0, 100_000, false);
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let value = arguments.next().ok_or_else(|| format!("{argument} needs a number"))?;
            number_of(&value).ok_or_else(|| format!("{argument}: `{value}` is no number"))
        };
        match argument.as_str() {
            "--seed" => seed = Some(number()?),
            "--from" => from = number()?,
            "--count" => count = number()?,
            "--coverage" => coverage = true,
            _ => return Err(format!("`{argument}` is not known here")),
        }
    }
    if let Some(seed) = seed {
        return Ok(replay(seed));
    }
    let end = from.checked_add(count).ok_or("there are not so many seeds")?;
    let campaign = campaign::run(from..end);
    Ok(report(&campaign, coverage))
}

/// Decimal, or hexadecimal behind 0x; underscores are taken out.
fn number_of(text: &str) -> Option<u64> {
    let text = text.replace('_', "");
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// One schedule, with its setting, its script, each action, and how it ended.
fn replay(seed: u64) -> bool {
    let (setting, script) = history_of(&histories(), seed);
    println!("{setting:#?}\n{script:?}\n");
    let (report, broken) = judge::judged_aloud(&setting, &script);
    println!("\n{:?} after {} runs, trace {:#018x}", report.outcome, report.runs, report.trace);
    if broken.is_empty() {
        return true;
    }
    let failure =
        campaign::shrunk(&histories(), seed, broken, &|setting, script| judge::judged(setting, script).1);
    println!("\nshrunk:\n{failure}");
    false
}

fn report(campaign: &Campaign, coverage: bool) -> bool {
    if let Some(failure) = &campaign.failure {
        println!("{failure}");
    }
    let missing = campaign.coverage.missing();
    if coverage || (!missing.is_empty() && campaign.schedules >= 100_000) {
        println!("{}", campaign.coverage.table());
    }
    println!(
        "{} schedules with {} fates in {} runs, {} of {} branches reached, traces {:#018x}",
        campaign.schedules,
        campaign.fates,
        campaign.runs,
        coverage::Coverage::branches() - missing.len(),
        coverage::Coverage::branches(),
        campaign.trace,
    );
    campaign.failure.is_none() && (missing.is_empty() || campaign.schedules < 100_000)
}
