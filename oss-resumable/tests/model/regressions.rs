//! Failures that a property found, shrunk and by name.

use oss_resumable::{Failure, Outcome};

use crate::{
    judge::judged,
    script::Fate::{
        self, Abort, Corrupted, Crash, Done, Local, LosePart, LostAfter, LostBefore, Refused, Resize,
        Rewrite, Touch, Vanish,
    },
    simulate::Report,
    world::Setting,
};

const KILLED: Fate = Crash { done: false, power: false };
const KILLED_BEHIND: Fate = Crash { done: true, power: false };

/// Two parts of one block each, one at a time, and nothing unusual.
fn plain() -> Setting {
    Setting {
        blocks: 2,
        short: 0,
        part_blocks: 1,
        concurrency: 1,
        threshold_blocks: 0,
        object: false,
        same_object: false,
        forbid_overwrite: false,
        foreign: Vec::new(),
        list_denied: false,
        find_denied: false,
        mute: false,
        page: 3,
        verify: 3,
        on_change: 2,
        adopt: 1,
        token: 0,
        token_fails: 0,
        skewed: false,
        ask_from: 8,
        patience: 900,
        seed: 0,
    }
}

fn check(setting: &Setting, script: &[Fate]) -> Report {
    let (report, broken) = judged(setting, script);
    assert!(broken.is_empty(), "{broken:#?}");
    report
}

/// As many actions that go well.
fn well<const N: usize>() -> [Fate; N] {
    [Done(0); N]
}

/// What a killed process wrote and did not flush was taken for durable, and parts went out under it.
// Rows: 140
#[test]
fn what_was_written_by_a_killed_run_is_flushed_before_parts_go_out() {
    let report = check(&plain(), &[&well::<5>()[..], &[KILLED]].concat());
    assert!(matches!(report.outcome, Some(Outcome::Completed(_))));
}

/// The upload whose id had not reached the journal was forgotten when the next run was told to abort.
// Rows: 46
#[test]
fn an_abort_looks_for_the_upload_that_nobody_remembers() {
    for abort_at in 0..6 {
        let mut script = [&well::<3>()[..], &[KILLED]].concat();
        script.extend(vec![Done(0); abort_at]);
        script.push(Abort);
        let report = check(&plain(), &script);
        if matches!(report.outcome, Some(Outcome::Aborted)) {
            assert_eq!(report.world.server.uploads.len(), 0, "abort at {abort_at}");
        }
    }
}

/// Where uploads may not be listed, one whose Initiate was not answered was forgotten when the next Initiate was refused.
// Rows: 46
#[test]
fn a_refused_initiate_keeps_the_intent_of_one_that_was_not_answered() {
    let script = [&well::<2>()[..], &[LostAfter, Refused, Done(0), Refused]].concat();
    let report = check(&plain(), &script);
    assert!(matches!(report.outcome, Some(Outcome::Completed(_))), "{:?}", report.outcome);
    assert_eq!((report.runs, report.world.server.uploads.len()), (2, 0), "the next run found it");
}

/// Complete was refused since an object was in the way; that the object was not ours was read as a vanished upload,
/// and the parts were left behind.
// Rows: 63
#[test]
fn a_complete_that_is_refused_for_an_older_object_is_aborted() {
    let setting = Setting { object: true, forbid_overwrite: true, ..plain() };
    let report = check(&setting, &[&well::<10>()[..], &[LostBefore]].concat());
    assert!(matches!(report.outcome, Some(Outcome::Failed(_))));
    assert_eq!(report.world.server.uploads.len(), 0);
}

/// With no permission to list parts, a part that the server had lost was named again and again.
// Rows: 57, 73
#[test]
fn parts_that_complete_rejects_are_sent_again_when_they_cannot_be_listed() {
    let setting = Setting { list_denied: true, ..plain() };
    for lost_at in 4..14 {
        let mut script = vec![Done(0); lost_at];
        script.push(LosePart(1));
        let report = check(&setting, &script);
        assert!(
            matches!(report.outcome, Some(Outcome::Completed(_))),
            "lost at {lost_at}: {:?}",
            report.outcome
        );
    }
}

/// An abort between the end and the removal of the journal gave up an upload that was no longer there.
#[test]
fn an_abort_after_the_end_changes_nothing() {
    for killed_at in 8..16 {
        let mut script = vec![Done(0); killed_at];
        script.extend([KILLED, Abort, Abort, Abort]);
        check(&plain(), &script);
    }
}

/// An upload that vanishes in each run is begun anew in each run, and ends when it no longer does.
// Rows: 61
#[test]
fn an_upload_that_vanishes_again_and_again_ends_at_last() {
    let script =
        [Done(0), Rewrite(0), Done(0), Done(0), Done(0), Vanish, Corrupted, Done(0), Vanish, Refused];
    let report = check(&plain(), &script);
    assert!(matches!(report.outcome, Some(Outcome::Completed(_))), "{:?}", report.outcome);
}

/// A part whose bytes were read before the source changed, and that was answered after the change had been noticed, must
/// not count under the new stamp. Random scripts meet this too rarely.
// Rows: 101
#[test]
fn a_part_that_was_read_before_the_change_is_read_again() {
    let setting = Setting { blocks: 3, concurrency: 3, ..plain() };
    // Parts 1 and 3 are quick, part 2 is slow, and its block changes as soon as all three are on their way.
    let script = [&well::<5>()[..], &[Done(19), Rewrite(1)]].concat();
    let report = check(&setting, &script);
    assert!(matches!(report.outcome, Some(Outcome::Completed(_))), "{:?}", report.outcome);
    let object = report.world.server.object.as_ref().unwrap();
    assert_eq!(object.crc64, Some(report.world.source().whole()));
}

