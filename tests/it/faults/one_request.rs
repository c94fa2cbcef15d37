//! One thing goes wrong once, in an upload of one request.

use super::case::{ONE, fails_and_resumes, succeeds};

// Rows: 6, 7, 8, 36, 41, 42, 45, 59, 76
#[test]
fn a_file_in_one_request_goes_again_when_its_answer_is_no_proof() {
    for fault in [
        "do = 'refuse'\nstatus = 500\ncode = 'InternalError'",
        "do = 'refuse'\nstatus = 500\ncode = 'InternalError'\nanswer = 'early'",
        "do = 'refuse'\nstatus = 500\ncode = 'InternalError'\nanswer = 'after-acting'",
        "do = 'refuse'\nstatus = 503\ncode = 'ServiceUnavailable'\nretry_after = '1'",
        "do = 'refuse'\nstatus = 400\ncode = 'RequestTimeout'",
        "do = 'body'\nstatus = 502\ntext = '<html>'",
        "do = 'reset-request'",
        "do = 'reset-request'\nafter = '50%'",
        "do = 'close-request'\nafter = 65536",
        "do = 'lose-answer'",
        "do = 'lose-answer'\nparting = 'close'",
        "do = 'no-act'",
        "do = 'truncate-answer'\nafter = 30",
        "do = 'corrupt-crc'",
        "do = 'corrupt-body'\nafter = 99",
        "do = 'header'\nname = 'x-oss-hash-crc64ecma'\nvalue = ''",
    ] {
        let outcome = succeeds(ONE, &format!("[[fault]]\nat = 'put_object'\nnth = 1\n{fault}"));
        outcome.arrived("put_object", 2..=2).arrived("initiate", 0..=0);
        assert_eq!(outcome.ended.json()["proof"], "object", "{fault}");
    }
}

// Rows: 12
#[test]
fn a_slow_service_gets_a_file_in_one_request_once() {
    for fault in [
        "do = 'delay'\nfor = '300ms'",
        "do = 'stall-request'\nafter = 50000\nfor = '500ms'",
        "do = 'stall-answer'\nfor = '500ms'",
        "do = 'trickle'\nrate = 500",
        "do = 'throttle'\nrate = '200K'",
        "do = 'without-header'\nname = 'etag'",
    ] {
        let outcome = succeeds(ONE, &format!("[[fault]]\nat = 'put_object'\nnth = 1\n{fault}"));
        outcome.arrived("put_object", 1..=1).each_byte_once(ONE);
    }
}

// Rows: 59
#[test]
fn an_object_whose_checksum_differs_for_ever_is_no_success() {
    let outcome = fails_and_resumes(11, ONE, "[[fault]]\nat = 'put_object'\ndo = 'corrupt-crc'");
    outcome.arrived("put_object", 3..=3).ended.says("CRC-64");
}

// Rows: 36
#[test]
fn bytes_that_are_hurt_on_every_way_are_no_success() {
    let outcome = fails_and_resumes(11, ONE, "[[fault]]\nat = 'put_object'\ndo = 'corrupt-body'");
    outcome.arrived("put_object", 3..=3).ended.says("CRC-64");
}
