//! Listens, serves connections, and stops.

use std::fmt;
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::auth::Gate;
use crate::error::StartError;
use crate::exchange::{NoAnswer, exchange};
use crate::faults::Rules;
use crate::line::{Line, Stream};
use crate::requests::{Request, RequestLog};
use crate::settings::Settings;
use crate::store::Store;

/// How long commits to disk that have begun may take after a stop.
const STOP_TIME: Duration = Duration::from_secs(5);

/// Pause after a connection that could not be taken, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// What all requests of a server share.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) settings: Settings,
    pub(crate) store: Store,
    pub(crate) gate: Gate,
    pub(crate) rules: Rules,
    pub(crate) requests: RequestLog,
}

/// A server that has its port and its folder, and answers nobody yet.
#[derive(Debug)]
pub struct Emulator {
    listener: TcpListener,
    address: SocketAddr,
    server: Arc<Server>,
}

impl Emulator {
    /// Takes the port and opens the folder. What processes that were killed have left half done in it is cleared.
    ///
    /// # Errors
    /// Any [`StartError`].
    pub fn bind(mut settings: Settings) -> Result<Self, StartError> {
        let listen = settings.listen;
        if !settings.allow_remote && !listen.ip().is_loopback() {
            return Err(StartError::NotLoopback { listen });
        }
        let gate = Gate::new(&settings)?;
        let at = |(path, source)| StartError::Root { path, source };
        let store = Store::open(&settings.root).map_err(at)?;
        let log = settings.log_file.clone().unwrap_or_else(|| settings.root.join("requests.jsonl"));
        let requests = RequestLog::open(&log).map_err(|source| at((log, source)))?;
        let rules = Rules::new(std::mem::take(&mut settings.faults));
        let refused = |source| StartError::Listen { listen, source };
        let listener = TcpListener::bind(listen).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, address, server: Arc::new(Server { settings, store, gate, rules, requests }) })
    }

    /// The address that it listens on, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where clients find it: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        endpoint(self.address)
    }

    /// Serves on the caller's tokio runtime, which must have its timer and I/O drivers, until `stop` is ready. Connections
    /// that are open then are dropped; what has begun to be stored is stored.
    ///
    /// # Errors
    /// [`StartError::Listen`] if the runtime does not take the listener.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), StartError> {
        let refused = |source| StartError::Listen { listen: self.address, source };
        let listener = tokio::net::TcpListener::from_std(self.listener).map_err(refused)?;
        let mut connections = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return Ok(()),
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((tcp, _)) => { connections.spawn(connection(Arc::clone(&self.server), tcp)); }
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be taken");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
    }

    /// Serves on threads of its own until the [`Running`] is stopped or dropped.
    ///
    /// # Errors
    /// [`StartError::Runtime`].
    pub fn start(self) -> Result<Running, StartError> {
        let refused = |source| StartError::Runtime { source };
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.enable_all().thread_name("oss-emulator").build().map_err(refused)?;
        let (stop, stopped) = oneshot::channel();
        let (address, server) = (self.address, Arc::clone(&self.server));
        let run = move || {
            let stopped = async {
                let _ = stopped.await;
            };
            if let Err(error) = runtime.block_on(self.serve(stopped)) {
                tracing::error!(%error, "the server has ended");
            }
            runtime.shutdown_timeout(STOP_TIME);
        };
        let thread =
            std::thread::Builder::new().name("oss-emulator".to_owned()).spawn(run).map_err(refused)?;
        Ok(Running { address, server, stop: Some(stop), thread: Some(thread) })
    }
}

/// A server on threads of its own. Dropping it stops it.
pub struct Running {
    address: SocketAddr,
    server: Arc<Server>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where clients find it: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        endpoint(self.address)
    }

    /// What was asked of it so far, in order of arrival; at most the last 200,000 requests. A request is in it once its answer
    /// is ready to be sent.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests.all()
    }

    /// Stops it as a killed process stops: connections end where they are. Returns when the port and the folder are free.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

fn endpoint(address: SocketAddr) -> String {
    format!("http://{address}")
}

async fn connection(server: Arc<Server>, tcp: TcpStream) {
    let _ = tcp.set_nodelay(true);
    let line = Line::new(server.settings.bandwidth);
    let stream = TokioIo::new(Stream::new(tcp, Arc::clone(&line)));
    let service = service_fn(|request| {
        // A task of its own, so that what was begun goes on when the client hangs up, as with OSS.
        let task = tokio::spawn(exchange(Arc::clone(&server), Arc::clone(&line), request));
        Box::pin(async { task.await.unwrap_or(Err(NoAnswer)) })
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .half_close(true)
        .serve_connection(stream, service);
    if let Err(error) = std::future::poll_fn(|cx| connection.poll_without_shutdown(cx)).await {
        tracing::debug!(%error, "a connection ended");
    }
    connection.into_parts().io.into_inner().end().await;
}
