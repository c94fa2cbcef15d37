//! A bad network in user space: a relay between the program and the emulator that delays, slows, splits, stalls, corrupts and cuts
//! what goes through it, message by message, as a plan says. It writes down what it did.

mod message;
mod spoil;

use std::{
    io::{self, Read},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::net::sockopt::{set_socket_linger, set_socket_recv_buffer_size};

use self::message::{Framing, Heads};
pub(crate) use self::message::{Message, Side, operation_of};

/// Bytes that the kernel may hold for a connection before the relay takes them.
const RECEIVES: usize = 64 << 10;

/// What is done to one message, a request or an answer. Offsets count its bytes from the first of its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// It begins so much later.
    Delay(Duration),
    /// Its first `bytes` go through; then both connections end.
    Cut { after: usize, parting: Parting },
    /// Nothing more goes through behind `after`, for so long or until one side leaves.
    Stall { after: usize, pause: Duration },
    /// The byte at this offset is changed by this mask, which is not 0.
    Corrupt { at: usize, mask: u8 },
    /// It goes in pieces of this size with a pause between them, up to the offset; what follows goes as it comes.
    Pieces { size: usize, pause: Duration, up_to: usize },
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parting {
    /// A TCP reset.
    Reset,
    /// An orderly end of the stream.
    Close,
}

/// Listens on a free port. It takes no more connections when it is dropped; the threads of those that there are end with them.
pub(crate) struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
}

type Plan = dyn Fn(&Message) -> Vec<Deed> + Send + Sync;

struct Shared {
    plan: Box<Plan>,
    closed: AtomicBool,
    calm: AtomicBool,
    connections: AtomicUsize,
    heads: Heads,
    pairs: Mutex<Vec<Weak<Pair>>>,
    log: Mutex<Vec<String>>,
}

impl Relay {
    /// In front of `server`; `plan` is asked at the head of each message.
    pub(crate) fn new(
        server: SocketAddr,
        plan: impl Fn(&Message) -> Vec<Deed> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        // What it has not taken is to wait at the program, not in the kernel.
        set_socket_recv_buffer_size(&listener, RECEIVES).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            plan: Box::new(plan),
            closed: AtomicBool::default(),
            calm: AtomicBool::default(),
            connections: AtomicUsize::default(),
            heads: Heads::default(),
            pairs: Mutex::default(),
            log: Mutex::default(),
        });
        let kept = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if kept.closed.load(Ordering::SeqCst) {
                    break;
                }
                // A server that is restarting takes no connection; its client sees an end.
                if let (Ok(client), Ok(server)) = (client, TcpStream::connect(server)) {
                    Pair::start(client, server, &kept);
                }
            }
        });
        Self { address, shared }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From here on everything goes through as it is. What is still held back never arrives: its connection ends.
    pub(crate) fn calm_down(&self) {
        self.shared.calm.store(true, Ordering::SeqCst);
        let pairs = self.shared.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        pairs.iter().filter_map(Weak::upgrade).for_each(|pair| pair.end(Parting::Reset));
    }

    /// What it did, a line a deed.
    pub(crate) fn log(&self) -> Vec<String> {
        self.shared.log().clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        // Wakes the thread that listens.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Vec<String>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deeds(&self, message: &Message) -> Vec<Deed> {
        if self.calm.load(Ordering::SeqCst) {
            return Vec::new();
        }
        let deeds = (self.plan)(message);
        let lines = deeds.iter().map(|deed| format!("{message}: {deed:?}"));
        self.log().extend(lines);
        deeds
    }
}

/// A connection of the program and the one to the emulator that belongs to it.
struct Pair {
    client: TcpStream,
    server: TcpStream,
    ended: AtomicBool,
    number: usize,
    shared: Arc<Shared>,
    framing: Framing,
}

impl Pair {
    fn start(client: TcpStream, server: TcpStream, shared: &Arc<Shared>) {
        for stream in [&client, &server] {
            let _ = stream.set_nodelay(true);
        }
        let number = shared.connections.fetch_add(1, Ordering::SeqCst);
        let (ended, framing) = (AtomicBool::default(), Framing::default());
        let pair = Arc::new(Self { client, server, ended, number, shared: Arc::clone(shared), framing });
        shared.pairs.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&pair));
        for side in [Side::Request, Side::Answer] {
            let pair = Arc::clone(&pair);
            thread::spawn(move || {
                if pair.pump(side).is_err() {
                    pair.end(Parting::Close);
                }
            });
        }
    }

    fn ends_of(&self, side: Side) -> (&TcpStream, &TcpStream) {
        match side {
            Side::Request => (&self.client, &self.server),
            Side::Answer => (&self.server, &self.client),
        }
    }

    /// Hands on the messages of one direction until it ends.
    fn pump(&self, side: Side) -> io::Result<()> {
        let (mut from, to) = self.ends_of(side);
        let mut block = vec![0; 64 << 10];
        let mut pending = Vec::new();
        loop {
            let Some(head) = message::take_head(&mut from, &mut pending)? else {
                // The other direction may still have something to say.
                if !self.has_ended() {
                    let _ = to.shutdown(Shutdown::Write);
                }
                return Ok(());
            };
            let message = self.framing.describe(side, self.number, &head, &self.shared.heads);
            let mut spoiler = spoil::Spoiler::new(self.shared.deeds(&message), to);
            if self.hand_on(&mut spoiler, head)? {
                return Ok(());
            }
            let mut left = message.body;
            while left > 0 {
                let piece = if pending.is_empty() {
                    let most = block.len().min(left);
                    let read = from.read(&mut block[..most])?;
                    block[..read].to_vec()
                } else {
                    pending.drain(..pending.len().min(left)).collect()
                };
                if piece.is_empty() {
                    break;
                }
                left -= piece.len();
                if self.hand_on(&mut spoiler, piece)? {
                    return Ok(());
                }
            }
        }
    }

    /// Whether that was the end of the connection.
    fn hand_on(&self, spoiler: &mut spoil::Spoiler<'_>, bytes: Vec<u8>) -> io::Result<bool> {
        match spoiler.pass(bytes, || self.has_ended())? {
            None => Ok(self.has_ended()),
            Some(parting) => {
                self.end(parting);
                Ok(true)
            }
        }
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// Ends both connections. A reset goes out when the last thread lets go of them, which the end of reading makes it do.
    fn end(&self, parting: Parting) {
        if self.ended.swap(true, Ordering::SeqCst) {
            return;
        }
        for stream in [&self.client, &self.server] {
            let how = match parting {
                Parting::Reset => {
                    let _ = set_socket_linger(stream, Some(Duration::ZERO));
                    Shutdown::Read
                }
                Parting::Close => Shutdown::Both,
            };
            let _ = stream.shutdown(how);
        }
    }
}
