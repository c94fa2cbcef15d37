//! The machine against a model: a world in a struct, fates by script, crashes included. Each rule is a property of its
//! own, so that what fails has a name.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod regressions;
mod script;
mod simulate;
mod world;

use oss_resumable::{Failure, Outcome};
use proptest::prelude::*;
use script::{Fate, script};
use simulate::{Report, simulate};
use world::{Setting, setting};

/// Scripts a property.
const CASES: u32 = 20_000;

#[expect(clippy::disallowed_methods, reason = "the number of scripts is a setting of the test")]
fn config() -> ProptestConfig {
    let cases = std::env::var("OSS_MODEL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Every rule that the simulation checks on its way.
fn keeps_the_rules(setting: &Setting, script: &[Fate]) -> Result<Report, TestCaseError> {
    let report = simulate(setting, script);
    prop_assert!(report.broken.is_empty(), "{:#?}", report.broken);
    Ok(report)
}

proptest! {
    #![proptest_config(config())]

    /// Coverage, durable before irreversible, tickets, no stall and no spin, bounded steps, nothing sent twice: all are
    /// checked at each step of the simulation, and named when broken.
    #[test]
    fn no_script_breaks_a_rule(setting in setting(), script in script()) {
        keeps_the_rules(&setting, &script)?;
    }

    #[test]
    fn the_object_is_the_source_or_there_is_none(setting in setting(), script in script()) {
        let report = simulate(&setting, &script);
        for object in &report.world.server.objects {
            prop_assert!(report.world.is_a_source(object), "a mixed object: {object:?}");
        }
        if let Some(Outcome::Completed(finished)) = &report.outcome {
            let object = report.world.server.object.as_ref();
            let proved = object.is_some_and(|object| {
                object.crc64 == Some(finished.facts.crc64) && object.size == Some(finished.facts.size)
            });
            // A request of before, given up without an answer, may land behind the last one.
            let overtaken = script.contains(&Fate::LostLate);
            // Who may not look has only the word of the run that proved it.
            let unseen = finished.already && report.head_denied;
            prop_assert!(proved || overtaken || unseen, "{object:?} is not {finished:?}");
        }
    }

    /// With finitely many faults, running the same command again ends in the object.
    #[test]
    fn an_upload_ends(setting in setting(), script in script()) {
        let report = simulate(&setting, &script);
        match &report.outcome {
            Some(Outcome::Completed(_) | Outcome::Aborted) => {}
            Some(Outcome::Failed(failure)) => {
                let fair = match failure {
                    // What stands in the way stays there.
                    Failure::Refused(_) => setting.forbid_overwrite || report.world.server.object.is_some(),
                    Failure::ProofFailed { .. } => report.world.server.object.is_some(),
                    Failure::SourceChanged { .. } => setting.on_change == 0,
                    Failure::Plan(_) => true,
                    _ => false,
                };
                prop_assert!(fair, "{failure:?} after {} runs", report.runs);
            }
            other => prop_assert!(false, "{other:?} after {} runs", report.runs),
        }
    }

    #[test]
    fn nothing_is_left_to_pay_for(setting in setting(), script in script()) {
        let report = simulate(&setting, &script);
        if matches!(report.outcome, Some(Outcome::Completed(_) | Outcome::Aborted)) {
            let ours = report.world.server.uploads.values().filter(|upload| !upload.foreign).count();
            let excused = report.lost_initiates + usize::from(report.listing_denied) * script.len();
            prop_assert!(ours <= excused, "{ours} left, {excused} excused");
        }
    }

    #[test]
    fn the_same_script_gives_the_same_actions(setting in setting(), script in script()) {
        prop_assert_eq!(simulate(&setting, &script).trace, simulate(&setting, &script).trace);
    }
}
