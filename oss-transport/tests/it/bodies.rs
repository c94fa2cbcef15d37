//! Where the pieces of a body are made, and in which order they go out.

use std::{
    collections::HashSet,
    pin::pin,
    sync::{Arc, Mutex, mpsc},
    task::{Context, Poll, Wake},
    thread::{self, Thread, ThreadId},
};

use bytes::Bytes;
use oss_transport::{Body, BodyError, ChunkSource, Chunks, HyperTransport, Transport};

use crate::{
    peer::Peer,
    request::{answered, put, send, transport},
};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// The pieces 0 to 9, of which 0, 3, 6 and 9 have to be waited for; remembers which thread made each.
#[derive(Clone, Default)]
struct Mixed(Arc<Mutex<Vec<(u8, ThreadId)>>>);

struct MixedChunks {
    made: Mixed,
    next: u8,
}

impl Mixed {
    fn body(&self) -> Body {
        Body::Chunks { len: 10, source: Arc::new(self.clone()) }
    }

    /// The threads that made those that had to be waited for, and those that made the others.
    fn threads(&self) -> [HashSet<ThreadId>; 2] {
        let made = self.0.lock().unwrap();
        assert_eq!(made.len(), 10, "each is made once");
        [true, false].map(|waits| {
            let those = made.iter().filter(|(piece, _)| waits == waits_for(*piece));
            those.map(|(_, thread)| *thread).collect()
        })
    }
}

const fn waits_for(piece: u8) -> bool {
    piece.is_multiple_of(3)
}

impl ChunkSource for Mixed {
    fn open(&self) -> Result<Box<dyn Chunks>, BodyError> {
        Ok(Box::new(MixedChunks { made: self.clone(), next: 0 }))
    }

    fn open_at_once(&self) -> Option<Result<Box<dyn Chunks>, BodyError>> {
        Some(self.open())
    }
}

impl Chunks for MixedChunks {
    fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        self.made.0.lock().unwrap().push((self.next, thread::current().id()));
        self.next += 1;
        Ok(Some(vec![b'0' + self.next - 1].into()))
    }

    fn next_at_once(&mut self) -> Option<Result<Option<Bytes>, BodyError>> {
        (!waits_for(self.next)).then(|| self.next())
    }
}

#[test]
fn pieces_go_out_in_their_order_wherever_they_are_made() {
    let (told, is_told) = mpsc::channel();
    let told = Mutex::new(told);
    let peer = Peer::new(move |_, mut caller| {
        let (_, body) = caller.request().unwrap();
        told.lock().unwrap().send(body).unwrap();
        caller.say(OK);
    });
    let made = Mixed::default();
    assert_eq!(answered(send(&transport(), put(&peer.url("/"), made.body()))).0, 200);
    assert_eq!(is_told.recv().unwrap(), b"0123456789");
    let [waiting, others] = made.threads();
    assert_eq!((waiting.len(), others.len()), (1, 1), "a thread for what may block, and one for the rest");
    assert!(waiting.is_disjoint(&others));
}

/// With a runtime of one thread, that thread makes what need not be waited for; with none, or with several threads, a thread of
/// the transport does.
#[test]
fn a_guest_makes_its_exchanges_where_they_are_asked_for() {
    let peer = Peer::answering(OK);
    let transport = HyperTransport::builder().no_proxy().threads(1).as_guest().build();
    let here = HashSet::from([thread::current().id()]);

    let one = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for _ in 0..2 {
        let made = Mixed::default();
        let sent = one.block_on(transport.send(put(&peer.url("/"), made.body())));
        assert_eq!(answered(sent).0, 200);
        let [waiting, others] = made.threads();
        assert_eq!(others, here);
        assert!(waiting.is_disjoint(&here));
    }
    assert_eq!(peer.accepted(), 1, "its connections are kept");
    drop(one);

    let made = Mixed::default();
    let several = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let sent = several.block_on(transport.send(put(&peer.url("/"), made.body())));
    assert_eq!(answered(sent).0, 200);
    assert!(made.threads()[1].is_disjoint(&here));
    let made = Mixed::default();
    assert_eq!(answered(without_runtime(transport.send(put(&peer.url("/"), made.body())))).0, 200);
    assert!(made.threads()[1].is_disjoint(&here));
}

struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn without_runtime<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Arc::new(Parked(thread::current())).into();
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
