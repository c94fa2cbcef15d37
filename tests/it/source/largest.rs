//! The largest object that OSS keeps, and more. No disk has them, but files with holes in memory do.

use std::fs::File;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Scene, until};

/// 10,000 parts of 5 GiB. <https://www.alibabacloud.com/help/en/oss/user-guide/limits>
const LARGEST: u64 = 10_000 * (5 << 30);

/// A folder on the only file system that every Linux has and that takes such files.
fn in_memory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap()
}

fn with_a_hole(folder: &TempDir, length: u64) -> std::path::PathBuf {
    let path = folder.path().join("source");
    File::create(&path).unwrap().set_len(length).unwrap();
    path
}

// Rows: 115
#[test]
fn what_no_object_can_hold_is_refused_before_a_byte_is_read() {
    let (scene, folder) = (Scene::new(), in_memory());
    for length in [LARGEST + 1, 1 << 60, i64::MAX as u64] {
        let path = with_a_hole(&folder, length);
        for flags in [&[][..], &["--part-size", "5G"], &["--part-size", "100K", "--bigfile-threshold", "1"]] {
            let upload = scene.oss().arg("cp").arg(&path).arg("oss://demo/object").args(flags);
            let ended = upload.run().expect(1);
            ended.says(&format!("{length} bytes are more than one object can hold ({LARGEST} bytes)"));
        }
    }
    assert_eq!(scene.log().len(), 0, "nothing was asked");
    assert_eq!(scene.journals().len(), 0);
}

// Rows: 115, 143
#[test]
fn the_largest_object_is_begun_in_ten_thousand_parts() {
    let hang = "[[fault]]\nat = 'initiate'\ndo = 'stall-answer'\nfor = '1h'\n";
    let (mut scene, folder) = (Scene::with(hang, &["--discard"]), in_memory());
    let path = with_a_hole(&folder, LARGEST);
    let cp = || scene.oss().arg("cp").arg(&path).arg("oss://demo/object");
    let running = cp().args(["--part-size", "100K", "--parallel", "1"]).start();
    until("it is begun", || scene.uploads_of("object").len() == 1);
    running.signal(Signal::INT);
    running.wait().expect(5);
    let listed = scene.oss().args(["jobs", "ls", "--output-format", "json"]).run().expect(0);
    let job: Value = listed.json();
    assert_eq!((&job["size"], &job["parts"]), (&LARGEST.into(), &10_000.into()), "{job}");
    scene.emulator.restart("");
}
