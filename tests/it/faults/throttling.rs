//! A service that wants less gets less, and an end in time.

use std::time::{Duration, Instant};

use super::case::{MANY, ONE, PARTS, fails_with_and_resumes, succeeds};
use crate::support::Scene;

// Rows: 42, 43
#[test]
fn a_service_that_throttles_every_third_request_is_served_in_bounded_time() {
    let started = Instant::now();
    let faults = "
        [[fault]]
        at = 'any'
        every = 3
        do = 'refuse'
        status = 503
        code = 'ServiceUnavailable'
        retry_after = '1'
    ";
    let outcome = succeeds(MANY, faults);
    outcome.one_upload().arrived("upload_part", PARTS..=2 * PARTS);
    let refused = outcome.log.iter().filter(|request| request.status == Some(503)).count();
    let limit = Duration::from_secs(5 + 2 * refused as u64);
    assert!(started.elapsed() < limit, "{refused} refusals cost {:?}", started.elapsed());
    assert!(started.elapsed() > Duration::from_secs(1), "Retry-After is kept to");
}

// Rows: 42
#[test]
fn a_throttled_service_is_asked_for_less_at_once() {
    let faults =
        "[[fault]]\nat = 'upload_part'\nnth = '1..8'\ndo = 'refuse'\nstatus = 503\ncode = 'QpsLimitExceeded'";
    succeeds(MANY, faults).one_upload().arrived("upload_part", PARTS + 8..=PARTS + 8);
}

// Rows: 43
#[test]
fn a_retry_after_that_makes_no_sense_is_no_order_to_wait() {
    for value in ["0", "garbage", "-7", "99999999999999999999", "315360000", "Fri, 31 Dec 1999 23:59:59 GMT"]
    {
        let started = Instant::now();
        let faults = format!(
            "[[fault]]\nat = 'put_object'\nnth = 1\ndo = 'refuse'\nstatus = 503\ncode = 'ServiceUnavailable'\nretry_after = '{value}'"
        );
        succeeds(ONE, &faults).arrived("put_object", 2..=2);
        assert!(started.elapsed() < Duration::from_secs(5), "{value}: {:?}", started.elapsed());
    }
}

// Rows: 41, 42
#[test]
fn a_service_that_only_fails_is_given_up_in_time_and_the_state_is_kept() {
    for (status, code) in [(500, "InternalError"), (503, "ServiceUnavailable")] {
        for at in ["any", "upload_part", "complete"] {
            let faults = format!("[[fault]]\nat = '{at}'\ndo = 'refuse'\nstatus = {status}\ncode = '{code}'");
            let started = Instant::now();
            let outcome = fails_with_and_resumes(3, MANY, &faults, &["--give-up-after", "3s"]);
            assert!(started.elapsed() >= Duration::from_secs(2), "it was given up early");
            assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
            outcome.ended.says("no progress for").says(code);
        }
    }
}

// Rows: 41
#[test]
fn one_refusal_in_ten_at_random_is_not_felt() {
    let faults = "[[fault]]\nat = 'any'\nprobability = 0.1\nseed = 4\ndo = 'refuse'\nstatus = 500\ncode = 'InternalError'";
    succeeds(2 * MANY, faults).one_upload();
}

#[test]
fn a_service_that_is_silent_is_given_up_in_time_too() {
    for at in ["initiate", "upload_part"] {
        let faults = format!("[[fault]]\nat = '{at}'\ndo = 'delay'\nfor = '8s'");
        let started = Instant::now();
        fails_with_and_resumes(3, MANY, &faults, &["--give-up-after", "2s"]);
        assert!(started.elapsed() < Duration::from_secs(20), "{at}: {:?}", started.elapsed());
    }
}

// Rows: 41, 47
#[test]
fn a_service_that_takes_no_large_part_is_given_up_in_time_too() {
    for (fault, said) in [
        ("do = 'refuse'\nstatus = 500\ncode = 'InternalError'", "InternalError"),
        ("do = 'no-act'", "no answer"),
    ] {
        let scene = Scene::with_faults(&format!("[[fault]]\nat = 'upload_part'\n{fault}"));
        let (path, _) = scene.file("source", 7, 16 << 20);
        let started = Instant::now();
        let cp = scene.oss().args(["cp", "--part-size", "8MiB", "--give-up-after", "2s"]).arg(path);
        cp.arg("oss://demo/object").run().expect(3).says("no progress for").says(said);
        assert!(started.elapsed() < Duration::from_secs(20), "{fault}: {:?}", started.elapsed());
        assert!(scene.log().count("list_parts") > 0, "it is asked for before it is sent again");
    }
}
