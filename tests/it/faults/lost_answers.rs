//! A request is carried out, or is not, and its answer never comes: what is true is found out.

use super::case::{MANY, ONE, Outcome, PARTS, fails_and_resumes, succeeds, succeeds_with};
use crate::support::Scene;

/// The endings of a connection after which nobody knows: done or not, by a reset or a close.
const DONE: [&str; 2] = ["do = 'lose-answer'", "do = 'lose-answer'\nparting = 'close'"];
const NOT_DONE: [&str; 2] = ["do = 'no-act'", "do = 'no-act'\nparting = 'close'"];

#[track_caller]
fn once(length: usize, at: &str, fault: &str) -> Outcome {
    succeeds(length, &format!("[[fault]]\nat = '{at}'\nnth = 1\n{fault}"))
}

// Rows: 46
#[test]
fn a_lost_answer_to_initiate_leaves_one_upload_only() {
    for fault in DONE {
        let outcome = once(MANY, "initiate", fault);
        outcome.arrived("initiate", 1..=1).one_upload().each_byte_once(MANY).arrived("abort", 0..=0);
    }
    for fault in NOT_DONE {
        let outcome = once(MANY, "initiate", fault);
        outcome.arrived("initiate", 2..=2).one_upload().each_byte_once(MANY);
    }
}

// Rows: 46
#[test]
fn an_initiate_whose_answers_are_all_lost_is_settled_by_the_list() {
    let outcome = succeeds(MANY, "[[fault]]\nat = 'initiate'\ndo = 'lose-answer'");
    outcome.arrived("initiate", 1..=1).one_upload();
}

// Rows: 46
#[test]
fn a_lost_answer_to_initiate_that_cannot_be_settled_begins_anew_and_says_so() {
    let faults = "
        [[fault]]
        at = 'initiate'
        nth = 1
        do = 'lose-answer'
        [[fault]]
        at = 'list_uploads'
        do = 'refuse'
        status = 403
        code = 'AccessDenied'
    ";
    let scene = Scene::with_faults(faults);
    let (path, bytes) = scene.file("source", 1, MANY);
    scene.cp(&path, "object").run().expect(0).says("may not be listed");
    scene.expect_object("object", &bytes);
    assert_eq!(scene.log().data_bytes(), MANY as u64);
    assert_eq!(scene.log().count("initiate"), 2);
    // The first one is there still: nobody told its id, and no list.
    assert_eq!(scene.uploads_of("object").len(), 1);
}

// Rows: 47, 48
#[test]
fn a_lost_answer_to_a_part_costs_at_most_that_part() {
    for fault in DONE.into_iter().chain(NOT_DONE) {
        let outcome = once(MANY, "upload_part", fault);
        outcome.one_upload().arrived("upload_part", PARTS..=PARTS + 1).arrived("complete", 1..=1);
    }
}

// Rows: 47
#[test]
fn every_third_answer_to_a_part_may_be_lost() {
    let outcome = succeeds(MANY, "[[fault]]\nat = 'upload_part'\nevery = 3\ndo = 'lose-answer'");
    outcome.one_upload().arrived("upload_part", PARTS..=PARTS * 3 / 2 + 1);
}

// Rows: 49
#[test]
fn a_lost_answer_to_complete_is_settled_and_nothing_is_sent_again() {
    for fault in DONE.into_iter().chain([
        "do = 'truncate-answer'\nafter = 0",
        "do = 'truncate-answer'\nafter = 420",
        "do = 'truncate-answer'\nafter = 420\nparting = 'reset'",
        "do = 'refuse'\nstatus = 500\ncode = 'InternalError'\nanswer = 'after-acting'",
        "do = 'refuse'\nstatus = 200\ncode = 'InternalError'\nanswer = 'after-acting'",
        "do = 'body'\nstatus = 504\ntext = '<html>gateway</html>'\nanswer = 'after-acting'",
    ]) {
        let outcome = once(MANY, "complete", fault);
        outcome.one_upload().each_byte_once(MANY).arrived("complete", 1..=1);
        assert!(outcome.settled(), "{fault}");
        outcome.ended.says("found by asking");
    }
}

// Rows: 58, 69
#[test]
fn an_acceptance_with_another_text_counts_when_the_checksum_is_right() {
    let page = "do = 'body'\nstatus = 200\ntext = '<html>log in</html>'\nanswer = 'after-acting'";
    let outcome = once(MANY, "complete", page);
    outcome.one_upload().each_byte_once(MANY).arrived("complete", 1..=1);
    assert!(!outcome.settled(), "the CRC-64 in the head is the proof");
    assert_eq!(outcome.ended.json()["proof"], "parts+object");

    let nameless =
        "[[fault]]\nat = 'complete'\nnth = 1\ndo = 'without-header'\nname = 'x-oss-hash-crc64ecma'";
    let outcome = once(MANY, "complete", &format!("{page}\n{nameless}"));
    outcome.one_upload().each_byte_once(MANY).arrived("complete", 1..=1).arrived("head_object", 1..=1);
    assert_eq!(outcome.ended.json()["proof"], "parts+object", "the object was looked at");
}

