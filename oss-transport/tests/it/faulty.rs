//! The transport that fails by script.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
};

use http::StatusCode;
use oss_transport::{Answer, Fate, Faulty, Transport, TransportError, Unsent};

use crate::{
    peer::Peer,
    request::{answered, get, send, transport, wait},
};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A server that counts the requests which reached it.
fn counting() -> (Peer, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let peer = Peer::new(move |_, mut caller| {
        while caller.request().is_some() {
            seen.fetch_add(1, Ordering::SeqCst);
            caller.say(OK);
        }
    });
    (peer, count)
}

#[test]
fn each_exchange_has_the_fate_of_the_script() {
    let (peer, seen) = counting();
    let alter = Fate::Alter(Arc::new(|mut response| {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response
    }));
    let fates = [
        Fate::Refuse(Unsent::Resolve),
        Fate::LoseRequest,
        Fate::LoseAnswer,
        Fate::Answer(StatusCode::NOT_FOUND, "gone".into()),
        alter,
        Fate::Pass,
    ];
    let faulty = Faulty::scripted(transport(), fates);
    let next = || send(&faulty, get(&peer.url("/")));

    assert!(matches!(next(), Err(TransportError::NotSent { reason: Unsent::Resolve, .. })));
    assert!(matches!(next(), Err(TransportError::Unanswered { .. })));
    assert_eq!(seen.load(Ordering::SeqCst), 0, "neither reached the server");
    assert!(matches!(next(), Err(TransportError::Unanswered { .. })));
    assert_eq!(seen.load(Ordering::SeqCst), 1, "only the answer was lost");
    assert_eq!(answered(next()), (404, "gone".into()));
    assert_eq!(seen.load(Ordering::SeqCst), 1);
    assert_eq!(answered(next()), (503, "ok".into()));
    assert_eq!(answered(next()), (200, "ok".into()));
    assert_eq!(answered(next()), (200, "ok".into()), "behind the script everything passes");
    assert_eq!(seen.load(Ordering::SeqCst), 4);
    assert_eq!(faulty.count(), 7);
}

#[test]
fn a_script_can_look_at_the_request() {
    let (peer, seen) = counting();
    let faulty = Faulty::new(transport(), |_, request| match request.uri().path() {
        "/bad" => Fate::Refuse(Unsent::Connect),
        _ => Fate::Pass,
    });
    assert!(send(&faulty, get(&peer.url("/bad"))).is_err());
    assert_eq!(answered(send(&faulty, get(&peer.url("/good")))).0, 200);
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

#[test]
fn a_stalled_exchange_waits_to_be_dropped() {
    let (peer, seen) = counting();
    let faulty: Arc<dyn Transport> = Arc::new(Faulty::scripted(transport(), [Fate::Stall]));
    wait(async {
        let mut sending = pin!(faulty.send(get(&peer.url("/"))));
        for _ in 0..3 {
            poll_fn(|cx| {
                assert!(sending.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
        }
    });
    assert_eq!(seen.load(Ordering::SeqCst), 0);
    let response = wait(faulty.send(get(&peer.url("/")))).unwrap();
    assert!(matches!(response.into_body(), Answer::Whole(bytes) if bytes == "ok"));
}
