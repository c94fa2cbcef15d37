//! Files of every size and keys of every kind go up, and are the objects byte for byte.

use crate::support::{PART, Scene};

/// Uploads a file of that size, looks at the object, and says how many parts it took.
#[track_caller]
fn parts_of(length: usize) -> usize {
    let scene = Scene::new();
    let (path, bytes) = scene.file("source", length as u64, length);
    scene.cp(&path, "object").run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    let log = scene.log();
    assert_eq!(log.data_bytes(), length as u64, "every byte went once: {:?}", log.operations());
    log.count("upload_part")
}

#[test]
fn below_the_threshold_a_file_goes_in_one_request() {
    for length in [0, 1, PART - 1] {
        assert_eq!(parts_of(length), 0, "{length}");
    }
}

#[test]
fn from_the_threshold_on_a_file_goes_in_parts_and_the_last_may_be_short() {
    for (length, parts) in
        [(PART, 1), (PART + 1, 2), (12 * PART - 1, 12), (12 * PART, 12), (12 * PART + 1, 13)]
    {
        assert_eq!(parts_of(length), parts, "{length}");
    }
}
