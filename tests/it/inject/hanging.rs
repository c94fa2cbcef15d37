//! Reads of the source and flushes of the journal that do not come back.

use std::{
    fs,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::{
    support::{Oss, PART, Running, Scene, until},
    tracer::{Calls, Strace, Traced},
};

const PARALLEL: usize = 8;
const LENGTH: usize = 24 * PART + 5;
/// How long a call hangs, for strace: a quarter of an hour in microseconds.
const HANGS: &str = "delay_enter=900000000";
/// From the order to stop to the end of the process.
const LONGEST_STOP: Duration = Duration::from_secs(2);

fn upload(scene: &Scene) -> Oss {
    scene.cp(&scene.path("source"), "object").args(["--parallel", &PARALLEL.to_string()])
}

/// An upload that hears signals and of whose calls one at least is on its way for ever.
fn hanging(oss: Oss, calls: &Calls, what: &str) -> (Running, Strace) {
    let (running, strace) = Traced::start(oss).with(calls, what);
    until("a call hangs", || strace.holds_one(&running));
    until("it hears signals", || hears(running.id(), Signal::INT));
    (running, strace)
}

/// Whether a process does something of its own about a signal.
fn hears(process: u32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default();
    u64::from_str_radix(caught.trim(), 16).is_ok_and(|caught| caught >> (signal.as_raw() - 1) & 1 == 1)
}

/// What hangs, and from which call of each thread on.
fn each(scene: &Scene) -> [(Calls, String); 4] {
    [
        (Calls::reads_that_block().about([scene.path("source")]), format!("{HANGS}:when=1+")),
        (Calls::named("preadv2").about([scene.path("source")]), format!("{HANGS}:when=2+")),
        (Calls::named("statx").about([scene.path("source")]), format!("{HANGS}:when=6+")),
        (Calls::named("fdatasync,fsync"), format!("{HANGS}:when=1+")),
    ]
}

// Rows: 117, 143
#[test]
fn a_signal_ends_a_run_whose_reads_or_flushes_hang() {
    for number in 0..4 {
        ends(number, &[], 5, |running| running.signal(Signal::INT));
    }
}

// Rows: 117
#[test]
fn a_deadline_ends_a_run_whose_reads_or_flushes_hang() {
    for number in 0..4 {
        ends(number, &["--deadline", "1s"], 13, |_| ());
    }
}

// Rows: 117
#[test]
fn a_run_whose_reads_hang_gives_up() {
    let said = ends(0, &["--give-up-after", "1s"], 3, |_| ());
    assert!(said.contains("reading the source has not come back") || said.contains("no progress"), "{said}");
}

/// Lets a run hang, does something about it, and looks how it ends; gives what it said. The next run finishes.
fn ends(number: usize, arguments: &[&str], code: i32, order: impl FnOnce(&Running)) -> String {
    let scene = Scene::new();
    let (_, bytes) = scene.file("source", 1, LENGTH);
    let (calls, what) = &each(&scene)[number];
    let (running, mut strace) = hanging(upload(&scene).args(arguments), calls, what);
    let asked = Instant::now();
    order(&running);
    assert!(strace.some_thread_exits_with(code), "{what} of {calls:?} keeps it from ending");
    // The deadline and the patience are a second.
    let limit = LONGEST_STOP + if arguments.is_empty() { Duration::ZERO } else { Duration::from_secs(1) };
    assert!(asked.elapsed() < limit, "{what} of {calls:?} took {:?}", asked.elapsed());
    // The calls are still not through: strace holds on to the threads that make them, and so to the process.
    drop(strace);
    let ended = running.wait().expect(code);
    if code != 3 {
        assert!(ended.last_line().contains(" cp "), "the last line goes on: {ended:#?}");
    }
    upload(&scene).run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    ended.stderr
}
