//! Files of every size and keys of every kind go up, and are the objects byte for byte.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{MetadataExt as _, PermissionsExt as _},
    },
    path::Path,
};

use serde_json::Value;

use crate::support::{BUCKET, BackDoor, Oss, PART, Scene, contents, write_file};

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

// Rows: 112, 113
#[test]
fn below_the_threshold_a_file_goes_in_one_request() {
    for length in [0, 1, PART - 1] {
        assert_eq!(parts_of(length), 0, "{length}");
    }
}

// Rows: 113
#[test]
fn from_the_threshold_on_a_file_goes_in_parts_and_the_last_may_be_short() {
    for (length, parts) in
        [(PART, 1), (PART + 1, 2), (12 * PART - 1, 12), (12 * PART, 12), (12 * PART + 1, 13)]
    {
        assert_eq!(parts_of(length), parts, "{length}");
    }
}

/// What a URL, a path or a shell would make something else of.
const ODD_KEYS: &[&str] = &[
    "a//b",
    "a/",
    "..",
    ".",
    "../../a",
    "a/./b/../c",
    "a?b=c&uploads",
    "?",
    "#",
    "a#b",
    "%",
    "%2F",
    "a%00b",
    "+",
    "a b+c d",
    " a ",
    "a&b=c;d:e@f,g!h~i*j'k(l)",
    "\"<>\\^`{|}",
    "-rf",
    "文件/ü/\u{1f600}",
    "e\u{301}",
    "\u{feff}",
];

// Rows: 97
#[test]
fn keys_are_what_was_typed_in_one_request_and_in_parts() {
    let scene = Scene::new();
    for (index, key) in ODD_KEYS.iter().enumerate() {
        for length in [10, PART + 10] {
            let (path, bytes) = scene.file("source", index as u64, length);
            scene.cp(&path, key).run().expect(0);
            // A key that ends with a slash names a folder.
            let key = if key.ends_with('/') { format!("{key}source") } else { (*key).to_owned() };
            scene.expect_object(&key, &bytes);
            let asked: Vec<_> = scene.log().iter().filter_map(|request| request.key.clone()).collect();
            assert_eq!(asked.last(), Some(&key), "the service was asked for another key");
        }
    }
    scene.expect_nothing_left();
}

// Rows: 97
#[test]
fn keys_that_oss_refuses_are_refused_before_anything_is_sent() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, 10);
    for key in ["/a", "\\a", &"x".repeat(1024)] {
        scene.cp(&path, key).run().expect(1);
    }
    assert_eq!(scene.log().len(), 0);
    scene.cp(&path, &"x".repeat(1023)).run().expect(0);
}

#[test]
fn a_content_type_is_guessed_from_the_key_and_can_be_said() {
    let scene = Scene::new();
    for length in [10, PART + 10] {
        let (path, _) = scene.file("source", 1, length);
        let check = |key: &str, flags: &[&str], content_type: &str| {
            scene.cp(&path, key).args(flags).run().expect(0);
            assert_eq!(scene.back_door().headers(BUCKET, key)["content-type"], content_type, "{key}");
        };
        check("a.html", &[], "text/html");
        check("dir.d/a.JPG", &[], "image/jpeg");
        check("none", &[], "application/octet-stream");
        check("b.html", &["--content-type", "text/x-own"], "text/x-own");
    }
}

#[test]
fn what_is_said_of_the_object_arrives_with_it() {
    let scene = Scene::new();
    for (key, length) in [("small", 10), ("large", 2 * PART + 10)] {
        let (path, bytes) = scene.file("source", 1, length);
        let flags = [
            ["--meta", "Origin=lab 7"],
            ["--meta", "run=a=b"],
            ["--cache-control", "no-cache"],
            ["--content-disposition", "attachment; filename=\"x y\""],
            ["--content-encoding", "identity"],
            ["--storage-class", "IA"],
        ];
        scene.cp(&path, key).args(flags.concat()).run().expect(0);
        scene.expect_object(key, &bytes);
        let headers = scene.back_door().headers(BUCKET, key);
        for (name, value) in [
            ("x-oss-meta-origin", "lab 7"),
            ("x-oss-meta-run", "a=b"),
            ("cache-control", "no-cache"),
            ("content-disposition", "attachment; filename=\"x y\""),
            ("content-encoding", "identity"),
            ("x-oss-storage-class", "IA"),
        ] {
            assert_eq!(headers.get(name).map(String::as_str), Some(value), "{key}: {name}");
        }
    }
}

