//! The promises, held against what a whole history did.

use oss_resumable::{Failure, Outcome};

use crate::{
    script::Fate,
    simulate::{Report, simulate, simulate_aloud},
    world::Setting,
};

/// A broken rule, by name, and how it was broken.
pub(crate) type Broken = (&'static str, String);

/// Runs a history and looks at all of it.
pub(crate) fn judged(setting: &Setting, script: &[Fate]) -> (Report, Vec<Broken>) {
    look_at(script, simulate(setting, script))
}

/// As [`judged`], telling each action and what befell it on stdout.
#[cfg_attr(test, expect(dead_code, reason = "only the program tells"))]
pub(crate) fn judged_aloud(setting: &Setting, script: &[Fate]) -> (Report, Vec<Broken>) {
    look_at(script, simulate_aloud(setting, script))
}

fn look_at(script: &[Fate], mut report: Report) -> (Report, Vec<Broken>) {
    let mut broken = std::mem::take(&mut report.broken);
    broken.extend(the_object_is_the_source_or_there_is_none(&report));
    broken.extend(an_upload_ends(&report));
    broken.extend(nothing_is_left_to_pay_for(script, &report));
    (report, broken)
}

fn the_object_is_the_source_or_there_is_none(report: &Report) -> Option<Broken> {
    const RULE: &str = "the_object_is_the_source_or_there_is_none";
    if let Some(mixed) = report.world.server.objects.iter().find(|object| !report.world.is_a_source(object)) {
        return Some((RULE, format!("a mixed object: {mixed:?}")));
    }
    let Some(Outcome::Completed(finished)) = &report.outcome else { return None };
    let object = report.world.server.object.as_ref();
    let proved = object.is_some_and(|object| {
        object.crc64 == Some(finished.facts.crc64) && object.size == Some(finished.facts.size)
    });
    // A request of before, given up without an answer, may land behind the last one.
    let overtaken = report.landed_late;
    // Who may not look has only the word of the run that proved it.
    let unseen = finished.already && report.head_denied;
    (!proved && !overtaken && !unseen).then(|| (RULE, format!("{object:?} is not {finished:?}")))
}

/// With finitely many faults, running the same command again ends in the object.
fn an_upload_ends(report: &Report) -> Option<Broken> {
    let setting = &report.world.setting;
    let fair = match &report.outcome {
        Some(Outcome::Completed(_) | Outcome::Aborted) => true,
        Some(Outcome::Failed(failure)) => match failure {
            // What stands in the way stays there.
            Failure::Refused(_) => setting.forbid_overwrite || report.world.server.object.is_some(),
            Failure::ProofFailed { .. } => report.world.server.object.is_some(),
            Failure::SourceChanged { .. } => setting.on_change == 0,
            // Which of the uploads is meant is not for us to say.
            Failure::Ambiguous(_) => report.world.server.uploads.len() > 1,
            Failure::NotAdopted(_) => setting.adopt == 0,
            Failure::Plan(_) => true,
            _ => false,
        },
        Some(Outcome::Paused) | None => false,
    };
    (!fair).then(|| ("an_upload_ends", format!("{:?} after {} runs", report.outcome, report.runs)))
}

fn nothing_is_left_to_pay_for(script: &[Fate], report: &Report) -> Option<Broken> {
    if !matches!(report.outcome, Some(Outcome::Completed(_) | Outcome::Aborted)) {
        return None;
    }
    let ours = report.world.server.uploads.values().filter(|upload| !upload.foreign).count();
    let excused = report.excused + usize::from(report.listing_denied) * script.len();
    (ours > excused).then(|| ("nothing_is_left_to_pay_for", format!("{ours} left, {excused} excused")))
}
