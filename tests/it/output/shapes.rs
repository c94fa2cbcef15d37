//! The shapes of what is said, as scripts rely on them.

use std::fs;

use serde_json::Value;

use crate::support::{BUCKET, Oss, PART, Scene};

const MANY: usize = 12 * PART + 5;

#[test]
fn a_result_is_one_line_on_stdout_and_nothing_else_is_said() {
    let scene = Scene::new();
    for (length, sent) in [(MANY, "1.1 MiB"), (1000, "1000 B"), (0, "0 B")] {
        let (path, _) = scene.file("source", 1, length);
        let ended = scene.cp(&path, "object").run().expect(0);
        assert_eq!(ended.stderr, "");
        let line = ended.stdout.strip_suffix('\n').unwrap();
        assert!(!line.contains('\n'), "{line}");
        assert!(line.starts_with(&format!("oss://demo/object: {sent} in ")), "{line}");
        assert!(line.contains(&format!(", {sent} sent, proved by CRC-64 ")), "{line}");
    }
}

#[test]
fn a_result_as_json_is_the_receipt_with_the_facts_of_the_run() {
    let scene = Scene::new();
    for (length, proof, parts) in [(MANY, "parts+object", 13), (1000, "object", 0)] {
        let (path, _) = scene.file("source", 1, length);
        let file = scene.path("receipt.json");
        let ended = scene.cp(&path, "object").args(["--output-format", "json", "--receipt"]).arg(&file).run();
        let told = ended.expect(0).json();
        let stored = scene.back_door().headers(BUCKET, "object");
        assert_eq!(told["v"], 1);
        assert_eq!((&told["outcome"], &told["exit"]), (&"done".into(), &0.into()));
        assert_eq!(
            (&told["bucket"], &told["key"], &told["size"]),
            (&BUCKET.into(), &"object".into(), &length.into())
        );
        assert_eq!(told["crc64"], stored["x-oss-hash-crc64ecma"].as_str(), "decimal text");
        assert_eq!(told["etag"].as_str(), Some(stored["etag"].trim_matches('"')));
        assert_eq!((&told["proof"], &told["settled"]), (&proof.into(), &false.into()));
        assert_eq!(told["parts"].as_array().map(Vec::len), Some(parts));
        assert_eq!(told["upload_id"].is_string(), parts > 0);
        assert_eq!(told["source"]["path"], path.to_str().unwrap());
        assert_eq!(told["run"]["bytes_sent"], length);
        assert_eq!(told["run"]["bytes_resumed"], 0);
        assert!(told["run"]["milliseconds"].is_u64());

        // The receipt is the same without the run.
        let mut receipt: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let receipt = receipt.as_object_mut().unwrap();
        for (name, value) in &*receipt {
            assert_eq!(&told[name], value, "{name}");
        }
        assert!(!receipt.contains_key("run") && !receipt.contains_key("outcome"));
    }
}

#[test]
fn a_receipt_goes_through_what_is_no_file_and_replaces_nothing_there() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, MANY);
    let link = scene.path("link");
    std::os::unix::fs::symlink("target.json", &link).unwrap();
    let run = |receipt: &str| scene.cp(&path, "object").args(["--receipt", receipt]).run();
    let is_receipt = |text: &str| {
        let receipt: Value = serde_json::from_str(text).unwrap();
        assert_eq!(receipt["key"], "object");
    };
    let ended = run("/dev/stdout").expect(0);
    let (receipt, told) = ended.stdout.trim_end().rsplit_once('\n').unwrap();
    is_receipt(receipt);
    assert!(told.starts_with("oss://demo/object: "), "{told}");
    run("/dev/null").expect(0);
    run("/dev/full").expect(3).says("/dev/full cannot be written");
    for device in ["/dev/null", "/dev/full"] {
        assert!(!fs::metadata(device).unwrap().is_file(), "{device} is still what it was");
    }
    run("link").expect(0);
    assert!(link.is_symlink());
    is_receipt(&fs::read_to_string(scene.path("target.json")).unwrap());

    let seen = scene.log().len();
    run(".").expect(1).says("--receipt . is a directory");
    assert_eq!(scene.log().len(), seen, "nothing was sent");
}

#[test]
fn an_object_that_is_not_there_comes_with_what_support_asks_for() {
    let scene = Scene::new();
    let stat = || scene.oss().args(["stat", "oss://demo/nothing"]);
    let ended = stat().run().expect(2);
    ended
        .says("error: there is no object oss://demo/nothing")
        .says("code NoSuchKey, EC 0026-00000001, request id ");
    let told = stat().args(["--output-format", "json"]).run().expect(2).json();
    assert_eq!((&told["code"], &told["http_status"]), (&"NoSuchKey".into(), &404.into()));
    assert_eq!(told["request_id"].as_str().map(str::len), Some(24), "{told}");
}