// Rows: 63
#[test]
fn an_object_that_is_there_stays_when_it_may_not_be_replaced() {
    let scene = Scene::new();
    for (key, length) in [("small", 10), ("large", 2 * PART)] {
        let (first, bytes) = scene.file("first", 1, length);
        let (second, _) = scene.file("second", 2, length);
        scene.cp(&first, key).arg("--forbid-overwrite").run().expect(0);
        scene.cp(&second, key).arg("--forbid-overwrite").run().expect(2).says("FileAlreadyExists");
        scene.expect_object(key, &bytes);
    }
}

/// The CRC-64 of the object as the server states it: decimal text.
fn stated_crc(scene: &Scene, key: &str) -> String {
    scene.back_door().headers(BUCKET, key)["x-oss-hash-crc64ecma"].clone()
}

#[test]
fn a_receipt_says_what_is_there_and_how_it_was_proved() {
    let scene = Scene::new();
    for (key, length, parts, proof) in
        [("small", 77, 0, "object"), ("large", 2 * PART + 77, 3, "parts+object")]
    {
        let (path, _) = scene.file("source", 1, length);
        let receipt_path = scene.path(&format!("{key}.receipt"));
        let ended =
            scene.cp(&path, key).arg("--receipt").arg(&receipt_path).args(["--output-format", "json"]).run();
        let said = ended.expect(0).json();
        let receipt: Value = serde_json::from_slice(&fs::read(&receipt_path).unwrap()).unwrap();
        assert_eq!(fs::metadata(&receipt_path).unwrap().permissions().mode() & 0o7777, 0o600);

        let meta = fs::metadata(&path).unwrap();
        let crc = stated_crc(&scene, key);
        let headers = scene.back_door().headers(BUCKET, key);
        assert_eq!(receipt["v"], 1);
        assert_eq!(receipt["service"], scene.emulator.address().to_string());
        assert_eq!((&receipt["bucket"], &receipt["key"]), (&BUCKET.into(), &key.into()));
        assert_eq!((&receipt["size"], &receipt["crc64"]), (&length.into(), &crc.into()));
        assert_eq!(receipt["etag"], headers["etag"].trim_matches('"'));
        assert_eq!((&receipt["proof"], &receipt["settled"]), (&proof.into(), &false.into()));
        assert_eq!(receipt["source"]["path"], path.canonicalize().unwrap().to_str().unwrap());
        assert_eq!(receipt["source"]["inode"], meta.ino());
        assert_eq!(receipt["source"]["device"], meta.dev());
        assert_eq!(receipt["source"]["mtime_ns"], meta.mtime() * 1_000_000_000 + meta.mtime_nsec());
        assert_eq!(receipt["source"]["ctime_ns"], meta.ctime() * 1_000_000_000 + meta.ctime_nsec());
        assert_eq!(receipt["upload_id"].is_string(), parts > 0);
        for field in ["started", "finished"] {
            let text = receipt[field].as_str().unwrap();
            assert!(text.starts_with("20") && text.ends_with('Z'), "{field}: {text}");
        }

        let listed = receipt["parts"].as_array().unwrap();
        assert_eq!(listed.len(), parts);
        for (index, (part, sent)) in listed.iter().zip(sorted_parts(&scene)).enumerate() {
            assert_eq!(part["number"], index + 1);
            assert_eq!((&part["size"], &part["crc64"]), (&sent.0.into(), &sent.1.into()));
            assert!(part["etag"].is_string());
        }

        let ids: Vec<_> = receipt["request_ids"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(ids, if parts > 0 { &["complete", "initiate"][..] } else { &["put_object"] });
        let known: Vec<String> = scene.log().iter().map(|request| request.request_id.clone()).collect();
        for id in receipt["request_ids"].as_object().unwrap().values() {
            assert!(known.iter().any(|known| id == known), "{id} is no request of the log");
        }

        // What is printed is the receipt with facts of the run beside.
        for (field, value) in receipt.as_object().unwrap() {
            assert_eq!(&said[field], value, "{field}");
        }
        assert_eq!((&said["outcome"], &said["exit"]), (&"done".into(), &0.into()));
        assert_eq!((&said["run"]["bytes_sent"], &said["run"]["already"]), (&length.into(), &false.into()));
    }
}

/// Size and CRC-64 of the parts of the log, by number.
fn sorted_parts(scene: &Scene) -> Vec<(u64, String)> {
    let log = scene.log();
    let mut parts: Vec<_> = log.of("upload_part").collect();
    parts.sort_by_key(|request| request.part);
    parts.iter().map(|part| (part.body_bytes, part.body_crc64.unwrap().to_string())).collect()
}

#[test]
fn the_server_inside_needs_no_account_and_keeps_what_it_got() {
    let scene = Scene::new();
    let (path, bytes) = scene.file("source.bin", 1, 3 * PART + 1);
    let local = |home: &Path| Oss::new(home).arg("--local");
    let size = PART.to_string();
    let upload = || {
        local(scene.folder())
            .args(["cp", "--part-size", &size, "--bigfile-threshold", &size])
            .arg(&path)
            .arg("oss://demo/")
            .env("OSS_ACCESS_KEY_ID", "nobody")
            .env("OSS_ENDPOINT", "http://127.0.0.1:1")
    };
    let ended = upload().run().expect(0);
    assert!(ended.stdout.starts_with("oss://demo/source.bin: "), "{ended:?}");
    let stored = BackDoor::open(&scene.path("state/oss/local"));
    assert_eq!(stored.object("demo", "source.bin").as_deref(), Some(&bytes[..]));
    let listed = local(scene.folder()).args(["ls", "oss://demo"]).run().expect(0);
    assert!(listed.stdout.contains("source.bin"), "{listed:?}");
    assert_eq!(scene.log().len(), 0, "nobody else was asked");
    upload().run().expect(0);
}

// Rows: 119
#[test]
fn a_file_may_have_any_name() {
    let scene = Scene::new();
    for (index, name) in
        [&b"-rf"[..], b"a\nb", b"\xff\xfe", "\u{6587}".as_bytes(), b"~", b"$x"].into_iter().enumerate()
    {
        let path = scene.path("").join(OsStr::from_bytes(name));
        let bytes = contents(index as u64, PART + 9);
        write_file(&path, &bytes);
        let size = PART.to_string();
        let flags = ["cp", "--part-size", &size, "--bigfile-threshold", &size, "oss://demo/key"];
        let [command, rest @ .., target] = flags;
        // Seen from its own folder, so that a name with a hyphen in front stands alone.
        scene
            .oss()
            .arg(command)
            .args(rest)
            .args(["--"])
            .arg(OsStr::from_bytes(name))
            .arg(target)
            .run()
            .expect(0);
        scene.expect_object("key", &bytes);
    }
    scene.expect_nothing_left();
    scene.oss().args(["cp", "--"]).arg(OsStr::from_bytes(b"\xff\xfe")).arg("oss://demo/").run().expect(1);
}

// Rows: 39, 147
#[test]
fn few_open_files_and_little_address_space_make_it_slower_and_no_more() {
    let scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, 40 * PART + 1);
    for (limit, parallel) in
        [("ulimit -n 32", "2"), ("ulimit -n 32", "4"), ("ulimit -n 32", "64"), ("ulimit -v 400000", "4")]
    {
        let seen = scene.log().len();
        scene.cp(&path, "object").args(["--parallel", parallel]).after(limit).run().expect(0);
        scene.expect_object("object", &bytes);
        scene.expect_nothing_left();
        assert_eq!(scene.log().since(seen).data_bytes(), bytes.len() as u64, "{limit}: nothing went twice");
        scene.back_door().ask("DELETE", "/demo/object", b"");
    }
}

// Rows: 147
#[test]
fn where_files_do_not_suffice_for_one_transfer_the_limit_is_named() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, 4 * PART);
    scene.cp(&path, "object").after("ulimit -n 12").run().expect(3).says("ulimit -n");
    scene.expect_no_object("object");
}
