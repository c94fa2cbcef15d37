//! The built program under a clock that is wrong, or is set while it runs. Needs libfaketime; `cargo xtask clock` looks for it and runs
//! this with its path in `OSS_FAKETIME`.

#![expect(clippy::unwrap_used, reason = "a scene that cannot be set up fails its test")]

#[expect(dead_code, unused_imports, reason = "the tests under a right clock need more of it")]
mod support;

use std::{fs, path::PathBuf};

use crate::support::{Oss, PART, Scene, until};

const PARTS: usize = 12;
const LENGTH: usize = (PARTS - 1) * PART + 5;
/// So slow that a clock can be set in the middle.
const SLOW: &str = "[[fault]]\nat = 'upload_part'\ndo = 'throttle'\nrate = '150K'\n";

/// How far the program's wall clock is off, as libfaketime reads it; its monotonic clock and the times of files are right.
struct Clock(PathBuf);

impl Clock {
    fn new(scene: &Scene, offset: &str) -> Self {
        let clock = Self(scene.path("clock"));
        clock.set(offset);
        clock
    }

    fn set(&self, offset: &str) {
        // Renamed into place: it may be read at any time.
        let fresh = self.0.with_extension("new");
        fs::write(&fresh, offset).unwrap();
        fs::rename(&fresh, &self.0).unwrap();
    }

    fn under(&self, oss: Oss) -> Oss {
        let library =
            std::env::var_os("OSS_FAKETIME").expect("`cargo xtask clock` says where libfaketime is");
        oss.env("LD_PRELOAD", library)
            .env("FAKETIME_TIMESTAMP_FILE", &self.0)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1")
    }
}

fn upload(scene: &Scene) -> Oss {
    scene.cp(&scene.path("source"), "object").args(["--parallel", "4"])
}

fn refused_for_its_time(scene: &Scene) -> usize {
    let codes = scene.log();
    codes.iter().filter(|request| request.code.as_deref() == Some("RequestTimeTooSkewed")).count()
}

// Rows: 86
#[test]
fn a_wrong_clock_is_learned_from_the_first_answer() {
    for offset in ["+20m", "-20m", "+5h", "-5h", "+6d", "-6d"] {
        let scene = Scene::new();
        let (_, bytes) = scene.file("source", 1, LENGTH);
        let clock = Clock::new(&scene, offset);
        clock.under(upload(&scene)).run().expect(0);
        scene.expect_object("object", &bytes);
        scene.expect_nothing_left();
        assert_eq!(refused_for_its_time(&scene), 1, "{offset}: {:#?}", scene.log().in_short());
        assert_eq!(scene.log().data_bytes(), LENGTH as u64, "nothing went twice");
    }
}

// Rows: 87
#[test]
fn a_clock_that_is_set_during_an_upload_is_learned_anew() {
    for (before, after) in [("+0", "+1h"), ("+0", "-1h"), ("+10m", "-10h")] {
        let scene = Scene::with_faults(SLOW);
        let (_, bytes) = scene.file("source", 1, LENGTH);
        let clock = Clock::new(&scene, before);
        let running = clock.under(upload(&scene)).start();
        until("some parts have arrived", || scene.log().parts_stored().len() >= 4);
        clock.set(after);
        running.wait().expect(0);
        scene.expect_object("object", &bytes);
        scene.expect_nothing_left();
        // Each part that was on its way may have been signed before it was learned.
        assert!((1..=4).contains(&refused_for_its_time(&scene)), "{:#?}", scene.log().in_short());
        assert_eq!(scene.log().parts_stored().len(), PARTS, "{after}");
    }
}

/// No timer moves; the service refuses what is signed a year off, and nothing is lost by it.
// Rows: 146
#[test]
fn a_clock_that_jumps_by_a_year_stops_an_upload_that_goes_on_when_it_is_right() {
    for jump in ["+365d", "-365d"] {
        let scene = Scene::with_faults(SLOW);
        let (_, bytes) = scene.file("source", 1, LENGTH);
        let clock = Clock::new(&scene, "+0");
        let running = clock.under(upload(&scene)).start();
        until("some parts have arrived", || scene.log().parts_stored().len() >= 4);
        clock.set(jump);
        let ended = running.wait().expect(2);
        ended.says("RequestTimeTooSkewed").says("set the clock of this machine");

        let jobs = |format: &str| {
            clock.under(scene.oss().args(["jobs", "ls", "--output-format", format])).run().expect(0).stdout
        };
        let (text, json) = (jobs("text"), jobs("json"));
        let negative =
            text.split('-').skip(1).any(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()));
        assert!(text.contains("object") && !negative, "an age is negative: {text}");
        assert!(!json.contains(":-"), "a figure is negative: {json}");

        let kept = scene.log().parts_stored();
        clock.set("+0");
        clock.under(upload(&scene)).run().expect(0);
        scene.expect_object("object", &bytes);
        scene.expect_nothing_left();
        assert!(scene.log().parts_stored().len() <= PARTS + 4, "{jump}: {kept:?} were there");
    }
}
