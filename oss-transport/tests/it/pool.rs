//! Connections between exchanges.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Barrier, Mutex, atomic::Ordering, mpsc},
    task::Poll,
    thread,
    time::Duration,
};

use oss_transport::{HyperTransport, Transport};

use crate::{
    peer::Peer,
    request::{Counting, Scripted, answered, get, put, send, transport, wait},
};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[test]
fn a_connection_is_used_again() {
    let peer = Peer::answering(OK);
    let transport = transport();
    for number in 0..20 {
        let exchange = match number % 2 {
            0 => get(&peer.url("/a")),
            _ => put(&peer.url("/b"), Counting::new(300_000, 100_000).body()),
        };
        assert_eq!(answered(send(&transport, exchange)).0, 200);
    }
    assert_eq!(peer.accepted(), 1);
}

#[test]
fn every_exchange_in_flight_has_its_own_connection() {
    const COUNT: usize = 8;
    let together = Barrier::new(COUNT);
    let peer = Peer::new(move |_, mut caller| {
        while caller.request().is_some() {
            together.wait();
            caller.say(OK);
        }
    });
    let transport = HyperTransport::builder().no_proxy().threads(2).build();
    for _ in 0..2 {
        thread::scope(|scope| {
            for _ in 0..COUNT {
                scope.spawn(|| assert_eq!(answered(send(&transport, get(&peer.url("/")))).0, 200));
            }
        });
    }
    assert!(peer.accepted() <= 2 * COUNT, "{} connections", peer.accepted());
}

/// Errno 24 is EMFILE.
// Rows: 147
#[cfg(unix)]
#[test]
fn where_no_further_file_can_be_opened_idle_threads_and_their_connections_end() {
    const COUNT: usize = 4;
    let together = Barrier::new(COUNT);
    let (sender, ended) = mpsc::channel();
    let sender = Mutex::new(sender);
    let peer = Peer::new(move |_, mut caller| {
        while let Some((head, _)) = caller.request() {
            if head.contains("/together") {
                together.wait();
            }
            caller.say(OK);
        }
        sender.lock().unwrap().send(()).ok();
    });
    let transport = HyperTransport::builder().no_proxy().threads(COUNT).build();
    let all_at_once = || {
        thread::scope(|scope| {
            for _ in 0..COUNT {
                scope.spawn(|| assert_eq!(answered(send(&transport, get(&peer.url("/together")))).0, 200));
            }
        });
    };
    all_at_once();
    assert_eq!(peer.accepted(), COUNT);

    let body = Scripted::body(1, |_| Err(std::io::Error::from_raw_os_error(24).into()));
    assert!(send(&transport, put(&peer.url("/"), body)).is_err());
    assert_eq!(answered(send(&transport, get(&peer.url("/")))).0, 200);
    for _ in 0..COUNT - 1 {
        ended.recv_timeout(Duration::from_secs(10)).unwrap();
    }
    // What is left carries as many as before.
    all_at_once();
}

#[test]
fn a_connection_is_for_one_host_only() {
    let peers = [Peer::answering(OK), Peer::answering(OK)];
    let transport = transport();
    for _ in 0..3 {
        for peer in &peers {
            assert_eq!(answered(send(&transport, get(&peer.url("/")))).0, 200);
        }
    }
    assert_eq!(peers.map(|peer| peer.accepted()), [1, 1]);
}

// Rows: 15
#[test]
fn connection_close_is_honoured() {
    for answer in [
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
    ] {
        let peer = Peer::new(move |_, mut caller| {
            caller.request();
            caller.say(answer);
            caller.drained();
        });
        let transport = transport();
        for _ in 0..3 {
            assert_eq!(answered(send(&transport, get(&peer.url("/")))), (200, "ok".into()));
        }
        assert_eq!(peer.accepted(), 3);
    }
}

/// As long as nothing was written, a dead connection costs nothing.
// Rows: 14
#[test]
fn a_connection_closed_while_idle_is_no_error() {
    for reset in [false, true] {
        let (sender, closed) = mpsc::channel();
        let sender = Mutex::new(sender);
        let peer = Peer::new(move |_, mut caller| {
            caller.request();
            caller.say(OK);
            if reset {
                caller.reset();
            } else {
                drop(caller);
            }
            sender.lock().unwrap().send(()).unwrap();
        });
        let transport = transport();
        let body = Counting::new(1_000, 100);
        for number in 1..=30 {
            assert_eq!(answered(send(&transport, put(&peer.url("/"), body.body()))), (200, "ok".into()));
            closed.recv().unwrap();
            assert_eq!(peer.accepted(), number);
        }
        assert_eq!(
            body.opened.load(Ordering::SeqCst),
            30,
            "a body is made once for each connection it went out on"
        );
    }
}

