//! Answers that are no HTTP, or HTTP that contradicts itself, or XML that means harm.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use crate::support::{Answered, Front, PART, Scene};

const MANY: usize = 6 * PART + 5;

/// What is said, and then the connection ends.
fn lies() -> Vec<Vec<u8>> {
    let ok = |rest: &str| format!("HTTP/1.1 200 OK\r\n{rest}").into_bytes();
    let xml = |text: &str| {
        let length = text.len();
        ok(&format!("content-type: application/xml\r\ncontent-length: {length}\r\n\r\n{text}"))
    };
    vec![
        Vec::new(),
        b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(),
        b"HTTP/1.1 999 Whatever\r\ncontent-length: 0\r\n\r\n".to_vec(),
        ok("content-length: 1000\r\n\r\nshort"),
        xml(&format!("<Error><Code>{}</Code></Error>", "A".repeat(9 << 20))),
        b"HTTP/1.1 200 OK\r\n".to_vec(),
        b"\x15\x03\x03\x00\x02\x02\x46".to_vec(),
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n".to_vec(),
        b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
        b"HTTP/1.1 600 Whatever\r\ncontent-length: 2\r\n\r\nhi".to_vec(),
        ok("content-length: 0\r\n\r\n"),
        ok("content-length: -1\r\n\r\n"),
        ok("content-length: 5\r\ncontent-length: 7\r\n\r\nhello77"),
        ok("content-length: 99999999999999999999\r\n\r\n"),
        ok("transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n"),
        ok("transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello"),
        ok("transfer-encoding: chunked\r\n\r\n5\r\nhello"),
        ok("content-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello"),
        ok("content-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>"),
        ok("content-length: 0\r\netag: \"a\"\r\nx-oss-hash-crc64ecma: 1\r\nx-oss-hash-crc64ecma: 2\r\n\r\n"),
        ok(&format!("x-long: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(600_000))),
        xml(&"<a>".repeat(100_000)),
        xml("<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><Error><Code>&b;</Code></Error>"),
        xml("<Error><Code>InternalError</Code>"),
        xml("\u{0}\u{1}\u{2}"),
    ]
}

/// Uploads through a front that gives `lie` to the first request of this operation.
#[track_caller]
fn survives(operation: &'static str, length: usize, lie: Vec<u8>) {
    let shown = String::from_utf8_lossy(&lie[..lie.len().min(80)]).into_owned();
    let scene = Scene::new();
    let told = AtomicBool::new(false);
    let front = Front::new(scene.emulator.address(), move |asked| {
        if asked.operation == operation && !told.swap(true, Ordering::Relaxed) {
            Answered::With(lie.clone())
        } else {
            Answered::ByTheEmulator
        }
    });
    let (path, bytes) = scene.file("source", 1, length);
    let ended = scene.cp(&path, "object").env("OSS_ENDPOINT", front.endpoint()).run();
    assert_eq!(ended.code(), Some(0), "{operation}: {shown:?}\n{ended:#?}");
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert!(scene.log().uploads().len() <= 1, "{operation}: {shown:?}");
}

// Rows: 8, 29, 31, 32, 33, 35, 76
#[test]
fn one_lie_to_a_part_is_survived() {
    for lie in lies() {
        survives("upload_part", MANY, lie);
    }
}

// Rows: 8, 29, 30, 31, 32, 33, 46, 76
#[test]
fn one_lie_to_initiate_is_survived() {
    for lie in lies() {
        survives("initiate", MANY, lie);
    }
}

// Rows: 8, 29, 30, 31, 32, 33, 76
#[test]
fn one_lie_to_the_search_for_uploads_is_survived() {
    for lie in lies() {
        survives("list_uploads", MANY, lie);
    }
}

// Rows: 8, 29, 30, 31, 32, 33, 51, 76
#[test]
fn one_lie_to_complete_is_survived() {
    for lie in lies() {
        survives("complete", MANY, lie);
    }
}

// Rows: 8, 29, 31, 32, 33, 35, 76
#[test]
fn one_lie_to_a_file_in_one_request_is_survived() {
    for lie in lies() {
        survives("put_object", PART - 1, lie);
    }
}

/// Uploads through a front that lies to every request of this operation: no success, and an honest server finishes it later.
#[track_caller]
fn ends(operation: &'static str, lie: impl Fn() -> Answered + Send + Sync + 'static) {
    let scene = Scene::new();
    let front = Front::new(scene.emulator.address(), move |asked| {
        if asked.operation == operation { lie() } else { Answered::ByTheEmulator }
    });
    let (path, bytes) = scene.file("source", 1, MANY);
    let started = Instant::now();
    let cp = || scene.cp(&path, "object").args(["--give-up-after", "1s"]);
    let ended = cp().env("OSS_ENDPOINT", front.endpoint()).run();
    assert!(matches!(ended.code(), Some(2 | 3 | 11)), "{operation}: {ended:#?}");
    assert!(started.elapsed() < Duration::from_secs(30), "{operation}: {:?}", started.elapsed());
    ended.says("error: ");
    scene.expect_no_object("object");
    // The journal is of that endpoint; what it has begun is found on the server.
    cp().run().expect(0);
    scene.expect_object("object", &bytes);
}

// Rows: 8, 76
#[test]
fn a_server_that_only_lies_gets_no_success_and_no_loop() {
    for operation in ["upload_part", "initiate", "complete"] {
        for lie in lies().into_iter().take(5) {
            ends(operation, move || Answered::With(lie.clone()));
        }
    }
}

// Rows: 30, 33
#[test]
fn an_answer_without_an_end_is_cut() {
    let head =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let chunk = format!("10000\r\n{}\r\n", "<a/>".repeat(0x4000)).into_bytes();
    for operation in ["upload_part", "initiate", "complete"] {
        let (head, chunk) = (head.clone(), chunk.clone());
        ends(operation, move || Answered::ForEver(head.clone(), chunk.clone()));
    }
    // So is a head without an end.
    ends("upload_part", || Answered::ForEver(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-a: b\r\n".repeat(1000)));
}
