//! Which proxy stands between us and a host, and the way through it.

use std::net::IpAddr;

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::net::TcpStream;

use super::{
    dial::{Refusal, refuse},
    fault::Fault,
    target::bare_host,
};
use crate::Unsent;

/// Most bytes of a proxy's answer to CONNECT.
const MAX_HEAD: usize = 16 * 1024;
/// What ends a head.
const END: &[u8] = b"\r\n\r\n";

/// The rules by which a proxy is chosen.
pub(super) struct Proxies(Option<Matcher>);

/// One proxy, with its credentials; those appear in no message.
#[derive(Clone)]
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) authorization: Option<HeaderValue>,
    is_http: bool,
}

impl Proxies {
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, in either case.
    pub(super) fn from_env() -> Self {
        Self(Some(Matcher::from_env()))
    }

    /// One proxy for everything but this machine.
    pub(super) fn all(uri: &Uri) -> Self {
        Self(Some(Matcher::builder().all(uri.to_string()).build()))
    }

    /// The proxy for `uri`; loopback and link-local hosts are always reached directly.
    pub(super) fn find(&self, uri: &Uri) -> Option<Proxy> {
        let matcher = self.0.as_ref()?;
        if uri.host().is_none_or(is_near) {
            return None;
        }
        matcher.intercept(uri).as_ref().and_then(Proxy::of)
    }
}

impl Proxy {
    fn of(intercept: &Intercept) -> Option<Self> {
        let uri = intercept.uri();
        Some(Self {
            host: bare_host(uri.host()?).to_owned(),
            port: uri.port_u16().unwrap_or(80),
            authorization: intercept.basic_auth().cloned(),
            is_http: uri.scheme_str() == Some("http"),
        })
    }

    /// Refuses what cannot be spoken: proxies over TLS, SOCKS.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.is_http {
            Ok(())
        } else {
            Err(self.refusal("only proxies with an http address are supported"))
        }
    }

    pub(super) fn refusal(&self, why: &str) -> Refusal {
        refuse(Unsent::Proxy, Fault::Words(format!("proxy {}:{}: {why}", self.host, self.port)))
    }

    /// Asks for a tunnel to `host:port`.
    pub(super) async fn tunnel(&self, stream: &TcpStream, host: &str, port: u16) -> Result<(), Refusal> {
        let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
        if let Some(authorization) = &self.authorization {
            request.extend_from_slice(b"Proxy-Authorization: ");
            request.extend_from_slice(authorization.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        write_all(stream, &request).await.map_err(|error| self.refusal(&error.to_string()))?;
        let head = read_head(stream).await.map_err(|error| self.refusal(&error.to_string()))?;
        let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
        match line {
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', _, b' ', b'2', _, _, ..] if head.ends_with(END) => {
                Ok(())
            }
            // A TLS server waits for its client to speak, so nothing can have come through the tunnel yet.
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', _, b' ', b'2', _, _, ..] => {
                Err(self.refusal("sent bytes behind its answer to CONNECT"))
            }
            _ => Err(self.refusal(&format!("answered {:?}", printable(line)))),
        }
    }
}

fn is_near(host: &str) -> bool {
    let host = bare_host(host);
    if host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unicast_link_local(),
        Err(_) => false,
    }
}

async fn write_all(stream: &TcpStream, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads up to the empty line, and perhaps some bytes beyond it.
async fn read_head(stream: &TcpStream) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut block = [0; 1024];
    while !head.windows(END.len()).any(|bytes| bytes == END) {
        if head.len() > MAX_HEAD {
            return Err(std::io::Error::other("the answer to CONNECT is too long"));
        }
        stream.readable().await?;
        match stream.try_read(&mut block) {
            Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => head.extend_from_slice(&block[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(head)
}

fn printable(line: &[u8]) -> String {
    line.iter().take(80).map(|&byte| if byte.is_ascii_graphic() { byte.into() } else { ' ' }).collect()
}