/// Sealed by an earlier run, Complete lost, the source longer meanwhile, and no permission to list parts: what was sealed
/// was gone on with as if the source were still the same, and the object ended where the old source had.
// Rows: 108
#[test]
fn a_sealed_upload_of_an_older_source_is_not_gone_on_with() {
    for denied in [false, true] {
        for fate in [Resize(5), Resize(1), Rewrite(1), Touch] {
            for killed_at in 8..12 {
                let setting = Setting { list_denied: denied, ..plain() };
                let mut script = vec![Done(0); killed_at];
                script.extend([LostBefore, KILLED, fate]);
                let report = check(&setting, &script);
                let object = report.world.server.object.as_ref().and_then(|object| object.crc64);
                assert_eq!(object, Some(report.world.source().whole()), "{fate:?} at {killed_at}, {denied}");
            }
        }
    }
}

/// Of two unfinished uploads that both fit, none is taken: whose they are is not for us to say.
#[test]
fn of_two_uploads_that_fit_none_is_taken() {
    let good_first_part = 0b1000_0001;
    let setting = Setting { adopt: 9, foreign: vec![(1, good_first_part); 2], ..plain() };
    let report = check(&setting, &[]);
    assert!(matches!(report.outcome, Some(Outcome::Failed(Failure::Ambiguous(_)))), "{:?}", report.outcome);
    let untouched = report.world.server.uploads.values().filter(|upload| upload.parts.len() == 1).count();
    assert_eq!((untouched, report.world.server.uploads.len(), report.world.server.object), (2, 2, None));
}

/// A part arrived changed, its next try was lost, and ListParts, which stated no CRC-64, showed what the first try had
/// left: that was taken for the second.
// Rows: 36, 47, 58
#[test]
fn a_listed_part_without_a_checksum_is_not_taken_for_the_try_that_was_lost() {
    for lost in [LostBefore, LostAfter, Fate::LostLate] {
        let setting = Setting { mute: true, ask_from: 1, blocks: 4, ..plain() };
        let report = check(&setting, &[&well::<6>()[..], &[Corrupted, lost]].concat());
        assert!(matches!(report.outcome, Some(Outcome::Completed(_))), "{:?}", report.outcome);
    }
}

/// What was sent and not answered is asked for, and not sent again.
// Rows: 47
#[test]
fn a_large_part_whose_answer_was_lost_is_asked_for() {
    for (ask_from, tries) in [(1, 4), (8, 5)] {
        let setting = Setting { ask_from, blocks: 4, ..plain() };
        let report = check(&setting, &[&well::<6>()[..], &[LostAfter]].concat());
        let times = |how| report.coverage.times("UploadPart", how);
        assert_eq!(times("reply") + times("Unanswered"), tries);
    }
}

/// An answer without a tag is made up for by the list of parts.
// Rows: 58
#[test]
fn a_part_without_a_tag_is_asked_for() {
    let report = check(&plain(), &[&well::<6>()[..], &[Fate::Nameless, Fate::Nameless]].concat());
    assert!(matches!(report.outcome, Some(Outcome::Completed(_))), "{:?}", report.outcome);
    assert_eq!(report.coverage.times("UploadPart", "reply"), 2);
}

/// An upload that somebody else had begun was taken over, that could not be written down, and it was aborted as if it had been
/// ours.
#[test]
fn an_upload_that_was_taken_over_is_not_aborted_for_the_journals_sake() {
    let good_first_part = 0b1000_0001;
    let setting = Setting { adopt: 9, foreign: vec![(1, good_first_part)], ..plain() };
    for fails_at in 0..12 {
        let mut script = vec![Done(0); fails_at];
        script.extend([Local, Local, Local]);
        let report = check(&setting, &script);
        assert!(matches!(report.outcome, Some(Outcome::Completed(_))), "{:?}", report.outcome);
        assert_eq!(report.coverage.times("Abort", "reply"), 0, "at {fails_at}");
    }
}

/// Every byte had been sent, the answer to Complete was lost, and the source was removed: the next run missed the source, and
/// never asked.
#[test]
fn a_sealed_upload_is_settled_without_its_source() {
    for complete in [LostAfter, KILLED_BEHIND] {
        let script = [&well::<11>()[..], &[complete, KILLED, Fate::Gone]].concat();
        let report = check(&plain(), &script);
        let Some(Outcome::Completed(finished)) = &report.outcome else { panic!("{:?}", report.outcome) };
        assert!(finished.already, "{finished:?}");
        assert_eq!(report.coverage.times("UploadPart", "reply"), 2);
    }
}

/// The Complete of a killed run lands when the next one has seen another source: what it made is not what is there now.
// Rows: 49, 101
#[test]
fn a_complete_that_lands_behind_a_change_of_the_source_is_no_success() {
    for completes_at in 8..14 {
        for changes_at in 0..5 {
            let mut script = vec![Done(0); completes_at];
            script.extend([Fate::LostLate, KILLED]);
            script.extend(vec![Done(1); changes_at]);
            script.push(Rewrite(0));
            for latency in 1..16 {
                script.push(Done(latency));
            }
            let report = check(&plain(), &script);
            assert!(matches!(report.outcome, Some(Outcome::Completed(_))), "{:?}", report.outcome);
        }
    }
}
