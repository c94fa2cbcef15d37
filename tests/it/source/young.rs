//! A file that has just been written when it is looked at: a further write within the grain of its clock would move no time.

use std::{
    fs::File,
    time::{Duration, SystemTime},
};

use crate::support::{PART, Scene, until};

const PARTS: u16 = 5;
const MISSING: u16 = 4;

/// Kills an upload that has all parts but one of a file that was modified at that time, and goes on without reading anything
/// again: which parts went in the second run.
fn sent_again(modified: SystemTime) -> Vec<u16> {
    let mut scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, usize::from(PARTS) * PART);
    File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let changed = SystemTime::now();
    until("its change is two seconds old", || {
        changed.elapsed().is_ok_and(|age| age > Duration::from_millis(2_100))
    });
    let running = scene.start_all_but(MISSING, |scene| scene.cp(&path, "object"), PARTS);
    assert!(running.kill().was_killed());
    scene.emulator.restart("");
    let seen = scene.log().len();
    scene.cp(&path, "object").args(["--verify", "none"]).run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    scene.log().since(seen).parts_sent()
}

// Rows: 106
#[test]
fn times_that_are_young_vouch_for_nothing_and_older_ones_for_all_that_was_sent() {
    let now = SystemTime::now();
    // An hour ahead of the clock it stays young, however busy the machine is.
    assert_eq!(sent_again(now + Duration::from_hours(1)), [1, 2, 3, 4, 5]);
    assert_eq!(sent_again(now - Duration::from_hours(1)), [MISSING]);
}
