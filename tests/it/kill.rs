//! Whoever is killed, and whenever: the next run finishes, and little travels twice.

mod random;

use crate::support::{BackDoor, Oss, PART, RequestLog, Scene, eventually, until};

const PARALLEL: usize = 4;
const PARTS: usize = 20;
/// The last part is short.
const LENGTH: usize = (PARTS - 1) * PART + 999;

/// So slow that the upload lasts about half a second.
const SLOW: &str = "[[fault]]\nat = 'upload_part'\ndo = 'throttle'\nrate = '1M'\n";

/// A Complete that is carried out and not answered.
const COMPLETE_HANGS: &str = "[[fault]]\nat = 'complete'\ndo = 'stall-answer'\nfor = '1h'\n";

// Rows: 80, 139
#[test]
fn the_server_inside_dies_with_the_program_and_both_go_on() {
    let scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, 160 * PART + 3);
    let size = PART.to_string();
    let upload = || {
        let flags =
            ["--local", "cp", "--part-size", &size, "--bigfile-threshold", &size, "--output-format", "json"];
        Oss::new(scene.folder()).args(flags).arg(&path).arg("oss://demo/object")
    };
    let log = || RequestLog::read(&scene.path("state/oss/local/requests.jsonl"));
    for stored in [1, 20, 60, 100] {
        let mut running = upload().start();
        until("some parts are stored", || log().parts_stored().len() >= stored || !running.is_alive());
        running.kill();
    }
    let ended = upload().run().expect(0);
    assert_ne!(ended.json()["run"]["bytes_resumed"], 0);
    let door = BackDoor::open(&scene.path("state/oss/local"));
    assert!(door.object("demo", "object").is_some_and(|object| object == bytes), "the object is the file");
    assert_eq!((door.uploads("demo"), scene.journals()), (vec![], vec![]));
    let sent = usize::try_from(log().data_bytes()).unwrap();
    assert!(sent <= bytes.len() + 4 * PARALLEL * PART, "{sent} bytes");
}

// Rows: 80
#[test]
fn a_server_that_is_killed_and_comes_back_is_gone_on_with_by_itself() {
    let mut scene = Scene::with_faults(SLOW);
    let (path, bytes) = scene.file("source", 1, LENGTH);
    let running = scene.cp(&path, "object").args(["--parallel", &PARALLEL.to_string()]).start();
    let kills = 3;
    for kill in 1..=kills {
        until("some parts are up", || scene.log().parts_stored().len() >= 4 * kill);
        scene.emulator.restart(SLOW);
    }
    running.wait().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    let log = scene.log();
    assert_eq!(log.count("initiate"), 1);
    let most = PARTS + kills * PARALLEL;
    assert!(log.parts_stored().len() <= most, "{:?}", log.parts_stored());
}

// Rows: 49, 139
#[test]
fn a_client_killed_behind_an_unanswered_complete_finds_the_object_and_sends_nothing() {
    let mut scene = Scene::with_faults(COMPLETE_HANGS);
    let (path, bytes) = scene.file("source", 1, LENGTH);
    let running = scene.cp(&path, "object").start();
    eventually("the object is there", || scene.back_door().object("demo", "object"));
    assert!(running.kill().was_killed());
    scene.emulator.restart("");
    let seen = scene.log().len();
    let ended = scene.cp(&path, "object").args(["--output-format", "json"]).run().expect(0);
    let said = ended.json();
    assert_eq!((&said["run"]["already"], &said["run"]["bytes_sent"]), (&true.into(), &0.into()), "{said}");
    assert_eq!(said["upload_id"].as_str(), scene.log().uploads().first().copied());
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    let log = scene.log().since(seen);
    for operation in ["initiate", "upload_part", "put_object", "complete", "abort"] {
        assert_eq!(log.count(operation), 0, "{:?}", log.operations());
    }
}

// Rows: 49
#[test]
fn in_words_it_was_complete_already() {
    let mut scene = Scene::with_faults(COMPLETE_HANGS);
    let (path, _) = scene.file("source", 1, LENGTH);
    let running = scene.cp(&path, "object").start();
    eventually("the object is there", || scene.back_door().object("demo", "object"));
    running.kill();
    scene.emulator.restart("");
    let ended = scene.cp(&path, "object").run().expect(0);
    assert!(ended.stdout.contains("complete already"), "{ended:?}");
}

// Rows: 49, 109
#[test]
fn a_client_killed_behind_an_unanswered_complete_is_settled_without_its_source() {
    let mut scene = Scene::with_faults(COMPLETE_HANGS);
    let (path, bytes) = scene.file("source", 1, LENGTH);
    let running = scene.cp(&path, "object").start();
    eventually("the object is there", || scene.back_door().object("demo", "object"));
    assert!(running.kill().was_killed());
    scene.emulator.restart("");
    std::fs::remove_file(&path).unwrap();
    let seen = scene.log().len();
    let ended = scene.cp(&path, "object").run().expect(0);
    assert!(ended.stdout.contains("complete already"), "{ended:?}");
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().since(seen).data_bytes(), 0);
    scene.cp(&path, "object").run().expect(3).says("source");
}

// Rows: 51, 139
#[test]
fn a_client_killed_behind_a_complete_that_did_nothing_completes_and_sends_no_part() {
    let mut scene = Scene::with_faults("[[fault]]\nat = 'complete'\ndo = 'no-act'\n");
    let (path, bytes) = scene.file("source", 1, LENGTH);
    let running = scene.cp(&path, "object").start();
    until("a Complete has come", || scene.log().count("complete") > 0);
    assert!(running.kill().was_killed());
    scene.emulator.restart("");
    let seen = scene.log().len();
    scene.cp(&path, "object").run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().since(seen).data_bytes(), 0);
}

// Rows: 49, 80
#[test]
fn a_server_killed_behind_an_unanswered_complete_is_asked_and_nothing_is_sent_twice() {
    let mut scene = Scene::with_faults(COMPLETE_HANGS);
    let (path, bytes) = scene.file("source", 1, LENGTH);
    let running = scene.cp(&path, "object").args(["--output-format", "json"]).start();
    eventually("the object is there", || scene.back_door().object("demo", "object"));
    scene.emulator.restart("");
    let ended = running.wait().expect(0);
    assert_eq!(ended.json()["settled"], true);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().data_bytes(), LENGTH as u64);
}
