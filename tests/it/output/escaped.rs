//! Names with control characters reach the service unchanged and a terminal never.

use std::fs;

use crate::support::{Ended, PART, Scene};

const NAME: &str = "evil\u{1b}[31m\u{7}\nname\u{202e}gpj";

#[track_caller]
fn is_clean(ended: &Ended) {
    for text in [&ended.stdout, &ended.stderr] {
        let acts = |character: char| (character.is_control() && character != '\n') || character == '\u{202e}';
        assert!(!text.contains(acts), "{text:?}");
    }
}

// Rows: 97, 98
#[test]
fn a_name_with_control_characters_is_stored_as_it_is_and_shown_escaped() {
    let scene = Scene::new();
    for length in [13 * PART, 10] {
        let (plain, bytes) = scene.file("plain", 1, length);
        let path = scene.path(NAME);
        fs::rename(plain, &path).unwrap();
        for format in ["text", "json"] {
            let ended = scene.cp(&path, "").args(["-vv", "--output-format", format]).run().expect(0);
            is_clean(&ended);
            assert_eq!(ended.stdout.lines().count(), 1, "{ended:#?}");
            if format == "json" {
                assert_eq!(ended.json()["key"], NAME);
            }
        }
        scene.expect_object(NAME, &bytes);
    }
    let ended = scene.oss().args(["ls", "oss://demo"]).run().expect(0);
    is_clean(&ended);
    assert_eq!(ended.stdout.lines().count(), 1, "{ended:#?}");
    is_clean(&scene.oss().args(["stat", &format!("oss://demo/{NAME}")]).run().expect(0));
}

// Rows: 98
#[test]
fn errors_about_such_names_are_clean_too() {
    let scene = Scene::with_faults(
        "[[fault]]\nat = 'upload_part'\npart = 3\ndo = 'refuse'\nstatus = 403\ncode = 'AccessDenied'",
    );
    is_clean(&scene.cp(&scene.path(NAME), "x").run().expect(3));
    is_clean(&scene.oss().args(["cp", &format!("--{NAME}")]).run().expect(1));
    is_clean(&scene.oss().args(["stat", &format!("oss://demo/{NAME}")]).run().expect(2));
    is_clean(&scene.oss().args(["ls", &format!("oss://{NAME}")]).run().expect(1));
    let (plain, _) = scene.file("plain", 1, 13 * PART);
    let path = scene.path(NAME);
    fs::rename(plain, &path).unwrap();
    is_clean(&scene.cp(&path, "").run().expect(2));
    is_clean(&scene.oss().args(["jobs", "ls"]).run().expect(0));
}
