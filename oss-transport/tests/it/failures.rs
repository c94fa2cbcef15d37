//! Servers that refuse, close, reset and lie: which error comes back, and what the server has seen by then.

use std::{
    net::TcpListener,
    panic::panic_any,
    sync::{Mutex, mpsc},
    time::Duration,
};

use bytes::Bytes;
use oss_transport::{BodyError, TransportError, Unsent};

use crate::{
    peer::Peer,
    request::{Counting, Scripted, answered, get, put, send, told, transport},
};

// Rows: 1, 4
#[test]
fn a_refused_port_is_not_sent() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, expected) in [
        (format!("http://{address}/"), Unsent::Connect),
        (format!("https://{address}/"), Unsent::Connect),
        ("http://does-not-exist.invalid/".to_owned(), Unsent::Resolve),
        ("ftp://127.0.0.1/".to_owned(), Unsent::Request),
        ("http://user:secret@127.0.0.1/".to_owned(), Unsent::Request),
        ("/only/a/path".to_owned(), Unsent::Request),
    ] {
        match send(&transport(), get(&url)) {
            Err(error @ TransportError::NotSent { .. }) => {
                assert!(!told(&error).contains("secret"), "{}", told(&error));
                let TransportError::NotSent { reason, .. } = error else { unreachable!() };
                assert_eq!(reason, expected, "{url}");
            }
            other => panic!("{url}: {other:?}"),
        }
    }
}

#[test]
fn contradicting_framing_is_not_sent() {
    let peer = Peer::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    for (name, value) in [("content-length", "4"), ("transfer-encoding", "chunked")] {
        let mut exchange = put(&peer.url("/"), Counting::new(5, 5).body());
        exchange.request.headers_mut().insert(name, value.parse().unwrap());
        let outcome = send(&transport(), exchange);
        assert!(
            matches!(outcome, Err(TransportError::NotSent { reason: Unsent::Request, .. })),
            "{outcome:?}"
        );
    }
    assert_eq!(peer.accepted(), 0);
}

// Rows: 6, 7
#[test]
fn a_cut_request_is_unanswered() {
    const LEN: u64 = 20_000_000;
    for taken in [0, 1, 65_536, LEN / 2, LEN - 1, LEN] {
        for reset in [false, true] {
            let peer = Peer::new(move |_, mut caller| {
                caller.head();
                caller.bytes(taken);
                if reset {
                    caller.reset();
                }
            });
            let outcome = send(&transport(), put(&peer.url("/"), Counting::new(LEN, 262_144).body()));
            assert!(
                matches!(outcome, Err(TransportError::Unanswered { .. })),
                "{taken} bytes, reset {reset}: {outcome:?}"
            );
        }
    }
}

#[test]
fn a_connection_closed_at_once_is_an_error() {
    for reset in [false, true] {
        let peer = Peer::new(move |_, caller| {
            if reset {
                caller.reset();
            }
        });
        let outcome = send(&transport(), get(&peer.url("/")));
        // Which of the two depends on what was quicker, the request or the end.
        assert!(
            matches!(
                outcome,
                Err(TransportError::Unanswered { .. }
                    | TransportError::NotSent { reason: Unsent::Connect | Unsent::Closed, .. })
            ),
            "{outcome:?}"
        );
    }
}

// Rows: 8
#[test]
fn an_answer_cut_anywhere_is_unanswered() {
    let answers = [
        "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ];
    for answer in answers {
        for cut in 0..answer.len() {
            for reset in [false, true] {
                let peer = Peer::new(move |_, mut caller| {
                    caller.request();
                    caller.say(&answer[..cut]);
                    if reset {
                        caller.reset();
                    }
                });
                let outcome = send(&transport(), get(&peer.url("/")));
                assert!(
                    matches!(outcome, Err(TransportError::Unanswered { .. })),
                    "cut at {cut}, reset {reset}: {outcome:?}"
                );
            }
        }
    }
}

// Rows: 16
#[test]
fn an_early_answer_counts() {
    for ending in ["wait", "close", "reset"] {
        for _ in 0..10 {
            let peer = Peer::new(move |_, mut caller| {
                caller.head();
                caller.bytes(100_000);
                caller.say("HTTP/1.1 403 Forbidden\r\ncontent-length: 6\r\n\r\ndenied");
                match ending {
                    "wait" => drop(caller.drained()),
                    "reset" => caller.reset(),
                    _ => {}
                }
            });
            let body = Counting::new(200_000_000, 262_144);
            let outcome = send(&transport(), put(&peer.url("/"), body.body()));
            assert_eq!(answered(outcome), (403, "denied".into()), "{ending}");
        }
    }
}

// Rows: 16
#[test]
fn an_early_answer_stops_the_body() {
    let (sender, total) = mpsc::channel();
    let sender = Mutex::new(sender);
    let peer = Peer::new(move |number, mut caller| {
        if number == 0 {
            caller.head();
            caller.say("HTTP/1.1 403 Forbidden\r\ncontent-length: 6\r\n\r\nden");
            if caller.falls_silent() {
                caller.say("ied");
            }
            sender.lock().unwrap().send(caller.drained()).unwrap();
        } else {
            caller.request();
            caller.say("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let transport = transport();
    let endless = Scripted::body(u64::MAX / 2, |_| Ok(Some(Bytes::from(vec![0; 65_536]))));
    assert_eq!(answered(send(&transport, put(&peer.url("/"), endless))), (403, "denied".into()));
    total.recv_timeout(Duration::from_secs(20)).expect("the connection is closed behind the answer");
    assert_eq!(answered(send(&transport, get(&peer.url("/")))).0, 200, "and not used again");
    assert_eq!(peer.accepted(), 2);
}

#[test]
fn a_broken_body_ends_the_exchange_before_it_is_whole() {
    type Piece = fn(usize) -> Result<Option<Bytes>, BodyError>;
    const LEN: u64 = 200_000;
    let cases: [(&str, Piece); 5] = [
        ("disk on fire", |number| {
            if number == 1 { Err("disk on fire".into()) } else { Ok(Some(vec![7; 100_000].into())) }
        }),
        ("disk on fire", |_| Err("disk on fire".into())),
        (
            "what a bug",
            |number| if number == 1 { panic_any("what a bug") } else { Ok(Some(vec![7; 100_000].into())) },
        ),
        ("ended 100000 bytes before", |number| Ok((number < 1).then(|| vec![7; 100_000].into()))),
        ("is 1 bytes longer", |number| Ok(Some(vec![7; 100_000 + number].into()))),
    ];
    for (words, piece) in cases {
        let (sender, seen) = mpsc::channel();
        let sender = Mutex::new(sender);
        let peer = Peer::new(move |_, mut caller| {
            caller.head();
            sender.lock().unwrap().send(caller.drained()).unwrap();
        });
        let outcome = send(&transport(), put(&peer.url("/"), Scripted::body(LEN, piece)));
        match outcome {
            Err(error @ TransportError::Body { .. }) => {
                assert!(told(&error).contains(words), "{}", told(&error));
            }
            other => panic!("{words}: {other:?}"),
        }
        // A connection on which not even the head went out is never seen by the server.
        if let Ok(seen) = seen.recv_timeout(Duration::from_secs(20)) {
            assert!(seen < LEN, "{words}: the server has {seen} bytes");
        }
    }
}
