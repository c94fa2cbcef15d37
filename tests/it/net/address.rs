//! The machine is given another address while it uploads, as between two networks.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    ip,
    support::{PART, Scene, until},
};

const PARTS: usize = 12;
/// Some parts a second, so that there are always some on their way.
const SLOW: &str = "[[fault]]\nat = 'upload_part'\ndo = 'throttle'\nrate = '60K'\n";
/// From the new address to the last part: a look at the old one, a pause before a try, and nine parts, four at a time.
const LONGEST: Duration = Duration::from_secs(2 + 4 + 9);

/// From now on the machine calls the emulator from this address.
fn call_from(address: &str) {
    ip(&format!("address add {address}/32 dev lo"));
    ip(&format!("route replace table local local 127.0.0.1 dev lo src {address}"));
}

/// Nothing that was on its way gets there or back, and no connection is told.
// Rows: 37
#[test]
fn bytes_flow_again_within_seconds_of_a_new_address() {
    for away in [None, Some(Duration::from_secs(7))] {
        ip("link set lo up");
        call_from("10.7.0.2");
        let scene = Scene::with_faults(SLOW);
        let (path, bytes) = scene.file("source", 1, PARTS * PART);
        let running = scene.cp(&path, "object").start();
        until("some parts have arrived", || scene.log().parts_stored().len() >= 3);

        if let Some(away) = away {
            ip("link set lo down");
            thread::sleep(away);
        }
        ip("address del 10.7.0.2/32 dev lo");
        ip("link set lo up");
        call_from("10.7.0.3");
        let since = Instant::now();
        let ended = running.wait().expect(0);
        assert!(since.elapsed() < LONGEST, "{away:?}: {:?} {ended:#?}", since.elapsed());
        if away.is_none() {
            ended.says("this machine no longer has the address 10.7.0.2");
        }
        scene.expect_object("object", &bytes);
        scene.expect_nothing_left();
        ip("address del 10.7.0.3/32 dev lo");
    }
}
