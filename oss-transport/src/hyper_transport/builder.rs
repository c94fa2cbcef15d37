use std::{
    fmt,
    path::PathBuf,
    sync::{Mutex, mpsc as channel},
    thread::available_parallelism,
    time::Duration,
};

use http::Uri;

use super::{HyperTransport, Workers, dial::Dialer, proxy::Proxies, tls::Tls};

/// Most threads unless told otherwise, on however many cores: so many fill a line of 100 Gbit/s.
const DEFAULT_THREADS: usize = 16;
const MAX_THREADS: usize = 64;
/// How long an idle connection is kept: shorter than servers commonly keep theirs (60 s), so that it is ours to
/// close.
const DEFAULT_IDLE_LIMIT: Duration = Duration::from_secs(30);

/// Options of a [`HyperTransport`].
#[derive(Clone, Debug)]
pub struct HyperTransportBuilder {
    threads: usize,
    guest: bool,
    idle_limit: Duration,
    ca_file: Option<PathBuf>,
    proxy: ProxyRule,
}

#[derive(Clone)]
enum ProxyRule {
    Environment,
    Never,
    Always(Uri),
}

impl Default for HyperTransportBuilder {
    fn default() -> Self {
        Self {
            threads: available_parallelism().map_or(1, usize::from).min(DEFAULT_THREADS),
            guest: false,
            idle_limit: DEFAULT_IDLE_LIMIT,
            ca_file: None,
            proxy: ProxyRule::Environment,
        }
    }
}

impl HyperTransportBuilder {
    /// Most threads, 1 to 64; values outside are moved to the nearest. They are started as exchanges overlap, so a
    /// transport that carries one at a time has one. Default: one a core, and at most 16.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.clamp(1, MAX_THREADS);
        self
    }

    /// Makes exchanges on the thread that asks for them as well, which counts as the first of the threads and spares two changes
    /// of the thread for each exchange. That thread has to run a Tokio runtime of one thread with I/O and time; on any other
    /// thread this changes nothing. What holds it up holds up the exchanges that it makes. Answers that are streamed
    /// ([`Answer::Stream`](crate::Answer::Stream)) always come from threads of the transport. Not the default.
    #[must_use]
    pub fn as_guest(mut self) -> Self {
        self.guest = true;
        self
    }

    /// How long a connection may be idle before it is closed. Default: 30 s.
    #[must_use]
    pub fn idle_limit(mut self, limit: Duration) -> Self {
        self.idle_limit = limit;
        self
    }

    /// Trusts the certificates in this PEM file beside those of the system. The file is read at the first https
    /// exchange; if that fails, so does each https exchange, as [`crate::Unsent::Request`].
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Takes the proxy from `HTTP_PROXY`, `HTTPS_PROXY` and `ALL_PROXY`, with exceptions in `NO_PROXY`, upper or
    /// lower case, when the transport is built. This is the default. Loopback and link-local hosts are always
    /// reached directly.
    #[must_use]
    pub fn proxy_from_env(mut self) -> Self {
        self.proxy = ProxyRule::Environment;
        self
    }

    /// Uses no proxy, whatever the environment says.
    #[must_use]
    pub fn no_proxy(mut self) -> Self {
        self.proxy = ProxyRule::Never;
        self
    }

    /// Uses this proxy, `http://[user:password@]host[:port]`, for all but loopback and link-local hosts.
    #[must_use]
    pub fn proxy(mut self, proxy: Uri) -> Self {
        self.proxy = ProxyRule::Always(proxy);
        self
    }

    /// The transport. Starts no thread and reads no file yet.
    pub fn build(self) -> HyperTransport {
        let proxies = match &self.proxy {
            ProxyRule::Environment => Proxies::from_env(),
            ProxyRule::Never => Proxies::none(),
            ProxyRule::Always(proxy) => Proxies::all(proxy),
        };
        let (alive, ended) = channel::channel();
        let dialer = Dialer::new(proxies, Tls::new(self.ca_file));
        HyperTransport {
            workers: Mutex::new(Workers::new(self.threads, self.guest, dialer, self.idle_limit, alive)),
            ended: Mutex::new(ended),
        }
    }
}

impl fmt::Debug for ProxyRule {
    /// The address of a proxy may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::Never => "Never",
            Self::Always(_) => "Always(***)",
        })
    }
}
