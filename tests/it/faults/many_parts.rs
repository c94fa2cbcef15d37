//! One thing goes wrong once, in an upload of many parts.

use super::case::{MANY, PARTS, succeeds};

/// With this fault at one part, that part goes twice and all others once.
#[track_caller]
fn costs_one_part(fault: &str) {
    let outcome = succeeds(MANY, &format!("[[fault]]\nat = 'upload_part'\npart = 5\nnth = 1\n{fault}"));
    outcome.one_upload().arrived("upload_part", PARTS + 1..=PARTS + 1).arrived("complete", 1..=1);
    assert_eq!(outcome.log.parts_sent().iter().filter(|part| **part == 5).count(), 2, "{fault}");
}

/// With this fault at one part, every part goes once all the same.
#[track_caller]
fn costs_nothing(fault: &str) {
    let outcome = succeeds(MANY, &format!("[[fault]]\nat = 'upload_part'\npart = 5\nnth = 1\n{fault}"));
    outcome.one_upload().arrived("complete", 1..=1).each_byte_once(MANY);
}

// Rows: 16, 41, 42, 45, 74, 76
#[test]
fn a_part_that_is_refused_for_a_moment_goes_again() {
    for answer in ["early", "after-body", "after-acting"] {
        for (status, code) in [
            (500, "InternalError"),
            (503, "ServiceUnavailable"),
            (503, "QpsLimitExceeded"),
            (429, "TooManyRequests"),
            (400, "RequestTimeout"),
            (409, "StaleFile"),
            (502, "NeverHeardOf"),
        ] {
            costs_one_part(&format!(
                "do = 'refuse'\nstatus = {status}\ncode = '{code}'\nanswer = '{answer}'"
            ));
        }
    }
}

// Rows: 6, 7
#[test]
fn a_connection_that_ends_within_a_part_costs_that_part() {
    for after in ["0", "1", "65536", "'50%'", "'99%'"] {
        for verb in ["reset-request", "close-request"] {
            costs_one_part(&format!("do = '{verb}'\nafter = {after}"));
        }
    }
}

// Rows: 8, 36, 59, 76
#[test]
fn an_answer_that_cannot_be_one_costs_the_part() {
    for fault in [
        "do = 'body'\ntext = '<html>log in</html>'\nstatus = 502",
        "do = 'corrupt-crc'",
        "do = 'corrupt-body'\nafter = 1000",
        "do = 'header'\nname = 'x-oss-hash-crc64ecma'\nvalue = 'seventeen'",
        "do = 'header'\nname = 'x-oss-hash-crc64ecma'\nvalue = '-1'",
        "do = 'header'\nname = 'x-oss-hash-crc64ecma'\nvalue = '18446744073709551616'",
        "do = 'truncate-answer'\nafter = 0",
        "do = 'truncate-answer'\nafter = 40",
        "do = 'truncate-answer'\nafter = 40\nparting = 'reset'",
    ] {
        costs_one_part(fault);
    }
}

// Rows: 12, 44
#[test]
fn what_is_only_slow_costs_nothing() {
    for fault in [
        "do = 'delay'\nfor = '300ms'",
        "do = 'stall-request'\nafter = 50000\nfor = '500ms'",
        "do = 'stall-answer'\nfor = '500ms'",
        "do = 'trickle'\nrate = 500",
        "do = 'throttle'\nrate = '200K'",
        "do = 'header'\nname = 'x-oss-qos-delay-time'\nvalue = '100'",
        "do = 'header'\nname = 'x-oss-never-heard-of'\nvalue = 'x'",
    ] {
        costs_nothing(fault);
    }
}

// Rows: 58
#[test]
fn a_checksum_that_an_answer_does_not_state_is_made_up_for_by_the_objects() {
    for occurrence in ["nth = 1", "every = 1"] {
        let fault = format!(
            "[[fault]]\nat = 'upload_part'\n{occurrence}\ndo = 'without-header'\nname = 'x-oss-hash-crc64ecma'"
        );
        let outcome = succeeds(MANY, &fault);
        outcome.one_upload().arrived("complete", 1..=1).each_byte_once(MANY);
        assert_eq!(outcome.ended.json()["proof"], "object", "{:#?}", outcome.ended);
    }
    let at_complete = "[[fault]]\nat = 'complete'\ndo = 'without-header'\nname = 'x-oss-hash-crc64ecma'";
    let outcome = succeeds(MANY, at_complete);
    outcome.one_upload().arrived("head_object", 1..=1).each_byte_once(MANY);
    assert_eq!(outcome.ended.json()["proof"], "parts+object", "{:#?}", outcome.ended);
}

