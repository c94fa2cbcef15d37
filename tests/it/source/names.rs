//! Names that a key, a shell or a path would make something else of.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use rustix::process::Signal;

use crate::support::{PART, Scene, contents, write_file};

const PARTS: u16 = 4;
const MISSING: u16 = 2;

/// A file of that path, with contents of its own.
fn file(path: &Path) -> Vec<u8> {
    let bytes = contents(path.as_os_str().len() as u64, usize::from(PARTS) * PART);
    write_file(path, &bytes);
    bytes
}

/// Stops an upload of that file by a signal, goes on as its last line says, and sees the file under `key`.
fn stops_and_goes_on(scene: &mut Scene, path: &Path, key: &str) {
    let bytes = file(path);
    let running = scene.start_all_but(MISSING, |scene| scene.cp(path, key), PARTS);
    running.signal(Signal::INT);
    let ended = running.wait().expect(5);
    scene.emulator.restart("");
    let seen = scene.log().len();
    scene.oss().replaced_by(&["bash", "-c", ended.last_line()]).run().expect(0);
    scene.expect_object(key, &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().since(seen).parts_sent(), [MISSING], "{}", ended.last_line());
}

// Rows: 119
#[test]
fn any_name_is_gone_on_with_by_the_line_that_was_printed() {
    let mut scene = Scene::new();
    for name in [&b"\xff\xfe \x80"[..], b"line\nend\r", b"tab\t\x1b[31m", "e\u{301}\u{202e}".as_bytes()] {
        let path = scene.folder().join(OsStr::from_bytes(name));
        stops_and_goes_on(&mut scene, &path, "object");
    }
}

/// The longest path that Linux takes, without the zero at its end (`PATH_MAX`).
const LONGEST: usize = 4095;

/// A path below `folder` of exactly that length, whose folders are there.
fn path_of(folder: &Path, length: usize) -> PathBuf {
    let mut path = folder.to_owned();
    let left = |path: &Path| length - path.as_os_str().len() - 1;
    while left(&path) > 255 {
        path.push("d".repeat(200));
    }
    fs::create_dir_all(&path).unwrap();
    path.push("f".repeat(left(&path)));
    path
}

// Rows: 119
#[test]
fn the_longest_path_goes_up_and_a_longer_one_is_refused_by_name() {
    let mut scene = Scene::new();
    let longest = path_of(&scene.folder().canonicalize().unwrap(), LONGEST);
    assert_eq!(longest.as_os_str().len(), LONGEST);
    stops_and_goes_on(&mut scene, &longest, "object");
    let beyond = PathBuf::from(format!("{}f", longest.display()));
    let ended = scene.cp(&beyond, "object").run().expect(3);
    ended.says(&beyond.display().to_string()).says("File name too long");
}

// Rows: 119
#[test]
fn a_name_that_no_key_can_be_is_refused_by_name_where_it_would_become_one() {
    let scene = Scene::new();
    for name in [&b"\xff\xfe.bin"[..], b"caf\xe9"] {
        let path = scene.folder().join(OsStr::from_bytes(name));
        file(&path);
        let ended = scene.cp(&path, "folder/").run().expect(1);
        ended.says("UTF-8").says(&String::from_utf8_lossy(name));
    }
    assert_eq!(scene.log().len(), 0);
}

// Rows: 119
#[test]
fn names_that_differ_in_case_alone_are_two_files_two_jobs_and_two_objects() {
    let mut scene = Scene::new();
    let (lower, upper) = (scene.path("file"), scene.path("FILE"));
    let (lower_bytes, upper_bytes) = (contents(1, 4 * PART), contents(2, 4 * PART));
    write_file(&lower, &lower_bytes);
    write_file(&upper, &upper_bytes);
    for path in [&lower, &upper] {
        let running = scene.start_all_but(MISSING, |scene| scene.cp(path, "folder/"), PARTS);
        assert!(running.kill().was_killed());
    }
    assert_eq!(scene.journals().len(), 2);
    scene.emulator.restart("");
    for path in [&lower, &upper] {
        scene.cp(path, "folder/").run().expect(0);
    }
    scene.expect_object("folder/file", &lower_bytes);
    scene.expect_object("folder/FILE", &upper_bytes);
    scene.expect_nothing_left();
}
