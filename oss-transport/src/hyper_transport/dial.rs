//! From a name to a stream that hyper can use: resolve, connect, proxy and TLS under one clock.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hyper_rustls::MaybeHttpsStream;
use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{
    fault::Fault,
    flow::Flow,
    proxy::{Proxies, Proxy},
    target::Target,
    tls::Tls,
    way::{Step, Way},
    wire::Wire,
};
use crate::{BoxError, Unsent};

/// How long one address is alone before the next one is tried beside it (RFC 8305, section 5, recommends 250 ms).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// How long an address that failed is tried after all others.
const AVOID: Duration = Duration::from_mins(1);
/// A peer that acknowledges nothing for so long is gone.
const USER_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes that the kernel takes of a request before it has sent what it has: one block of a body. With all that its buffer holds, which
/// is megabytes, a slow peer looks like one that takes nothing, and what counts as sent is not.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 256 << 10;
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub(super) struct Refusal {
    pub(super) reason: Unsent,
    pub(super) source: BoxError,
}

pub(super) fn refuse(reason: Unsent, source: impl Into<BoxError>) -> Refusal {
    Refusal { reason, source: source.into() }
}

/// Opens connections. One for all threads of a transport.
pub(super) struct Dialer {
    pub(super) proxies: Proxies,
    pub(super) tls: Tls,
    failed: Mutex<HashMap<SocketAddr, Instant>>,
}

impl Dialer {
    pub(super) fn new(proxies: Proxies, tls: Tls) -> Self {
        Self { proxies, tls, failed: Mutex::default() }
    }

    /// A connection to `target`, through `proxy` if there is one, within `limit`.
    pub(super) async fn dial(
        self: &Arc<Self>,
        target: &Target,
        proxy: Option<&Proxy>,
        flow: Arc<Flow>,
        limit: Duration,
    ) -> Result<Wire, Refusal> {
        let way = Way::new(Arc::clone(self), proxy.cloned(), Arc::clone(&flow));
        let step = way.step();
        let arriving = async {
            if target.is_https {
                self.tls.secure(way, target.uri()).await
            } else {
                way.go(target).await.map(MaybeHttpsStream::Http)
            }
        };
        match timeout(limit, arriving).await {
            Ok(stream) => Ok(Wire::new(stream?, flow)),
            Err(_elapsed) => Err(refuse(Unsent::Timeout, Fault::ConnectTooSlow(limit, step.words()))),
        }
    }

    /// A TCP connection to the first address of `host` that takes one.
    pub(super) async fn reach(&self, host: &str, port: u16, step: &Step) -> Result<TcpStream, Refusal> {
        let found =
            tokio::net::lookup_host((host, port)).await.map_err(|error| refuse(Unsent::Resolve, error))?;
        let addresses = self.in_order(found.collect());
        if addresses.is_empty() {
            return Err(refuse(Unsent::Resolve, Fault::Words(format!("{host} has no address"))));
        }
        step.is_now("connecting");
        let stream = self.race(addresses).await.map_err(|error| refuse(Unsent::Connect, error))?;
        tune(&stream).map_err(|error| refuse(Unsent::Connect, error))?;
        Ok(stream)
    }

    /// Families take turns, and what failed lately comes last.
    fn in_order(&self, found: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let first_is_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
        let (ahead, behind): (Vec<_>, Vec<_>) = found.into_iter().partition(|at| at.is_ipv6() == first_is_v6);
        let mut ahead = ahead.into_iter();
        let mut behind = behind.into_iter();
        let mut turns = Vec::new();
        loop {
            let pair = [ahead.next(), behind.next()];
            if pair == [None, None] {
                break;
            }
            turns.extend(pair.into_iter().flatten());
        }
        let mut failed = self.failed();
        failed.retain(|_, since| since.elapsed() < AVOID);
        turns.sort_by_key(|at| failed.contains_key(at));
        turns
    }

