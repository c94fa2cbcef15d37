//! Parts that take longer than the patience of the upload.

use std::time::Duration;

use oss_resumable::{Failure, Limits, Outcome, Upload};

use crate::world::{MIN_PART, World, spec};

/// How an upload ends whose first part is cut after so many minutes, that many times.
fn ends(minutes: u64, cuts: usize) -> Option<Outcome> {
    let mut world = World::new(2 * MIN_PART);
    world.cuts = vec![Duration::from_mins(minutes); cuts];
    let mut upload = Upload::begin(spec(MIN_PART), Limits::default());
    world.drive(&mut upload, usize::MAX);
    upload.outcome().cloned()
}

// Rows: 40
#[test]
fn a_part_that_moved_for_longer_than_the_patience_is_tried_again() {
    for cuts in 1..=3 {
        let ended = ends(20, cuts);
        assert!(matches!(ended, Some(Outcome::Completed(_))), "{cuts}: {ended:?}");
    }
}

// Rows: 40
#[test]
fn a_part_that_is_cut_again_and_again_does_not_fit_through() {
    for (minutes, cuts) in [(20, 5), (5, 500)] {
        match ends(minutes, cuts) {
            Some(Outcome::Failed(Failure::NoProgress { idle, .. })) => {
                assert!(idle >= Limits::default().give_up_after, "{idle:?}");
            }
            other => panic!("{minutes}: {other:?}"),
        }
    }
}
