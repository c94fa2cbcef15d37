//! A server of raw sockets, scripted by a closure that gets each connection.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// A listening server; closed when dropped.
pub(crate) struct Peer {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    closing: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
}

impl Peer {
    /// Gives every connection to `script`, with its number from 0, on a thread of its own.
    pub(crate) fn new(script: impl Fn(usize, Caller) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let closing = Arc::new(AtomicBool::new(false));
        let script = Arc::new(script);
        let (count, stop) = (Arc::clone(&accepted), Arc::clone(&closing));
        let listening = thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let number = count.fetch_add(1, Ordering::SeqCst);
                let script = Arc::clone(&script);
                thread::spawn(move || script(number, Caller(stream.unwrap())));
            }
        });
        Self { address, accepted, closing, listening: Some(listening) }
    }

    /// Answers every request on every connection with `answer`.
    pub(crate) fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::new(move |_, mut caller| {
            while caller.request().is_some() {
                caller.say(&answer);
            }
        })
    }

    pub(crate) fn url(&self, path_and_query: &str) -> String {
        format!("http://{}{path_and_query}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections that were accepted.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        self.listening.take().unwrap().join().unwrap();
    }
}

/// One connection, seen from the server.
pub(crate) struct Caller(TcpStream);

impl Caller {
    pub(crate) fn into_stream(self) -> TcpStream {
        self.0
    }

    /// Everything up to the empty line, or `None` at the end of the connection.
    pub(crate) fn head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match self.0.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return None,
            }
        }
        Some(String::from_utf8(head).unwrap())
    }

    /// The next `count` bytes, or fewer at the end of the connection.
    pub(crate) fn bytes(&mut self, count: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        drop((&self.0).take(count).read_to_end(&mut bytes));
        bytes
    }

    /// A whole request by its `content-length`: head and body.
    pub(crate) fn request(&mut self) -> Option<(String, Vec<u8>)> {
        let head = self.head()?;
        let length = stated_length(&head);
        let body = self.bytes(length);
        (body.len() as u64 == length).then_some((head, body))
    }

    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        // A caller that went away is part of many scripts.
        self.try_say(bytes);
    }

    /// Whether the caller still listens.
    pub(crate) fn try_say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).is_ok()
    }

    /// Ends the connection with a reset, unsent and unread bytes with it.
    pub(crate) fn reset(self) {
        rustix::net::sockopt::set_socket_linger(&self.0, Some(Duration::ZERO)).unwrap();
    }

    /// Sends the end of the stream, and goes on reading.
    pub(crate) fn end(&self) {
        drop(self.0.shutdown(Shutdown::Write));
    }

    /// Reads until nothing came for a while; whether that was before 100 MB.
    pub(crate) fn falls_silent(&mut self) -> bool {
        self.0.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let read = std::io::copy(&mut (&self.0).take(100_000_000), &mut std::io::sink());
        self.0.set_read_timeout(None).unwrap();
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// Waits until the caller closes the connection; how many bytes came until then.
    pub(crate) fn drained(&mut self) -> u64 {
        std::io::copy(&mut self.0, &mut std::io::sink()).unwrap_or(0)
    }
}

pub(crate) fn stated_length(head: &str) -> u64 {
    head.lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap())
}
