//! Peers that stall, bodies that block, futures that are dropped.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, mpsc},
    task::Poll,
    thread,
    time::Duration,
};

use bytes::Bytes;
use oss_transport::{
    Body, BodyError, ChunkSource, Chunks, Exchange, HyperTransport, Timeouts, Transport, TransportError,
    Unsent,
};

use crate::{
    peer::{Caller, Peer},
    request::{Counting, PATIENT, SHORT, Scripted, answered, get, put, send, told, transport, wait},
};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
/// For what must happen, and is waited for.
const SURELY: Duration = Duration::from_secs(20);

/// One exchange with a peer that runs `script`; the error has to say `words`, and the peer has to see the
/// connection closed.
fn check_stall(
    words: &str,
    timeouts: Timeouts,
    body: Body,
    script: impl Fn(&mut Caller) + Send + Sync + 'static,
) {
    let (sender, closed) = mpsc::channel();
    let sender = Mutex::new(sender);
    let peer = Peer::new(move |_, mut caller| {
        script(&mut caller);
        caller.drained();
        sender.lock().unwrap().send(()).unwrap();
    });
    let exchange = Exchange { timeouts, ..put(&peer.url("/"), body) };
    let transport = transport();
    let error = send(&transport, exchange).unwrap_err();
    assert!(matches!(error, TransportError::Unanswered { .. }), "{words}: {}", told(&error));
    assert!(told(&error).contains(words), "{words}: {}", told(&error));
    closed.recv_timeout(SURELY).expect("the connection is closed");
}

// Rows: 9
#[test]
fn a_peer_that_takes_no_byte_is_given_up() {
    let (sender, wakes) = mpsc::channel::<()>();
    let wakes = Mutex::new(wakes);
    let timeouts = Timeouts { write_idle: SHORT, ..PATIENT };
    check_stall("took no byte", timeouts, Counting::new(1 << 30, 262_144).body(), move |caller| {
        caller.head();
        // Reads nothing until the exchange is given up.
        wakes.lock().unwrap().recv_timeout(SHORT * 10).unwrap_err();
    });
    drop(sender);
}

// Rows: 10, 28
#[test]
fn a_peer_that_never_answers_is_given_up() {
    let timeouts = Timeouts { answer: SHORT, ..PATIENT };
    check_stall("no answer began", timeouts, Counting::new(100_000, 10_000).body(), |caller| {
        caller.request();
    });
    check_stall("no answer began", timeouts, Body::Empty, |caller| {
        caller.request();
        caller.say("HTTP/1.1 102 Processing\r\n\r\n");
    });
}

// Rows: 11
#[test]
fn a_head_that_stops_or_trickles_is_given_up() {
    let timeouts = Timeouts { head: SHORT, ..PATIENT };
    check_stall("head of the answer", timeouts, Body::Empty, |caller| {
        caller.request();
        caller.say("HTTP/1.1 200 OK\r\nx");
    });
    check_stall("head of the answer", timeouts, Body::Empty, |caller| {
        caller.request();
        caller.say("HTTP/1.1 200 OK\r\nx: ");
        while caller.try_say("a") {
            thread::sleep(SHORT / 20);
        }
    });
}

// Rows: 11
#[test]
fn a_body_that_stops_or_trickles_is_given_up() {
    let timeouts = Timeouts { body: SHORT, ..PATIENT };
    check_stall("body of the answer", timeouts, Body::Empty, |caller| {
        caller.request();
        caller.say("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nx");
    });
    check_stall("body of the answer", timeouts, Body::Empty, |caller| {
        caller.request();
        caller.say("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n");
        while caller.try_say("a") {
            thread::sleep(SHORT / 20);
        }
    });
}

// Rows: 24
#[test]
fn a_handshake_that_stalls_is_not_sent() {
    let peer = Peer::new(|_, mut caller| {
        caller.drained();
    });
    let timeouts = Timeouts { connect: SHORT, ..PATIENT };
    let url = peer.url("/").replace("http:", "https:");
    let error = send(&transport(), Exchange { timeouts, ..get(&url) }).unwrap_err();
    assert!(matches!(error, TransportError::NotSent { reason: Unsent::Timeout, .. }), "{}", told(&error));
    assert!(told(&error).contains("shaking hands"), "{}", told(&error));
}

