//! A signal pauses, and says how to go on; a second one is not argued with.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{Ended, Oss, PART, Scene, until};

const PARTS: u16 = 8;
const LENGTH: usize = 7 * PART + 2;
const HANGING: u16 = 3;

/// A name that a shell would make something else of.
const SOURCE: &str = "it's a $HOME \"file\" (1)\n.bin";

fn cp(scene: &Scene) -> Oss {
    scene.cp(&scene.path(SOURCE), "ob ject&")
}

/// Pastes the last line of what was said into a shell, as the user may.
#[track_caller]
fn paste(scene: &Scene, ended: &Ended) {
    scene.oss().replaced_by(&["bash", "-c", ended.last_line()]).run().expect(0);
}

/// Stops an upload by these signals when all parts but one are up, and goes on as it says.
fn stopped_by(signals: &[Signal]) {
    let mut scene = Scene::new();
    let (_, bytes) = scene.file(SOURCE, 1, LENGTH);
    let running = scene.start_all_but(HANGING, |scene| cp(scene).hearing_hang_ups(), PARTS);
    let asked = Instant::now();
    for signal in signals {
        running.signal(*signal);
    }
    let ended = running.wait().expect(5);
    assert!(asked.elapsed() < Duration::from_secs(2), "{signals:?} took {:?}", asked.elapsed());
    scene.emulator.restart("");
    scene.expect_no_object("ob ject&");
    let seen = scene.log().len();
    paste(&scene, &ended);
    scene.expect_object("ob ject&", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().since(seen).parts_sent(), [HANGING]);
}

// Rows: 143
#[test]
fn a_signal_pauses_and_the_last_line_goes_on() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        stopped_by(&[signal]);
    }
}

/// At any moment of an upload of eight parts at once. The source reads as it does, and the service is slow.
///
/// What a stop takes is the time of one flush of the journal; the second that is allowed is the program's own limit and a quarter.
// Rows: 143
#[test]
fn of_a_hundred_stops_with_eight_parts_in_flight_ninety_nine_take_a_second_at_most() {
    const STOPS: usize = 100;
    let slow = "[[fault]]\nat = 'upload_part'\ndo = 'throttle'\nrate = '300K'\n";
    let scene = Scene::with_faults(slow);
    let (path, _) = scene.file("source", 1, 16 * PART);
    let mut random = fastrand::Rng::with_seed(8);
    let mut took: Vec<Duration> = (0..STOPS)
        .map(|number| {
            let key = format!("object-{number}");
            let running = scene.cp(&path, &key).args(["--parallel", "8"]).start();
            until("its parts are on their way", || scene.uploads_of(&key).len() == 1);
            std::thread::sleep(Duration::from_millis(random.u64(20..300)));
            let asked = Instant::now();
            running.signal(Signal::INT);
            running.wait().expect(5);
            asked.elapsed()
        })
        .collect();
    took.sort_unstable();
    println!("a stop takes {:?} in the median, {:?} at most", took[STOPS / 2], took[STOPS - 1]);
    assert!(took[STOPS - 2] <= Duration::from_secs(1), "{took:?}");
    assert!(took[STOPS - 1] <= Duration::from_secs(2), "{took:?}");
}

// Rows: 143
#[test]
fn twice_stops_at_once() {
    stopped_by(&[Signal::INT, Signal::INT]);
    stopped_by(&[Signal::INT, Signal::TERM]);
}

// Rows: 143
#[test]
fn what_is_paused_says_so_in_json_too() {
    let mut scene = Scene::new();
    scene.file(SOURCE, 1, LENGTH);
    let running = scene.start_all_but(
        HANGING,
        |scene| cp(scene).args(["--output-format", "json", "--no-resume"]),
        PARTS,
    );
    running.signal(Signal::INT);
    let ended = running.wait().expect(5);
    let said = ended.json();
    assert_eq!((&said["outcome"], &said["exit"]), (&"interrupted".into(), &5.into()));
    assert_eq!(said["resume"], ended.last_line());
    assert!(!ended.last_line().contains("--no-resume"), "that would begin anew: {}", ended.last_line());
}

