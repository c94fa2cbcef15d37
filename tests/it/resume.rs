//! Running the same command again sends only what is missing, with a journal or without one.

use std::{fs, path::Path, time::Duration};

use crate::support::{BUCKET, Oss, PART, Scene, contents, until, write_file};

const PARTS: u16 = 10;
/// Ten parts, the last one short.
const LENGTH: usize = 9 * PART + 123;

/// A scene in which an upload of `source` to `object` was killed when the server had all its parts but `missing`, and an emulator
/// that behaves now; with the bytes of the source.
fn killed_with_a_hole(missing: u16) -> (Scene, Vec<u8>) {
    let mut scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, LENGTH);
    let running = scene.start_all_but(missing, |scene| scene.cp(&path, "object"), PARTS);
    assert!(running.kill().was_killed());
    scene.emulator.restart("");
    scene.expect_no_object("object");
    (scene, bytes)
}

/// `oss cp` of that source again.
fn again(scene: &Scene) -> Oss {
    scene.cp(&scene.path("source"), "object")
}

// Rows: 139
#[test]
fn parts_are_a_set_and_a_hole_costs_one_part() {
    for missing in [1, 2, 5, PARTS] {
        let (scene, bytes) = killed_with_a_hole(missing);
        let seen = scene.log().len();
        let ended = again(&scene).args(["--output-format", "json"]).run().expect(0);
        scene.expect_object("object", &bytes);
        scene.expect_nothing_left();
        let log = scene.log().since(seen);
        assert_eq!(log.parts_sent(), [missing], "{:?}", log.operations());
        assert_eq!(
            (log.count("initiate"), log.count("list_uploads")),
            (0, 0),
            "the journal knows the upload"
        );
        let sent = if missing == PARTS { 123 } else { PART };
        assert_eq!(ended.json()["run"]["bytes_sent"], sent);
        assert_eq!(ended.json()["run"]["bytes_resumed"], LENGTH - sent);
    }
}

// Rows: 114
#[test]
fn other_numbers_on_the_command_line_do_not_change_the_parts_of_an_upload() {
    let (scene, bytes) = killed_with_a_hole(3);
    let seen = scene.log().len();
    again(&scene).args(["--parallel", "1"]).run().expect(0);
    scene.expect_object("object", &bytes);
    assert_eq!(scene.log().since(seen).parts_sent(), [3]);

    let (scene, bytes) = killed_with_a_hole(3);
    let seen = scene.log().len();
    let target = format!("oss://{BUCKET}/object");
    scene.oss().args(["cp", "source", &target, "--part-size", "1M"]).run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().since(seen).parts_sent(), [3]);
}

// Rows: 47, 139
#[test]
fn what_the_server_holds_and_the_journal_does_not_know_is_read_and_not_sent() {
    // Each part is stored, and its answer does not come.
    let mut scene = Scene::with_faults("[[fault]]\nat = 'upload_part'\ndo = 'stall-answer'\nfor = '1h'\n");
    let (path, bytes) = scene.file("source", 1, LENGTH);
    let running = scene.cp(&path, "object").args(["--parallel", "4"]).start();
    until("four parts are stored", || match &scene.uploads_of("object")[..] {
        [id] => scene.back_door().parts(BUCKET, "object", id) == [1, 2, 3, 4],
        _ => false,
    });
    assert!(running.kill().was_killed());
    scene.emulator.restart("");
    let seen = scene.log().len();
    again(&scene).run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().since(seen).parts_sent(), (5..=PARTS).collect::<Vec<_>>());
}

#[test]
fn what_may_be_read_again_can_be_said() {
    for verify in ["auto", "full", "none"] {
        let (scene, bytes) = killed_with_a_hole(7);
        let seen = scene.log().len();
        again(&scene).args(["--verify", verify]).run().expect(0);
        scene.expect_object("object", &bytes);
        scene.expect_nothing_left();
        let sent = scene.log().since(seen).parts_sent();
        // A file that had just been written when it was read is not vouched for by its times: with nothing to be read again, its
        // parts go again.
        assert!(
            sent == [7] || verify == "none" && sent == (1..=PARTS).collect::<Vec<_>>(),
            "{verify}: {sent:?}"
        );
    }
}

