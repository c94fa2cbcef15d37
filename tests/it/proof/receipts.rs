//! Every field of a receipt against what really happened, for every way in which an object comes to be there.

use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt as _, path::Path};

use serde_json::{Value, json};

use crate::support::{BUCKET, PART, Scene, contents, eventually, until, write_file};

const MANY: usize = 5 * PART + 77;

/// What is expected of a receipt beside what the scene itself tells.
struct Expected<'a> {
    proof: &'a str,
    settled: bool,
    /// `None`: the object was made by PutObject.
    upload_id: Option<String>,
    /// Operations whose request ids are in it.
    request_ids: &'a [&'a str],
}

/// Uploads the file `source` with a receipt, and reads it.
fn receipt_of(scene: &Scene, flags: &[&str]) -> Value {
    let path = scene.path("source");
    let receipt = scene.path("receipt.json");
    scene.cp(&path, "object").args(flags).arg("--receipt").arg(&receipt).run().expect(0);
    serde_json::from_slice(&fs::read(&receipt).unwrap()).unwrap()
}

/// Seconds since 1970 by this machine's clock.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// The seconds of an RFC 3339 time in UTC.
#[track_caller]
fn seconds(value: &Value) -> i64 {
    let text = value.as_str().unwrap();
    let date = std::process::Command::new("date").args(["-u", "-d", text, "+%s"]).output().unwrap();
    assert!(date.status.success() && text.ends_with('Z'), "{text}");
    String::from_utf8(date.stdout).unwrap().trim().parse().unwrap()
}

/// Says that every field is true, that there are no others, and that one look at the object proves it.
/// `since` is when the run that wrote it began.
#[track_caller]
fn is_true(scene: &Scene, receipt: &Value, since: i64, expected: &Expected<'_>) {
    let bytes = fs::read(scene.path("source")).unwrap();
    let headers = scene.back_door().headers(BUCKET, "object");
    scene.expect_object("object", &bytes);

    let fields: Vec<&str> = receipt.as_object().unwrap().keys().map(String::as_str).collect();
    let mut all = vec![
        "v",
        "service",
        "bucket",
        "key",
        "size",
        "crc64",
        "etag",
        "version_id",
        "upload_id",
        "proof",
        "settled",
        "source",
        "parts",
        "started",
        "finished",
        "request_ids",
    ];
    all.sort_unstable();
    assert_eq!(fields, all);
    let is = |field: &str, value: Value| assert_eq!(receipt[field], value, "{field}");
    is("v", json!(1));
    is("service", json!(scene.emulator.address().to_string()));
    is("bucket", json!(BUCKET));
    is("key", json!("object"));
    is("size", json!(bytes.len()));
    is("crc64", json!(headers["x-oss-hash-crc64ecma"]));
    is("etag", json!(headers["etag"].trim_matches('"')));
    is("version_id", json!(null));
    is("upload_id", json!(expected.upload_id));
    is("proof", json!(expected.proof));
    is("settled", json!(expected.settled));
    is("source", source(&scene.path("source")));
    is("parts", if expected.upload_id.is_some() { parts(scene, bytes.len()) } else { json!([]) });

    let (started, finished) = (seconds(&receipt["started"]), seconds(&receipt["finished"]));
    assert!((since..=now()).contains(&started), "{started} is not after {since}");
    let modified = seconds(&json!(last_modified(scene)));
    assert!((modified..=modified + 2).contains(&finished), "{finished}: the object is of {modified}");

    let ids = receipt["request_ids"].as_object().unwrap();
    assert_eq!(ids.keys().collect::<Vec<_>>(), expected.request_ids);
    for (operation, id) in ids {
        let log = scene.log();
        let mut of_it = log.of(operation);
        assert!(of_it.any(|request| id == &request.request_id), "{operation}: {id} is not in the log");
    }

    let seen = scene.log().len();
    scene.oss().args(["verify", "--require-proof", "receipt.json"]).run().expect(0);
    assert_eq!(scene.log().since(seen).operations(), ["head_object"]);
}

fn source(path: &Path) -> Value {
    let meta = fs::metadata(path).unwrap();
    json!({
        "path": path.canonicalize().unwrap().to_str().unwrap(),
        "mtime_ns": meta.mtime() * 1_000_000_000 + meta.mtime_nsec(),
        "ctime_ns": meta.ctime() * 1_000_000_000 + meta.ctime_nsec(),
        "device": meta.dev(),
        "inode": meta.ino(),
    })
}

