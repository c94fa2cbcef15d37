//! A limit of bytes a second: kept, changed while it runs, and no reason to stop late.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{PART, Running, Scene, until};

/// An upload of eight parts under this limit, with its first parts on their way.
fn limited(scene: &Scene, rate: &str) -> (Running, Vec<u8>) {
    let (path, bytes) = scene.file("source", 1, 8 * PART);
    let running = scene.cp(&path, "object").args(["--bandwidth-limit", rate]).start();
    until("its parts are on their way", || scene.uploads_of("object").len() == 1);
    (running, bytes)
}

#[test]
fn a_limit_is_kept_by_all_parts_together() {
    let scene = Scene::new();
    for (length, threshold) in [(20 * PART, "100K"), (20 * PART, "1G")] {
        let (path, bytes) = scene.file("source", 1, length);
        let begun = Instant::now();
        let limited = ["--bandwidth-limit", "1M", "--bigfile-threshold", threshold];
        scene.oss().arg("cp").args(limited).arg(&path).arg("oss://demo/object").run().expect(0);
        let took = begun.elapsed();
        let fastest = Duration::from_millis(length as u64 * 1000 / (1 << 20));
        assert!(took >= fastest.mul_f64(0.97), "{took:?} instead of {fastest:?}");
        scene.expect_object("object", &bytes);
    }
}

#[test]
fn signals_halve_and_double_it_while_it_runs() {
    let scene = Scene::new();
    let (running, bytes) = limited(&scene, "4K/s");
    let expect = |signal, words: &str| {
        running.signal(signal);
        until("it says so", || running.stderr_so_far().contains(words));
    };
    expect(Signal::USR1, "no more than 2 KiB a second");
    for rate in ["4 KiB", "8 KiB", "16 KiB", "32 KiB", "64 KiB", "128 KiB", "256 KiB", "512 KiB", "1 MiB"] {
        expect(Signal::USR2, &format!("no more than {rate} a second"));
    }
    running.wait().expect(0);
    scene.expect_object("object", &bytes);
    assert_eq!(scene.log().data_bytes(), bytes.len() as u64, "nothing went twice");
}

#[test]
fn whoever_waits_for_a_turn_stops_at_once() {
    let scene = Scene::new();
    let (running, _) = limited(&scene, "1K");
    let asked = Instant::now();
    running.signal(Signal::INT);
    running.wait().expect(5);
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
}

#[test]
fn a_limit_that_is_none_is_refused() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, PART);
    scene.cp(&path, "object").args(["--bandwidth-limit", "1000"]).run().expect(1).says("1K a second");
}
