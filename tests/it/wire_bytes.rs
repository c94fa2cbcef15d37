//! What stands on the wire is what OSS knows, and the bytes of the file.

use crate::support::{BUCKET, PART, Recorded, Recorder, Scene, encoded};

/// Headers of HTTP and of OSS that the requests here may have, lower-case. Another one wants a reason and a line here.
const KNOWN: &[&str] = &[
    // Answers are checked as they come, so that none may be packed; the SDKs of OSS send it too.
    "accept-encoding",
    "authorization",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "host",
    "x-oss-content-sha256",
    "x-oss-date",
    "x-oss-forbid-overwrite",
    "x-oss-meta-a",
    "x-oss-security-token",
];

/// What every request has.
const ALWAYS: &[&str] = &["authorization", "host", "x-oss-content-sha256", "x-oss-date"];

#[track_caller]
fn check_head(request: &Recorded, host: &str) {
    for (name, value) in &request.headers {
        assert!(KNOWN.contains(&name.to_ascii_lowercase().as_str()), "{name}: {value} in {request:?}");
        assert_eq!(request.header(name).len(), 1, "{name} is there twice: {request:?}");
    }
    for name in ALWAYS {
        assert_eq!(request.header(name).len(), 1, "no {name} in {request:?}");
    }
    assert_eq!(request.header("host"), [host]);
    assert_eq!(request.header("x-oss-content-sha256"), ["UNSIGNED-PAYLOAD"]);
    if ["PUT", "POST"].contains(&request.method.as_str()) {
        assert_eq!(request.header("content-length"), [request.body.len().to_string()], "{request:?}");
    }
}

const SECRET: &str = "SecretOfTheWire42";

/// Uploads through the recorder, and gives what stood on the wire beside the bytes of the file.
fn recorded(key: &str, length: usize, flags: &[&str]) -> (Vec<Recorded>, Vec<u8>) {
    let scene = Scene::with("", &["--access-key", &format!("somebody:{SECRET}:to/k+en=")]);
    let recorder = Recorder::before(scene.emulator.address());
    let (_, bytes) = scene.file("source", 1, length);
    let size = PART.to_string();
    scene
        .oss_at(&recorder.endpoint())
        .env("OSS_ACCESS_KEY_ID", "somebody")
        .env("OSS_ACCESS_KEY_SECRET", SECRET)
        .env("OSS_SESSION_TOKEN", "to/k+en=")
        .args(["cp", "--part-size", &size, "--bigfile-threshold", &size, "source"])
        .arg(format!("oss://{BUCKET}/{key}"))
        .args(flags)
        .run()
        .expect(0);
    scene.expect_object(key, &bytes);
    let requests = recorder.requests();
    assert_eq!(requests.len(), scene.log().len(), "the wire and the log know the same requests");
    let host = recorder.endpoint().replace("http://", "");
    for request in &requests {
        check_head(request, &host);
        assert_eq!(request.header("x-oss-security-token"), ["to/k+en="]);
    }
    (requests, bytes)
}

const KEY: &str = "a//b/../c d+%?#&\u{fc}";

#[test]
fn one_request_is_the_file_behind_a_head_that_oss_knows() {
    for length in [0, 1, PART - 1] {
        let (requests, bytes) = recorded(KEY, length, &["--meta", "a=b", "--forbid-overwrite"]);
        let [put] = &requests[..] else { panic!("{requests:?}") };
        assert_eq!(
            (put.method.as_str(), put.target.as_str()),
            ("PUT", &*format!("/{BUCKET}/{}", encoded(KEY)))
        );
        assert_eq!(put.header("content-length"), [length.to_string()]);
        assert!(put.body == bytes, "the body is the file");
    }
}

#[test]
fn parts_are_the_file_cut_and_nothing_else() {
    let (requests, bytes) = recorded(KEY, 5 * PART + 17, &["--meta", "a=b", "--parallel", "3"]);
    let path = format!("/{BUCKET}/{}", encoded(KEY));
    let mut parts = Vec::new();
    for request in &requests {
        let Some((target, query)) = request.target.split_once('?') else { continue };
        if request.method != "PUT" {
            continue;
        }
        assert_eq!(target, path);
        let number = query.split('&').find_map(|pair| pair.strip_prefix("partNumber=")).unwrap();
        parts.push((number.parse::<usize>().unwrap(), &request.body));
        assert_eq!(request.header("x-oss-meta-a"), [""; 0], "options belong to Initiate");
    }
    parts.sort_by_key(|(number, _)| *number);
    let numbers: Vec<usize> = parts.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    for (number, body) in parts {
        let start = (number - 1) * PART;
        let end = bytes.len().min(start + PART);
        assert!(body[..] == bytes[start..end], "the body of part {number} is that part of the file");
    }
    let posts: Vec<&str> =
        requests.iter().filter(|request| request.method == "POST").map(|request| &*request.target).collect();
    assert_eq!(posts.len(), 2, "{posts:?}");
    assert!(posts[0].starts_with(&format!("{path}?uploads&")), "{posts:?}");
    assert!(posts[1].starts_with(&format!("{path}?uploadId=")), "{posts:?}");
}

#[test]
fn a_signature_names_who_and_where_and_no_secret() {
    let (requests, _) = recorded("object", PART, &[]);
    for request in requests {
        let [signature] = request.header("authorization")[..] else { panic!("{request:?}") };
        let day = &request.header("x-oss-date")[0][..8];
        let scope = format!("OSS4-HMAC-SHA256 Credential=somebody/{day}/cn-hangzhou/oss/aliyun_v4_request,");
        assert!(signature.starts_with(&scope), "{signature}");
        assert!(!format!("{request:?}").contains(SECRET), "{request:?}");
    }
}
