//! The journal cannot be written: before anything is begun, that is the end; later on, the upload goes on.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{Oss, PART, Scene, until};

/// A file system of that size, unmounted when this is dropped.
struct Mount(PathBuf);

impl Mount {
    /// `None` where this user may not mount.
    fn new(folder: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size},mode=0700"), "tmpfs"])
            .arg(folder)
            .output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(folder.to_owned()))
    }

    fn make_read_only(&self) {
        let status = Command::new("mount").args(["-o", "remount,ro"]).arg(&self.0).status().unwrap();
        assert!(status.success());
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let filler = vec![0; 1 << 20];
        // The last write fails, which is what is wanted.
        let _ = fs::write(self.0.join("filler"), filler);
    }

    fn empty(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn cp(scene: &Scene, path: &Path, directory: &Path) -> Oss {
    scene.cp(path, "object").arg("--checkpoint-dir").arg(directory)
}

/// Says that nothing was begun.
#[track_caller]
fn nothing_was_begun(scene: &Scene) {
    assert_eq!(scene.log().count("initiate"), 0, "{:?}", scene.log().operations());
    assert_eq!(scene.log().data_bytes(), 0);
    scene.expect_nothing_left_on_the_server();
}

// Rows: 121
#[test]
fn with_no_room_for_a_journal_nothing_is_begun() {
    let scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, 13 * PART);
    let folder = scene.path("small");
    let mount = Mount::new(&folder, "64k");
    if let Some(mount) = &mount {
        mount.fill();
        cp(&scene, &path, &folder).run().expect(3).says("hint: make room").says("--checkpoint-dir");
        nothing_was_begun(&scene);
        mount.empty();
    }
    // A limit on the size of files stands for a full disk everywhere.
    let ended = cp(&scene, &path, &folder).after("ulimit -f 0").run().expect(3);
    ended.says("ulimit -f").says("--checkpoint-dir");
    assert!(!ended.stderr.contains("warning: "), "nothing goes on that could be warned about: {ended:#?}");
    nothing_was_begun(&scene);

    cp(&scene, &path, &folder).run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
}

// Rows: 122, 123
#[test]
fn a_disk_that_is_full_later_on_stops_no_upload() {
    let faults = "[[fault]]\nat = 'upload_part'\npart = 10\ndo = 'delay'\nfor = '1s'";
    let scene = Scene::with_faults(faults);
    let (path, bytes) = scene.file("source", 2, 13 * PART);
    let folder = scene.path("small");
    let mount = Mount::new(&folder, "64k");
    let running = cp(&scene, &path, &folder).start();
    until("a part is up", || !scene.log().parts_stored().is_empty());
    if let Some(mount) = &mount {
        mount.fill();
    }
    running.wait().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().data_bytes(), bytes.len() as u64);
}

// Rows: 122, 123
#[test]
fn a_journal_that_may_not_grow_ends_before_the_object_is_sealed_and_loses_no_byte() {
    let scene = Scene::new();
    // Sixty records do not fit into one block of 1024 bytes, what comes before them does.
    let (path, bytes) = scene.file("source", 3, 60 * PART);
    let folder = scene.path("journals");
    let ended = cp(&scene, &path, &folder).after("ulimit -f 1").run().expect(3);
    ended.says("warning: the journal cannot be written").says("ulimit -f");
    assert_eq!(ended.stderr.matches("warning: ").count(), 1, "it is said once");
    assert_eq!(scene.log().count("complete"), 0, "what is not in the journal is not begun");

    let ended = cp(&scene, &path, &folder).run().expect(0);
    assert!(ended.stdout.contains(", 0 B sent"), "{ended:#?}");
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left_on_the_server();
    assert_eq!(scene.log().data_bytes(), bytes.len() as u64);
}

// Rows: 124
#[test]
fn a_place_where_no_journal_can_be_is_named_with_the_flag_that_moves_it() {
    let scene = Scene::new();
    let (path, bytes) = scene.file("source", 4, 13 * PART);
    let folder = scene.path("read-only");
    let mount = Mount::new(&folder, "64k");
    if let Some(mount) = &mount {
        mount.make_read_only();
    }
    let file = scene.path("a-file");
    fs::write(&file, "not a folder").unwrap();
    let mut places = vec![file.clone(), file.join("below"), PathBuf::from("/proc/nowhere")];
    places.extend(mount.as_ref().map(|_| folder.clone()));
    for place in places {
        let ended = cp(&scene, &path, &place).run().expect(3);
        ended.says(&place.display().to_string()).says("hint: ").says("--checkpoint-dir");
        nothing_was_begun(&scene);
    }
    assert_eq!(fs::read(&file).unwrap(), b"not a folder");
    cp(&scene, &path, &scene.path("a-good-one")).run().expect(0);
    scene.expect_object("object", &bytes);
}
