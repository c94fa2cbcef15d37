//! The machine against a model: a world in a struct, fates by script, crashes included. Each rule has a name, and so has
//! what breaks it; a seed tells all that happens.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod campaign;
mod coverage;
mod judge;
mod regressions;
mod script;
mod simulate;
mod world;

use campaign::{histories, history_of, shrunk};
use coverage::Coverage;
use script::Fate;
use simulate::simulate;

/// Schedules a run of the tests.
const SCHEDULES: u64 = 100_000;

// Rows: 41, 42, 46, 47, 48, 49, 50, 51, 61, 62, 73, 81, 83, 86, 101, 108, 139, 140
#[test]
#[expect(clippy::disallowed_methods, reason = "how thorough a test is, is asked of whoever runs it")]
fn no_schedule_breaks_a_rule_and_every_branch_is_reached() {
    // Whoever breaks the code on purpose, again and again, has fewer; all branches are reached with a fifth of them.
    let asked = std::env::var("OSS_SIM_SCHEDULES").ok().and_then(|count| count.parse().ok());
    let schedules = asked.unwrap_or(SCHEDULES);
    let campaign = campaign::run(0..schedules);
    if let Some(failure) = campaign.failure {
        panic!("{failure}");
    }
    assert_eq!(campaign.schedules, schedules);
    assert_eq!(campaign.coverage.missing(), [], "\n{}", campaign.coverage.table());
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let histories = histories();
    for seed in 0..1_000 {
        let (setting, script) = history_of(&histories, seed);
        let first = simulate(&setting, &script);
        let (setting, script) = history_of(&self::histories(), seed);
        let second = simulate(&setting, &script);
        assert_eq!(first.trace, second.trace, "seed {seed:#x}");
    }
}

/// The search itself: a rule that is broken by two fates in a script of sixty is shrunk to those two.
#[test]
fn a_broken_rule_is_shrunk_and_told_with_the_line_that_replays_it() {
    let judge = |_: &_, script: &[Fate]| {
        let both = script.contains(&Fate::Vanish) && script.contains(&Fate::Touch);
        if both { vec![("a rule", "broken".to_owned())] } else { vec![] }
    };
    let histories = histories();
    let (seed, broken) = (0..10_000)
        .map(|seed| {
            let (setting, script) = history_of(&histories, seed);
            (seed, judge(&setting, &script))
        })
        .find(|(_, broken)| !broken.is_empty())
        .unwrap();
    let found = shrunk(&histories, seed, broken, &judge);
    assert_eq!(found.script().len(), 2, "{found}");
    assert!(found.to_string().ends_with(&format!("replay: cargo xtask sim --seed {seed:#x}")), "{found}");
}

#[test]
fn what_no_schedule_reached_is_missed() {
    assert_eq!(Coverage::default().missing().len(), Coverage::branches());
}
