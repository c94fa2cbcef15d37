//! `oss check` and `oss hash`: files beside objects, and nothing is transferred.

use std::{
    fs::{self, File},
    io::{Seek as _, SeekFrom, Write as _},
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::json;

use crate::support::{Oss, PART, Running, Scene, contents, until, write_file};

const MIB: u64 = 1 << 20;

/// More than anybody reads within a minute.
const HUGE: u64 = 4 << 40;

fn check(scene: &Scene) -> Oss {
    scene.oss().args(["check", "source", "oss://demo/object"])
}

/// A file and an object of these bytes.
fn both(scene: &Scene, bytes: &[u8]) {
    write_file(&scene.path("source"), bytes);
    scene.back_door().ask("PUT", "/demo/object", bytes);
}

#[test]
fn a_file_and_its_object_are_the_same_by_one_request() {
    for length in [0, 1, PART, 17 << 20] {
        let scene = Scene::new();
        let bytes = contents(1, length);
        both(&scene, &bytes);
        for flags in [&[][..], &["--parallel", "1"], &["--parallel", "3"]] {
            let seen = scene.log().len();
            let ended = check(&scene).args(flags).run().expect(0);
            assert_eq!(scene.log().since(seen).operations(), ["head_object"]);
            assert!(ended.stdout.starts_with("source is oss://demo/object: "), "{}", ended.stdout);
        }
        let told = check(&scene).args(["--output-format", "json"]).run().expect(0).json();
        let headers = scene.back_door().headers("demo", "object");
        assert_eq!(told["crc64"], headers["x-oss-hash-crc64ecma"]);
        assert_eq!((&told["size"], &told["exit"]), (&json!(length), &json!(0)));
        // The name of the file stands in for one that is not given.
        scene.back_door().ask("PUT", "/demo/dir/source", &bytes);
        scene.oss().args(["check", "source", "oss://demo/dir/"]).run().expect(0);
    }
}

#[test]
fn one_bit_anywhere_makes_them_differ() {
    let scene = Scene::new();
    let bytes = contents(1, 17 << 20);
    both(&scene, &bytes);
    for place in [0, 8 * MIB, 17 * MIB - 1] {
        let mut file = File::options().write(true).open(scene.path("source")).unwrap();
        let place = usize::try_from(place).unwrap();
        file.seek(SeekFrom::Start(place as u64)).unwrap();
        file.write_all(&[bytes[place] ^ 1]).unwrap();
        check(&scene).run().expect(11).says("oss://demo/object is not source: CRC-64 ").says("hint: ");
        let told = check(&scene).args(["--output-format", "json"]).run().expect(11).json();
        assert_eq!(
            (&told["outcome"], &told["differs"][0]["field"]),
            (&json!("proof-failed"), &json!("crc64"))
        );
        file.seek(SeekFrom::Start(place as u64)).unwrap();
        file.write_all(&[bytes[place]]).unwrap();
    }
    check(&scene).run().expect(0);
}

#[test]
fn a_file_of_another_size_is_not_even_read() {
    let scene = Scene::new();
    both(&scene, b"short");
    File::create(scene.path("source")).unwrap().set_len(HUGE).unwrap();
    let ended = check(&scene).run().expect(11);
    ended.says(&format!("size 5, and not {HUGE}"));
}

#[test]
fn what_is_missing_is_told_apart() {
    let mut scene = Scene::new();
    write_file(&scene.path("source"), b"here");
    // The answer to the question is no.
    check(&scene).run().expect(11).says("there is no object oss://demo/object").says("oss cp source");
    let seen = scene.log().len();
    scene.oss().args(["check", "nothing", "oss://demo/object"]).run().expect(3).says("cannot read nothing");
    scene.oss().args(["check", ".", "oss://demo/object"]).run().expect(1).says("a directory");
    scene.oss().args(["check", "-", "oss://demo/object"]).run().expect(1).says("standard input");
    assert_eq!(scene.log().len(), seen);

    scene
        .emulator
        .restart("[[fault]]\nat = 'head_object'\ndo = 'refuse'\nstatus = 404\ncode = 'NoSuchBucket'");
    check(&scene).run().expect(2).says("NoSuchBucket");
    scene
        .emulator
        .restart("[[fault]]\nat = 'head_object'\ndo = 'refuse'\nstatus = 403\ncode = 'AccessDenied'");
    check(&scene).run().expect(2).says("AccessDenied");
}

// Rows: 58
#[test]
fn without_a_checksum_there_is_nothing_to_compare_with() {
    let mut scene = Scene::new();
    both(&scene, b"the same");
    scene
        .emulator
        .restart("[[fault]]\nat = 'head_object'\ndo = 'without-header'\nname = 'x-oss-hash-crc64ecma'");
    check(&scene).run().expect(11).says("states no CRC-64");
}

/// Compares a file that takes for ever with an object that is said to be as large, and returns when it is being read.
fn reading(scene: &mut Scene, flags: &[&str]) -> Running {
    both(scene, b"as large as it is said to be");
    File::create(scene.path("source")).unwrap().set_len(HUGE).unwrap();
    scene.emulator.restart(&format!(
        "[[fault]]\nat = 'head_object'\ndo = 'header'\nname = 'content-length'\nvalue = '{HUGE}'"
    ));
    let running = check(scene).args(flags).start();
    let io = format!("/proc/{}/io", running.id());
    until("the file is being read", || {
        let io = fs::read_to_string(&io).unwrap_or_default();
        let read = io.lines().find_map(|line| line.strip_prefix("rchar: ")?.parse::<u64>().ok());
        read.is_some_and(|read| read > 64 * MIB)
    });
    running
}

#[test]
fn a_file_that_changes_while_it_is_read_is_told() {
    let mut scene = Scene::new();
    let running = reading(&mut scene, &[]);
    File::options().append(true).open(scene.path("source")).unwrap().write_all(b"more").unwrap();
    running.wait().expect(10).says("source changed while it was read").says("hint: wait until");
}

#[test]
fn a_signal_and_a_deadline_end_the_reading() {
    let mut scene = Scene::new();
    for signal in [Signal::INT, Signal::TERM] {
        let running = reading(&mut scene, &[]);
        let before = Instant::now();
        running.signal(signal);
        running.wait().expect(5).says("interrupted; nothing was changed");
        assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
    }
    let running = reading(&mut scene, &["--deadline", "3s"]);
    running.wait().expect(13).says("not done within the deadline of 3 s");
}

#[test]
fn memory_does_not_grow_with_the_file() {
    let mut scene = Scene::new();
    let running = reading(&mut scene, &["--parallel", "8"]);
    let status = fs::read_to_string(format!("/proc/{}/status", running.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says it");
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kib < 48 * 1024, "{kib} KiB for a file of 4 TiB");
}

#[test]
fn a_hash_is_what_oss_states() {
    let scene = Scene::new();
    write_file(&scene.path("source"), b"123456789");
    let ended = scene.oss().args(["hash", "source"]).run().expect(0);
    // The check value of CRC-64/XZ.
    assert_eq!(ended.stdout, "11051210869376104954  source\n");
    let told = scene.oss().args(["hash", "source", "--output-format", "json"]).run().expect(0).json();
    assert_eq!(told, json!({ "v": 1, "source": "source", "size": 9, "crc64": "11051210869376104954" }));

    let bytes = contents(1, 9 << 20);
    write_file(&scene.path("other"), &bytes);
    scene.back_door().ask("PUT", "/demo/object", &bytes);
    let stated = scene.back_door().headers("demo", "object")["x-oss-hash-crc64ecma"].clone();
    write_file(&scene.path("empty"), b"");
    let ended = scene.oss().args(["hash", "other", "missing", ".", "empty"]).run().expect(3);
    assert_eq!(ended.stdout, format!("{stated}  other\n0  empty\n"));
    ended.says("cannot read missing").says("a directory");
    assert_eq!(scene.log().len(), 0, "nobody is asked");
    scene.oss().args(["hash"]).run().expect(1);
}