// Rows: 58
#[test]
fn a_tag_that_an_answer_does_not_state_is_taken_from_the_list() {
    for (occurrence, lists) in [("part = 5", 1..=1), ("every = 1", 1..=PARTS)] {
        let fault =
            format!("[[fault]]\nat = 'upload_part'\n{occurrence}\ndo = 'without-header'\nname = 'etag'");
        let outcome = succeeds(MANY, &fault);
        outcome.one_upload().arrived("list_parts", lists).each_byte_once(MANY);
        assert_eq!(outcome.ended.json()["proof"], "parts+object", "{:#?}", outcome.ended);
    }
}

// Rows: 58
#[test]
fn a_service_that_states_no_checksum_is_said_to_prove_nothing() {
    let faults = "
        [[fault]]
        at = 'any'
        do = 'without-header'
        name = 'x-oss-hash-crc64ecma'
    ";
    let outcome = succeeds(MANY, faults);
    outcome.one_upload().each_byte_once(MANY);
    // Parts are proved by ListParts, which states CRC-64 in its body; the object by nothing.
    assert_eq!(outcome.ended.json()["proof"], "none", "{:#?}", outcome.ended);
    outcome.ended.says("no CRC-64");
}

// Rows: 6, 7, 8, 29, 30, 41, 42, 46
#[test]
fn an_upload_whose_begin_fails_once_begins_once() {
    for fault in [
        "do = 'refuse'\nstatus = 500\ncode = 'InternalError'",
        "do = 'refuse'\nstatus = 500\ncode = 'InternalError'\nanswer = 'after-acting'",
        "do = 'refuse'\nstatus = 503\ncode = 'ServiceUnavailable'",
        "do = 'body'\ntext = '<html>log in</html>'",
        "do = 'body'\ntext = '<html>log in</html>'\nanswer = 'after-acting'",
        "do = 'body'\ntext = '<ListPartsResult/>'\nanswer = 'after-acting'",
        "do = 'body'\ntext = ''\nanswer = 'after-acting'",
        "do = 'truncate-answer'\nafter = 250",
        "do = 'reset-request'",
        "do = 'close-request'",
        "do = 'trickle'\nrate = 2000",
    ] {
        let outcome = succeeds(MANY, &format!("[[fault]]\nat = 'initiate'\nnth = 1\n{fault}"));
        outcome.one_upload().each_byte_once(MANY).arrived("abort", 0..=0);
    }
}

// Rows: 6, 7, 29, 30, 41, 42, 51, 52
#[test]
fn a_completion_that_fails_once_sends_no_byte_again() {
    for fault in [
        "do = 'refuse'\nstatus = 500\ncode = 'InternalError'",
        "do = 'refuse'\nstatus = 503\ncode = 'ServiceUnavailable'",
        "do = 'refuse'\nstatus = 200\ncode = 'InternalError'",
        "do = 'body'\nstatus = 200\ncontent_type = 'application/xml'\ntext = \"\\n\\n<?xml version='1.0'?><Error><Code>InternalError</Code></Error>\"",
        "do = 'body'\ntext = '<html>log in</html>'",
        "do = 'body'\ntext = '<InitiateMultipartUploadResult/>'",
        "do = 'reset-request'",
        "do = 'close-request'\nafter = '50%'",
        "do = 'stall-answer'\nfor = '1s'",
        "do = 'trickle'\nrate = 2000",
    ] {
        let outcome = succeeds(MANY, &format!("[[fault]]\nat = 'complete'\nnth = 1\n{fault}"));
        outcome.one_upload().each_byte_once(MANY);
        assert!(!outcome.settled(), "{fault}: it was completed by an answer");
    }
}

// Rows: 6, 8, 29, 41, 70
#[test]
fn looking_for_unfinished_uploads_may_fail_once_or_for_ever() {
    for occurrence in ["nth = 1", "every = 1"] {
        let refused = "do = 'refuse'\nstatus = 403\ncode = 'AccessDenied'";
        let outcome = succeeds(MANY, &format!("[[fault]]\nat = 'list_uploads'\n{occurrence}\n{refused}"));
        outcome.one_upload().each_byte_once(MANY);
    }
    for fault in [
        "do = 'refuse'\nstatus = 500\ncode = 'InternalError'",
        "do = 'body'\ntext = '<html/>'",
        "do = 'truncate-answer'\nafter = 300",
        "do = 'reset-request'",
    ] {
        let outcome = succeeds(MANY, &format!("[[fault]]\nat = 'list_uploads'\nnth = 1\n{fault}"));
        outcome.one_upload().each_byte_once(MANY);
    }
}