// Rows: 51
#[test]
fn a_complete_that_was_lost_on_its_way_is_sent_again() {
    for fault in NOT_DONE {
        let outcome = once(MANY, "complete", fault);
        outcome.one_upload().each_byte_once(MANY).arrived("complete", 2..=2);
        assert!(!outcome.settled(), "{fault}");
    }
}

// Rows: 49
#[test]
fn a_lost_answer_to_complete_is_settled_though_looking_fails_too() {
    let faults = "
        [[fault]]
        at = 'complete'
        do = 'lose-answer'
        [[fault]]
        at = 'head_object'
        nth = '1..2'
        do = 'lose-answer'
        [[fault]]
        at = 'list_parts'
        nth = 1
        do = 'refuse'
        status = 500
        code = 'InternalError'
    ";
    let outcome = succeeds(MANY, faults);
    outcome.one_upload().each_byte_once(MANY).arrived("complete", 1..=1);
    assert!(outcome.settled());
}

// Rows: 49, 63
#[test]
fn our_own_object_does_not_stand_in_the_way_of_forbid_overwrite() {
    for fault in DONE {
        let complete = format!("[[fault]]\nat = 'complete'\nnth = 1\n{fault}");
        let outcome = succeeds_with(MANY, &complete, &["--forbid-overwrite"]);
        outcome.one_upload().each_byte_once(MANY);
        assert!(outcome.settled());

        // The second try is answered FileAlreadyExists, and what exists is ours.
        let put = format!("[[fault]]\nat = 'put_object'\nnth = 1\n{fault}");
        let outcome = succeeds_with(ONE, &put, &["--forbid-overwrite"]);
        assert!(outcome.log.of("put_object").any(|request| request.status == Some(409)));
        assert!(outcome.settled());
    }
}

// Rows: 63
#[test]
fn somebody_elses_object_stands_in_the_way_of_forbid_overwrite() {
    for (length, at) in [(MANY, "complete"), (ONE, "put_object")] {
        for lost in ["", "[[fault]]\nat = 'AT'\nnth = 1\ndo = 'no-act'\n"] {
            let theirs = "[[fault]]\nat = 'AT'\nnth = 1\ndo = 'overwrite-object'\ntext = 'theirs'\n";
            let scene = Scene::with_faults(&format!("{theirs}{lost}").replace("AT", at));
            let (path, _) = scene.file("source", 1, length);
            let ended = scene.cp(&path, "object").arg("--forbid-overwrite").run().expect(2);
            ended.says("FileAlreadyExists").says("--forbid-overwrite");
            scene.expect_object("object", b"theirs");
            scene.expect_nothing_left();
        }
    }
}

// Rows: 50
#[test]
fn an_object_that_somebody_put_in_place_of_ours_is_no_proof() {
    let faults = "
        [[fault]]
        at = 'complete'
        nth = 1
        do = 'lose-answer'
        [[fault]]
        at = 'head_object'
        nth = 1
        do = 'overwrite-object'
        text = 'theirs'
    ";
    let scene = Scene::with_faults(faults);
    let (path, _) = scene.file("source", 1, MANY);
    let ended = scene.cp(&path, "object").run().expect(11);
    ended.says("CRC-64");
    scene.expect_object("object", b"theirs");
    assert_eq!(scene.log().data_bytes(), MANY as u64, "nothing is sent again");
    assert_eq!(scene.log().count("complete"), 1);
}

// Rows: 49
#[test]
fn an_answer_that_is_lost_in_one_run_is_settled_in_the_next() {
    // The service goes silent behind the completion, for as long as that run has patience.
    let faults = "
        [[fault]]
        at = 'complete'
        do = 'lose-answer'
        [[fault]]
        at = 'list_parts'
        do = 'lose-answer'
        [[fault]]
        at = 'head_object'
        do = 'lose-answer'
    ";
    let mut scene = Scene::with_faults(faults);
    let (path, bytes) = scene.file("source", 1, MANY);
    scene.cp(&path, "object").args(["--give-up-after", "1s"]).run().expect(3);
    assert_eq!(scene.journals().len(), 1);
    scene.emulator.restart("");
    let ended = scene.cp(&path, "object").args(["--output-format", "json"]).run().expect(0);
    assert_eq!(ended.json()["run"]["already"], true, "{ended:#?}");
    assert_eq!(ended.json()["settled"], true);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().data_bytes(), MANY as u64, "nothing is sent again");
    assert_eq!(scene.log().count("complete"), 1);
}

// Rows: 8, 41
#[test]
fn a_service_that_never_answers_leaves_what_can_be_resumed() {
    for (at, length) in [("upload_part", MANY), ("complete", MANY), ("put_object", ONE)] {
        for fault in ["do = 'no-act'", "do = 'refuse'\nstatus = 500\ncode = 'InternalError'"] {
            let faults = format!("[[fault]]\nat = '{at}'\n{fault}");
            super::case::fails_with_and_resumes(3, length, &faults, &["--give-up-after", "1s"])
                .ended
                .says("no progress");
        }
    }
}

// Rows: 60
#[test]
fn a_lie_about_the_whole_object_is_no_success_and_the_state_is_kept() {
    let outcome = fails_and_resumes(11, MANY, "[[fault]]\nat = 'complete'\ndo = 'corrupt-crc'");
    outcome.one_upload().each_byte_once(MANY).ended.says("CRC-64");
}
