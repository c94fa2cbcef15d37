//! http and https over hyper and rustls, on threads of its own.

mod builder;
mod clocks;
mod connection;
mod desk;
mod dial;
mod fault;
mod flow;
mod guest;
mod helper;
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
mod workers;

use std::{
    fmt,
    sync::{Mutex, PoisonError, mpsc as channel},
    time::Duration,
};

use async_trait::async_trait;
use http::Response;

pub use self::builder::HyperTransportBuilder;
use self::{
    target::Target,
    workers::{Place, Workers},
};
use crate::{Answer, Exchange, Transport, TransportError, Unsent, error::authority_of};

/// How long dropping the transport waits for its threads, all together.
const PARTING: Duration = Duration::from_millis(500);

/// HTTP/1.1 over TCP or TLS.
///
/// It owns its threads, so that `send` needs no runtime of the caller's; it may use that of the caller as well
/// ([`HyperTransportBuilder::as_guest`]). A thread is started when all others are busy, up to
/// [`HyperTransportBuilder::threads`]; an exchange goes to the least busy one, and there to an idle connection to the same
/// host if it has one. A body that may block ([`Chunks`](crate::Chunks)) does so on a thread for itself, and stalls
/// only its own exchange. Where no further file can be opened, idle threads end, which frees those that they hold, and no
/// more are started for a while.
///
/// Every exchange in flight has a connection for itself. A connection that its server closed while it was idle
/// is no error: as long as nothing was written, the request goes out on another one.
///
/// Dropping the transport closes all connections and ends its threads; one that hangs in a read is left behind.
pub struct HyperTransport {
    workers: Mutex<Workers>,
    ended: Mutex<channel::Receiver<()>>,
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
}

#[async_trait]
impl Transport for HyperTransport {
    async fn send(&self, exchange: Exchange) -> Result<Response<Answer>, TransportError> {
        let target = Target::of(exchange.request.uri()).map_err(|refusal| TransportError::NotSent {
            authority: authority_of(exchange.request.uri()),
            reason: refusal.reason,
            source: refusal.source,
        })?;
        let here = exchange.answer_limit.filter(|_| guest::welcome());
        let place = self.workers.lock().unwrap_or_else(PoisonError::into_inner).place(&target, here);
        match place {
            Ok(Place::Here(busy, most)) => busy.whole(exchange, target, most).await,
            Ok(Place::There(booking)) => booking.make(exchange, target).await,
            Err(error) => Err(TransportError::NotSent {
                authority: target.authority,
                reason: Unsent::Connect,
                source: error.into(),
            }),
        }
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
        let any = workers.end();
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        if any && ended.recv_timeout(PARTING) == Err(channel::RecvTimeoutError::Timeout) {
            tracing::warn!("a thread of the transport hangs in a read and is left behind");
        }
    }
}
