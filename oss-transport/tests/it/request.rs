//! Requests, bodies and short clocks for the tests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response};
use oss_transport::{
    Answer, Body, BodyError, ChunkSource, Chunks, Exchange, HyperTransport, Timeouts, Transport,
    TransportError,
};

/// Long enough that none of them decides a test that is not about it.
pub(crate) const PATIENT: Timeouts = Timeouts {
    connect: Duration::from_secs(20),
    write_idle: Duration::from_secs(20),
    answer: Duration::from_secs(20),
    head: Duration::from_secs(20),
    body: Duration::from_secs(20),
};

/// What the clock under test is set to.
pub(crate) const SHORT: Duration = Duration::from_millis(150);

pub(crate) fn exchange(method: Method, url: &str, body: Body) -> Exchange {
    let request = Request::builder().method(method).uri(url).body(body).unwrap();
    Exchange { request, timeouts: PATIENT, answer_limit: Some(1 << 20) }
}

pub(crate) fn get(url: &str) -> Exchange {
    exchange(Method::GET, url, Body::Empty)
}

pub(crate) fn put(url: &str, body: Body) -> Exchange {
    exchange(Method::PUT, url, body)
}

pub(crate) fn transport() -> HyperTransport {
    HyperTransport::builder().no_proxy().build()
}

/// Runs `future` without the input, output and clocks of any runtime.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) fn send(
    transport: &impl Transport,
    exchange: Exchange,
) -> Result<Response<Answer>, TransportError> {
    wait(transport.send(exchange))
}

/// The status and the whole body of what came back.
pub(crate) fn answered(outcome: Result<Response<Answer>, TransportError>) -> (u16, Bytes) {
    let response = outcome.unwrap_or_else(|error| panic!("{}", told(&error)));
    match response.body() {
        Answer::Whole(bytes) => (response.status().as_u16(), bytes.clone()),
        Answer::Stream(_) => panic!("a stream where a whole body was asked for"),
    }
}

/// An error with all its causes, in one line.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}

/// A body that counts up from zero, in blocks.
pub(crate) struct Counting {
    pub(crate) len: u64,
    pub(crate) block: usize,
    pub(crate) opened: AtomicUsize,
    /// Long enough for a block from any place in its period of 251.
    pattern: Bytes,
}

impl Counting {
    pub(crate) fn new(len: u64, block: usize) -> Arc<Self> {
        let pattern = (0..=250).cycle().take(block + 251).collect();
        Arc::new(Self { len, block, opened: AtomicUsize::new(0), pattern })
    }

    pub(crate) fn body(self: &Arc<Self>) -> Body {
        Body::Chunks { len: self.len, source: Arc::clone(self) as Arc<dyn ChunkSource> }
    }

    /// What the body says.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        (0..=250).cycle().take(usize::try_from(self.len).unwrap()).collect()
    }
}

struct CountingChunks {
    at: u64,
    len: u64,
    block: usize,
    pattern: Bytes,
}

impl ChunkSource for Counting {
    fn open(&self) -> Result<Box<dyn Chunks>, BodyError> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(CountingChunks {
            at: 0,
            len: self.len,
            block: self.block,
            pattern: self.pattern.clone(),
        }))
    }
}

impl Chunks for CountingChunks {
    fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        let end = self.len.min(self.at + self.block as u64);
        let from = usize::try_from(self.at % 251).unwrap();
        let count = usize::try_from(end - self.at).unwrap();
        self.at = end;
        Ok((count > 0).then(|| self.pattern.slice(from..from + count)))
    }
}

/// A body made by a closure, called for each piece.
pub(crate) struct Scripted<F> {
    piece: F,
    holds: bool,
}

impl<F> Scripted<F>
where
    F: Fn(usize) -> Result<Option<Bytes>, BodyError> + Clone + Send + Sync + 'static,
{
    /// `piece` gets the number of the piece, from 0.
    pub(crate) fn body(len: u64, piece: F) -> Body {
        Body::Chunks { len, source: Arc::new(Self { piece, holds: false }) }
    }

    /// One that holds up the thread of the transport: it says that it waits for nothing.
    pub(crate) fn holding(len: u64, piece: F) -> Body {
        Body::Chunks { len, source: Arc::new(Self { piece, holds: true }) }
    }
}

struct ScriptedChunks<F> {
    piece: F,
    holds: bool,
    number: usize,
}

impl<F> ChunkSource for Scripted<F>
where
    F: Fn(usize) -> Result<Option<Bytes>, BodyError> + Clone + Send + Sync + 'static,
{
    fn open(&self) -> Result<Box<dyn Chunks>, BodyError> {
        Ok(Box::new(ScriptedChunks { piece: self.piece.clone(), holds: self.holds, number: 0 }))
    }
}

impl<F> Chunks for ScriptedChunks<F>
where
    F: Fn(usize) -> Result<Option<Bytes>, BodyError> + Send,
{
    fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        self.number += 1;
        (self.piece)(self.number - 1)
    }

    fn next_at_once(&mut self) -> Option<Result<Option<Bytes>, BodyError>> {
        self.holds.then(|| self.next())
    }
}