// Rows: 143
#[test]
fn a_pause_before_the_first_answer_works_too() {
    let operations = ["list_uploads", "initiate", "complete"];
    for operation in operations {
        let mut scene =
            Scene::with_faults(&format!("[[fault]]\nat = '{operation}'\ndo = 'delay'\nfor = '1h'\n"));
        let (_, bytes) = scene.file(SOURCE, 1, LENGTH);
        let running = cp(&scene).start();
        until(operation, || match operation {
            "complete" => scene.log().count("upload_part") == usize::from(PARTS),
            "initiate" => scene.log().count("list_uploads") == 1,
            _ => scene.checkpoint_dir().is_dir(),
        });
        let asked = Instant::now();
        running.signal(Signal::INT);
        let ended = running.wait().expect(5);
        assert!(asked.elapsed() < Duration::from_secs(2), "{operation} took {:?}", asked.elapsed());
        scene.emulator.restart("");
        paste(&scene, &ended);
        scene.expect_object("ob ject&", &bytes);
        scene.expect_nothing_left();
        assert_eq!(scene.log().data_bytes(), LENGTH as u64, "{operation}: nothing went twice");
    }
}

// Rows: 143
#[test]
fn a_small_file_that_hangs_can_be_paused_and_goes_on() {
    let mut scene = Scene::with_faults("[[fault]]\nat = 'put_object'\ndo = 'stall-answer'\nfor = '1h'\n");
    let (_, bytes) = scene.file(SOURCE, 1, PART - 1);
    let running = cp(&scene).start();
    until("the object is there", || scene.back_door().object("demo", "ob ject&").is_some());
    running.signal(Signal::INT);
    let ended = running.wait().expect(5);
    scene.emulator.restart("");
    paste(&scene, &ended);
    scene.expect_object("ob ject&", &bytes);
    scene.expect_nothing_left();
}

#[test]
fn a_deadline_pauses_with_a_code_of_its_own() {
    let mut scene = Scene::with_faults("[[fault]]\nat = 'upload_part'\npart = 3\ndo = 'delay'\nfor = '1h'\n");
    let (_, bytes) = scene.file(SOURCE, 1, LENGTH);
    let ended = cp(&scene).args(["--deadline", "1s", "--parallel", "2"]).run().expect(13);
    scene.emulator.restart("");
    paste(&scene, &ended);
    scene.expect_object("ob ject&", &bytes);
    scene.expect_nothing_left();
    assert!(scene.log().data_bytes() <= (LENGTH + 2 * PART) as u64);
}

/// As long as it was stopped, nothing could move.
// Rows: 145
#[test]
fn the_time_in_which_it_is_stopped_is_not_one_without_progress() {
    let mut scene = Scene::new();
    let (_, bytes) = scene.file(SOURCE, 1, LENGTH);
    let patient = |scene: &Scene| cp(scene).args(["--give-up-after", "3s"]);
    let running = scene.start_all_but(HANGING, patient, PARTS);
    running.signal(Signal::STOP);
    scene.emulator.kill();
    std::thread::sleep(Duration::from_secs(4));
    running.signal(Signal::CONT);
    // What fails now would be given up, if that had been time.
    until("it tries again", || running.stderr_so_far().contains("trying again"));
    scene.emulator.restart("");
    running.wait().expect(0);
    scene.expect_object("ob ject&", &bytes);
    scene.expect_nothing_left();
}

// Rows: 145
#[test]
fn what_is_suspended_goes_on_when_it_is_continued() {
    let mut scene = Scene::new();
    let (_, bytes) = scene.file(SOURCE, 1, LENGTH);
    let running = scene.start_all_but(HANGING, cp, PARTS);
    running.signal(Signal::STOP);
    let seen = scene.log().len();
    // All its connections are gone when it wakes up.
    scene.emulator.restart("");
    running.signal(Signal::CONT);
    running.wait().expect(0);
    scene.expect_object("ob ject&", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().since(seen).parts_stored(), [HANGING]);
}
