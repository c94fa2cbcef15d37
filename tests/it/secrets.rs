//! Secrets where they could be seen: in the loudest log, in a core, in the name of a proxy, on a command line.

use std::{fs, net::TcpListener, os::unix::process::ExitStatusExt as _};

use rustix::process::Signal;

use crate::support::{
    ACCESS_KEY_ID, ACCESS_KEY_SECRET, Oss, PART, PROXY_PASSWORD, SECURITY_TOKEN, Scene, until,
};

// Rows: 89
#[test]
fn the_loudest_log_holds_no_secret_whatever_goes_wrong() {
    let refused = "do = 'refuse'\nstatus = 403\ncode = 'SignatureDoesNotMatch'";
    for (fault, code) in [
        (String::new(), 0),
        ("[[fault]]\nat = 'upload_part'\nnth = 1\ndo = 'lose-answer'".to_owned(), 0),
        ("[[fault]]\nat = 'any'\ndo = 'skew'\nby = '20m'".to_owned(), 0),
        (format!("[[fault]]\nat = 'initiate'\n{refused}"), 2),
        ("[[fault]]\nat = 'upload_part'\npart = 2\nnth = 1\ndo = 'expire-token'".to_owned(), 2),
    ] {
        let pair = format!("{ACCESS_KEY_ID}:{ACCESS_KEY_SECRET}:{SECURITY_TOKEN}");
        let scene = Scene::with(&fault, &["--access-key", &pair]);
        let (path, _) = scene.file("source", 1, 3 * PART);
        let upload = scene.cp(&path, "object").arg("-vv").env("OSS_SESSION_TOKEN", SECURITY_TOKEN);
        // That nothing of it is in there is looked for at every end of the program.
        upload.run().expect(code).says("DEBUG oss_resumable::driver");
    }
}

// Rows: 89
#[test]
fn the_loudest_log_of_every_command_holds_no_secret() {
    let pair = format!("{ACCESS_KEY_ID}:{ACCESS_KEY_SECRET}:{SECURITY_TOKEN}");
    let scene = Scene::with("", &["--access-key", &pair]);
    let (path, _) = scene.file("source", 1, 3 * PART);
    let loud = |words: &[&str]| scene.oss().args(words).arg("-vv").env("OSS_SESSION_TOKEN", SECURITY_TOKEN);
    let receipt = scene.path("receipt.json");
    let upload = loud(&["cp"]).arg("--receipt").arg(&receipt).arg(&path).arg("oss://demo/object");
    upload.run().expect(0).says("TRACE");
    loud(&["verify"]).arg(&receipt).run().expect(0).says("TRACE");
    loud(&["check"]).arg(&path).arg("oss://demo/object").run().expect(0).says("TRACE");
    for (words, code) in [
        (&["ls"][..], 0),
        (&["ls", "oss://demo"], 0),
        (&["stat", "oss://demo/object"], 0),
        (&["stat", "oss://demo/nothing"], 2),
        (&["mb", "oss://other"], 0),
        (&["jobs", "ls"], 0),
    ] {
        loud(words).run().expect(code);
    }
}

// Rows: 91
#[test]
fn a_program_that_is_aborted_leaves_no_core() {
    let scene = Scene::with_faults("[[fault]]\nat = 'any'\ndo = 'delay'\nfor = '1h'");
    let (path, _) = scene.file("source", 1, PART);
    // As a debugging user would have it.
    let running = scene.cp(&path, "object").after("ulimit -c unlimited 2>/dev/null || true").start();
    let limits = format!("/proc/{}/limits", running.id());
    let core_limit = || -> Option<Vec<String>> {
        let limits = fs::read_to_string(&limits).ok()?;
        let line = limits.lines().find(|line| line.starts_with("Max core file size"))?;
        Some(line.split_whitespace().skip(4).take(2).map(str::to_owned).collect())
    };
    until("the program has given up its core", || core_limit().is_some_and(|limit| limit == ["0", "0"]));
    running.signal(Signal::ABORT);
    let ended = running.wait();
    assert_eq!(ended.status.signal(), Some(Signal::ABORT.as_raw()));
    assert!(!ended.status.core_dumped());
}

// Rows: 27, 90
#[test]
fn a_proxy_that_fails_is_named_without_its_password() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, PART);
    let nobody = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let proxy = format!("http://user:{PROXY_PASSWORD}@{nobody}");
    for verbose in ["-v", "-vv"] {
        let upload =
            scene.oss().args(["cp", verbose, "-e", "http://oss.example.com", "--region", "cn-hangzhou"]);
        let upload =
            upload.arg(&path).arg("oss://demo/object").env("HTTP_PROXY", &proxy).env("http_proxy", &proxy);
        upload.run().expect(3).says("proxy").says(&nobody.port().to_string());
    }
}

// Rows: 92
#[test]
fn a_secret_on_the_command_line_works_and_is_warned_of_once_and_a_file_is_not() {
    let scene = Scene::new();
    let pair = format!("{ACCESS_KEY_ID}:{ACCESS_KEY_SECRET}");
    let file = scene.path("keys");
    fs::write(&file, format!("{pair}\n")).unwrap();
    let emulate =
        || Oss::new(scene.folder()).args(["emulate", "--deadline", "1s", "--root"]).arg(scene.path("other"));
    let ended = emulate().args(["--access-key", &pair, "--access-key", &pair]).run().expect(0);
    assert_eq!(ended.stderr.matches("other users").count(), 1, "{}", ended.stderr);
    let ended = emulate().arg("--access-key-file").arg(&file).run().expect(0);
    assert_eq!(ended.stderr, "");
    fs::write(&file, format!("\n{ACCESS_KEY_SECRET}\n")).unwrap();
    emulate().arg("--access-key-file").arg(&file).run().expect(1).says("line 2");
    // It holds the secret because it is meant to.
    fs::remove_file(&file).unwrap();
}

// Rows: 97
#[test]
fn a_key_that_looks_like_a_path_is_stored_under_a_digest_and_comes_back() {
    let scene = Scene::new();
    let long = "k".repeat(1023);
    for key in ["../x", "a//b", "a/../../../x", "%2e%2e", "con", "aux.txt", ".", "..", "nul\u{1}", &long] {
        let (path, bytes) = scene.file("source", 3, PART / 2);
        scene.cp(&path, key).run().expect(0);
        scene.expect_object(key, &bytes);
    }
    let objects = scene.path("server/buckets/demo/objects");
    for entry in fs::read_dir(&objects).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.len() == 48 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    }
    assert_eq!(fs::read_dir(&objects).unwrap().count(), 10);
    let (path, _) = scene.file("source", 3, 1);
    for key in ["/x", "\\x", &format!("{long}k")] {
        scene.cp(&path, key).run().expect(1).says("key");
    }
}
