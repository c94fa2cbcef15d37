//! A source that changes never becomes a mixed object: the object is the file as it is at the end, or there is none.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt as _,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use crate::support::{Oss, PART, Recorder, Scene, contents, keep_times, until, write_file};

const PARTS: u16 = 10;
/// Ten parts, the last one short.
const LENGTH: usize = 9 * PART + 5_000;
/// The part that does not get through before the change.
const MISSING: u16 = 8;

/// Overwrites one byte in each of these parts.
fn flip(path: &Path, parts: &[u16]) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    for part in parts {
        let at = (usize::from(part - 1) * PART + 4_321) as u64;
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[!byte[0]], at).unwrap();
    }
}

fn truncate(path: &Path, length: usize) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(length as u64).unwrap();
}

fn append(path: &Path, length: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes.extend(contents(77, length));
    write_file(path, &bytes);
}

/// Another file takes its name, of the same size, equal but for one byte in each of these parts.
fn replace(path: &Path, parts: &[u16]) {
    let beside = path.with_extension("new");
    fs::copy(path, &beside).unwrap();
    flip(&beside, parts);
    fs::rename(beside, path).unwrap();
}

/// What happens to the file, and which of its parts go up then.
struct Case {
    what: &'static str,
    change: fn(&Path),
    sent: &'static [u16],
}

/// Part 8 is always among them, since it was not there yet; and the parts whose bytes or whose length have changed.
const CASES: &[Case] = &[
    Case {
        what: "a byte of a part, with the same size and time",
        change: |path| keep_times(path, |path| flip(path, &[3])),
        sent: &[3, 8],
    },
    Case { what: "a byte of three parts", change: |path| flip(path, &[1, 5, 10]), sent: &[1, 5, 8, 10] },
    Case { what: "a byte of the part that is missing", change: |path| flip(path, &[8]), sent: &[8] },
    Case { what: "nothing but its time", change: |path| flip(path, &[]), sent: &[8] },
    Case { what: "shorter within its last part", change: |path| truncate(path, LENGTH - 1), sent: &[8, 10] },
    Case { what: "shorter by three parts", change: |path| truncate(path, 7 * PART - 9), sent: &[7] },
    Case { what: "longer within its last part", change: |path| append(path, 10), sent: &[8, 10] },
    Case { what: "longer by three parts", change: |path| append(path, 3 * PART), sent: &[8, 10, 11, 12, 13] },
    Case { what: "replaced by an equal file", change: |path| replace(path, &[]), sent: &[8] },
    Case { what: "replaced by another file", change: |path| replace(path, &[2]), sent: &[2, 8] },
];

fn cp(scene: &Scene) -> Oss {
    scene.cp(&scene.path("source"), "object")
}

/// A scene in which all parts but one were up when the program was killed and the file changed.
fn changed_before_a_resume(change: fn(&Path)) -> Scene {
    let mut scene = Scene::new();
    let (path, _) = scene.file("source", 1, LENGTH);
    let running = scene.start_all_but(MISSING, cp, PARTS);
    assert!(running.kill().was_killed());
    change(&path);
    scene.emulator.restart("");
    scene
}

#[track_caller]
fn expect_object_is_source(scene: &Scene) {
    scene.expect_object("object", &fs::read(scene.path("source")).unwrap());
}

// Rows: 105, 108
#[test]
fn of_a_source_that_changed_before_the_resume_only_the_parts_that_differ_go_again() {
    for case in CASES {
        let scene = changed_before_a_resume(case.change);
        let seen = scene.log().len();
        cp(&scene).run().expect(0);
        expect_object_is_source(&scene);
        scene.expect_nothing_left();
        let log = scene.log().since(seen);
        assert_eq!(log.parts_sent(), case.sent, "{}", case.what);
        assert_eq!(log.count("initiate"), 0, "{}", case.what);
    }
}

// Rows: 102, 103, 104, 105
#[test]
fn of_a_source_that_changes_during_the_upload_only_the_parts_that_differ_go_again() {
    for case in CASES {
        let mut scene = Scene::new();
        let (path, _) = scene.file("source", 1, LENGTH);
        let running = scene.start_all_but(MISSING, cp, PARTS);
        (case.change)(&path);
        let seen = scene.log().len();
        scene.emulator.restart("");
        running.wait().expect(0);
        expect_object_is_source(&scene);
        scene.expect_nothing_left();
        let log = scene.log();
        assert_eq!(log.count("initiate"), 1, "{}", case.what);
        // Part 8 may go as it was before the change is noticed, or may have been dropped by the restart on its way.
        let mut sent = log.since(seen).parts_stored();
        sent.dedup();
        let but_eight =
            |parts: &[u16]| parts.iter().copied().filter(|part| *part != MISSING).collect::<Vec<_>>();
        assert_eq!(but_eight(&sent), but_eight(case.sent), "{}", case.what);
    }
}

