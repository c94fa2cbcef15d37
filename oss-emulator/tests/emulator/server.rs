//! What holds whatever the operation: restarts, neighbours, early answers, bad requests, the log.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime};

use oss_emulator::{Emulator, Request, Settings, StartError};

use crate::client::{Ask, Client, Scene, bytes, crc64};

// Rows: 80
#[test]
fn a_restarted_server_finds_its_uploads_and_objects() {
    let scene = Scene::new();
    scene.put("demo/object", b"kept").expect(200);
    let id = scene.initiate("k");
    let first = bytes(1, 102_400);
    let etag = scene.upload_part("k", &id, 1, &first).etag();
    let scene = scene.restarted();
    assert_eq!(scene.get("demo/object").body, b"kept");
    let listed = scene.get(&format!("demo/k?uploadId={id}"));
    assert_eq!(listed.expect(200).elements("ETag"), std::slice::from_ref(&etag));
    let last = scene.upload_part("k", &id, 2, b"end").etag();
    scene.complete("k", &id, &[(1, etag), (2, last)]).expect(200);
    let scene = scene.restarted();
    assert!(scene.get("demo/k").body == [&first[..], b"end"].concat());
}

// Rows: 80
#[test]
fn what_a_killed_server_left_half_done_is_cleared_or_finished() {
    let scene = Scene::new();
    let root = scene.folder.path().to_owned();
    let id = scene.initiate("k");
    scene.upload_part("k", &id, 1, b"part").expect(200);
    scene.put("demo/object", b"kept").expect(200);
    // Bytes that were being received, and a blob that was never named.
    std::fs::create_dir_all(root.join("tmp/DEAD")).unwrap();
    std::fs::write(root.join("tmp/DEAD/torn"), "half").unwrap();
    std::fs::write(root.join("tmp/DEAD.lock"), "").unwrap();
    std::fs::create_dir(root.join("buckets/demo/blobs/ORPHAN")).unwrap();
    // Complete had been decided, and its object was not in its place.
    let upload = root.join("buckets/demo/uploads").join(&id);
    let mut state: serde_json::Value = serde_json::from_slice(&std::fs::read(&upload).unwrap()).unwrap();
    state["sealed"] = serde_json::json!({
        "key": "k", "size": 4, "crc64": 1, "etag": "E-1", "modified_ms": 0, "kind": "Multipart", "blob": id,
        "attributes": state["attributes"],
    });
    std::fs::write(&upload, state.to_string()).unwrap();
    let blob = root.join("buckets/demo/blobs").join(&id);
    let part = std::fs::read_dir(&blob).unwrap().next().unwrap().unwrap().file_name();
    std::fs::write(blob.join("list"), part.to_str().unwrap()).unwrap();

    let scene = scene.restarted();
    assert!(!root.join("tmp/DEAD").exists() && !root.join("buckets/demo/blobs/ORPHAN").exists());
    assert_eq!(scene.get("demo/k").expect(200).body, b"part");
    assert_eq!(scene.get("demo/object").body, b"kept");
    scene.get(&format!("demo/k?uploadId={id}")).refused(404, "NoSuchUpload");
}

#[test]
fn two_servers_on_one_folder_are_one_service() {
    let scene = Scene::new();
    let id = scene.initiate("k");
    let (second, client) = scene.beside();
    let first = bytes(1, 102_400);
    let etag = scene.upload_part("k", &id, 1, &first).etag();
    let part = Ask::new("PUT", &format!("demo/k?partNumber=2&uploadId={id}")).body(b"end");
    let last = client.send(&part).unwrap().expect(200).etag();
    let complete = Ask::new("POST", &format!("demo/k?uploadId={id}"));
    let complete = complete.body(crate::client::part_list(&[(1, etag), (2, last)]).as_bytes());
    // Both at once: one completes, the other finds nothing to complete.
    let mut statuses = std::thread::scope(|scope| {
        let other = scope.spawn(|| client.send(&complete).unwrap().status);
        [scene.client.send(&complete).unwrap().status, other.join().unwrap()]
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404]);
    let got = client.send(&Ask::new("GET", "demo/k")).unwrap();
    assert!(got.expect(200).body == [&first[..], b"end"].concat());
    drop(second);
    scene.get("demo/k").expect(200);
}