// Rows: 55
#[test]
fn a_part_that_the_server_holds_with_other_bytes_is_sent_again() {
    let (scene, bytes) = killed_with_a_hole(7);
    // Another content under part 4: neither the journal nor the listing alone may be believed.
    let [id] = &scene.uploads_of("object")[..] else { panic!("there is one upload") };
    scene.back_door().upload_part(BUCKET, "object", id, 4, &contents(99, PART));
    let seen = scene.log().len();
    again(&scene).run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().since(seen).parts_sent(), [4, 7]);
}

// Rows: 55
#[test]
fn a_file_that_has_been_at_rest_is_vouched_for_by_its_times_and_the_server_is_not() {
    let mut scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, LENGTH);
    // Younger times prove nothing: a write within the clock's grain would not move them.
    until("the file is at rest", || {
        fs::metadata(&path)
            .unwrap()
            .modified()
            .unwrap()
            .elapsed()
            .is_ok_and(|age| age > Duration::from_millis(2500))
    });
    let running = scene.start_all_but(7, |scene| scene.cp(&path, "object"), PARTS);
    assert!(running.kill().was_killed());
    scene.emulator.restart("");
    let [id] = &scene.uploads_of("object")[..] else { panic!("there is one upload") };
    scene.back_door().upload_part(BUCKET, "object", id, 4, &contents(99, PART));
    let seen = scene.log().len();
    again(&scene).args(["--verify", "none"]).run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().since(seen).parts_sent(), [4, 7]);
}

// Rows: 61
#[test]
fn an_upload_that_was_aborted_elsewhere_begins_anew_and_says_so() {
    let (scene, bytes) = killed_with_a_hole(7);
    let [id] = &scene.uploads_of("object")[..] else { panic!("there is one upload") };
    scene.back_door().abort(BUCKET, "object", id);
    let seen = scene.log().len();
    again(&scene).run().expect(0).says(id);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().since(seen).parts_sent(), (1..=PARTS).collect::<Vec<_>>());
}

#[test]
fn without_its_journal_an_upload_is_found_and_goes_on() {
    let (scene, bytes) = killed_with_a_hole(2);
    let [journal] = &scene.journals()[..] else { panic!("there is one journal") };
    fs::remove_file(journal).unwrap();
    let seen = scene.log().len();
    again(&scene).run().expect(0).says("begun elsewhere");
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().since(seen).parts_sent(), [2]);
}

#[test]
fn no_resume_aborts_its_own_and_begins_anew() {
    let (scene, bytes) = killed_with_a_hole(2);
    let former = scene.uploads_of("object");
    let foreign = begun_elsewhere(&scene, "object", &bytes, &[1]);
    let seen = scene.log().len();
    again(&scene).args(["--no-resume", "--adopt", "never"]).run().expect(0);
    scene.expect_object("object", &bytes);
    assert_eq!(scene.uploads_of("object"), [foreign], "its own is gone, another's is not");
    let log = scene.log().since(seen);
    let aborted: Vec<_> = log.of("abort").filter_map(|request| request.upload_id.clone()).collect();
    assert_eq!(aborted, former);
    assert_eq!(log.parts_sent(), (1..=PARTS).collect::<Vec<_>>());
}

/// A kill when all parts are up and Complete is on its way, which the server never carries out.
fn killed_while_it_was_sealed() -> (Scene, Vec<u8>) {
    let hang = "[[fault]]\nat = 'complete'\ndo = 'delay'\nfor = '1h'\n";
    let mut scene = Scene::with_faults(hang);
    let (_, bytes) = scene.file("source", 1, LENGTH);
    let running = again(&scene).start();
    until("all parts are up", || scene.log().count("upload_part") == usize::from(PARTS));
    until("it is sealed", || {
        let listed = scene.oss().args(["jobs", "ls", "--output-format", "json"]).run();
        listed.stdout.contains("\"completing\"")
    });
    assert!(running.kill().was_killed());
    scene.emulator.restart("");
    (scene, bytes)
}

