//! `oss verify`: a receipt and one look at its object.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::support::{Ended, Oss, PART, Scene};

/// Uploads a file of that length and keeps the receipt.
fn uploaded(scene: &Scene, length: usize) -> PathBuf {
    let (path, _) = scene.file("source", 1, length);
    let receipt = scene.path("receipt.json");
    scene.cp(&path, "object").arg("--receipt").arg(&receipt).run().expect(0);
    receipt
}

fn verify(scene: &Scene) -> Oss {
    scene.oss().args(["verify", "receipt.json"])
}

/// Says that the object was looked at once since, and nothing else was asked.
#[track_caller]
fn one_look(scene: &Scene, seen: usize) {
    assert_eq!(scene.log().since(seen).operations(), ["head_object"]);
}

#[test]
fn a_receipt_is_proved_with_one_request() {
    for length in [0, 77, 3 * PART + 5] {
        let scene = Scene::new();
        let file = uploaded(&scene, length);
        let receipt: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();

        let seen = scene.log().len();
        let ended = verify(&scene).run().expect(0);
        one_look(&scene, seen);
        assert_eq!(ended.stderr, "");
        let crc64 = receipt["crc64"].as_str().unwrap();
        assert!(ended.stdout.contains(&format!("proved by CRC-64 {crc64}, ETag ")), "{}", ended.stdout);

        let told = verify(&scene).args(["--output-format", "json", "--require-proof"]).run().expect(0).json();
        for field in ["service", "bucket", "key", "size", "crc64", "etag", "version_id", "finished"] {
            assert_eq!(told[field], receipt[field], "{field}");
        }
        assert_eq!((&told["v"], &told["outcome"], &told["exit"]), (&json!(1), &json!("done"), &json!(0)));
        assert_eq!(told["proof"], "object");
    }
}

#[test]
fn what_cp_prints_is_as_good_as_its_receipt() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, 2 * PART);
    let ended = scene.cp(&path, "object").args(["--output-format", "json"]).run().expect(0);
    fs::write(scene.path("receipt.json"), ended.stdout).unwrap();
    verify(&scene).run().expect(0);
}

/// What the command says of an object that is not that of the receipt, in both formats.
#[track_caller]
fn fails(scene: &Scene, flags: &[&str], message: &str) -> (Ended, Value) {
    let seen = scene.log().len();
    let ended = verify(scene).args(flags).run().expect(11);
    one_look(scene, seen);
    ended.says(message).says("hint: ");
    assert_eq!(ended.stdout, "");
    let told = verify(scene).args(flags).args(["--output-format", "json"]).run().expect(11).json();
    assert_eq!((&told["outcome"], &told["exit"]), (&json!("proof-failed"), &json!(11)), "{told}");
    (ended, told)
}

#[test]
fn an_object_that_was_replaced_is_told_with_both_values() {
    let scene = Scene::new();
    let file = uploaded(&scene, 2 * PART);
    let receipt: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    for (bytes, fields) in [
        (vec![7; 2 * PART], &["crc64", "etag"][..]),
        (vec![7; 3], &["size", "crc64", "etag"]),
        (Vec::new(), &["size", "crc64", "etag"]),
    ] {
        scene.back_door().ask("PUT", "/demo/object", &bytes);
        let headers = scene.back_door().headers("demo", "object");
        let (ended, told) = fails(&scene, &[], "is not the object of the receipt: ");
        let expected: Vec<Value> = fields
            .iter()
            .map(|field| {
                let (expected, found) = match *field {
                    "size" => (receipt["size"].to_string(), headers["content-length"].clone()),
                    "crc64" => (
                        receipt["crc64"].as_str().unwrap().to_owned(),
                        headers["x-oss-hash-crc64ecma"].clone(),
                    ),
                    _ => (
                        receipt["etag"].as_str().unwrap().to_owned(),
                        headers["etag"].trim_matches('"').to_owned(),
                    ),
                };
                ended.says(&format!("{found}, and not {expected}"));
                json!({ "field": field, "expected": expected, "found": found })
            })
            .collect();
        assert_eq!(told["differs"], Value::Array(expected));
    }
}

#[test]
fn the_same_bytes_stored_again_are_told_apart_from_a_change() {
    let scene = Scene::new();
    uploaded(&scene, 2 * PART);
    let bytes = fs::read(scene.path("source")).unwrap();
    scene.back_door().ask("PUT", "/demo/object", &bytes);
    let (ended, told) = fails(&scene, &[], "ETag ");
    ended.says("nothing speaks against its content");
    assert_eq!(told["differs"].as_array().map(Vec::len), Some(1));
}

