//! From answers to classes.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use http::response::Parts;
use oss_checkpoint::ServerTime;
use oss_resumable::{
    FaultClass,
    wire::{self, HeadObject, Operation, StatObject, UploadPart},
};

use crate::world::{World, error_document, head};

fn classes(table: &str) -> impl Iterator<Item = (u16, &str, &str)> {
    table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [status, code, class] = words[..] else { panic!("{line}") };
        (status.parse().unwrap(), code, class)
    })
}

// Rows: 45, 74
#[test]
fn each_code_has_its_class_whatever_its_status() {
    let mut seen = std::collections::BTreeSet::new();
    for (status, code, class) in classes(include_str!("codes.txt")) {
        let document = error_document(code);
        for status in [status, 400, 403, 500, 503] {
            let fault = wire::fault("upload_part", &head(status, &[]), document.as_bytes());
            assert_eq!(format!("{:?}", fault.class), class, "{status} {code}");
            let refusal = fault.refusal.unwrap();
            assert_eq!((refusal.status, refusal.code.as_str()), (status, code));
            assert_eq!(refusal.message, "said so.");
            assert_eq!(refusal.ec.as_deref(), Some("0042-00000002"));
            assert_eq!(refusal.request_id.as_deref(), Some("5C3D9175B6FC201293AD1234"));
            assert!(fault.message.contains(code) && fault.message.contains("said so"), "{}", fault.message);
        }
        // The same document in the header of an answer that may have no body.
        let encoded = BASE64.encode(&document);
        let fault = wire::fault("head_object", &head(status, &[("x-oss-err", &encoded)]), b"");
        assert_eq!(format!("{:?}", fault.class), class, "{status} {code} in x-oss-err");
        seen.insert(class);
    }
    let all = [
        FaultClass::Unanswered,
        FaultClass::Throttled,
        FaultClass::Skewed,
        FaultClass::Unauthorised,
        FaultClass::Corrupted,
        FaultClass::Vanished,
        FaultClass::Exists,
        FaultClass::PartsRejected,
        FaultClass::Refused,
    ];
    let all = all.iter().map(|class| format!("{class:?}")).collect::<Vec<_>>();
    assert!(all.iter().all(|class| seen.contains(class.as_str())), "{seen:?}");
}

// Rows: 76
#[test]
fn without_a_known_code_the_status_decides() {
    let bodies = [error_document("NeverHeardOf"), "<html><body>oops</body></html>".to_owned(), String::new()];
    for (status, kind, class) in classes(include_str!("statuses.txt")) {
        let (body, headers): (&str, &[(&str, &str)]) = match kind {
            "unknown-code" => (&bodies[0], &[]),
            "html" => (&bodies[1], &[]),
            "empty" => (&bodies[2], &[]),
            "empty-with-request-id" => (&bodies[2], &[("x-oss-request-id", "5C3D9175B6FC201293AD1234")]),
            other => panic!("{other}"),
        };
        let fault = wire::fault("upload_part", &head(status, headers), body.as_bytes());
        assert_eq!(format!("{:?}", fault.class), class, "{status} {kind}: {}", fault.message);
        assert!(fault.message.contains(&status.to_string()), "{}", fault.message);
    }
}

// Rows: 72
#[test]
fn bugs_of_ours_ask_for_a_report() {
    for code in
        ["EntityTooSmall", "EntityTooLarge", "InvalidPartOrder", "MalformedXML", "MissingContentLength"]
    {
        let fault = wire::fault("complete", &head(400, &[]), error_document(code).as_bytes());
        assert!(fault.message.ends_with("this should not happen, please report it"), "{}", fault.message);
    }
    let fault = wire::fault("complete", &head(403, &[]), error_document("AccessDenied").as_bytes());
    assert!(!fault.message.contains("report"), "{}", fault.message);
}

