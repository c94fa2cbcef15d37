//! http and https over hyper and rustls, on threads of its own.

mod builder;
mod clocks;
mod connection;
mod dial;
mod fault;
mod flow;
mod outgoing;
mod pool;
mod proxy;
mod receive;
mod room;
mod target;
mod tls;
mod way;
mod wire;
mod worker;

use std::{
    fmt, io,
    sync::{Arc, Mutex, PoisonError, mpsc as channel},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use http::{Response, uri::Authority};
use tokio::sync::oneshot;

pub use self::builder::HyperTransportBuilder;
use self::{
    dial::Dialer,
    fault::Fault,
    pool::Pool,
    room::Room,
    target::Target,
    worker::{Job, Worker},
};
use crate::{Answer, Exchange, Transport, TransportError, Unsent, error::authority_of};

/// How long dropping the transport waits for its threads, all together.
const PARTING: Duration = Duration::from_millis(500);

/// HTTP/1.1 over TCP or TLS.
///
/// It owns its threads: each drives the connections that it opened and the bodies that go out on them, so a body
/// may block on a disk and stalls only the exchanges on its thread. A thread is started when all others are busy,
/// up to [`HyperTransportBuilder::threads`]; an exchange goes to the least busy one, and there to an idle
/// connection to the same host if it has one. `send` needs no runtime of the caller's. Where no further file can be
/// opened, idle threads end, which frees those that they hold, and no more are started.
///
/// Every exchange in flight has a connection for itself. A connection that its server closed while it was idle
/// is no error: as long as nothing was written, the request goes out on another one.
///
/// Dropping the transport closes all connections and ends its threads; one that hangs in a read is left behind.
pub struct HyperTransport {
    dialer: Arc<Dialer>,
    idle_limit: Duration,
    workers: Mutex<Workers>,
    room: Arc<Room>,
    /// Every thread holds a sender and drops it when it ends.
    alive: channel::Sender<()>,
    ended: Mutex<channel::Receiver<()>>,
}

/// The threads that there are, and how many there may be.
struct Workers {
    running: Vec<Worker>,
    most: usize,
}

impl Workers {
    /// Ends the idle ones but one, with their connections, and starts no more than there are.
    fn make_room(&mut self) {
        let mut spared = self.running.iter().any(|worker| worker.load() > 0);
        self.running.retain(|worker| worker.load() > 0 || !std::mem::replace(&mut spared, true));
        self.most = self.running.len().max(1);
    }
}

impl HyperTransport {
    /// A transport with the defaults of the builder.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Options of a transport.
    pub fn builder() -> HyperTransportBuilder {
        HyperTransportBuilder::default()
    }

    /// Hands `job` to the thread that has the most time for it.
    fn assign(&self, job: Job) -> Result<(), (io::Error, Authority)> {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        if self.room.take_lack() {
            workers.make_room();
        }
        let best = workers
            .running
            .iter()
            .min_by_key(|worker| (worker.load(), !worker.has_connection(&job.target)))
            .filter(|worker| worker.load() == 0 || workers.running.len() >= workers.most);
        if let Some(worker) = best {
            worker.take(job);
            return Ok(());
        }
        let (number, pool) = (workers.running.len() + 1, Pool::new(self.idle_limit));
        match Worker::start(
            number,
            Arc::clone(&self.dialer),
            pool,
            Arc::clone(&self.room),
            self.alive.clone(),
        ) {
            Ok(worker) => {
                worker.take(job);
                workers.running.push(worker);
                Ok(())
            }
            Err(error) => {
                workers.most = workers.running.len().max(1);
                match workers.running.iter().min_by_key(|worker| worker.load()) {
                    Some(worker) => {
                        tracing::debug!(%error, "no further thread; the exchange shares one");
                        worker.take(job);
                        Ok(())
                    }
                    None => Err((error, job.target.authority)),
                }
            }
        }
    }
}

#[async_trait]
impl Transport for HyperTransport {
    async fn send(&self, exchange: Exchange) -> Result<Response<Answer>, TransportError> {
        let target = Target::of(exchange.request.uri()).map_err(|refusal| TransportError::NotSent {
            authority: authority_of(exchange.request.uri()),
            reason: refusal.reason,
            source: refusal.source,
        })?;
        let authority = target.authority.clone();
        let (reply, outcome) = oneshot::channel();
        self.assign(Job { exchange, target, reply }).map_err(|(error, authority)| {
            TransportError::NotSent { authority, reason: Unsent::Connect, source: error.into() }
        })?;
        outcome.await.unwrap_or_else(|_gone| {
            Err(TransportError::Unanswered { authority, source: Fault::Shutdown.into() })
        })
    }
}

impl Default for HyperTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport").finish_non_exhaustive()
    }
}

impl Drop for HyperTransport {
    fn drop(&mut self) {
        let workers = self.workers.get_mut().unwrap_or_else(PoisonError::into_inner);
        let count = workers.running.len();
        workers.running.clear();
        let alive = std::mem::replace(&mut self.alive, channel::channel().0);
        drop(alive);
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + PARTING;
        let left = until.saturating_duration_since(Instant::now());
        if count > 0 && ended.recv_timeout(left) == Err(channel::RecvTimeoutError::Timeout) {
            tracing::warn!("a thread of the transport hangs in a read and is left behind");
        }
    }
}