    /// The first address that takes the connection.
    async fn race(&self, addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
        let mut waiting = addresses.into_iter();
        let mut tried = Vec::new();
        let mut attempts = JoinSet::new();
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        loop {
            match waiting.next() {
                Some(address) => {
                    tried.push(address);
                    attempts.spawn(async move { (address, TcpStream::connect(address).await) });
                }
                None if attempts.is_empty() => return Err(last),
                None => {}
            }
            tokio::select! {
                biased;
                joined = attempts.join_next() => match joined {
                    Some(Ok((address, Ok(stream)))) => {
                        tried.retain(|&other| other != address);
                        self.avoid(&tried);
                        return Ok(stream);
                    }
                    Some(Ok((address, Err(error)))) => {
                        self.avoid(&[address]);
                        last = error;
                    }
                    Some(Err(error)) => last = io::Error::other(error),
                    None => {}
                },
                () = sleep(ATTEMPT_DELAY), if waiting.len() > 0 => {}
            }
        }
    }

    fn avoid(&self, addresses: &[SocketAddr]) {
        let now = Instant::now();
        self.failed().extend(addresses.iter().map(|&address| (address, now)));
    }

    fn failed(&self) -> MutexGuard<'_, HashMap<SocketAddr, Instant>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tune(stream: &TcpStream) -> io::Result<()> {
    use rustix::net::sockopt;

    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, KEEPALIVE_IDLE)?;
    sockopt::set_tcp_keepintvl(stream, KEEPALIVE_INTERVAL)?;
    #[cfg(target_os = "linux")]
    {
        sockopt::set_tcp_user_timeout(stream, u32::try_from(USER_TIMEOUT.as_millis()).unwrap_or(u32::MAX))?;
        socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

    use super::*;

    fn dialer() -> Arc<Dialer> {
        Arc::new(Dialer::new(Proxies::none(), Tls::new(None)))
    }

    fn run<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    fn good() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// An address whose queue is full: the first packet of any further connection is dropped, as by a dead host.
    fn dead() -> (Vec<Box<dyn Send>>, SocketAddr) {
        let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&listener, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        listen(&listener, 0).unwrap();
        let address = SocketAddr::try_from(getsockname(&listener).unwrap()).unwrap();
        let mut held: Vec<Box<dyn Send>> = vec![Box::new(listener)];
        while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
            held.push(Box::new(stream));
        }
        (held, address)
    }

    fn refusing() -> SocketAddr {
        good().1
    }

    // Rows: 3
    #[test]
    fn a_dead_address_holds_nobody_up() {
        let ((_held, dead), (_listener, good)) = (dead(), good());
        let dialer = dialer();
        for first in [dead, refusing()] {
            let begun = std::time::Instant::now();
            let stream = run(dialer.race(vec![first, good])).unwrap();
            assert_eq!(stream.peer_addr().unwrap(), good);
            // The kernel tries a dropped packet again only after a second.
            assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
            assert_eq!(dialer.in_order(vec![first, good]), [good, first], "it is tried last for a while");
        }
    }

    // Rows: 5
    #[test]
    fn connecting_has_one_clock() {
        let (_held, dead) = dead();
        let target =
            Target::of(&format!("http://{dead}/").parse().unwrap()).unwrap_or_else(|_| unreachable!());
        let limit = Duration::from_millis(300);
        let refusal = run(dialer().dial(&target, None, Arc::new(Flow::new()), limit)).err().unwrap();
        assert_eq!(refusal.reason, Unsent::Timeout);
        assert_eq!(refusal.source.to_string(), "300ms passed while connecting");
    }

    #[test]
    fn families_take_turns() {
        let [a, b, c, x]: [SocketAddr; 4] =
            ["[::1]:1", "[::2]:1", "[::3]:1", "127.0.0.1:1"].map(|text| text.parse().unwrap());
        assert_eq!(dialer().in_order(vec![a, b, c, x]), [a, x, b, c]);
        assert_eq!(dialer().in_order(vec![x, a, b, c]), [x, a, b, c]);
    }
}
