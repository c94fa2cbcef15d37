//! Two runs never do the same work.

use std::{fs, process::Command};

use crate::support::{Oss, PART, Running, Scene, until};

const PARTS: u16 = 6;
const LENGTH: usize = 5 * PART + 1;
/// The part that hangs while a run holds the upload.
const HANGING: u16 = 5;

fn cp(scene: &Scene) -> Oss {
    scene.cp(&scene.path("source"), "object")
}

/// A scene in which a run holds the upload, with all parts but one sent.
fn held() -> (Scene, Running, Vec<u8>) {
    let mut scene = Scene::new();
    let (_, bytes) = scene.file("source", 1, LENGTH);
    let holder = scene.start_all_but(HANGING, cp, PARTS);
    (scene, holder, bytes)
}

// Rows: 134
#[test]
fn a_second_run_says_who_has_the_upload_and_sends_nothing() {
    let (mut scene, holder, bytes) = held();
    let seen = scene.log().len();
    let second = cp(&scene).args(["--output-format", "json"]).run().expect(12);
    let host = Command::new("uname").arg("-n").output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    for part in [format!("process {}", holder.id()), format!("on host {}", host.trim())] {
        second.says(&part);
    }
    assert_eq!((&second.json()["outcome"], &second.json()["exit"]), (&"locked".into(), &12.into()));
    assert_eq!(scene.log().len(), seen, "it asked nothing of the server");
    scene.emulator.restart("");
    holder.wait().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().since(seen).parts_stored(), [HANGING]);
}

// Rows: 135
#[test]
fn a_killed_holder_holds_nothing() {
    let (mut scene, holder, bytes) = held();
    cp(&scene).run().expect(12);
    holder.kill();
    scene.emulator.restart("");
    let seen = scene.log().len();
    cp(&scene).run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().since(seen).parts_sent(), [HANGING]);
}

// Rows: 134, 135
#[test]
fn a_run_that_waits_goes_on_where_a_killed_holder_was() {
    let (mut scene, holder, bytes) = held();
    let waiting = cp(&scene).args(["--on-locked", "wait"]).start();
    let who = format!("waiting for process {}", holder.id());
    until("it says for whom it waits", || waiting.stderr_so_far().contains(&who));
    let seen = scene.log().len();
    holder.kill();
    scene.emulator.restart("");
    waiting.wait().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().since(seen).parts_stored(), [HANGING]);
}

// Rows: 134
#[test]
fn a_run_that_waits_for_one_that_succeeds_does_what_it_was_told_to() {
    let (mut scene, holder, bytes) = held();
    let waiting = cp(&scene).args(["--on-locked", "wait"]).start();
    until("it waits", || waiting.stderr_so_far().contains("waiting for"));
    let seen = scene.log().len();
    scene.emulator.restart("");
    holder.wait().expect(0);
    waiting.wait().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    // The holder has reported its success, so that the same command means a new upload.
    let mut stored = vec![HANGING];
    stored.extend(1..=PARTS);
    stored.sort_unstable();
    assert_eq!(scene.log().since(seen).parts_stored(), stored);
}

// Rows: 134
#[test]
fn of_ten_runs_at_once_one_uploads() {
    let mut scene = Scene::with_faults("[[fault]]\nat = 'upload_part'\npart = 5\ndo = 'delay'\nfor = '1h'\n");
    let (_, bytes) = scene.file("source", 1, LENGTH);
    let mut runs: Vec<Running> = (0..10).map(|_| cp(&scene).start()).collect();
    until("all but one have ended", || {
        runs.iter_mut().filter_map(|run| run.is_alive().then_some(())).count() == 1
    });
    until("the one has sent the rest", || scene.log().parts_stored().len() == usize::from(PARTS) - 1);
    scene.emulator.restart("");
    let mut codes: Vec<Option<i32>> = runs.into_iter().map(|run| run.wait().code()).collect();
    codes.sort_unstable();
    let mut expected = vec![Some(12); 9];
    expected.insert(0, Some(0));
    assert_eq!(codes, expected);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    let log = scene.log();
    assert_eq!((log.count("initiate"), log.parts_stored()), (1, (1..=PARTS).collect()));
}

#[test]
fn the_lock_is_of_the_job_and_not_of_the_file_or_the_key() {
    let (mut scene, holder, bytes) = held();
    scene.emulator.restart("[[fault]]\nat = 'upload_part'\nkey = 'object'\ndo = 'delay'\nfor = '1h'\n");
    let (other, others) = scene.file("other", 2, LENGTH);
    scene.cp(&scene.path("source"), "elsewhere").run().expect(0);
    scene.expect_object("elsewhere", &bytes);
    // The same file by another name is the same job.
    std::os::unix::fs::symlink(scene.path("source"), scene.path("link")).unwrap();
    scene.cp(&scene.path("link"), "object").run().expect(12);
    scene.emulator.restart("");
    holder.wait().expect(0);
    scene.cp(&other, "object").run().expect(0);
    scene.expect_object("object", &others);
    scene.expect_nothing_left();
}

// Rows: 136
#[test]
fn a_journal_that_is_swept_away_under_a_run_is_written_anew() {
    for files in [&["ossj"][..], &["lock"], &["ossj", "lock"]] {
        let sweep = |scene: &Scene| {
            for entry in fs::read_dir(scene.checkpoint_dir()).unwrap() {
                let path = entry.unwrap().path();
                if files.iter().any(|extension| path.extension().is_some_and(|found| found == *extension)) {
                    fs::remove_file(path).unwrap();
                }
            }
        };
        let (mut scene, holder, bytes) = held();
        sweep(&scene);
        let seen = scene.log().len();
        scene.emulator.restart("");
        holder.wait().expect(0);
        scene.expect_object("object", &bytes);
        scene.expect_nothing_left();
        assert_eq!(scene.log().since(seen).parts_stored(), [HANGING], "{files:?}");

        // And so when the run is killed behind it.
        let (mut scene, holder, bytes) = held();
        sweep(&scene);
        holder.kill();
        let seen = scene.log().len();
        scene.emulator.restart("");
        cp(&scene).run().expect(0);
        scene.expect_object("object", &bytes);
        scene.expect_nothing_left();
        assert_eq!(scene.log().since(seen).parts_stored(), [HANGING], "{files:?}");
    }
}

// Rows: 136
#[test]
fn two_runs_whose_lock_was_swept_away_never_mix_an_object() {
    let (mut scene, holder, bytes) = held();
    for entry in fs::read_dir(scene.checkpoint_dir()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let second = cp(&scene).start();
    until("the second has begun", || scene.log().count("list_uploads") >= 2);
    scene.emulator.restart("");
    let codes = [holder.wait().code(), second.wait().code()];
    assert!(codes.contains(&Some(0)), "{codes:?}");
    scene.expect_object("object", &bytes);
}
