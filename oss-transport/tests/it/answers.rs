//! Answers that are odd, wrong or hostile.

use std::fmt::Write as _;

use oss_transport::{Exchange, TransportError};

use crate::{
    peer::Peer,
    request::{answered, get, put, send, told, transport},
};

enum Expected {
    Whole(u16, &'static str),
    Unanswered,
}
use Expected::{Unanswered, Whole};

/// Sends one request to a server that says `answer` and closes.
fn check(what: &str, answer: &str, expected: &Expected) {
    check_with(what, answer, expected, |_| {});
}

fn check_with(what: &str, answer: &str, expected: &Expected, change: impl Fn(&mut Exchange)) {
    let said = answer.to_owned();
    let peer = Peer::new(move |_, mut caller| {
        caller.request();
        caller.say(&said);
    });
    let mut exchange = get(&peer.url("/"));
    change(&mut exchange);
    let outcome = send(&transport(), exchange);
    match expected {
        Whole(status, body) => assert_eq!(answered(outcome), (*status, (*body).into()), "{what}"),
        Unanswered => {
            assert!(matches!(outcome, Err(TransportError::Unanswered { .. })), "{what}: {outcome:?}");
        }
    }
}

// Rows: 32, 35
#[test]
fn only_an_answer_with_whole_framing_is_taken() {
    let cases = [
        ("plain", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Whole(200, "ok")),
        ("length too short", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokay", Whole(200, "ok")),
        ("length too long", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", Unanswered),
        (
            "length given twice, alike",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
            Whole(200, "ok"),
        ),
        (
            "lengths that differ",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
            Unanswered,
        ),
        ("negative length", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", Unanswered),
        (
            "chunked",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
            Whole(200, "ok"),
        ),
        (
            "chunked, extensions and trailers",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0;c\r\nx-more: 1\r\n\r\n",
            Whole(200, "ok"),
        ),
        (
            "chunk that is no number",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
            Unanswered,
        ),
        ("HTTP/1.0 up to the end", "HTTP/1.0 200 OK\r\n\r\nok", Whole(200, "ok")),
        ("no reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", Whole(200, "")),
        ("odd case", "HTTP/1.1 200 fine\r\ncOnTeNt-LeNgTh: 2\r\n\r\nok", Whole(200, "ok")),
        ("no body", "HTTP/1.1 204 No Content\r\n\r\n", Whole(204, "")),
        ("a refusal", "HTTP/1.1 503 Slow\r\nContent-Length: 4\r\n\r\nslow", Whole(503, "slow")),
        (
            "a redirect",
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            Whole(302, ""),
        ),
        (
            "a page",
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html></html>",
            Whole(200, "<html></html>"),
        ),
        (
            "an encoding is the caller's matter",
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
            Whole(200, "ok"),
        ),
        ("another protocol", "SSH-2.0-OpenSSH_9.6\r\n", Unanswered),
        ("nothing", "", Unanswered),
        (
            "switched unasked",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            Unanswered,
        ),
    ];
    for (what, answer, expected) in &cases {
        check(what, answer, expected);
    }
}

// Rows: 33
#[test]
fn a_head_without_measure_is_refused() {
    let mut large = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n".to_owned();
    let mut many = large.clone();
    for number in 0..100 {
        write!(large, "x-{number}: {}\r\n", "a".repeat(8192)).unwrap();
    }
    for number in 0..101 {
        write!(many, "x-{number}: a\r\n").unwrap();
    }
    let mut wide = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n".to_owned();
    for number in 0..7 {
        write!(wide, "x-{number}: {}\r\n", "a".repeat(8192)).unwrap();
    }
    check("56 KiB of headers", &format!("{wide}\r\n"), &Whole(200, ""));
    check("72 KiB of headers", &format!("{wide}x: {}\r\n\r\n", "a".repeat(16_384)), &Unanswered);
    check("100 headers of 8 KiB", &(large + "\r\n"), &Unanswered);
    check("more than 100 headers", &(many + "\r\n"), &Unanswered);
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "a".repeat(1 << 20));
    check("a header without end", &endless, &Unanswered);
}

// Rows: 19
#[test]
fn at_most_16_informational_answers_are_read() {
    let last = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    check("16 of them", &("HTTP/1.1 102 Processing\r\n\r\n".repeat(16) + last), &Whole(200, "ok"));
    check("17 of them", &("HTTP/1.1 102 Processing\r\n\r\n".repeat(17) + last), &Unanswered);
}

// Rows: 19
#[test]
fn a_flood_of_informational_answers_ends() {
    let peer = Peer::new(move |_, mut caller| {
        caller.request();
        while caller.try_say("HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n") {}
    });
    let outcome = send(&transport(), get(&peer.url("/")));
    assert!(matches!(outcome, Err(TransportError::Unanswered { .. })), "{outcome:?}");
}

#[test]
fn an_answer_over_the_limit_is_unanswered() {
    let long = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
    let open = "HTTP/1.0 200 OK\r\n\r\nhello";
    for answer in [long, chunked, open] {
        for (limit, expected) in [(4, Unanswered), (5, Whole(200, "hello")), (0, Unanswered)] {
            check_with(answer, answer, &expected, |exchange| exchange.answer_limit = Some(limit));
        }
    }
}

// Rows: 18
#[test]
fn an_expected_continue_holds_the_body_back() {
    let go = "HTTP/1.1 100 Continue\r\n\r\n";
    let cases = [
        ("told to go on", go, true, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
        (
            "told twice",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
            true,
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            200,
        ),
        ("told nothing", "", true, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
        ("refused", "", false, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403),
        ("not understood", "", false, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n", 417),
    ];
    for (what, before, takes_body, answer, status) in cases {
        let (sender, received) = std::sync::mpsc::channel();
        let sender = std::sync::Mutex::new(sender);
        let peer = Peer::new(move |_, mut caller| {
            caller.head();
            caller.say(before);
            let body = if takes_body { caller.bytes(5).len() as u64 } else { 0 };
            caller.say(answer);
            sender.lock().unwrap().send(body + if takes_body { 0 } else { caller.drained() }).unwrap();
        });
        let mut exchange = put(&peer.url("/"), oss_transport::Body::Bytes("hello".into()));
        exchange.request.headers_mut().insert("expect", "100-continue".parse().unwrap());
        let transport = transport();
        assert_eq!(answered(send(&transport, exchange)).0, status, "{what}");
        assert_eq!(received.recv().unwrap(), if takes_body { 5 } else { 0 }, "{what}");
    }
}

#[test]
fn an_answer_that_announces_too_much_is_not_read() {
    let peer = Peer::new(|_, mut caller| {
        caller.request();
        caller.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
        // Says nothing more, so that only the announcement can end the exchange.
        caller.drained();
    });
    let error = send(&transport(), get(&peer.url("/"))).unwrap_err();
    assert!(told(&error).contains("longer than 1048576 bytes"), "{}", told(&error));
}
