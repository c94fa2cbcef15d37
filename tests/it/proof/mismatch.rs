//! The object that an upload has made is not what was read.

use crate::support::{Ended, PART, Scene, eventually};

const MANY: usize = 3 * PART + 5;

/// The service means it: Complete and HEAD state the same wrong checksum.
const WRONG: &str = "
    [[fault]]
    at = 'complete'
    do = 'corrupt-crc'
    [[fault]]
    at = 'head_object'
    do = 'corrupt-crc'
";

/// Only Complete says so.
const WRONG_AT_COMPLETE: &str = "[[fault]]\nat = 'complete'\ndo = 'corrupt-crc'\n";

/// It is stored wrong, each time.
const STORED_WRONG: &str = "[[fault]]\nat = 'put_object'\ndo = 'corrupt-body'\nafter = 5\n";

fn cp(scene: &Scene, length: usize, flags: &[&str]) -> Ended {
    let (path, _) = scene.file("source", 1, length);
    scene.cp(&path, "object").args(flags).run()
}

#[track_caller]
fn is_there(scene: &Scene) -> bool {
    scene.back_door().object("demo", "object").is_some()
}

// Rows: 60
#[test]
fn a_wrong_object_is_loud_and_everything_is_kept_as_evidence() {
    for flags in [&[][..], &["--on-mismatch", "keep"]] {
        let mut scene = Scene::with_faults(WRONG);
        let ended = cp(&scene, MANY, flags).expect(11);
        ended.says("error: the object on the server is not what was read here: CRC-64 ");
        ended.says("hint: do not use this object").says("--on-mismatch delete");
        assert!(is_there(&scene));
        assert_eq!(scene.log().count("delete_object"), 0);
        assert_eq!(scene.journals().len(), 1, "the journal is kept");

        let told = scene.oss().args(["jobs", "ls", "--output-format", "json"]).run().expect(0).json();
        assert_eq!(told["stage"], "completing");
        scene.emulator.restart("");
        cp(&scene, MANY, &[]).expect(0);
        scene.expect_nothing_left();
    }
}

// Rows: 60
#[test]
fn a_wrong_object_is_removed_where_that_was_asked_for() {
    let mut scene = Scene::with_faults(WRONG);
    let ended = cp(&scene, MANY, &["--on-mismatch", "delete", "--output-format", "json"]).expect(11);
    ended.says("this object was removed, as --on-mismatch delete says");
    assert!(ended.json()["message"].as_str().unwrap().contains("was removed"));
    assert!(!is_there(&scene));
    assert_eq!(scene.log().count("delete_object"), 1);
    assert_eq!(scene.journals().len(), 1, "the journal is kept");

    scene.emulator.restart("");
    let (_, bytes) = scene.file("source", 1, MANY);
    cp(&scene, MANY, &["--on-mismatch", "delete"]).expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
}

// Rows: 60
#[test]
fn a_wrong_object_of_one_request_is_treated_the_same() {
    for (flags, stays) in [(&[][..], true), (&["--on-mismatch", "delete"], false)] {
        let mut scene = Scene::with_faults(STORED_WRONG);
        let ended = cp(&scene, PART - 1, flags).expect(11);
        ended.says("the object on the server is not what was read here");
        assert_eq!((is_there(&scene), scene.log().count("delete_object")), (stays, usize::from(!stays)));
        scene.emulator.restart("");
        let (_, bytes) = scene.file("source", 1, PART - 1);
        cp(&scene, PART - 1, flags).expect(0);
        scene.expect_object("object", &bytes);
        scene.expect_nothing_left();
    }
}

// Rows: 60
#[test]
fn what_is_another_object_by_now_is_never_removed() {
    let scene = Scene::with_faults(WRONG_AT_COMPLETE);
    let (_, bytes) = scene.file("source", 1, MANY);
    cp(&scene, MANY, &["--on-mismatch", "delete"]).expect(11).says("has the right one all the same");
    scene.expect_object("object", &bytes);
    assert_eq!(scene.log().count("delete_object"), 0);

    let replaced = format!("{WRONG_AT_COMPLETE}[[fault]]\nat = 'head_object'\ndo = 'overwrite-object'\n");
    let scene = Scene::with_faults(&replaced);
    cp(&scene, MANY, &["--on-mismatch", "delete"]).expect(11).says("was left alone");
    scene.expect_object("object", b"somebody else's");
    assert_eq!(scene.log().count("delete_object"), 0);
}

// Rows: 60, 70
#[test]
fn what_cannot_be_removed_is_told() {
    let denied = "[[fault]]\nat = 'delete_object'\ndo = 'refuse'\nstatus = 403\ncode = 'AccessDenied'\n";
    let scene = Scene::with_faults(&format!("{WRONG}{denied}"));
    let ended = cp(&scene, MANY, &["--on-mismatch", "delete"]).expect(11);
    ended.says("could not be removed and may still be there").says("AccessDenied");
    assert!(is_there(&scene));
}

// Rows: 50, 62
#[test]
fn an_object_of_somebody_else_is_never_removed() {
    let mut scene = Scene::with_faults("[[fault]]\nat = 'complete'\ndo = 'stall-answer'\nfor = '1h'\n");
    let (path, _) = scene.file("source", 1, MANY);
    let running = scene.cp(&path, "object").start();
    eventually("the object is there", || scene.back_door().object("demo", "object"));
    assert!(running.kill().was_killed());
    scene.emulator.restart("");
    scene.back_door().ask("PUT", "/demo/object", b"somebody else's");
    let again = scene.cp(&path, "object").args(["--on-mismatch", "delete"]).run().expect(11);
    again.says("that was found on the server");
    scene.expect_object("object", b"somebody else's");
    assert_eq!(scene.log().count("delete_object"), 0);
}
