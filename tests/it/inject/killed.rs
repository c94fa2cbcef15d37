//! Killed behind the n-th call, for every n.

use crate::{
    support::{Ended, Oss, PART, Scene},
    tracer::{Calls, Traced},
};

const PARTS: usize = 12;
/// The last part is short.
const LENGTH: usize = (PARTS - 1) * PART + 999;
const PARALLEL: usize = 4;
/// All that the program does to the world, and the wake-ups of its threads.
const CHANGES: &str =
    "write,pwrite64,writev,sendto,sendmsg,fdatasync,fsync,rename,unlink,ftruncate,fallocate,flock";
/// Far more than one run makes.
const MOST_CALLS: usize = 400;
/// Tests at once; each has every so many-th n.
const SHARES: usize = 3;

// Rows: 135, 139, 148
#[test]
fn killed_behind_every_call_1() {
    every(1, false);
}

// Rows: 135, 139, 148
#[test]
fn killed_behind_every_call_2() {
    every(2, false);
}

// Rows: 135, 139, 148
#[test]
fn killed_behind_every_call_3() {
    every(3, false);
}

// Rows: 135, 139, 141, 148
#[test]
fn killed_behind_every_call_of_a_resume_1() {
    every(1, true);
}

// Rows: 135, 139, 141, 148
#[test]
fn killed_behind_every_call_of_a_resume_2() {
    every(2, true);
}

// Rows: 135, 139, 141, 148
#[test]
fn killed_behind_every_call_of_a_resume_3() {
    every(3, true);
}

fn every(first: usize, resume: bool) {
    let scene = Scene::new();
    let (_, bytes) = scene.file("source", 1, LENGTH);
    for (killed, n) in (first..MOST_CALLS).step_by(SHARES).enumerate() {
        let key = format!("object-{n}");
        if !kill(&scene, &key, n, resume, &bytes) {
            println!("{killed} kills, every {SHARES}th of {n} calls");
            assert!(killed * SHARES > 2 * PARTS, "an upload of {PARTS} parts makes more calls");
            return;
        }
    }
    panic!("it makes more than {MOST_CALLS} calls");
}

/// Whether it came so far.
fn kill(scene: &Scene, key: &str, n: usize, resume: bool, bytes: &[u8]) -> bool {
    let seen = scene.log().len();
    let upload = || scene.cp(&scene.path("source"), key).args(["--parallel", &PARALLEL.to_string()]);
    let mut kills = 0;
    if resume {
        let half = Calls::named("writev,sendto,sendmsg");
        let ended = Traced::start(upload()).killed_behind(&half, PARTS / 2 + 2);
        assert!(ended.was_killed(), "{ended:#?}");
        kills += 1;
    }
    let ended = Traced::start(upload()).killed_behind(&Calls::named(CHANGES), n);
    if !ended.was_killed() {
        expect_success(&ended);
        return false;
    }
    kills += 1;
    // Behind its last word the journal may be gone: then the same command would mean a new upload.
    if ended.stdout.contains("proved by") {
        scene.expect_object(key, bytes);
    }
    if !scene.journals().is_empty() || !ended.stdout.contains("proved by") {
        finish(upload());
    }
    scene.expect_object(key, bytes);
    scene.expect_nothing_left();
    let sent = usize::try_from(scene.log().since(seen).data_bytes()).unwrap();
    let log = scene.log().since(seen);
    let anew = log.of("complete").filter(|request| request.applied).count().saturating_sub(1);
    assert!(
        anew == 0 && sent <= LENGTH + kills * PARALLEL * PART,
        "{sent} bytes were sent, killed behind call {n}: {:#?}",
        log.in_short()
    );
    true
}

fn finish(oss: Oss) {
    expect_success(&oss.run());
}

#[track_caller]
fn expect_success(ended: &Ended) {
    assert_eq!(ended.code(), Some(0), "{ended:#?}");
    assert!(ended.stdout.contains("proved by CRC-64"), "{ended:#?}");
}
