//! What goes over the wire when all is well.

use std::sync::{Mutex, mpsc};

use bytes::Bytes;
use http::Method;
use oss_transport::{Answer, AnswerStream, Body, TransportError};

use crate::{
    peer::Peer,
    request::{Counting, answered, exchange, get, put, send, transport, wait},
};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A server that hands on each request as it was on the wire.
fn recording() -> (Peer, mpsc::Receiver<(String, Vec<u8>)>) {
    let (sender, requests) = mpsc::channel();
    let sender = Mutex::new(sender);
    let peer = Peer::new(move |_, mut caller| {
        while let Some(request) = caller.request() {
            sender.lock().unwrap().send(request).unwrap();
            caller.say(OK);
        }
    });
    (peer, requests)
}

#[test]
fn only_host_and_content_length_are_added() {
    let cases: [(Method, Body, &str); 7] = [
        (Method::GET, Body::Empty, ""),
        (Method::HEAD, Body::Empty, ""),
        (Method::DELETE, Body::Empty, ""),
        (Method::PUT, Body::Empty, "content-length: 0\r\n"),
        (Method::POST, Body::Empty, "content-length: 0\r\n"),
        (Method::PUT, Body::Bytes(Bytes::from_static(b"12345")), "content-length: 5\r\n"),
        (Method::PUT, Counting::new(70_000, 1000).body(), "content-length: 70000\r\n"),
    ];
    for (method, body, length) in cases {
        let (peer, requests) = recording();
        let mut exchange = exchange(method.clone(), &peer.url("/a?b"), body);
        exchange.request.headers_mut().insert("x-oss-date", "now".parse().unwrap());
        send(&transport(), exchange).unwrap();
        let (head, _) = requests.recv().unwrap();
        let host = peer.address();
        assert_eq!(
            head,
            format!("{method} /a?b HTTP/1.1\r\nhost: {host}\r\nx-oss-date: now\r\n{length}\r\n")
        );
    }
}

#[test]
fn the_request_target_goes_out_byte_for_byte() {
    for target in ["/", "//a//b", "/a/../b/./c", "/%2F%2f/%7E~", "/a%20b+c?x=%2F&y&z=", "/?uploads", "/a?"] {
        let (peer, requests) = recording();
        send(&transport(), get(&peer.url(target))).unwrap();
        let (head, _) = requests.recv().unwrap();
        assert_eq!(head.lines().next().unwrap(), format!("GET {target} HTTP/1.1"));
    }
}

#[test]
fn a_host_of_the_callers_is_kept() {
    let (peer, requests) = recording();
    let mut exchange = get(&peer.url("/"));
    exchange.request.headers_mut().insert("host", "bucket.example".parse().unwrap());
    send(&transport(), exchange).unwrap();
    assert_eq!(requests.recv().unwrap().0, "GET / HTTP/1.1\r\nhost: bucket.example\r\n\r\n");
}

#[test]
fn a_body_arrives_as_it_was_made() {
    for (len, block) in [(1, 1), (65_536, 65_536), (1_000_000, 262_144), (5_000_000, 4_999_999), (3_000, 7)] {
        let (peer, requests) = recording();
        let body = Counting::new(len, block);
        assert_eq!(answered(send(&transport(), put(&peer.url("/a"), body.body()))), (200, "ok".into()));
        assert!(requests.recv().unwrap().1 == body.bytes(), "{len} bytes in blocks of {block}");
    }
}

#[test]
fn an_answer_can_be_streamed() {
    let long: Vec<u8> = (0..=252).cycle().take(3_000_000).collect();
    let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", long.len()).into_bytes();
    answer.extend_from_slice(&long);
    let peer = Peer::answering(answer);
    let transport = transport();
    for _ in 0..2 {
        let mut exchange = get(&peer.url("/"));
        exchange.answer_limit = None;
        assert!(wait(read(&transport, exchange)).unwrap() == long);
    }
    assert_eq!(peer.accepted(), 1, "a connection whose answer was read to its end is used again");
}

async fn read(
    transport: &impl oss_transport::Transport,
    exchange: oss_transport::Exchange,
) -> Result<Vec<u8>, TransportError> {
    let Answer::Stream(mut stream) = transport.send(exchange).await?.into_body() else {
        panic!("a whole body where a stream was asked for");
    };
    let mut bytes = Vec::new();
    while let Some(piece) = AnswerStream::next(&mut *stream).await? {
        bytes.extend_from_slice(&piece);
    }
    assert!(stream.next().await?.is_none(), "an end stays an end");
    Ok(bytes)
}