// Rows: 20
#[test]
fn a_refusal_names_the_endpoint_to_use() {
    let document = "<Error><Code>AccessDenied</Code><Message>The bucket you are attempting to access must be \
                    addressed using the specified endpoint.</Message><Endpoint>oss-cn-beijing.aliyuncs.com</Endpoint></Error>";
    let check = |status, headers: &[(&str, &str)], body: &str, endpoint: Option<&str>| {
        let fault = wire::fault("initiate", &head(status, headers), body.as_bytes());
        assert_eq!(fault.class, FaultClass::Refused, "{}", fault.message);
        assert_eq!(fault.refusal.unwrap().endpoint.as_deref(), endpoint);
        assert!(endpoint.is_none_or(|endpoint| fault.message.contains(endpoint)), "{}", fault.message);
        assert!(!fault.message.contains("canary"), "{}", fault.message);
    };
    check(403, &[], document, Some("oss-cn-beijing.aliyuncs.com"));
    for status in [301, 302, 303, 307, 308] {
        let location = "https://me:canary@oss-cn-beijing.aliyuncs.com/k?x-oss-signature=canary";
        check(status, &[("location", location)], "", Some("oss-cn-beijing.aliyuncs.com"));
        check(status, &[("location", "/login")], "<html>", None);
        check(status, &[("location", "http://a.example"), ("location", "http://b.example")], "", None);
    }
}

// Rows: 43
#[test]
fn retry_after_is_honoured_up_to_five_minutes() {
    let check = |said: &str, expected: Option<u64>| {
        let date = ("date", "Sun, 22 Nov 2026 12:00:00 GMT");
        let answer = head(503, &[date, ("retry-after", said)]);
        let fault = wire::fault("upload_part", &answer, error_document("QpsLimitExceeded").as_bytes());
        assert_eq!(fault.after, expected.map(Duration::from_secs), "{said:?}");
    };
    check("0", Some(0));
    check("7", Some(7));
    check("300", Some(300));
    check("301", None);
    check("315360000", None);
    check("99999999999999999999999999", None);
    check("-1", None);
    check("+5", None);
    check("1.5", None);
    check("soon", None);
    check("", None);
    check("Sun, 22 Nov 2026 12:01:30 GMT", Some(90));
    check("Sun, 22 Nov 2026 11:59:59 GMT", None);
    check("Fri, 22 Nov 2036 12:00:00 GMT", None);
    // A date means nothing without the server's own.
    let answer = head(503, &[("retry-after", "Sun, 22 Nov 2026 12:01:30 GMT")]);
    assert_eq!(wire::fault("upload_part", &answer, b"").after, None);
}

// Rows: 86
#[test]
fn the_servers_time_comes_from_the_document_or_else_from_the_head() {
    let skewed =
        "<Error><Code>RequestTimeTooSkewed</Code><ServerTime>2026-11-22T12:00:00.000Z</ServerTime></Error>";
    let date = ("date", "Sun, 22 Nov 2026 13:00:00 GMT");
    let noon = ServerTime::from_unix(1_795_348_800);
    let one = ServerTime::from_unix(1_795_348_800 + 3600);
    let check = |answer: Parts, body: &str, expected| {
        assert_eq!(wire::server_time(&answer, body.as_bytes()), expected, "{body}");
    };
    check(head(403, &[date]), skewed, Some(noon));
    check(head(403, &[]), skewed, Some(noon));
    check(head(403, &[date, ("x-oss-err", &BASE64.encode(skewed))]), "", Some(noon));
    check(head(403, &[date]), &skewed.replace("2026-11-22T12", "yesterday"), Some(one));
    check(head(403, &[date]), &error_document("RequestTimeTooSkewed"), Some(one));
    check(head(403, &[("date", "now")]), "", None);
    check(head(403, &[date, ("date", "Sun, 22 Nov 2026 14:00:00 GMT")]), "", None);
}

// Rows: 77
#[test]
fn an_error_header_is_decoded_within_limits() {
    let world = World::new();
    let operation = HeadObject { target: &world.target };
    let large = BASE64.encode(error_document(&"x".repeat(64 * 1024)));
    let check = |encoded: &str, code: &str| {
        let fault =
            operation.reply(&head(403, &[("x-oss-err", encoded), ("x-oss-ec", "0003-00000001")]), b"");
        let fault = fault.expect_err(encoded);
        assert_eq!(fault.class, FaultClass::Refused);
        let refusal = fault.refusal.unwrap();
        assert_eq!(refusal.code, code);
        assert!(refusal.ec.is_some());
    };
    check(&BASE64.encode(error_document("AccessDenied")), "AccessDenied");
    check("%%%", "");
    check("PEVycm9yPg==", "");
    check(&large, "");
}