// Rows: 12
#[test]
fn a_slow_peer_that_moves_bytes_is_not_given_up() {
    const LEN: u64 = 40_000_000;
    let timeouts = Timeouts { write_idle: Duration::from_millis(800), answer: SURELY, ..PATIENT };
    let peer = Peer::new(|_, mut caller| {
        caller.head();
        for _ in 0..LEN / 250_000 {
            caller.bytes(250_000);
            thread::sleep(Duration::from_millis(10));
        }
        caller.say(OK);
    });
    let exchange = Exchange { timeouts, ..put(&peer.url("/"), Counting::new(LEN, 262_144).body()) };
    assert_eq!(answered(send(&transport(), exchange)).0, 200);
}

/// A kernel that holds megabytes for a connection takes nothing more for seconds, although bytes move.
// Rows: 12
#[cfg(target_os = "linux")]
#[test]
fn a_peer_that_is_slower_than_the_buffers_of_the_kernel_is_not_given_up() {
    const LEN: u64 = 8_000_000;
    let timeouts = Timeouts { write_idle: Duration::from_millis(400), answer: SURELY, ..PATIENT };
    let peer = Peer::new(|_, mut caller| {
        caller.head();
        for _ in 0..LEN / 40_000 {
            caller.bytes(40_000);
            thread::sleep(Duration::from_millis(40));
        }
        caller.say(OK);
    });
    let exchange = Exchange { timeouts, ..put(&peer.url("/"), Counting::new(LEN, 262_144).body()) };
    assert_eq!(answered(send(&transport(), exchange)).0, 200);
}

#[test]
fn a_slow_disk_is_not_a_stalled_connection() {
    let peer = Peer::answering(OK);
    let body = Scripted::body(3, |_| {
        thread::sleep(SHORT * 2);
        Ok(Some("x".into()))
    });
    let timeouts = Timeouts { write_idle: SHORT, ..PATIENT };
    assert_eq!(answered(send(&transport(), Exchange { timeouts, ..put(&peer.url("/"), body) })).0, 200);
}

/// A body that wants to wait before its only piece.
#[derive(Clone)]
struct Waiting(Option<Duration>);

impl ChunkSource for Waiting {
    fn open(&self) -> Result<Box<dyn Chunks>, BodyError> {
        Ok(Box::new(self.clone()))
    }
}

impl Chunks for Waiting {
    fn wait(&mut self) -> Duration {
        self.0.take().unwrap_or_default()
    }

    fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        assert_eq!(self.0, None, "it was not asked how long to wait");
        Ok(Some("x".into()))
    }
}

/// On the only thread, and for longer than a connection may take no byte.
#[test]
fn a_body_that_waits_holds_up_no_other_exchange_and_is_not_stalled() {
    let peer = Peer::answering(OK);
    let (sent, is_sent) = mpsc::channel();
    let transport = HyperTransport::builder().no_proxy().threads(1).build();
    let body = Body::Chunks { len: 1, source: Arc::new(Waiting(Some(SHORT * 20))) };
    let timeouts = Timeouts { write_idle: SHORT, ..PATIENT };
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            sent.send(()).unwrap();
            send(&transport, Exchange { timeouts, ..put(&peer.url("/slow"), body) })
        });
        is_sent.recv().unwrap();
        thread::sleep(SHORT);
        assert_eq!(answered(send(&transport, get(&peer.url("/quick")))).0, 200);
        assert!(!waiting.is_finished(), "the other exchange had to wait for the body");
        assert_eq!(answered(waiting.join().unwrap()).0, 200);
    });
}

/// On the only thread, whether it blocks before its first byte or amid them, and for longer than a connection may take no byte.
// Rows: 117
#[test]
fn a_blocked_body_holds_up_no_other_exchange_and_its_time_is_not_the_connections() {
    let peer = Peer::answering(OK);
    for blocks_at in [0, 1] {
        let (reading, is_reading) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let ends = Arc::new(Mutex::new((reading, released)));
        let body = Scripted::body(2, move |number| {
            if number == blocks_at {
                let ends = ends.lock().unwrap();
                ends.0.send(()).unwrap();
                ends.1.recv().unwrap();
            }
            Ok(Some("x".into()))
        });
        let transport = HyperTransport::builder().no_proxy().threads(1).build();
        let timeouts = Timeouts { write_idle: SHORT, ..PATIENT };
        thread::scope(|scope| {
            let blocked =
                scope.spawn(|| send(&transport, Exchange { timeouts, ..put(&peer.url("/slow"), body) }));
            is_reading.recv().unwrap();
            for _ in 0..3 {
                assert_eq!(answered(send(&transport, get(&peer.url("/quick")))).0, 200);
            }
            thread::sleep(SHORT * 3);
            release.send(()).unwrap();
            assert_eq!(answered(blocked.join().unwrap()).0, 200);
        });
    }
}

