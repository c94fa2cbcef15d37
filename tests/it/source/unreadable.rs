//! Files that cannot be read, whoever asks: of the kernel's own, which refuse the superuser too.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::{Oss, PART, Scene};

/// A file that only takes.
fn write_only() -> PathBuf {
    let busses = fs::read_dir("/sys/bus").unwrap().map(|bus| bus.unwrap().path().join("drivers_probe"));
    busses.into_iter().find(|path| path.exists()).expect("every bus of Linux has one")
}

/// A file that opens and fails at its first byte: the loopback interface has no speed.
const FAILING: &str = "/sys/class/net/lo/speed";

/// As large as it says, or in parts.
fn cp(scene: &Scene, path: &Path, threshold: &str) -> Oss {
    scene.oss().arg("cp").arg(path).args(["oss://demo/object", "--bigfile-threshold", threshold])
}

// Rows: 109
#[test]
fn what_may_not_be_read_is_told_with_the_place_and_nothing_is_left() {
    let scene = Scene::new();
    for threshold in ["1", "10M"] {
        let ended = cp(&scene, &write_only(), threshold).run().expect(3);
        ended.says("cannot be read at offset 0: Permission denied");
        let ended = cp(&scene, Path::new(FAILING), threshold).run().expect(3);
        ended.says("cannot be read at offset 0: Invalid argument");
    }
    scene.expect_no_object("object");
    assert_eq!(scene.log().data_bytes(), 0);
}

// Rows: 109
#[test]
fn what_is_not_there_is_told_by_name_and_nothing_is_asked() {
    let scene = Scene::new();
    std::os::unix::fs::symlink("nowhere", scene.path("dangling")).unwrap();
    std::os::unix::fs::symlink("loop", scene.path("loop")).unwrap();
    scene.file("file", 1, 1);
    for (name, why) in [
        ("nowhere", "No such file"),
        ("dangling", "No such file"),
        ("file/below", "Not a directory"),
        ("loop", "symbolic links"),
    ] {
        let path = scene.path(name);
        let ended = cp(&scene, &path, "1").run().expect(3);
        ended.says(&path.display().to_string()).says(why);
    }
    assert_eq!(scene.log().len(), 0);
    assert_eq!(scene.journals().len(), 0);
}

// Rows: 109
#[test]
fn a_file_that_is_gone_before_a_part_of_it_is_opened_keeps_what_is_there() {
    const MISSING: u16 = 2;
    let mut scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, 6 * PART);
    let running = scene.start_all_but(MISSING, |scene| scene.cp(&path, "object"), 6);
    assert!(running.kill().was_killed());
    scene.emulator.restart("");
    fs::remove_file(&path).unwrap();
    let ended = scene.cp(&path, "object").run().expect(3);
    ended.says(&path.display().to_string()).says("No such file");
    assert_eq!((scene.uploads_of("object").len(), scene.journals().len()), (1, 1));

    fs::write(&path, &bytes).unwrap();
    let seen = scene.log().len();
    scene.cp(&path, "object").run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().since(seen).parts_sent(), [MISSING]);
}