// Rows: 77
#[test]
fn an_object_that_is_not_there_is_told_in_the_words_of_the_service() {
    let world = World::new();
    let (quiet, stat) = (HeadObject { target: &world.target }, StatObject { target: &world.target });
    let document = BASE64.encode(error_document("NoSuchKey"));
    let id = ("x-oss-request-id", "5C3D9175B6FC201293AD1234");
    for headers in [&[("x-oss-err", document.as_str()), id][..], &[("x-oss-ec", "0042-00000002"), id]] {
        let answer = head(404, headers);
        assert_eq!(quiet.reply(&answer, b""), Ok(None));
        let refusal = stat.reply(&answer, b"").unwrap_err().refusal.unwrap();
        assert_eq!((refusal.status, refusal.code.as_str()), (404, "NoSuchKey"));
        assert_eq!(refusal.ec.as_deref(), Some("0042-00000002"));
        assert_eq!(refusal.request_id.as_deref(), Some(id.1));
    }
    let nobody = head(404, &[]);
    assert_eq!(stat.reply(&nobody, b"").unwrap_err(), quiet.reply(&nobody, b"").unwrap_err());
    assert_eq!(stat.reply(&nobody, b"").unwrap_err().class, FaultClass::Corrupted);
}

// Rows: 98
#[test]
fn what_the_server_says_cannot_reach_the_terminal_raw() {
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}\u{9b}31m";
    let document = format!(
        "<Error><Code>Evil{evil}</Code><Message>{evil}</Message><RequestId>{evil}</RequestId><EC>{evil}</EC>\
         <Endpoint>{evil}</Endpoint><StringToSign>OSS4-HMAC-SHA256\n{evil}</StringToSign></Error>"
    );
    let clean = |text: &str| text.chars().all(|character| !character.is_control() && character != '\u{202e}');
    for body in [document, evil.to_owned(), format!("<Error>{evil}"), format!("<a></b{evil}>")] {
        let answer = head(400, &[("location", "http://a.example"), ("x-oss-ec", "0\u{e9}")]);
        let fault = wire::fault("upload_part", &answer, body.as_bytes());
        assert!(clean(&fault.message), "{:?}", fault.message);
        let refusal = fault.refusal.unwrap();
        assert!(clean(&refusal.to_string()) && clean(&refusal.code), "{refusal}");
        for text in [&refusal.ec, &refusal.request_id, &refusal.endpoint].into_iter().flatten() {
            assert!(clean(text), "{text:?}");
        }
        let signed = refusal.string_to_sign.as_deref().unwrap_or_default();
        assert!(
            signed.lines().all(|line| line.chars().all(|character| !character.is_control())),
            "{signed:?}"
        );
    }
    let world = World::new();
    let operation = UploadPart {
        target: &world.target,
        upload_id: &world.upload_id,
        number: oss_checkpoint::PartNumber::FIRST,
    };
    let fault = operation.reply(&head(200, &[("etag", "\u{202e}\u{9b}31m")]), b"").unwrap_err();
    assert!(clean(&fault.message) && fault.class == FaultClass::Corrupted, "{:?}", fault.message);
}

// Rows: 89
#[test]
fn a_token_that_was_signed_is_not_repeated() {
    let document = "<Error><Code>SignatureDoesNotMatch</Code><StringToSign>PUT\n\nx-oss-date:20261122T120000Z\n\
                    X-OSS-Security-Token:canary\n/demo/k?security-token=canary&amp;uploads</StringToSign></Error>";
    let fault = wire::fault("initiate", &head(403, &[]), document.as_bytes());
    let signed = fault.refusal.unwrap().string_to_sign.clone().unwrap();
    assert!(!signed.contains("canary"), "{signed}");
    assert!(signed.starts_with("PUT\n\nx-oss-date:20261122T120000Z\n"), "{signed}");
}

#[test]
fn long_texts_of_the_server_are_cut() {
    let document =
        format!("<Error><Code>{0}</Code><Message>{0}</Message><EC>{0}</EC></Error>", "x".repeat(100_000));
    let fault = wire::fault("upload_part", &head(400, &[]), document.as_bytes());
    let refusal = fault.refusal.unwrap();
    assert!(
        refusal.code.len() <= 128
            && refusal.message.len() <= 1024
            && refusal.ec.clone().unwrap().len() <= 128
    );
    assert!(fault.message.len() < 2_000);
    let fault = wire::fault("upload_part", &head(502, &[]), "<html> ".repeat(100_000).as_bytes());
    assert!(fault.message.len() < 300, "{}", fault.message);
}
