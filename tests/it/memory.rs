//! Memory does not grow with the size of parts.

use std::fs::{self, File};

use crate::support::{Oss, Scene, until};

const MIB: u64 = 1 << 20;

/// What is promised for four parts at once, whatever their size.
const MOST: u64 = 64 * MIB;

/// Most memory that a process has had so far, in bytes. (Linux: `VmHWM` of `/proc/PID/status`, in KiB.)
fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says it");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kib * 1024
}

fn sparse(scene: &Scene, length: u64) {
    File::create(scene.path("source")).unwrap().set_len(length).unwrap();
}

fn cp(scene: &Scene) -> Oss {
    scene.oss().args(["cp", "source", "oss://demo/object", "--part-size", "64M", "--parallel", "4"])
}

/// Complete is not answered, so that the process can be looked at when all the work is done.
const COMPLETE_IS_LOST: &str = "[[fault]]\nat = 'complete'\ndo = 'no-act'\n";

// Rows: 116
#[test]
fn four_large_parts_at_once_take_less_than_64_mib() {
    let mut scene = Scene::with("", &["--discard"]);
    sparse(&scene, 256 * MIB + 1);
    let running = scene.start_all_but(5, cp, 5);
    let sending = peak(running.id());
    assert!(running.kill().was_killed());
    assert!(sending < MOST, "{} MiB while sending", sending / MIB);

    // Reading it all again costs no more.
    scene.emulator.restart(COMPLETE_IS_LOST);
    let seen = scene.log().len();
    let running = cp(&scene).args(["--verify", "full"]).start();
    until("Complete goes out", || scene.log().since(seen).count("complete") > 0);
    let reading = peak(running.id());
    scene.emulator.restart("");
    running.wait().expect(0);
    assert!(reading < MOST, "{} MiB while reading again", reading / MIB);
    assert_eq!(scene.log().since(seen).parts_sent(), [5]);
    assert_eq!(scene.back_door().headers("demo", "object")["content-length"], (256 * MIB + 1).to_string());
    scene.expect_nothing_left();
}

// Rows: 116
#[test]
fn one_large_request_takes_less_than_64_mib() {
    let scene = Scene::with("[[fault]]\nat = 'put_object'\ndo = 'lose-answer'\nnth = 1\n", &["--discard"]);
    sparse(&scene, 256 * MIB);
    let mut running = scene
        .oss()
        .args(["cp", "source", "oss://demo/object", "--bigfile-threshold", "1G", "--output-format", "json"])
        .start();
    let mut most = 0;
    until("it has ended", || {
        // Between the look and the reading it may end; then nothing is there to read.
        if let Ok(status) = fs::read_to_string(format!("/proc/{}/status", running.id()))
            && status.contains("VmHWM:")
        {
            most = most.max(peak(running.id()));
        }
        !running.is_alive()
    });
    running.wait().expect(0);
    assert!(0 < most && most < MOST, "{} MiB", most / MIB);
}