/// The parts that the server has taken last under each number, as its log and the back door tell.
fn parts(scene: &Scene, length: usize) -> Value {
    let mut taken = BTreeMap::new();
    for request in scene.log().of("upload_part").filter(|request| request.applied) {
        taken.insert(request.part.unwrap(), request.body_crc64.unwrap());
    }
    for request in back_door_log(scene) {
        if request["operation"] == "upload_part" {
            let number = request["part"].as_u64().unwrap().try_into().unwrap();
            taken.insert(number, request["body_crc64"].as_u64().unwrap());
        }
    }
    let bytes = fs::read(scene.path("source")).unwrap();
    let part = |(number, crc64): (u16, u64)| {
        let start = (usize::from(number) - 1) * PART;
        let piece = &bytes[start..bytes.len().min(start + PART)];
        json!({ "number": number, "size": piece.len(), "crc64": crc64.to_string(), "etag": md5(piece) })
    };
    assert_eq!(taken.len(), length.div_ceil(PART));
    taken.into_iter().map(part).collect()
}

fn back_door_log(scene: &Scene) -> Vec<Value> {
    let text = fs::read_to_string(scene.path("server.back-door.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// By another program than any of ours.
fn md5(bytes: &[u8]) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    let mut md5 = Command::new("md5sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    md5.stdin.take().unwrap().write_all(bytes).unwrap();
    let said = String::from_utf8(md5.wait_with_output().unwrap().stdout).unwrap();
    said[..32].to_ascii_uppercase()
}

/// When the object was made, by the server.
fn last_modified(scene: &Scene) -> String {
    let text = scene.back_door().headers(BUCKET, "object")["last-modified"].clone();
    let date = std::process::Command::new("date").args(["-u", "-d", &text, "+%FT%TZ"]).output().unwrap();
    String::from_utf8(date.stdout).unwrap().trim().to_owned()
}

/// The id of the only upload that there was.
fn upload_id(scene: &Scene) -> String {
    let log = scene.log();
    let ids = log.uploads();
    assert_eq!(ids.len(), 1, "{ids:?}");
    ids[0].to_owned()
}

#[test]
fn of_an_upload_in_parts() {
    let scene = Scene::new();
    scene.file("source", 1, MANY);
    let since = now();
    let receipt = receipt_of(&scene, &[]);
    let upload_id = Some(upload_id(&scene));
    let request_ids = &["complete", "initiate"];
    is_true(
        &scene,
        &receipt,
        since,
        &Expected { proof: "parts+object", settled: false, upload_id, request_ids },
    );
}

#[test]
fn of_an_upload_in_one_request() {
    for length in [0, 77, PART - 1] {
        let scene = Scene::new();
        scene.file("source", 1, length);
        let since = now();
        let receipt = receipt_of(&scene, &[]);
        let request_ids = &["put_object"];
        let expected = Expected { proof: "object", settled: false, upload_id: None, request_ids };
        is_true(&scene, &receipt, since, &expected);
    }
}

// Rows: 49
#[test]
fn of_an_upload_whose_last_answer_was_lost() {
    let scene = Scene::with_faults("[[fault]]\nat = 'complete'\nnth = 1\ndo = 'lose-answer'\n");
    scene.file("source", 1, MANY);
    let since = now();
    let receipt = receipt_of(&scene, &[]);
    let upload_id = Some(upload_id(&scene));
    let request_ids = &["head_object", "initiate"];
    is_true(
        &scene,
        &receipt,
        since,
        &Expected { proof: "parts+object", settled: true, upload_id, request_ids },
    );
}

// Rows: 49, 63
#[test]
fn of_one_request_whose_answer_was_lost() {
    let scene = Scene::with_faults("[[fault]]\nat = 'put_object'\nnth = 1\ndo = 'lose-answer'\n");
    scene.file("source", 1, 77);
    let since = now();
    let receipt = receipt_of(&scene, &["--forbid-overwrite"]);
    let request_ids = &["head_object"];
    let expected = Expected { proof: "object", settled: true, upload_id: None, request_ids };
    is_true(&scene, &receipt, since, &expected);
}

#[test]
fn of_an_upload_that_another_tool_has_begun() {
    let scene = Scene::new();
    let (_, bytes) = scene.file("source", 1, MANY);
    let id = scene.back_door().initiate(BUCKET, "object");
    for number in [2, 4] {
        let start = (usize::from(number) - 1) * PART;
        scene.back_door().upload_part(BUCKET, "object", &id, number, &bytes[start..start + PART]);
    }
    let since = now();
    let receipt = receipt_of(&scene, &[]);
    assert_eq!(scene.log().parts_sent(), [1, 3, 5, 6]);
    let request_ids = &["complete"];
    let upload_id = Some(id);
    is_true(
        &scene,
        &receipt,
        since,
        &Expected { proof: "parts+object", settled: false, upload_id, request_ids },
    );
}

#[test]
fn of_an_upload_that_a_second_run_has_finished() {
    let mut scene = Scene::new();
    let (path, _) = scene.file("source", 1, MANY);
    let running = scene.start_all_but(6, |scene| scene.cp(&path, "object").args(["--parallel", "2"]), 6);
    assert!(running.kill().was_killed());
    scene.emulator.restart("");
    let first = now();
    // So that the two runs do not begin in the same second.
    until("a second has passed", || now() > first);
    let since = now();
    let receipt = receipt_of(&scene, &[]);
    let upload_id = Some(upload_id(&scene));
    let request_ids = &["complete"];
    is_true(
        &scene,
        &receipt,
        since,
        &Expected { proof: "parts+object", settled: false, upload_id, request_ids },
    );
}

// Rows: 49
#[test]
fn of_an_upload_that_was_complete_when_its_run_was_killed() {
    let mut scene = Scene::with_faults("[[fault]]\nat = 'complete'\ndo = 'stall-answer'\nfor = '1h'\n");
    let (path, _) = scene.file("source", 1, MANY);
    let running = scene.cp(&path, "object").start();
    eventually("the object is there", || scene.back_door().object(BUCKET, "object"));
    assert!(running.kill().was_killed());
    scene.emulator.restart("");
    let first = now();
    until("two seconds have passed", || now() > first + 2);
    let since = now();
    let receipt = receipt_of(&scene, &[]);
    let upload_id = Some(upload_id(&scene));
    let request_ids = &["head_object"];
    is_true(
        &scene,
        &receipt,
        since,
        &Expected { proof: "parts+object", settled: true, upload_id, request_ids },
    );
}

#[test]
fn of_an_upload_whose_receipt_could_not_be_written_at_first() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, MANY);
    scene.cp(&path, "object").args(["--receipt", "/dev/full"]).run().expect(3);
    let first = now();
    until("two seconds have passed", || now() > first + 2);
    let since = now();
    let receipt = receipt_of(&scene, &[]);
    let upload_id = Some(upload_id(&scene));
    assert_eq!(scene.log().count("complete"), 1);
    let request_ids = &["head_object"];
    is_true(
        &scene,
        &receipt,
        since,
        &Expected { proof: "parts+object", settled: false, upload_id, request_ids },
    );
}

// Rows: 58
#[test]
fn a_receipt_says_how_far_the_proof_goes() {
    let without = |operation: &str| {
        format!("[[fault]]\nat = '{operation}'\ndo = 'without-header'\nname = 'x-oss-hash-crc64ecma'\n")
    };
    let unlisted = |number: u16| {
        format!(
            "[[fault]]\nat = 'list_parts'\ndo = 'alter-part'\nnumber = {number}\nchange = 'without-crc'\n"
        )
    };
    let parts = without("upload_part") + &(1..=6).map(unlisted).collect::<Vec<_>>().concat();
    let object = without("complete") + &without("head_object");
    for (faults, proof) in [(parts.clone(), "object"), (object.clone(), "none"), (parts + &object, "none")] {
        let scene = Scene::with_faults(&faults);
        scene.file("source", 1, MANY);
        assert_eq!(receipt_of(&scene, &[])["proof"], proof, "{faults}");
    }
}

// Rows: 108
#[test]
fn a_file_that_changed_during_its_upload_stands_in_the_receipt_as_it_went_up() {
    let mut scene = Scene::new();
    let (path, _) = scene.file("source", 1, MANY);
    let running = scene.start_all_but(6, |scene| scene.cp(&path, "object").args(["--parallel", "2"]), 6);
    assert!(running.kill().was_killed());
    scene.emulator.restart("");
    write_file(&path, &contents(2, MANY));
    let since = now();
    let receipt = receipt_of(&scene, &[]);
    let upload_id = Some(upload_id(&scene));
    let request_ids = &["complete"];
    is_true(
        &scene,
        &receipt,
        since,
        &Expected { proof: "parts+object", settled: false, upload_id, request_ids },
    );
}
