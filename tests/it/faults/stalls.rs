//! A service that goes silent, for longer than anybody waits.

use std::{thread, time::Instant};

use super::case::{MANY, ONE, PARTS, succeeds};

// Rows: 9, 10, 46, 47, 48
#[test]
fn a_silent_service_is_left_and_asked_again_on_another_connection() {
    // The clocks are 20 s for a request and 30 s for an answer; all of these run side by side.
    let at = |at: &str, fault: &str| format!("[[fault]]\nat = '{at}'\nnth = 1\n{fault}\nfor = '40s'");
    let started = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            let outcome = succeeds(MANY, &at("initiate", "do = 'stall-answer'"));
            outcome.arrived("initiate", 1..=1).one_upload().each_byte_once(MANY);
        });
        scope.spawn(|| {
            let outcome = succeeds(MANY, &at("upload_part", "do = 'stall-answer'"));
            outcome.one_upload().arrived("upload_part", PARTS..=PARTS + 1);
        });
        // What comes late finds the same bytes there.
        scope.spawn(|| {
            let outcome = succeeds(ONE, &at("put_object", "do = 'stall-answer'"));
            outcome.arrived("put_object", 2..=2);
        });
        scope.spawn(|| {
            let outcome = succeeds(MANY, &at("upload_part", "do = 'stall-request'\nafter = 1000"));
            outcome.one_upload().arrived("upload_part", PARTS..=PARTS + 1);
        });
        scope.spawn(|| {
            let outcome = succeeds(MANY, &at("list_uploads", "do = 'delay'"));
            outcome.one_upload().each_byte_once(MANY);
        });
    });
    assert!(started.elapsed().as_secs() >= 20, "nothing was silent: {:?}", started.elapsed());
}