#[test]
fn no_resume_begins_anew_whatever_became_of_a_sealed_upload() {
    for (elsewhere, object_in_between) in [("there", false), ("gone", false), ("gone", true)] {
        let (scene, bytes) = killed_while_it_was_sealed();
        let [former] = &scene.uploads_of("object")[..] else { panic!("there is one upload") };
        if elsewhere == "gone" {
            scene.back_door().abort(BUCKET, "object", former);
        }
        if object_in_between {
            let (other, _) = scene.file("other", 9, 10);
            scene.cp(&other, "object").run().expect(0);
        }
        let seen = scene.log().len();
        again(&scene).arg("--no-resume").run().expect(0);
        scene.expect_object("object", &bytes);
        scene.expect_nothing_left();
        let log = scene.log().since(seen);
        let mut stored = log.parts_stored();
        stored.dedup();
        assert_eq!(stored, (1..=PARTS).collect::<Vec<_>>(), "{elsewhere} {object_in_between}");
    }
}

// Rows: 70
#[test]
fn no_resume_names_and_leaves_what_may_not_be_aborted() {
    let (mut scene, bytes) = killed_with_a_hole(2);
    let former = scene.uploads_of("object");
    scene.emulator.restart("[[fault]]\nat = 'abort'\ndo = 'refuse'\nstatus = 403\ncode = 'AccessDenied'\n");
    let seen = scene.log().len();
    again(&scene).arg("--no-resume").run().expect(0).says(&former[0]).says("could not be aborted");
    scene.expect_object("object", &bytes);
    assert_eq!(scene.uploads_of("object"), former);
    assert_eq!(scene.journals(), Vec::<std::path::PathBuf>::new());
    assert_eq!(scene.log().since(seen).parts_stored(), (1..=PARTS).collect::<Vec<_>>());
}

#[test]
fn after_a_reported_success_the_same_command_sends_anew() {
    let scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, LENGTH);
    for _ in 0..2 {
        let seen = scene.log().len();
        scene.cp(&path, "object").run().expect(0);
        scene.expect_object("object", &bytes);
        scene.expect_nothing_left();
        assert_eq!(scene.log().since(seen).data_bytes(), LENGTH as u64);
    }
}

/// Part size of the other tool.
const THEIR_PART: usize = 150_000;

/// Begins an upload of `bytes` as another tool would, with these parts of it, and gives its id.
fn begun_elsewhere(scene: &Scene, key: &str, bytes: &[u8], parts: &[u16]) -> String {
    let door = scene.back_door();
    let id = door.initiate(BUCKET, key);
    for number in parts {
        let start = usize::from(number - 1) * THEIR_PART;
        let part = &bytes[start..bytes.len().min(start + THEIR_PART)];
        door.upload_part(BUCKET, key, &id, *number, part);
    }
    id
}

fn cp(scene: &Scene, path: &Path) -> Oss {
    scene.cp(path, "object")
}

#[test]
fn an_upload_that_another_tool_began_is_finished_with_its_parts() {
    let scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, 6 * THEIR_PART + 77);
    begun_elsewhere(&scene, "object", &bytes, &[1, 3, 4]);
    cp(&scene, &path).run().expect(0).says("begun elsewhere");
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    let log = scene.log();
    assert_eq!(log.parts_sent(), [2, 5, 6, 7]);
    assert_eq!(log.count("initiate"), 0);
}

#[test]
fn adopt_never_leaves_it_alone() {
    let scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, 6 * THEIR_PART + 77);
    let theirs = begun_elsewhere(&scene, "object", &bytes, &[1, 3]);
    cp(&scene, &path).args(["--adopt", "never"]).run().expect(0);
    scene.expect_object("object", &bytes);
    assert_eq!(scene.uploads_of("object"), [&*theirs]);
    assert_eq!(scene.back_door().parts(BUCKET, "object", &theirs), [1, 3]);
    assert_eq!(scene.log().data_bytes(), bytes.len() as u64);
}

