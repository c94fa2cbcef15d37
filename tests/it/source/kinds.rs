//! What is no file is refused by its kind, and nobody waits for the other end of a pipe.

use std::{fs, os::unix::net::UnixListener, path::Path, process::Command};

use crate::support::{PART, Scene};

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

// Rows: 110
#[test]
fn what_is_no_file_is_refused_by_its_kind_and_nobody_hangs() {
    let scene = Scene::new();
    make_pipe(&scene.path("pipe"));
    std::os::unix::fs::symlink("pipe", scene.path("link")).unwrap();
    fs::create_dir(scene.path("folder")).unwrap();
    let _socket = UnixListener::bind(scene.path("socket")).unwrap();
    for (name, kind) in [
        ("pipe", "a pipe"),
        ("link", "a pipe"),
        ("folder", "a directory"),
        ("socket", "a socket"),
        ("/dev/null", "a device"),
        ("/dev/zero", "a device"),
    ] {
        let path = scene.path(name);
        let said = format!("{} is {kind}, not a file", path.display());
        scene.cp(&path, "object").run().expect(1).says(&said);
        scene.oss().arg("check").arg(&path).arg("oss://demo/object").run().expect(1).says(&said);
        scene.oss().arg("hash").arg(&path).run().expect(1).says(&said);
    }
    assert_eq!(scene.log().len(), 0, "nothing was asked");
    assert_eq!(scene.journals().len(), 0);
}

// Rows: 110
#[test]
fn a_pipe_that_takes_the_place_of_a_file_is_not_waited_for() {
    const MISSING: u16 = 3;
    let mut scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, 5 * PART);
    let running = scene.start_all_but(MISSING, |scene| scene.cp(&path, "object"), 5);
    let away = scene.path("away");
    fs::rename(&path, &away).unwrap();
    make_pipe(&path);
    scene.emulator.restart("");
    running.wait().expect(3).says("a pipe, not a regular file");
    scene.expect_no_object("object");
    scene.cp(&path, "object").run().expect(1).says("is a pipe, not a file");

    fs::rename(&away, &path).unwrap();
    let seen = scene.log().len();
    scene.cp(&path, "object").run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert!(scene.log().since(seen).parts_sent().iter().all(|part| *part == MISSING));
}
