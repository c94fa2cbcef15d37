//! Somebody does something to the upload behind its back, or the clock and the token are not what they should be.

use super::case::{MANY, PARTS, fails_and_resumes, succeeds};
use crate::support::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, BUCKET, SECURITY_TOKEN, Scene};

/// Stops an upload at part 8; the next run meets these faults.
fn stopped_before(faults: &str) -> (Scene, std::path::PathBuf, Vec<u8>) {
    let refusal = "
        [[fault]]
        at = 'upload_part'
        part = 8
        do = 'refuse'
        status = 403
        code = 'AccessDenied'
    ";
    let mut scene = Scene::with_faults(refusal);
    let (path, bytes) = scene.file("source", 3, MANY);
    scene.cp(&path, "object").run().expect(2).says("AccessDenied");
    assert_eq!(scene.journals().len(), 1, "the state is kept");
    scene.emulator.restart(faults);
    (scene, path, bytes)
}

/// Parts of the only unfinished upload.
#[track_caller]
fn kept(scene: &Scene) -> Vec<u16> {
    let [id] = &scene.uploads_of("object")[..] else { panic!("one upload is kept") };
    scene.back_door().parts(BUCKET, "object", id)
}

// Rows: 36, 59
#[test]
fn a_part_whose_checksum_differs_for_ever_is_no_success_and_the_state_is_kept() {
    for (fault, sent_by_the_next_run) in [("corrupt-crc", &[][..]), ("corrupt-body", &[5][..])] {
        let mut scene =
            Scene::with_faults(&format!("[[fault]]\nat = 'upload_part'\npart = 5\ndo = '{fault}'"));
        let (path, bytes) = scene.file("source", 7, MANY);
        let ended = scene.cp(&path, "object").args(["--output-format", "json"]).run().expect(11);
        ended.says("part 5").says("CRC-64");
        assert_eq!(ended.json()["part"], 5);
        assert_eq!(scene.journals().len(), 1);
        assert_eq!(scene.log().parts_sent().iter().filter(|part| **part == 5).count(), 3);
        assert_eq!(scene.log().count("complete"), 0);
        scene.expect_no_object("object");

        scene.emulator.restart("");
        let seen = scene.log().len();
        scene.cp(&path, "object").run().expect(0);
        scene.expect_object("object", &bytes);
        scene.expect_nothing_left();
        assert_eq!(scene.log().since(seen).parts_sent(), sent_by_the_next_run, "{fault}");
    }
}

// Rows: 54, 55
#[test]
fn a_listing_that_leaves_out_or_alters_a_part_costs_that_part_at_most() {
    for fault in [
        "do = 'omit-part'\nnumber = 2",
        "do = 'alter-part'\nnumber = 2\nchange = 'size'",
        "do = 'alter-part'\nnumber = 2\nchange = 'crc'",
        "do = 'alter-part'\nnumber = 2\nchange = 'etag'\nnth = 1",
        "do = 'alter-part'\nnumber = 2\nchange = 'without-crc'",
    ] {
        let (scene, path, bytes) = stopped_before(&format!("[[fault]]\nat = 'list_parts'\n{fault}"));
        let kept = kept(&scene);
        let seen = scene.log().len();
        scene.cp(&path, "object").run().expect(0);
        scene.expect_object("object", &bytes);
        scene.expect_nothing_left();
        let again = scene.log().since(seen);
        assert!(again.of("list_parts").any(|request| !request.faults.is_empty()), "{fault}");
        let doubled: Vec<u16> = again.parts_sent().into_iter().filter(|part| kept.contains(part)).collect();
        assert!(doubled.iter().all(|part| *part == 2), "{fault}: {doubled:?}");
        assert_eq!(scene.log().uploads().len(), 1);
    }
}

// Rows: 57, 70
#[test]
fn who_may_not_list_parts_resumes_from_the_journal() {
    let denied = "[[fault]]\nat = 'list_parts'\ndo = 'refuse'\nstatus = 403\ncode = 'AccessDenied'";
    let (scene, path, bytes) = stopped_before(denied);
    let kept = kept(&scene);
    let seen = scene.log().len();
    scene.cp(&path, "object").run().expect(0).says("the journal is believed");
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    let again = scene.log().since(seen).parts_sent();
    let doubled = again.iter().filter(|part| kept.contains(part)).count();
    assert!(doubled <= 4, "only those that were in flight may not be in the journal: {kept:?} {again:?}");
}

// Rows: 73, 79
#[test]
fn a_part_that_the_server_lost_is_sent_again_at_complete() {
    let faults = "[[fault]]\nat = 'complete'\nnth = 1\ndo = 'lose-part'\nnumber = 5";
    let outcome = succeeds(MANY, faults);
    outcome.one_upload().arrived("upload_part", PARTS + 1..=PARTS + 1).arrived("complete", 2..=2);
}

// Rows: 73
#[test]
fn a_server_that_loses_a_part_each_time_is_given_up() {
    let outcome = fails_and_resumes(2, MANY, "[[fault]]\nat = 'complete'\ndo = 'lose-part'\nnumber = 5");
    outcome.arrived("complete", 3..=3).ended.says("InvalidPart");
}

// Rows: 61
#[test]
fn an_upload_that_vanished_is_begun_anew_once_and_says_so() {
    for at in ["upload_part", "complete"] {
        let outcome = succeeds(
            MANY,
            &format!("[[fault]]\nat = '{at}'\nnth = 3\ndo = 'forget-upload'")
                .replace("'complete'\nnth = 3", "'complete'\nnth = 1"),
        );
        outcome.arrived("initiate", 2..=2).arrived("complete", 1..=2).ended.says("is gone from the server");
        assert_eq!(outcome.log.uploads().len(), 2);
    }
}

