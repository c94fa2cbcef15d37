//! One thread, its runtime and its connections.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc as channel,
    },
    thread,
    time::Duration,
};

use http::{HeaderValue, Request, Response, Uri, header};
use hyper::body::Incoming;
use tokio::{
    runtime,
    sync::{mpsc, oneshot},
    time::interval,
};

use super::{
    connection::{Connection, Failure},
    dial::{Dialer, Refusal, refuse},
    flow::Flow,
    pool::Pool,
    proxy::Proxy,
    receive,
    room::Room,
    target::{self, Target},
};
use crate::{Answer, BoxError, Exchange, Timeouts, TransportError, Unsent};

/// Time between two looks at idle connections.
const SWEEP: Duration = Duration::from_secs(1);

type Outcome = Result<Response<Answer>, TransportError>;

/// An exchange on its way to a thread.
pub(super) struct Job {
    pub(super) exchange: Exchange,
    pub(super) target: Target,
    pub(super) reply: oneshot::Sender<Outcome>,
}

/// The handle of a thread. When it is dropped, the thread closes its connections and ends.
pub(super) struct Worker {
    jobs: mpsc::UnboundedSender<(Job, Busy)>,
    pool: Arc<Pool>,
    busy: Arc<AtomicUsize>,
}

/// Counts an exchange as in flight while it lives.
struct Busy(Arc<AtomicUsize>);

impl Busy {
    fn on(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Worker {
    /// Starts thread number `number`. It holds `alive` until it ends.
    ///
    /// # Errors
    /// The system has no thread or no file descriptor left.
    pub(super) fn start(
        number: usize,
        dialer: Arc<Dialer>,
        pool: Pool,
        room: Arc<Room>,
        alive: channel::Sender<()>,
    ) -> io::Result<Self> {
        let runtime = Own(Some(runtime::Builder::new_current_thread().enable_io().enable_time().build()?));
        let pool = Arc::new(pool);
        let (sender, jobs) = mpsc::unbounded_channel();
        let desk = Arc::new(Desk { dialer, pool: Arc::clone(&pool), room });
        thread::Builder::new().name(format!("oss-transport-{number}")).spawn(move || {
            if let Own(Some(runtime)) = &runtime {
                runtime.block_on(desk.work(jobs));
            }
            drop(runtime);
            drop(alive);
        })?;
        Ok(Self { jobs: sender, pool, busy: Arc::default() })
    }

    /// Exchanges in flight.
    pub(super) fn load(&self) -> usize {
        self.busy.load(Ordering::Relaxed)
    }

    pub(super) fn has_connection(&self, target: &Target) -> bool {
        self.pool.has(target)
    }

    /// Hands a job over.
    pub(super) fn take(&self, job: Job) {
        // The thread ends when the handle is dropped, and not before.
        drop(self.jobs.send((job, Busy::on(&self.busy))));
    }
}

/// A runtime that can be dropped wherever one is: where no thread is to be had for it, that is inside another one.
struct Own(Option<runtime::Runtime>);

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // A name that is still being resolved keeps its own thread; it is not waited for.
            runtime.shutdown_background();
        }
    }
}

/// What a thread works with.
struct Desk {
    dialer: Arc<Dialer>,
    pool: Arc<Pool>,
    room: Arc<Room>,
}

impl Desk {
    async fn work(self: Arc<Self>, mut jobs: mpsc::UnboundedReceiver<(Job, Busy)>) {
        // One timer that always is the next spares the clocks of each exchange from waking the thread that it runs on.
        let mut sweep = interval(SWEEP);
        loop {
            tokio::select! {
                biased;
                job = jobs.recv() => match job {
                    Some((job, busy)) => {
                        tokio::spawn(Arc::clone(&self).serve(job, busy));
                    }
                    None => return,
                },
                _ = sweep.tick() => self.pool.sweep(),
            }
        }
    }

    async fn serve(self: Arc<Self>, job: Job, busy: Busy) {
        let Job { exchange, target, mut reply } = job;
        let (answer_limit, clock) = (exchange.answer_limit, exchange.timeouts.body);
        let authority = target.authority.clone();
        let unanswered = |source| TransportError::Unanswered { authority: authority.clone(), source };

        let carried = async {
            let (response, connection) = self.carry(&exchange, &target).await?;
            drop(exchange);
            let (head, body) = response.into_parts();
            if let Some(most) = answer_limit {
                let bytes = receive::whole(body, most, clock).await.map_err(unanswered)?;
                self.keep(target, connection).await;
                Ok((Response::from_parts(head, Answer::Whole(bytes)), None))
            } else {
                let (passer, pieces) = receive::pieces(authority.clone());
                let response = Response::from_parts(head, Answer::Stream(Box::new(pieces)));
                Ok((response, Some((passer, body, connection, target))))
            }
        };
        let outcome = tokio::select! {
            biased;
            () = reply.closed() => return,
            outcome = carried => outcome,
        };
        match outcome {
            Ok((response, None)) => {
                drop(busy);
                drop(reply.send(Ok(response)));
            }
            Ok((response, Some((passer, body, connection, target)))) => {
                if reply.send(Ok(response)).is_err() {
                    return;
                }
                let whole = tokio::select! {
                    biased;
                    () = passer.abandoned() => false,
                    whole = passer.pass(body, clock) => whole,
                };
                if whole {
                    self.keep(target, connection).await;
                    drop(busy);
                    passer.finish().await;
                }
            }
            Err(error) => {
                self.room.learn(&error);
                drop(busy);
                drop(reply.send(Err(error)));
            }
        }
    }

    /// Sends the request on an idle connection, or on a new one if there is none that lives.
    async fn carry(
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
