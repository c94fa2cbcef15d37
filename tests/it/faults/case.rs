//! A fault, the upload that meets it, and what is to be true afterwards.

use std::ops::RangeInclusive;

use crate::support::{Ended, PART, RequestLog, Scene, until};

/// A file of twelve whole parts and a short one.
pub(super) const MANY: usize = 12 * PART + 1234;

/// How many parts that makes.
pub(super) const PARTS: usize = 13;

/// A file that goes in one request.
pub(super) const ONE: usize = PART - 1;

/// What became of an upload.
pub(super) struct Outcome {
    pub(super) ended: Ended,
    pub(super) log: RequestLog,
}

impl Outcome {
    /// Says that so many requests of that operation arrived.
    #[track_caller]
    pub(super) fn arrived(&self, operation: &str, times: RangeInclusive<usize>) -> &Self {
        let count = self.log.count(operation);
        assert!(
            times.contains(&count),
            "{count} times {operation}, not {times:?}: {:#?}",
            self.log.operations()
        );
        self
    }

    /// Says that there was never more than one upload.
    #[track_caller]
    pub(super) fn one_upload(&self) -> &Self {
        assert_eq!(self.log.uploads().len(), 1, "{:?}", self.log.operations());
        self
    }

    /// Says that nothing was sent twice.
    #[track_caller]
    pub(super) fn each_byte_once(&self, length: usize) -> &Self {
        assert_eq!(self.log.data_bytes(), length as u64, "{:?}", self.log.parts_sent());
        self
    }

    /// Whether the receipt says that the end was found by asking.
    pub(super) fn settled(&self) -> bool {
        self.ended.json()["settled"].as_bool().unwrap()
    }
}

/// Uploads `length` bytes against these faults to exit code 0: the object is the file, nothing is left, and every rule fired.
#[track_caller]
pub(super) fn succeeds(length: usize, faults: &str) -> Outcome {
    succeeds_with(length, faults, &[])
}

/// The same with further arguments.
#[track_caller]
pub(super) fn succeeds_with(length: usize, faults: &str, arguments: &[&str]) -> Outcome {
    let scene = Scene::with_faults(faults);
    let (path, bytes) = scene.file("source", 7, length);
    let ended = scene.cp(&path, "object").args(JSON).args(arguments).run();
    assert_eq!(ended.code(), Some(0), "{faults}\n{ended:#?}\n{:#?}", scene.log());
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    let log = every_rule_fired(&scene, faults);
    Outcome { ended, log }
}

/// Uploads `length` bytes against these faults to another exit code; without the faults the same command finishes, and sends
/// nothing again that the server had taken.
#[track_caller]
pub(super) fn fails_and_resumes(code: i32, length: usize, faults: &str) -> Outcome {
    fails_with_and_resumes(code, length, faults, &[])
}

/// The same with further arguments.
#[track_caller]
pub(super) fn fails_with_and_resumes(code: i32, length: usize, faults: &str, arguments: &[&str]) -> Outcome {
    let mut scene = Scene::with_faults(faults);
    let (path, bytes) = scene.file("source", 7, length);
    let ended = scene.cp(&path, "object").args(JSON).args(arguments).run();
    assert_eq!(ended.code(), Some(code), "{faults}\n{ended:#?}\n{:#?}", scene.log());
    assert_eq!(ended.json()["exit"], code, "{ended:#?}");
    let log = every_rule_fired(&scene, faults);
    let kept: Vec<u16> = match &scene.uploads_of("object")[..] {
        [] => Vec::new(),
        [id] => scene.back_door().parts("demo", "object", id),
        ids => panic!("several uploads are left: {ids:?}"),
    };

    scene.emulator.restart("");
    let seen = scene.log().len();
    scene.cp(&path, "object").args(arguments).run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    let again = scene.log().since(seen).parts_sent();
    assert!(again.iter().all(|part| !kept.contains(part)), "of {kept:?} were sent again: {again:?}");
    Outcome { ended, log }
}

const JSON: [&str; 2] = ["--output-format", "json"];

/// Waits until the log tells of every rule of the script: the last words of a lost answer may come late.
#[track_caller]
fn every_rule_fired(scene: &Scene, faults: &str) -> RequestLog {
    let rules = faults.matches("[[fault]]").count();
    let fired = |log: &RequestLog, rule: usize| {
        let name = format!("{rule}:");
        log.iter().any(|request| request.faults.iter().any(|fault| fault.starts_with(&name)))
    };
    until(&format!("every rule fires:\n{faults}"), || {
        let log = scene.log();
        (1..=rules).all(|rule| fired(&log, rule))
    });
    scene.log()
}