#[test]
fn every_command_says_one_object_a_line_when_asked_for_json() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, 1000);
    for key in ["a", "b"] {
        scene.cp(&path, key).run().expect(0);
    }
    let lines = |arguments: &[&str], code: i32| -> Vec<Value> {
        let ended = scene.oss().args(["--output-format", "json"]).args(arguments).run().expect(code);
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let check = |arguments: &[&str], code: i32, field: &str, values: &[&str]| {
        let told = lines(arguments, code);
        let found: Vec<&str> = told.iter().map(|line| line[field].as_str().unwrap()).collect();
        assert_eq!(found, values, "{arguments:?}: {told:?}");
        assert!(told.iter().all(|line| line["v"] == 1), "{told:?}");
    };
    check(&["ls"], 0, "bucket", &[BUCKET]);
    check(&["ls", "oss://demo"], 0, "key", &["a", "b"]);
    check(&["stat", "oss://demo/a"], 0, "key", &["a"]);
    check(&["mb", "oss://other"], 0, "bucket", &["other"]);
    check(&["stat", "oss://demo/missing"], 2, "outcome", &["refused"]);
    check(&["cp", "missing", "oss://demo/x"], 3, "outcome", &["local"]);
    check(&["cp", "--bogus"], 1, "outcome", &["usage"]);
    assert_eq!(lines(&["jobs", "ls"], 0), [Value::Null; 0]);
}

#[test]
fn what_makes_no_sense_is_a_usage_error_on_stderr() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, 10);
    let path = path.to_str().unwrap();
    for arguments in [
        &[][..],
        &["frobnicate"],
        &["--bogus", "ls"],
        &["cp", "--bogus", path, "oss://demo/x"],
        &["cp", path],
        &["cp", path, "demo/x"],
        &["cp", path, "oss://Demo_/x"],
        &["cp", path, "oss://demo/x", "--part-size", "10X"],
        &["cp", path, "oss://demo/x", "--part-size", "1K"],
        &["cp", path, "oss://demo/x", "--parallel", "0"],
        &["cp", path, "oss://demo/x", "--give-up-after", "soon"],
        &["--local", "-e", "h", "cp", path, "oss://demo/x"],
        &["cp", path, "oss://demo/x", "--meta", "no-value"],
        &["cp", path, "oss://demo/x", "--acl", "everybody"],
        &["cp", "/", "oss://demo/x"],
    ] {
        let ended = scene.oss().args(arguments).run().expect(1);
        assert_eq!(ended.stdout, "", "{arguments:?}");
        assert_ne!(ended.stderr, "", "{arguments:?}");
    }
    assert_eq!(scene.log().len(), 0);
    for arguments in [&["--help"][..], &["--version"], &["cp", "--help"]] {
        let ended = scene.oss().args(arguments).run().expect(0);
        assert!(ended.stderr.is_empty() && !ended.stdout.is_empty(), "{arguments:?}");
    }
}

/// An upload that was stopped and goes on slowly enough for its progress to be drawn.
fn slow_resume(scene: &mut Scene, key: &str) -> Oss {
    let (path, _) = scene.file("source", 1, MANY);
    scene.emulator.restart(
        "[[fault]]\nat = 'upload_part'\npart = 8\ndo = 'refuse'\nstatus = 403\ncode = 'AccessDenied'",
    );
    scene.cp(&path, key).run().expect(2);
    scene.emulator.restart("[[fault]]\nat = 'upload_part'\nnth = 1\ndo = 'delay'\nfor = '1s'");
    scene.cp(&path, key)
}

#[test]
fn without_a_terminal_progress_is_plain_lines_and_a_resume_is_told_at_once() {
    let mut scene = Scene::new();
    let ended = slow_resume(&mut scene, "told").run().expect(0);
    let line =
        ended.stderr.lines().find(|line| line.contains("% ") || line.contains("%: ")).unwrap_or_default();
    assert!(line.contains(" of 1.1 MiB") && line.contains(" resumed"), "{ended:#?}");
    assert!(!ended.stderr.contains(['\r', '\u{1b}']), "{:?}", ended.stderr);
    assert!(ended.stdout.contains(" resumed, proved by "), "{}", ended.stdout);

    let ended = slow_resume(&mut scene, "untold").arg("--no-progress").run().expect(0);
    assert_eq!(ended.stderr, "");
    assert!(ended.stdout.contains(" resumed, proved by "), "{}", ended.stdout);
}

#[test]
fn nothing_is_coloured_where_no_terminal_is_or_none_is_wanted() {
    let scene =
        Scene::with_faults("[[fault]]\nat = 'initiate'\ndo = 'refuse'\nstatus = 403\ncode = 'AccessDenied'");
    let (path, _) = scene.file("source", 1, MANY);
    for no_color in [None, Some("1")] {
        for arguments in [&["-vv"][..], &["--bogus"], &["--help"]] {
            let oss = scene.cp(&path, "object").args(arguments).env("TERM", "xterm-256color");
            let oss = no_color.map_or_else(
                || oss,
                |value| scene.cp(&path, "object").args(arguments).env("NO_COLOR", value),
            );
            let ended = oss.run();
            assert!(!ended.stderr.contains('\u{1b}') && !ended.stdout.contains('\u{1b}'), "{ended:#?}");
        }
    }
}