// Rows: 61
#[test]
fn an_upload_that_vanishes_twice_is_the_end() {
    let outcome = fails_and_resumes(2, MANY, "[[fault]]\nat = 'complete'\ndo = 'forget-upload'");
    let said = outcome.arrived("initiate", 2..=2).ended.says("is gone from the server").says("NoSuchUpload");
    assert!(!said.stderr.contains("kept; go on"), "nothing is there to go on from: {said:?}");
}

// Rows: 62
#[test]
fn an_upload_that_somebody_else_completed_is_done() {
    let outcome = succeeds(MANY, "[[fault]]\nat = 'complete'\nnth = 1\ndo = 'complete-elsewhere'");
    outcome.one_upload().each_byte_once(MANY).arrived("complete", 1..=1);
    assert!(outcome.settled());
}

// Rows: 62
#[test]
fn an_upload_that_somebody_else_completed_too_early_is_never_taken_for_ours() {
    let outcome =
        succeeds(MANY, "[[fault]]\nat = 'upload_part'\npart = 9\nnth = 1\ndo = 'complete-elsewhere'");
    outcome.arrived("initiate", 2..=2).ended.says("is gone from the server");
}

// Rows: 63
#[test]
fn without_forbid_overwrite_the_last_writer_wins() {
    let outcome = succeeds(MANY, "[[fault]]\nat = 'complete'\nnth = 1\ndo = 'overwrite-object'");
    outcome.one_upload().each_byte_once(MANY);
}

// Rows: 86
#[test]
fn a_clock_that_is_wrong_costs_one_refusal_an_hour_or_a_week() {
    for by in ["20m", "-20m", "3h", "-144h"] {
        let outcome = succeeds(MANY, &format!("[[fault]]\nat = 'any'\ndo = 'skew'\nby = '{by}'"));
        let refused =
            outcome.log.iter().filter(|request| request.code.as_deref() == Some("RequestTimeTooSkewed"));
        assert_eq!(refused.count(), 1, "{by}: later requests are right at once");
        outcome.one_upload().each_byte_once(MANY);
    }
}

// Rows: 88
#[test]
fn a_server_whose_clock_is_absurd_is_not_believed() {
    let scene = Scene::with_faults("[[fault]]\nat = 'any'\ndo = 'skew'\nby = '20000h'");
    let (path, _) = scene.file("source", 1, MANY);
    scene.cp(&path, "object").run().expect(2).says("RequestTimeTooSkewed").says("clock");
    scene.expect_nothing_left_on_the_server();
}

// Rows: 81, 82, 89
#[test]
fn a_token_that_expires_in_mid_run_keeps_the_state_and_a_fresh_one_goes_on() {
    let fresh = "FrischesKanarienvogelToken";
    let old = format!("{ACCESS_KEY_ID}:{ACCESS_KEY_SECRET}:{SECURITY_TOKEN}");
    let new = format!("{ACCESS_KEY_ID}:{ACCESS_KEY_SECRET}:{fresh}");
    let faults = "[[fault]]\nat = 'upload_part'\npart = 8\nnth = 1\ndo = 'expire-token'";
    let scene = Scene::with(faults, &["--access-key", &old, "--access-key", &new]);
    let (path, bytes) = scene.file("source", 2, MANY);
    let ended = scene.cp(&path, "object").env("OSS_SESSION_TOKEN", SECURITY_TOKEN).run().expect(2);
    ended.says("SecurityTokenExpired").says("hint: set fresh temporary credentials");
    let kept = kept(&scene);
    let seen = scene.log().len();
    let ended = scene.cp(&path, "object").env("OSS_SESSION_TOKEN", fresh).run().expect(0);
    assert!(!ended.stdout.contains(fresh) && !ended.stderr.contains(fresh));
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    let again = scene.log().since(seen).parts_sent();
    assert!(again.iter().all(|part| !kept.contains(part)), "{kept:?} {again:?}");
}

// Rows: 65, 66, 70, 71, 75
#[test]
fn what_the_service_will_never_do_is_named_and_the_state_is_kept() {
    for (at, status, code) in [
        ("upload_part", 404, "NoSuchBucket"),
        ("upload_part", 403, "AccessDenied"),
        ("upload_part", 403, "UserDisable"),
        ("complete", 409, "FileImmutable"),
        ("complete", 403, "AccessDenied"),
        ("initiate", 400, "KmsServiceNotEnabled"),
        ("upload_part", 418, "NeverHeardOf"),
    ] {
        let faults = format!(
            "[[fault]]\nat = '{at}'\ndo = 'refuse'\nstatus = {status}\ncode = '{code}'\nec = '0099-00000001'"
        );
        let outcome = fails_and_resumes(2, MANY, &faults);
        outcome.ended.says(code).says("EC 0099-00000001").says("request id ");
        let told = outcome.ended.json();
        assert_eq!(told["code"], code);
        assert_eq!(told["http_status"], status);
    }
}

// Rows: 72
#[test]
fn what_could_only_be_our_mistake_asks_for_a_report() {
    let faults = "[[fault]]\nat = 'complete'\ndo = 'refuse'\nstatus = 400\ncode = 'InvalidPartOrder'";
    fails_and_resumes(2, MANY, faults).ended.says("please report it");
}
