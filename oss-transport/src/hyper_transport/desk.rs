//! Where exchanges are made: on one thread, with the connections that were opened there.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Request, Response, Uri, header};
use hyper::body::Incoming;

use super::{
    connection::{Connection, Failure},
    dial::{Dialer, Refusal, refuse},
    flow::Flow,
    pool::Pool,
    proxy::Proxy,
    receive::{self, Passer},
    room::Room,
    target::{self, Target},
};
use crate::{Answer, BoxError, Exchange, Timeouts, TransportError, Unsent};

/// What exchanges on one thread are made with, and how many there are.
pub(super) struct Desk {
    dialer: Arc<Dialer>,
    pool: Pool,
    room: Arc<Room>,
    load: AtomicUsize,
}

/// A desk at which one exchange is counted as in flight while this lives.
pub(super) struct Busy(Arc<Desk>);

/// An answer whose body is being passed on.
pub(super) struct Streaming {
    passer: Passer,
    body: Incoming,
    connection: Connection,
    target: Target,
    limit: Duration,
}

impl Desk {
    pub(super) fn new(dialer: Arc<Dialer>, pool: Pool, room: Arc<Room>) -> Arc<Self> {
        Arc::new(Self { dialer, pool, room, load: AtomicUsize::new(0) })
    }

    /// Exchanges in flight.
    pub(super) fn load(&self) -> usize {
        self.load.load(Ordering::Relaxed)
    }

    pub(super) fn has_connection(&self, target: &Target) -> bool {
        self.pool.has(target)
    }

    /// Closes connections that were idle for too long.
    pub(super) fn sweep(&self) {
        self.pool.sweep();
    }

    /// One exchange, with all of its answer, of at most so many bytes.
    pub(super) async fn whole(
        &self,
        exchange: Exchange,
        target: Target,
        most: usize,
    ) -> Result<Response<Answer>, TransportError> {
        let limit = exchange.timeouts.body;
        let (response, connection) = self.carry(exchange, &target).await?;
        let (head, body) = response.into_parts();
        match receive::whole(body, most, limit).await {
            Ok(bytes) => {
                self.keep(target, connection).await;
                Ok(Response::from_parts(head, Answer::Whole(bytes)))
            }
            Err(source) => Err(TransportError::Unanswered { authority: target.authority, source }),
        }
    }

    /// One exchange as far as the head of its answer; what follows is passed on by [`pass`](Self::pass).
    pub(super) async fn streamed(
        &self,
        exchange: Exchange,
        target: Target,
    ) -> Result<(Response<Answer>, Streaming), TransportError> {
        let limit = exchange.timeouts.body;
        let (response, connection) = self.carry(exchange, &target).await?;
        let (head, body) = response.into_parts();
        let (passer, pieces) = receive::pieces(target.authority.clone());
        let response = Response::from_parts(head, Answer::Stream(Box::new(pieces)));
        Ok((response, Streaming { passer, body, connection, target, limit }))
    }

    /// Passes the body of an answer on, until its end or until nobody wants it.
    pub(super) async fn pass(busy: Busy, answer: Streaming) {
        let Streaming { passer, body, connection, target, limit } = answer;
        let whole = tokio::select! {
            biased;
            () = passer.abandoned() => false,
            whole = passer.pass(body, limit) => whole,
        };
        if whole {
            busy.keep(target, connection).await;
            drop(busy);
            passer.finish().await;
        }
    }

    async fn carry(
        &self,
        exchange: Exchange,
        target: &Target,
    ) -> Result<(Response<Incoming>, Connection), TransportError> {
        let carried = self.send(&exchange, target).await;
        if let Err(error) = &carried {
            self.room.learn(error);
        }
        carried
    }

    /// Sends the request on an idle connection, or on a new one if there is none that lives.
    async fn send(
        &self,
        exchange: &Exchange,
        target: &Target,
    ) -> Result<(Response<Incoming>, Connection), TransportError> {
        let not_sent = |refusal: Refusal| TransportError::NotSent {
            authority: target.authority.clone(),
            reason: refusal.reason,
            source: refusal.source,
        };
        let proxy = self.dialer.proxies.find(exchange.request.uri());
        loop {
            let head = request_head(&exchange.request, target, proxy.as_ref()).map_err(not_sent)?;
            let (mut connection, is_new) = match self.idle(target).await {
                Some(connection) => (connection, false),
                None => {
                    (self.open(target, proxy.as_ref(), &exchange.timeouts).await.map_err(not_sent)?, true)
                }
            };
            match connection.exchange(head, exchange.request.body(), &exchange.timeouts).await {
                Ok(response) => return Ok((response, connection)),
                Err(Failure::NothingWritten(source)) if is_new => {
                    return Err(not_sent(refuse(Unsent::Closed, source)));
                }
                Err(Failure::NothingWritten(error)) => {
                    tracing::debug!(%error, "an idle connection was closed; the next one is used");
                }
                Err(Failure::Body(source)) => return Err(TransportError::Body { source }),
                Err(Failure::Unanswered(source)) => {
                    return Err(TransportError::Unanswered { authority: target.authority.clone(), source });
                }
            }
        }
    }

    async fn idle(&self, target: &Target) -> Option<Connection> {
        loop {
            let connection = self.pool.take(target)?;
            if !connection.is_dead().await {
                return Some(connection);
            }
        }
    }

    async fn open(
        &self,
        target: &Target,
        proxy: Option<&Proxy>,
        timeouts: &Timeouts,
    ) -> Result<Connection, Refusal> {
        let flow = Arc::new(Flow::new());
        let wire = self.dialer.dial(target, proxy, Arc::clone(&flow), timeouts.connect).await?;
        Connection::open(wire, flow).await.map_err(|error: BoxError| refuse(Unsent::Closed, error))
    }

    async fn keep(&self, target: Target, connection: Connection) {
        if connection.is_reusable().await {
            self.pool.put(target, connection);
        }
    }
}

impl Busy {
    pub(super) fn at(desk: &Arc<Desk>) -> Self {
        desk.load.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(desk))
    }
}

impl Deref for Busy {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.0
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.load.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The head as it goes out. A proxy for plain http gets the whole address, a server only path and query.
fn request_head(
    request: &Request<crate::Body>,
    target: &Target,
    proxy: Option<&Proxy>,
) -> Result<Request<()>, Refusal> {
    let mut headers = target::headers(request.method(), target, request.headers(), request.body())?;
    let uri: Uri = match proxy {
        Some(proxy) if !target.is_https => {
            if let Some(authorization) = &proxy.authorization {
                headers.insert(header::PROXY_AUTHORIZATION, HeaderValue::clone(authorization));
            }
            request.uri().clone()
        }
        _ => target::origin_form(request.uri()),
    };
    let mut head = Request::new(());
    *head.method_mut() = request.method().clone();
    *head.uri_mut() = uri;
    *head.headers_mut() = headers;
    Ok(head)
}