/// Two exchanges share one thread: while the body of the second blocks it, the answer of the first comes in, and
/// its clock runs out unseen.
#[test]
fn an_answer_that_waited_for_a_slow_disk_is_not_late() {
    let answer_clock = Duration::from_millis(400);
    let (asked, is_asked) = mpsc::channel();
    let (answer, may_answer) = mpsc::channel::<()>();
    let (said, was_said) = mpsc::channel();
    let first = Mutex::new((asked, may_answer, said));
    let peer = Peer::new(move |_, mut caller| {
        let (head, _) = caller.request().unwrap();
        if head.starts_with("GET") {
            let (asked, may_answer, said) = &*first.lock().unwrap();
            asked.send(()).unwrap();
            may_answer.recv().unwrap();
            caller.say(OK);
            said.send(()).unwrap();
        } else {
            caller.say(OK);
        }
        caller.drained();
    });
    let ends = Arc::new(Mutex::new((answer, was_said)));
    let body = Scripted::holding(1, move |_| {
        let ends = ends.lock().unwrap();
        ends.0.send(()).unwrap();
        ends.1.recv().unwrap();
        thread::sleep(answer_clock * 2);
        Ok(Some("x".into()))
    });
    let transport = HyperTransport::builder().no_proxy().threads(1).build();
    let timeouts = Timeouts { answer: answer_clock, ..PATIENT };
    thread::scope(|scope| {
        let waiting = scope.spawn(|| send(&transport, Exchange { timeouts, ..get(&peer.url("/")) }));
        is_asked.recv().unwrap();
        assert_eq!(answered(send(&transport, put(&peer.url("/"), body))).0, 200);
        assert_eq!(answered(waiting.join().unwrap()).0, 200);
    });
}

#[test]
fn a_dropped_future_closes_its_connection() {
    let (reached, is_reached) = mpsc::channel();
    let (gone, is_gone) = mpsc::channel();
    let ends = Mutex::new((reached, gone));
    let peer = Peer::new(move |_, mut caller| {
        caller.head();
        caller.bytes(1_000);
        let (reached, gone) = &*ends.lock().unwrap();
        reached.send(()).unwrap();
        caller.drained();
        gone.send(()).unwrap();
    });
    let transport = transport();
    wait(async {
        let body = Counting::new(1 << 40, 262_144);
        let mut sending = pin!(transport.send(put(&peer.url("/"), body.body())));
        poll_fn(|cx| {
            assert!(sending.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        is_reached.recv().unwrap();
    });
    is_gone.recv_timeout(SURELY).expect("the connection is closed");
}

#[test]
fn a_dropped_answer_closes_its_connection() {
    for is_quiet in [false, true] {
        let (gone, is_gone) = mpsc::channel();
        let gone = Mutex::new(gone);
        let peer = Peer::new(move |_, mut caller| {
            caller.request();
            caller.say("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n");
            let block = vec![0; 65_536];
            while !is_quiet && caller.try_say(&block) {}
            caller.drained();
            gone.lock().unwrap().send(()).unwrap();
        });
        let transport = transport();
        let timeouts = Timeouts { body: SURELY * 10, ..PATIENT };
        let exchange = Exchange { answer_limit: None, timeouts, ..get(&peer.url("/")) };
        drop(send(&transport, exchange).unwrap());
        is_gone.recv_timeout(SURELY).expect("the connection is closed");
    }
}

// Rows: 117
#[test]
fn a_thread_that_hangs_in_a_read_is_left_behind() {
    let peer = Peer::answering(OK);
    let (reading, is_reading) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let ends = Arc::new(Mutex::new((reading, released)));
    let body = Scripted::body(1, move |_| {
        let ends = ends.lock().unwrap();
        ends.0.send(()).unwrap();
        ends.1.recv().unwrap_err();
        Err("nobody waits for it".into())
    });
    let transport = transport();
    wait(async {
        let mut sending = pin!(transport.send(put(&peer.url("/"), body)));
        poll_fn(|cx| {
            assert!(sending.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        is_reading.recv().unwrap();
    });
    // Ends although the read does not.
    drop(transport);
    drop(release);
}