#[test]
fn of_many_who_complete_an_upload_one_does() {
    let scene = Scene::new();
    scene.put("demo/k", b"x").expect(200);
    let (_second, client) = scene.beside();
    for round in 0..25 {
        let id = scene.initiate("k");
        let etag = scene.upload_part("k", &id, 1, &[round]).etag();
        let complete = Ask::new("POST", &format!("demo/k?uploadId={id}"));
        let complete = complete.body(crate::client::part_list(&[(1, etag)]).as_bytes());
        let barrier = std::sync::Barrier::new(6);
        let statuses = std::thread::scope(|scope| {
            let ask = |client| {
                let (complete, barrier) = (&complete, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    Client::send(client, complete).unwrap().status
                })
            };
            let asking = [&scene.client, &client, &scene.client, &client, &scene.client, &client].map(ask);
            asking.map(|thread| thread.join().unwrap())
        });
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [200, 404].contains(status)), "{statuses:?}");
        assert_eq!(scene.get("demo/k").expect(200).body, [round]);
    }
}

#[test]
fn a_body_that_ends_early_stores_nothing() {
    let scene = Scene::new();
    let id = scene.initiate("k");
    for target in ["demo/object".to_owned(), format!("demo/k?partNumber=1&uploadId={id}")] {
        let body = bytes(1, 200_000);
        let ask = Ask::new("PUT", &target).body(&body);
        let head = scene.client.head(&ask, SystemTime::now().try_into().unwrap());
        scene.client.send_and_hang_up(&[head.as_bytes(), &body[..199_999]].concat()).unwrap();
    }
    scene.get("demo/object").refused(404, "NoSuchKey");
    assert!(scene.get(&format!("demo/k?uploadId={id}")).elements("Part").is_empty());
    let cut: Vec<Request> =
        scene.running.requests().into_iter().filter(|request| request.body_bytes > 0).collect();
    assert_eq!(
        cut.iter().map(|request| (request.status, request.body_bytes)).collect::<Vec<_>>(),
        [(None, 199_999); 2]
    );
    let scratch: Vec<_> = std::fs::read_dir(scene.folder.path().join("tmp"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let leftovers =
        scratch.iter().filter(|path| path.is_dir()).flat_map(|path| std::fs::read_dir(path).unwrap()).count();
    assert_eq!(leftovers, 0);
}

#[test]
fn what_was_begun_goes_on_when_the_client_hangs_up() {
    let scene = Scene::with_faults("[[fault]]\nat = 'complete'\ndo = 'delay'\nfor = '200ms'");
    let id = scene.initiate("k");
    let etag = scene.upload_part("k", &id, 1, b"part").etag();
    let complete = Ask::new("POST", &format!("demo/k?uploadId={id}"));
    let complete = complete.body(crate::client::part_list(&[(1, etag)]).as_bytes());
    let head = scene.client.head(&complete, SystemTime::now().try_into().unwrap());
    let mut stream = TcpStream::connect(scene.client.address).unwrap();
    stream.write_all(&[head.as_bytes(), complete.bytes()].concat()).unwrap();
    drop(stream);
    let logged = || scene.running.requests().into_iter().find(|request| request.operation == "complete");
    let deadline = Instant::now() + Duration::from_secs(20);
    let request = loop {
        match logged() {
            Some(request) => break request,
            None => assert!(Instant::now() < deadline, "the request is not in the log"),
        }
        std::thread::yield_now();
    };
    assert!(request.applied);
    assert_eq!(scene.get("demo/k").body, b"part");
}

#[test]
fn a_refusal_does_not_wait_for_the_body() {
    let scene = Scene::new();
    for (ask, code) in [
        (Ask::new("PUT", "demo/k?partNumber=1&uploadId=none"), "NoSuchUpload"),
        (Ask::new("PUT", "demo/k").header("x-oss-storage-class", "signed"), "SignatureDoesNotMatch"),
    ] {
        // 1 GB is announced, and only its first bytes are sent.
        let ask = ask.body(b"x");
        let mut head = scene.client.head(&ask, SystemTime::now().try_into().unwrap());
        head = head.replace("content-length: 1\r\n", "content-length: 1000000000\r\n");
        head = head.replace("x-oss-storage-class: signed", "x-oss-storage-class: changed");
        let raw = [head.as_bytes(), &bytes(1, 100_000)].concat();
        let answer = scene.client.send_raw(&raw, false).unwrap();
        assert_eq!(answer.element("Code").as_deref(), Some(code));
        assert_eq!(answer.header("connection"), Some("close"));
    }
}

#[test]
fn a_client_that_sends_all_of_a_refused_body_gets_its_answer() {
    let scene = Scene::new();
    let body = bytes(1, 3_000_000);
    for _ in 0..20 {
        let ask = Ask::new("PUT", "demo/k?partNumber=1&uploadId=none").body(&body);
        scene.client.send(&ask).unwrap().refused(404, "NoSuchUpload");
    }
}

#[test]
fn lengths_must_be_said_but_for_put_object() {
    let scene = Scene::with(|settings| settings.no_verify = true);
    let id = scene.initiate("k");
    let chunked = "Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\n";
    let send = |line: &str, rest: &str| {
        scene.client.send_raw(format!("{line} HTTP/1.1\r\n{rest}").as_bytes(), false).unwrap()
    };
    send("PUT /demo/chunked", chunked).expect(200);
    assert_eq!(scene.get("demo/chunked").body, b"wikipedia");
    let part = format!("PUT /demo/k?partNumber=1&uploadId={id}");
    send(&part, chunked).refused(411, "MissingContentLength");
    send(&part, "Host: localhost\r\n\r\n").refused(411, "MissingContentLength");
    send("PUT /demo/none", "Host: localhost\r\n\r\n").refused(411, "MissingContentLength");
    send("PUT /demo/huge", "Host: localhost\r\nContent-Length: 5368709121\r\n\r\n")
        .refused(400, "EntityTooLarge");
    send(&part, "Host: localhost\r\nContent-Length: 5368709121\r\n\r\n").refused(400, "EntityTooLarge");
}

#[test]
fn a_client_that_expects_100_gets_it_before_it_sends() {
    let scene = Scene::with(|settings| settings.no_verify = true);
    let mut stream = TcpStream::connect(scene.client.address).unwrap();
    stream
        .write_all(
            b"PUT /demo/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n",
        )
        .unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"body").unwrap();
    let mut final_line = [0; 15];
    stream.read_exact(&mut final_line).unwrap();
    assert_eq!(&final_line, b"HTTP/1.1 200 OK");
    assert_eq!(scene.get("demo/k").body, b"body");
}

// Rows: 78
#[test]
fn a_part_that_lands_after_the_abort_leaves_nothing() {
    let scene = Scene::with(|settings| settings.no_verify = true);
    let id = scene.initiate("k");
    let mut stream = TcpStream::connect(scene.client.address).unwrap();
    let line = format!("PUT /demo/k?partNumber=1&uploadId={id} HTTP/1.1\r\n");
    let head = line + "Host: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    // The upload was there when the server asked for the body.
    stream.read_exact(&mut [0; 25]).unwrap();
    scene.delete(&format!("demo/k?uploadId={id}")).expect(204);
    stream.write_all(b"part").unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 404");
    assert_eq!(std::fs::read_dir(scene.folder.path().join("buckets/demo/blobs")).unwrap().count(), 0);
}

#[test]
fn a_connection_serves_many_requests() {
    let scene = Scene::with(|settings| settings.no_verify = true);
    let mut stream = TcpStream::connect(scene.client.address).unwrap();
    for number in 0..50 {
        let ok = number % 2 == 0;
        let path = if ok { "/demo/k" } else { "/demo/k?partNumber=1&uploadId=none" };
        write!(stream, "PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc").unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with(if ok { "HTTP/1.1 200" } else { "HTTP/1.1 404" }), "{head}");
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        stream.read_exact(&mut vec![0; length]).unwrap();
    }
}

