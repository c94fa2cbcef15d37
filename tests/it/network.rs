//! Networks that are bad in one way all the time.

use std::{
    collections::BTreeMap,
    fs,
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::support::{Deed, Message, PART, Parting, Relay, Scene, Side};

/// A network in front of the emulator's.
fn network(
    scene: &Scene,
    deeds: impl Fn(&Message) -> Option<Deed> + Send + Sync + 'static,
) -> (Relay, String) {
    let relay = Relay::new(scene.emulator.address(), move |message| deeds(message).into_iter().collect());
    let endpoint = relay.endpoint();
    (relay, endpoint)
}

/// At 300 kB/s it would take two minutes, and the others are through at once.
// Rows: 13
#[test]
fn a_part_whose_connection_nearly_stands_still_is_sent_over_another_one() {
    const LARGE: usize = 32 << 20;
    let scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, 5 * LARGE);
    let (_relay, endpoint) = network(&scene, |message| {
        let slow = (message.side, message.operation, message.nth) == (Side::Request, "upload_part", 1);
        let up_to = message.len();
        slow.then_some(Deed::Pieces { size: 60_000, pause: Duration::from_millis(200), up_to })
    });
    let started = Instant::now();
    let upload = scene.oss().args(["cp", "--part-size", "32M"]).arg(&path).arg("oss://demo/object");
    let upload = upload.env("OSS_ENDPOINT", endpoint);
    let ended = upload.run().expect(0);
    assert!(started.elapsed() < Duration::from_mins(1), "{ended:#?}");
    ended.says("it is dialled anew");
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert_eq!(scene.log().parts_stored(), [1, 2, 3, 4, 5]);
}

/// The way takes small packets and loses large ones, so that only small messages get through.
// Rows: 38
#[test]
fn a_way_that_loses_large_packets_is_named_in_the_end() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, 3 * PART);
    let (_relay, endpoint) = network(&scene, |message| {
        (message.len() > 1400).then_some(Deed::Stall { after: 0, pause: Duration::from_hours(1) })
    });
    let upload = || scene.cp(&path, "object").args(["--give-up-after", "2s"]).env("OSS_ENDPOINT", &endpoint);
    upload().run().expect(3).says("MTU");
    scene.expect_no_object("object");
    // And with nothing else in the way, it is named no more.
    let refused = scene.cp(&path, "object").env("OSS_ENDPOINT", "http://127.0.0.1:1").run().expect(3);
    assert!(!refused.stderr.contains("MTU"), "{refused:#?}");
}

/// Ends each connection when so many bytes have gone through it, whatever they are.
fn cut_after(scene: &Scene, most: usize) -> (Relay, String) {
    let gone = Mutex::new(BTreeMap::<usize, usize>::new());
    network(scene, move |message| {
        let mut gone = gone.lock().unwrap();
        let before = gone.entry(message.connection).or_default();
        let left = most.saturating_sub(*before);
        *before += message.len();
        (*before > most).then_some(Deed::Cut { after: left, parting: Parting::Reset })
    })
}

// Rows: 40
#[test]
fn where_every_connection_ends_after_a_while_parts_that_fit_in_get_through() {
    let scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, 9 * PART + 1);
    let (relay, endpoint) = cut_after(&scene, 3 * PART / 2);
    scene.cp(&path, "object").env("OSS_ENDPOINT", endpoint).run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
    assert!(relay.log().len() >= 4, "{:?}", relay.log());
}

// Rows: 40
#[test]
fn where_every_connection_ends_before_a_part_is_through_that_is_said() {
    let scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, 9 * PART + 1);
    let (relay, endpoint) = cut_after(&scene, PART / 2);
    let upload = || scene.cp(&path, "object").args(["--give-up-after", "2s"]).env("OSS_ENDPOINT", &endpoint);
    upload().run().expect(3).says("--part-size");
    scene.expect_no_object("object");
    relay.calm_down();
    upload().run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
}

/// Each has a home, and so a journal, of its own.
// Rows: 64
#[test]
fn two_machines_that_upload_one_key_prove_each_its_own_and_mix_nothing() {
    const LENGTH: usize = 9 * PART + 7;
    for same in [false, true] {
        let scene = Scene::with_faults("[[fault]]\nat = 'upload_part'\ndo = 'throttle'\nrate = '500K'\n");
        let sources = [1, 2].map(|machine| {
            let seed = if same { 1 } else { machine };
            let (path, bytes) = scene.file(&format!("source-{machine}"), seed, LENGTH);
            let home = scene.path(&format!("machine-{machine}"));
            fs::create_dir(&home).unwrap();
            (path, bytes, home)
        });
        let runs = [0, 1].map(|at| {
            let (path, _, home) = &sources[at];
            let upload = scene.cp(path, "object").args(["--parallel", "2", "--checkpoint-dir"]).arg(home);
            upload.args(["--adopt", "never"]).start()
        });
        for run in runs {
            assert!(run.wait().expect(0).stdout.contains("proved by CRC-64"));
        }
        let object = scene.back_door().object("demo", "object").unwrap();
        assert!(sources.iter().any(|(_, bytes, _)| *bytes == object), "it is neither of them");
        scene.expect_nothing_left();
    }
}