// Rows: 105, 108
#[test]
fn a_change_is_an_error_when_that_is_asked_for_and_all_is_kept() {
    let scene = changed_before_a_resume(|path| keep_times(path, |path| flip(path, &[3])));
    let seen = scene.log().len();
    let ended = cp(&scene).args(["--on-change", "fail"]).run().expect(10);
    ended
        .says("error: the source has changed since its upload began")
        .says(" are on the server and kept; go on with:");
    scene.expect_no_object("object");
    assert_eq!((scene.uploads_of("object").len(), scene.journals().len()), (1, 1));
    assert_eq!(scene.log().since(seen).data_bytes(), 0);
    scene.oss().replaced_by(&["bash", "-c", ended.last_line()]).run().expect(0);
    expect_object_is_source(&scene);
    scene.expect_nothing_left();
    assert_eq!(scene.log().since(seen).parts_sent(), [3, 8]);
}

// Rows: 105
#[test]
fn a_change_during_the_upload_is_an_error_when_that_is_asked_for() {
    let mut scene = Scene::new();
    let (path, _) = scene.file("source", 1, LENGTH);
    let running = scene.start_all_but(MISSING, |scene| cp(scene).args(["--on-change", "fail"]), PARTS);
    keep_times(&path, |path| flip(path, &[3]));
    scene.emulator.restart("");
    running.wait().expect(10);
    scene.expect_no_object("object");
    assert_eq!((scene.uploads_of("object").len(), scene.journals().len()), (1, 1));
    assert_eq!(scene.log().count("complete"), 0);
}

// Rows: 108
#[test]
fn a_change_begins_a_new_upload_when_that_is_asked_for() {
    let scene = changed_before_a_resume(|path| flip(path, &[3]));
    let former = scene.uploads_of("object");
    let seen = scene.log().len();
    cp(&scene).args(["--on-change", "restart"]).run().expect(0);
    expect_object_is_source(&scene);
    scene.expect_nothing_left();
    let log = scene.log().since(seen);
    assert_eq!(log.parts_sent(), (1..=PARTS).collect::<Vec<_>>());
    let aborted: Vec<_> = log.of("abort").filter_map(|request| request.upload_id.clone()).collect();
    assert_eq!(aborted, former);
}

// Rows: 101
#[test]
fn a_source_that_never_stops_changing_ends_without_an_object() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, LENGTH);
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                flip(&path, &[1, 4]);
            }
        });
        let run = cp(&scene).run();
        ended.store(true, Ordering::Relaxed);
        run.expect(10);
    });
    scene.expect_no_object("object");
    assert_eq!(scene.log().count("complete"), 0);
    // Once it holds still, it goes on.
    cp(&scene).run().expect(0);
    expect_object_is_source(&scene);
    scene.expect_nothing_left();
}

/// Far more than the buffers of two sockets take, so that a proxy that holds can be sure of an end that was not sent.
const ONE_REQUEST: usize = 24 << 20;

/// A file that goes in one request and changes while it is on its way.
fn changed_in_one_request(change: fn(&Path), flags: &[&str], code: i32) -> Scene {
    const HELD: usize = 1 << 20;
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, ONE_REQUEST);
    let recorder = Recorder::holding_after(HELD, scene.emulator.address());
    let upload = scene.oss_at(&recorder.endpoint()).args(["cp", "source", "oss://demo/object"]);
    let running = upload.args(["--bigfile-threshold", "1G"]).args(flags).start();
    until("some of it is on its way", || recorder.bytes_so_far() >= HELD);
    change(&path);
    recorder.go_on();
    running.wait().expect(code);
    scene
}

// Rows: 102, 103, 104, 105
#[test]
fn what_changes_in_the_middle_of_one_request_stores_nothing_torn() {
    let changes: [fn(&Path); 4] = [
        |path| keep_times(path, |path| flip(path, &[1, 60])),
        |path| truncate(path, ONE_REQUEST - (1 << 20)),
        |path| append(path, 10_000),
        |path| replace(path, &[1, 60]),
    ];
    for change in changes {
        let scene = changed_in_one_request(change, &[], 0);
        expect_object_is_source(&scene);
        scene.expect_nothing_left();
        let stored = scene.log().of("put_object").filter(|request| request.applied).count();
        assert_eq!(stored, 1, "the first request was dropped before its end");

        let scene = changed_in_one_request(change, &["--on-change", "fail"], 10);
        scene.expect_no_object("object");
    }
}

// Rows: 109
#[test]
fn a_source_that_is_gone_is_kept_for_and_gone_on_with_when_it_is_back() {
    let mut scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, LENGTH);
    let running = scene.start_all_but(MISSING, cp, PARTS);
    let away = scene.path("away");
    fs::rename(&path, &away).unwrap();
    scene.emulator.restart("");
    let code = running.wait().code();
    assert!([Some(3), Some(10)].contains(&code), "{code:?}");
    scene.expect_no_object("object");
    fs::rename(&away, &path).unwrap();
    let seen = scene.log().len();
    cp(&scene).run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert!(scene.log().since(seen).parts_sent().iter().all(|part| *part == MISSING));
}
