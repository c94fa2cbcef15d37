//! The name of the service cannot be had.

use std::{
    fs,
    net::UdpSocket,
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    ip,
    support::{PART, Scene},
};

/// The one clock that runs over name, connection and TLS, three times, the pauses between, and as much again.
const LONGEST: Duration = Duration::from_secs(68);

// Rows: 2
#[test]
fn a_resolver_that_never_answers_ends_as_a_service_that_cannot_be_reached() {
    ip("link set lo up");
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, 2 * PART);
    // It takes the question, and that is all.
    let _silent = UdpSocket::bind("127.0.0.53:53").unwrap();
    let settings = scene.path("resolv.conf");
    fs::write(&settings, "nameserver 127.0.0.53\noptions timeout:30 attempts:5\n").unwrap();
    let mount = Command::new("mount").arg("--bind").arg(&settings).arg("/etc/resolv.conf").status().unwrap();
    assert!(mount.success());

    let upload = || scene.cp(&path, "object").env("OSS_ENDPOINT", "http://oss.example.com");
    let started = Instant::now();
    let ended = upload().run().expect(3);
    assert!(started.elapsed() < LONGEST, "{:?} {ended:#?}", started.elapsed());
    ended.says("10s passed while resolving");
    ended.says("hint: ");

    // A deadline does not wait for it either.
    let started = Instant::now();
    upload().args(["--deadline", "1s"]).run().expect(13);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}