#[test]
fn an_object_that_is_gone_is_no_longer_proved() {
    let scene = Scene::new();
    uploaded(&scene, 10);
    scene.back_door().ask("DELETE", "/demo/object", b"");
    fails(&scene, &[], "oss://demo/object is gone");
}

// Rows: 70
#[test]
fn who_may_not_look_is_refused_and_knows_no_more() {
    let mut scene = Scene::new();
    uploaded(&scene, 10);
    scene
        .emulator
        .restart("[[fault]]\nat = 'head_object'\ndo = 'refuse'\nstatus = 403\ncode = 'AccessDenied'");
    verify(&scene).run().expect(2).says("code AccessDenied").says("oss:GetObject");
}

// Rows: 58
#[test]
fn without_a_checksum_from_the_service_it_says_so() {
    let mut scene = Scene::new();
    uploaded(&scene, 10);
    scene
        .emulator
        .restart("[[fault]]\nat = 'head_object'\ndo = 'without-header'\nname = 'x-oss-hash-crc64ecma'");
    let ended = verify(&scene).run().expect(0);
    ended.says("warning: the service states no CRC-64");
    assert!(ended.stdout.contains("not proved"), "{}", ended.stdout);
    let told = verify(&scene).args(["--output-format", "json"]).run().expect(0).json();
    assert_eq!(told["proof"], "none");
    fails(&scene, &["--require-proof"], "--require-proof was given");
}

// Rows: 67
#[test]
fn a_version_in_a_versioned_bucket_is_in_the_receipt_and_is_compared() {
    let states = |version: &str| {
        let header = |operation: &str| {
            format!(
                "[[fault]]\nat = '{operation}'\ndo = 'header'\nname = 'x-oss-version-id'\nvalue = '{version}'\n"
            )
        };
        ["put_object", "complete", "head_object"].map(header).concat()
    };
    for length in [10, 2 * PART] {
        let mut scene = Scene::with_faults(&states("CAEQMxiBgICAof2D0BYiIDhk"));
        let receipt: Value = serde_json::from_slice(&fs::read(uploaded(&scene, length)).unwrap()).unwrap();
        assert_eq!(receipt["version_id"], "CAEQMxiBgICAof2D0BYiIDhk");
        verify(&scene).run().expect(0);
        scene.emulator.restart(&states("CAEQNhiBgMDJgZCA0BYiIDc4"));
        let (_, told) =
            fails(&scene, &[], "version CAEQNhiBgMDJgZCA0BYiIDc4, and not CAEQMxiBgICAof2D0BYiIDhk");
        assert_eq!(told["differs"][0]["field"], "version_id");
        scene.emulator.restart("");
        fails(&scene, &[], "version none, and not ");
    }
}

#[test]
fn a_receipt_of_the_server_inside_needs_it_and_no_other() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, 10);
    let local = || Oss::new(scene.folder()).arg("--local");
    local().arg("cp").arg(&path).args(["oss://demo/a", "--receipt", "receipt.json"]).run().expect(0);
    local().args(["verify", "receipt.json"]).run().expect(0);
    verify(&scene).run().expect(1).says("hint: give --local");
    assert_eq!(scene.log().len(), 0, "nobody else was asked");

    uploaded(&scene, 10);
    local().args(["verify", "receipt.json"]).run().expect(1).says("and --local asks another one");
    let other = scene.oss_at("http://127.0.0.1:1").args(["verify", "receipt.json"]).run().expect(1);
    other.says("127.0.0.1:1 is of 127.0.0.1:1").says("hint: give -e http://");
}

#[test]
fn what_is_no_receipt_is_a_usage_error_and_nothing_is_asked() {
    let scene = Scene::new();
    let file = uploaded(&scene, 3 * PART);
    let receipt: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let seen = scene.log().len();
    let refused = |text: &str, code: i32, message: &str| {
        fs::write(&file, text).unwrap();
        verify(&scene).run().expect(code).says(message);
    };
    refused("", 1, "is no receipt");
    refused("{\"v\": 1}", 1, "is no receipt");
    refused(&receipt.to_string().replacen("\"v\":1", "\"v\":2", 1), 1, "of version 2");
    let mut cut = receipt.clone();
    cut["parts"].as_array_mut().unwrap().pop();
    refused(&cut.to_string(), 1, "its parts are not those of its object");
    let mut other = receipt;
    other["bucket"] = "No".into();
    refused(&other.to_string(), 1, "\"bucket\"");
    fs::remove_file(&file).unwrap();
    verify(&scene).run().expect(3).says("cannot read receipt.json");
    assert_eq!(scene.log().len(), seen);
}