/// The end of the connection lies in the kernel while a body holds the thread; the next exchange on it is already
/// in the queue when the thread looks up.
// Rows: 14
#[test]
fn a_connection_closed_behind_a_slow_disk_is_no_error() {
    let (close, may_close) = mpsc::channel::<()>();
    let (closed, is_closed) = mpsc::channel();
    let ends = Mutex::new((may_close, closed));
    let closing = Peer::new(move |number, mut caller| {
        caller.request();
        caller.say(OK);
        if number == 0 {
            let (may_close, closed) = &*ends.lock().unwrap();
            may_close.recv().unwrap();
            drop(caller);
            closed.send(()).unwrap();
        }
    });
    let other = Peer::answering(OK);
    let transport = HyperTransport::builder().no_proxy().threads(1).build();
    assert_eq!(answered(send(&transport, get(&closing.url("/")))).0, 200);

    let (reading, is_reading) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let ends = Arc::new(Mutex::new((reading, released)));
    let body = Scripted::holding(1, move |_| {
        let (reading, released) = &*ends.lock().unwrap();
        reading.send(()).unwrap();
        released.recv().unwrap();
        Ok(Some("x".into()))
    });
    thread::scope(|scope| {
        let slow = scope.spawn(|| send(&transport, put(&other.url("/"), body)));
        is_reading.recv().unwrap();
        close.send(()).unwrap();
        is_closed.recv().unwrap();
        wait(async {
            let mut next = pin!(transport.send(get(&closing.url("/"))));
            poll_fn(|cx| {
                assert!(next.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            release.send(()).unwrap();
            assert_eq!(answered(next.await).0, 200);
        });
        assert_eq!(answered(slow.join().unwrap()).0, 200);
    });
    assert_eq!(closing.accepted(), 2);
}

// Rows: 32, 34
#[test]
fn a_connection_with_left_over_bytes_is_thrown_away() {
    let poison = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison";
    for together in [true, false] {
        let (sender, poisoned) = mpsc::channel();
        let sender = Mutex::new(sender);
        let peer = Peer::new(move |_, mut caller| {
            caller.request();
            if together {
                caller.say(format!("{OK}{poison}"));
            } else {
                caller.say(OK);
                caller.say(poison);
            }
            sender.lock().unwrap().send(()).unwrap();
            caller.drained();
        });
        let transport = transport();
        for number in 1..=10 {
            assert_eq!(answered(send(&transport, get(&peer.url("/")))), (200, "ok".into()));
            poisoned.recv().unwrap();
            assert_eq!(peer.accepted(), number);
        }
    }
}

#[test]
fn an_idle_connection_is_closed_in_the_end() {
    let (sender, closed) = mpsc::channel();
    let sender = Mutex::new(sender);
    let peer = Peer::new(move |_, mut caller| {
        while caller.request().is_some() {
            caller.say(OK);
        }
        sender.lock().unwrap().send(()).unwrap();
    });
    let transport = HyperTransport::builder().no_proxy().idle_limit(Duration::from_millis(10)).build();
    assert_eq!(answered(send(&transport, get(&peer.url("/")))).0, 200);
    closed.recv_timeout(Duration::from_secs(20)).expect("closed without another exchange");
    assert_eq!(answered(send(&transport, get(&peer.url("/")))).0, 200);
    assert_eq!(peer.accepted(), 2);
}

#[test]
fn dropping_the_transport_closes_its_connections() {
    let (sender, closed) = mpsc::channel();
    let sender = Mutex::new(sender);
    let peer = Peer::new(move |_, mut caller| {
        while caller.request().is_some() {
            caller.say(OK);
        }
        sender.lock().unwrap().send(()).unwrap();
    });
    let transport = transport();
    assert_eq!(answered(send(&transport, get(&peer.url("/")))).0, 200);
    drop(transport);
    closed.recv_timeout(Duration::from_secs(20)).expect("the server sees the end");
}
