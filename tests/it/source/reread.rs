//! A part that is read twice, with other bytes the second time.

use std::{fs::OpenOptions, os::unix::fs::FileExt as _, path::Path};

use crate::support::{Ended, Oss, PART, Scene, keep_times, until};

const PARTS: u16 = 6;
const TWICE: u16 = 3;

fn cp(scene: &Scene) -> Oss {
    scene.cp(&scene.path("source"), "object")
}

/// The server stores every part and never answers one; the bytes of that part change, with the old length and time; and
/// the part is sent again.
fn read_twice(flags: &[&str], code: i32) -> (Scene, Ended) {
    let stall = format!("[[fault]]\nat = 'upload_part'\npart = {TWICE}\ndo = 'stall-answer'\nfor = '1h'\n");
    let mut scene = Scene::with_faults(&stall);
    let (path, _) = scene.file("source", 1, usize::from(PARTS) * PART);
    let running = cp(&scene).args(flags).start();
    until("all parts are stored", || match &scene.uploads_of("object")[..] {
        [id] => scene.back_door().parts("demo", "object", id).len() == usize::from(PARTS),
        _ => false,
    });
    keep_times(&path, flip);
    scene.emulator.restart("");
    (scene, running.wait().expect(code))
}

fn flip(path: &Path) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let (at, mut byte) = ((usize::from(TWICE - 1) * PART + 77) as u64, [0]);
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[!byte[0]], at).unwrap();
}

#[track_caller]
fn expect_object_is_source(scene: &Scene) {
    scene.expect_object("object", &std::fs::read(scene.path("source")).unwrap());
    scene.expect_nothing_left();
}

// Rows: 101
#[test]
fn what_is_read_the_second_time_is_not_sent_under_the_proof_of_the_first() {
    let (scene, ended) = read_twice(&[], 0);
    ended.says("the source has changed");
    expect_object_is_source(&scene);
    assert_eq!(scene.log().count("initiate"), 1);
}

// Rows: 101
#[test]
fn where_no_change_is_wanted_the_second_reading_is_the_end() {
    let (scene, ended) = read_twice(&["--on-change", "fail"], 10);
    ended.says("the source has changed");
    scene.expect_no_object("object");
    assert_eq!(scene.log().count("complete"), 0);
    cp(&scene).run().expect(0);
    expect_object_is_source(&scene);
}
