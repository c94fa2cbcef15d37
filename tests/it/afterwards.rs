//! An upload was done, or sealed, and nobody was told; and then something else happened before the next run.

use crate::support::{PART, Scene, contents, eventually, write_file};

const LENGTH: usize = 5 * PART + 77;

/// Carried out and not answered.
const COMPLETE_HANGS: &str = "[[fault]]\nat = 'complete'\ndo = 'stall-answer'\nfor = '1h'\n";

/// Uploads with these flags, and is killed when the object is there and the answer is not.
fn completed_and_killed(flags: &[&str]) -> (Scene, Vec<u8>) {
    let mut scene = Scene::with_faults(COMPLETE_HANGS);
    let (path, bytes) = scene.file("source", 1, LENGTH);
    let running = scene.cp(&path, "object").args(flags).start();
    eventually("the object is there", || scene.back_door().object("demo", "object"));
    assert!(running.kill().was_killed());
    scene.emulator.restart("");
    (scene, bytes)
}

/// Somebody puts something else under the key, or takes away what is there.
fn meddle(scene: &Scene, other: Option<&[u8]>) {
    let answer = match other {
        Some(bytes) => scene.back_door().ask("PUT", "/demo/object", bytes),
        None => scene.back_door().ask("DELETE", "/demo/object", b""),
    };
    assert!([200, 204].contains(&answer.status), "{answer:?}");
}

#[test]
fn other_options_than_those_that_were_sealed_are_another_upload() {
    let (scene, bytes) = completed_and_killed(&["--meta", "a=1", "--content-type", "text/one"]);
    scene
        .cp(&scene.path("source"), "object")
        .args(["--meta", "a=2", "--content-type", "text/two"])
        .run()
        .expect(0);
    scene.expect_object("object", &bytes);
    let headers = scene.back_door().headers("demo", "object");
    assert_eq!((&*headers["x-oss-meta-a"], &*headers["content-type"]), ("2", "text/two"));
    scene.expect_nothing_left();
}

// Rows: 50
#[test]
fn an_object_that_was_replaced_unseen_is_told_once_and_then_sent_anew() {
    for flags in [&[][..], &["--on-change", "restart"], &["--no-resume"]] {
        let (scene, bytes) = completed_and_killed(&[]);
        meddle(&scene, Some(b"something else"));
        let again = || scene.cp(&scene.path("source"), "object").args(flags).run();
        let first = again();
        if !flags.contains(&"--no-resume") {
            first.expect(11);
            again().expect(0);
        }
        scene.expect_object("object", &bytes);
        scene.expect_nothing_left();
    }
}

// Rows: 108
#[test]
fn a_source_that_changed_meanwhile_is_sent_whatever_became_of_the_old_one() {
    let (scene, _) = completed_and_killed(&[]);
    meddle(&scene, Some(b"something else"));
    let bytes = contents(2, LENGTH + 1);
    write_file(&scene.path("source"), &bytes);
    scene.cp(&scene.path("source"), "object").run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
}

#[test]
fn an_object_that_is_gone_is_not_complete_already() {
    let (scene, bytes) = completed_and_killed(&[]);
    meddle(&scene, None);
    scene.cp(&scene.path("source"), "object").run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
}

#[test]
fn a_journal_that_outlived_its_object_is_not_believed() {
    let scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, LENGTH);
    // The receipt cannot be written, so the journal stays: the object is there all the same.
    let kept = scene.cp(&path, "object").args(["--receipt", "/dev/full"]).run();
    assert_ne!(kept.code(), Some(0), "{kept:?}");
    assert_eq!(scene.journals().len(), 1, "{kept:?}");
    meddle(&scene, None);
    scene.cp(&path, "object").run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
}
