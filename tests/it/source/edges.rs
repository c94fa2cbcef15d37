//! Lengths at which something changes, and files with holes.

use std::{fs::File, os::unix::fs::FileExt as _};

use serde_json::Value;

use crate::support::{PART, Scene, contents};

/// Uploads a file of that length with that threshold and part size: says how many parts it took.
#[track_caller]
fn parts_of(length: usize, threshold: usize, part_size: usize) -> usize {
    let scene = Scene::new();
    let (path, bytes) = scene.file("source", length as u64, length);
    let upload = scene.oss().arg("cp").arg(&path).arg("oss://demo/object");
    let flags = [format!("--bigfile-threshold={threshold}"), format!("--part-size={part_size}")];
    upload.args(&flags).run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    let log = scene.log();
    assert_eq!(log.data_bytes(), length as u64, "every byte goes once: {:?}", log.operations());
    let (parts, whole) = (log.count("upload_part"), log.count("put_object"));
    assert_eq!((whole, log.count("complete")), if parts == 0 { (1, 0) } else { (0, 1) });
    parts
}

// Rows: 112
#[test]
fn an_empty_file_is_an_empty_object_with_a_receipt() {
    for threshold in ["0", "1", "10M"] {
        let scene = Scene::new();
        let (path, _) = scene.file("empty", 1, 0);
        let flags = ["--bigfile-threshold", threshold, "--receipt", "receipt"];
        scene.oss().arg("cp").arg(&path).arg("oss://demo/object").args(flags).run().expect(0);
        scene.expect_object("object", b"");
        scene.expect_nothing_left();
        let receipt: Value = serde_json::from_slice(&std::fs::read(scene.path("receipt")).unwrap()).unwrap();
        assert_eq!((&receipt["size"], &receipt["crc64"]), (&0.into(), &"0".into()));
        assert_eq!((&receipt["proof"], &receipt["upload_id"]), (&"object".into(), &Value::Null));
        scene.oss().args(["verify", "receipt"]).run().expect(0);
    }
}

// Rows: 113
#[test]
fn a_byte_around_the_threshold_decides_between_one_request_and_parts() {
    let threshold = 3 * PART / 2;
    assert_eq!(parts_of(threshold - 1, threshold, PART), 0);
    assert_eq!(parts_of(threshold, threshold, PART), 2);
    assert_eq!(parts_of(threshold + 1, threshold, PART), 2);
    assert_eq!(parts_of(1, 1, PART), 1, "a part may be one byte where it is the last");
    assert_eq!(parts_of(1, 2, PART), 0);
}

// Rows: 113
#[test]
fn a_byte_around_a_number_of_parts_makes_one_more_or_shortens_the_last() {
    for part_size in [PART, PART + 1] {
        for parts in [1, 3] {
            assert_eq!(parts_of(parts * part_size - 1, 1, part_size), parts);
            assert_eq!(parts_of(parts * part_size, 1, part_size), parts);
            assert_eq!(parts_of(parts * part_size + 1, 1, part_size), parts + 1);
        }
    }
}

// Rows: 116
#[test]
fn a_file_with_holes_is_sent_with_its_zeros() {
    let scene = Scene::new();
    let path = scene.path("source");
    let mut bytes = vec![0; 64 * PART + 7];
    let island = contents(1, PART / 3);
    bytes[20 * PART - 99..][..island.len()].copy_from_slice(&island);
    let file = File::create(&path).unwrap();
    file.write_all_at(&island, (20 * PART - 99) as u64).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
    scene.cp(&path, "object").run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
}