#[test]
fn of_two_uploads_that_fit_the_user_says_which() {
    let scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, 6 * THEIR_PART + 77);
    let first = begun_elsewhere(&scene, "object", &bytes, &[1, 2]);
    let second = begun_elsewhere(&scene, "object", &bytes, &[3, 4]);
    let ended = cp(&scene, &path).run().expect(1);
    ended.says(&first).says(&second).says("--adopt");
    assert_eq!((scene.log().data_bytes(), scene.log().count("initiate")), (0, 0));
    scene.expect_no_object("object");

    cp(&scene, &path).args(["--adopt", &second]).run().expect(0).says("begun elsewhere");
    scene.expect_object("object", &bytes);
    assert_eq!(scene.log().parts_sent(), [1, 2, 5, 6, 7]);
    assert_eq!(scene.uploads_of("object"), [&*first], "what is not its own it never aborts");
}

#[test]
fn an_upload_that_was_named_and_is_not_there_is_an_error() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, 6 * THEIR_PART + 77);
    cp(&scene, &path).args(["--adopt", "NoSuchId"]).run().expect(1).says("NoSuchId").says("--adopt never");
    assert_eq!((scene.log().data_bytes(), scene.log().count("initiate")), (0, 0));
}

#[test]
fn an_upload_that_another_run_is_at_is_not_adopted() {
    let mut scene = Scene::new();
    let (_, bytes) = scene.file("source", 1, LENGTH);
    let (twin, _) = scene.file("twin", 1, LENGTH);
    let first = |scene: &Scene| scene.cp(&scene.path("source"), "object");
    let parts = u16::try_from(LENGTH.div_ceil(PART)).unwrap();
    let running = scene.start_all_but(2, first, parts);
    drop(running.kill());
    scene.emulator.restart("");
    let seen = scene.log().len();
    cp(&scene, &twin).run().expect(0);
    assert_eq!(scene.log().since(seen).count("initiate"), 1, "the twin begins an upload of its own");
    let seen = scene.log().len();
    first(&scene).run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().since(seen).parts_sent(), [2], "the first one goes on where it was");
}

#[test]
fn what_does_not_fit_is_neither_taken_nor_aborted() {
    let (length, other) = (6 * THEIR_PART + 77, contents(2, 6 * THEIR_PART + 77));
    let check = |what: &str, flags: &[&str], begin: &dyn Fn(&Scene, &[u8]) -> String| {
        let scene = Scene::new();
        let (path, bytes) = scene.file("source", 1, length);
        let theirs = begin(&scene, &bytes);
        cp(&scene, &path).args(flags).run().expect(0);
        scene.expect_object("object", &bytes);
        let left: Vec<String> = scene.back_door().uploads(BUCKET).into_iter().map(|(_, id)| id).collect();
        assert_eq!(left, [theirs], "{what}");
        assert_eq!(scene.log().data_bytes(), length as u64, "{what}");
    };
    check("other bytes", &[], &|scene, _| begun_elsewhere(scene, "object", &other, &[1, 2]));
    check("one part of other bytes", &[], &|scene, bytes| {
        let id = begun_elsewhere(scene, "object", bytes, &[1, 2]);
        let third = &other[2 * THEIR_PART..3 * THEIR_PART];
        scene.back_door().upload_part(BUCKET, "object", &id, 3, third);
        id
    });
    check("no part at all", &[], &|scene, bytes| begun_elsewhere(scene, "object", bytes, &[]));
    check("another key that begins alike", &[], &|scene, bytes| {
        begun_elsewhere(scene, "object2", bytes, &[1, 2])
    });
    check("options that an upload fixes", &["--meta", "a=b"], &|scene, bytes| {
        begun_elsewhere(scene, "object", bytes, &[1, 2])
    });
}

#[test]
fn other_options_begin_a_new_upload_and_abort_the_old_one() {
    let (scene, bytes) = killed_with_a_hole(2);
    again(&scene).args(["--meta", "a=b"]).run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.back_door().headers(BUCKET, "object")["x-oss-meta-a"], "b");
}

#[test]
fn two_sources_for_one_key_are_two_jobs() {
    let (scene, _) = killed_with_a_hole(2);
    let other = contents(5, LENGTH);
    write_file(&scene.path("other"), &other);
    scene.cp(&scene.path("other"), "object").run().expect(0);
    scene.expect_object("object", &other);
    assert_eq!(scene.uploads_of("object").len(), 1, "the other job's upload is still there to go on with");
    again(&scene).run().expect(0);
    scene.expect_nothing_left();
}
