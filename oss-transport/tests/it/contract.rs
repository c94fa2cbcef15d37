//! What each transport promises to its callers, whatever it is made of.

use std::{net::TcpListener, sync::Arc, time::Duration};

use oss_transport::{Body, Exchange, Faulty, Timeouts, Transport, TransportError, Unsent};

use crate::{
    peer::{Caller, Peer},
    request::{Counting, PATIENT, SHORT, Scripted, answered, get, put, send, told, transport},
};

#[test]
fn hyper_transport_keeps_the_contract() {
    check(&transport());
}

#[test]
fn a_shared_transport_keeps_the_contract() {
    let shared: Arc<dyn Transport> = Arc::new(transport());
    check(&shared);
}

#[test]
fn a_faulty_transport_without_faults_keeps_the_contract() {
    check(&Faulty::scripted(transport(), []));
}

fn check(transport: &impl Transport) {
    any_status_is_an_answer(transport);
    the_request_goes_out_as_it_is(transport);
    a_refused_connection_is_not_sent(transport);
    a_lost_answer_is_unanswered(transport);
    a_broken_body_is_the_callers(transport);
    each_clock_runs(transport);
}

fn any_status_is_an_answer(transport: &impl Transport) {
    for status in [200, 204, 301, 304, 400, 403, 404, 409, 412, 500, 503, 599] {
        let peer = Peer::answering(format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n"));
        assert_eq!(answered(send(transport, get(&peer.url("/")))), (status, "".into()));
    }
}

fn the_request_goes_out_as_it_is(transport: &impl Transport) {
    let body = Counting::new(100_000, 30_000);
    let expected = body.bytes();
    let peer = Peer::new(move |_, mut caller| {
        let (head, received) = caller.request().unwrap();
        let is_right = head.starts_with("PUT //a/../%2F?b HTTP/1.1\r\n")
            && head.contains("content-length: 100000\r\n")
            && !head.contains("chunked")
            && received == expected;
        caller.say(if is_right { "HTTP/1.1 200 OK\r\n\r\n" } else { "HTTP/1.1 400 Bad\r\n\r\n" });
    });
    for _ in 0..2 {
        assert_eq!(answered(send(transport, put(&peer.url("//a/../%2F?b"), body.body()))).0, 200);
    }
}

fn a_refused_connection_is_not_sent(transport: &impl Transport) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let outcome = send(transport, get(&format!("http://{address}/")));
    assert!(matches!(outcome, Err(TransportError::NotSent { reason: Unsent::Connect, .. })), "{outcome:?}");
}

fn a_lost_answer_is_unanswered(transport: &impl Transport) {
    for said in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nno"] {
        let peer = Peer::new(move |_, mut caller| {
            caller.request();
            caller.say(said);
        });
        let outcome = send(transport, put(&peer.url("/"), Counting::new(10, 10).body()));
        assert!(matches!(outcome, Err(TransportError::Unanswered { .. })), "{said:?}: {outcome:?}");
    }
}

fn a_broken_body_is_the_callers(transport: &impl Transport) {
    let peer = Peer::new(|_, mut caller| {
        caller.request();
    });
    let outcome = send(transport, put(&peer.url("/"), Scripted::body(10, |_| Err("no disk".into()))));
    match outcome {
        Err(TransportError::Body { source }) => assert_eq!(source.to_string(), "no disk"),
        other => panic!("{other:?}"),
    }
}

fn each_clock_runs(transport: &impl Transport) {
    type Script = fn(&mut Caller);
    let cases: [(Timeouts, Script); 4] = [
        (Timeouts { write_idle: SHORT, ..PATIENT }, |caller| {
            caller.head();
            std::thread::sleep(SHORT * 4);
        }),
        (Timeouts { answer: SHORT, ..PATIENT }, |caller| {
            caller.head();
        }),
        (Timeouts { head: SHORT, ..PATIENT }, |caller| {
            caller.head();
            caller.say("HTTP/1.1 200 OK\r\n");
        }),
        (Timeouts { body: SHORT, ..PATIENT }, |caller| {
            caller.head();
            caller.say("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n");
        }),
    ];
    for (timeouts, script) in cases {
        let peer = Peer::new(move |_, mut caller| {
            script(&mut caller);
            caller.drained();
        });
        let body =
            if timeouts.write_idle == SHORT { Counting::new(1 << 28, 1 << 18).body() } else { Body::Empty };
        let begun = std::time::Instant::now();
        let error = send(transport, Exchange { timeouts, ..put(&peer.url("/"), body) }).unwrap_err();
        assert!(matches!(error, TransportError::Unanswered { .. }), "{timeouts:?}: {}", told(&error));
        assert!(begun.elapsed() < Duration::from_secs(15), "{timeouts:?}");
    }
}