#[test]
fn the_log_says_what_was_sent_twice() {
    let scene = Scene::new();
    let id = scene.initiate("k");
    for _ in 0..2 {
        scene.upload_part("k", &id, 7, b"again").expect(200);
    }
    scene.head("demo/none").expect(404);
    let log = scene.running.requests();
    let parts: Vec<&Request> = log.iter().filter(|request| request.operation == "upload_part").collect();
    assert_eq!(parts.len(), 2);
    for request in parts {
        assert_eq!(
            (request.bucket.as_deref(), request.key.as_deref(), request.part),
            (Some("demo"), Some("k"), Some(7))
        );
        assert_eq!(
            (request.body_bytes, request.body_crc64.map(|crc| crc.to_string())),
            (5, Some(crc64(b"again")))
        );
        assert_eq!(
            (request.status, request.applied, request.upload_id.as_deref()),
            (Some(200), true, Some(id.as_str()))
        );
    }
    assert_eq!(log.iter().map(|request| request.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!((log[3].method.as_str(), log[3].code.as_deref()), ("HEAD", Some("NoSuchKey")));
    let file = std::fs::read_to_string(scene.folder.path().join("requests.jsonl")).unwrap();
    let lines: Vec<Request> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, log);
}

#[test]
fn benchmarks_can_discard_the_bytes() {
    let scene = Scene::with(|settings| settings.discard = true);
    let body = bytes(1, 150_000);
    let id = scene.initiate("k");
    let first = scene.upload_part("k", &id, 1, &body);
    assert_eq!(first.expect(200).header("x-oss-hash-crc64ecma"), Some(crc64(&body).as_str()));
    let last = scene.upload_part("k", &id, 2, b"end");
    let answer = scene.complete("k", &id, &[(1, first.etag()), (2, last.etag())]);
    assert_eq!(
        answer.expect(200).header("x-oss-hash-crc64ecma"),
        Some(crc64(&[&body[..], b"end"].concat()).as_str())
    );
    assert_eq!(scene.head("demo/k").header("content-length"), Some("150003"));
    scene.get("demo/k").refused(501, "NotImplemented");
}

#[test]
fn bad_requests_are_answered_or_dropped_and_harm_nobody() {
    let scene = Scene::with(|settings| settings.no_verify = true);
    let long = format!("GET /demo/{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "%2F".repeat(20_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(5_000));
    let cases: [&[u8]; 16] = [
        b"",
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /%zz/%ff%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /demo/%ff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET http://demo.localhost/k?%ff=%zz&=&&uploadId HTTP/1.1\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT demo:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /demo/k HTTP/1.1\r\nHost: \xff\xfe\r\nRange: \xff\r\nIf-Match: \xff\r\nAuthorization: \xff\r\n\r\n",
        b"POST /demo/k?uploadId=\x01 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n\xff",
        b"PUT /demo/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"PUT /demo/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        long.as_bytes(),
        many.as_bytes(),
    ];
    for case in cases {
        scene.client.send_and_hang_up(case).unwrap();
    }
    let mut state = 7_u64;
    for _ in 0..300 {
        let template = b"PUT /demo/k%20x?partNumber=1&uploadId=AB HTTP/1.1\r\nHost: a.localhost:1\r\nContent-Length: 3\r\nRange: bytes=0-1\r\n\r\nabc";
        let mut hurt = template.to_vec();
        for _ in 0..3 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = usize::try_from(state >> 33).unwrap() % hurt.len();
            hurt[at] = state.to_le_bytes()[3];
        }
        // A connection that was refused while bytes were on their way may end in a reset.
        let _ = scene.client.send_and_hang_up(&hurt);
    }
    assert!(scene.running.requests().iter().all(|request| request.status != Some(500)));
    scene.put("demo/k", b"x").expect(200);
    assert_eq!(scene.get("demo/k").body, b"x");
}

// Rows: 99
#[test]
fn only_this_machine_is_served_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::new(folder.path());
    settings.listen = SocketAddr::from(([0, 0, 0, 0], 0));
    assert!(matches!(Emulator::bind(settings.clone()), Err(StartError::NotLoopback { .. })));
    settings.allow_remote = true;
    Emulator::bind(settings.clone()).unwrap();
    settings.region = "oss cn".to_owned();
    assert!(matches!(Emulator::bind(settings.clone()), Err(StartError::MalformedRegion { .. })));
    settings.region = "cn-hangzhou".to_owned();
    settings.root = folder.path().join("requests.jsonl/below-a-file");
    assert!(matches!(Emulator::bind(settings), Err(StartError::Root { .. })));
}

#[test]
fn it_serves_on_the_callers_runtime_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::new(folder.path());
    settings.create_buckets = true;
    let emulator = Emulator::bind(settings).unwrap();
    let client = Client::of(emulator.address());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let asking = std::thread::spawn(move || {
        let answer = client.send(&Ask::new("PUT", "demo/k").body(b"x"));
        drop(stop);
        answer
    });
    runtime.block_on(emulator.serve(async { drop(stopped.await) })).unwrap();
    asking.join().unwrap().unwrap().expect(200);
}
