//! One HTTP exchange over a connection of its own, blocking, without TLS: what an embedder's own client stands for.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, request::Parts};

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The server saw nothing.
    NotSent(io::Error),
    /// It may have acted.
    Unanswered(io::Error),
}

/// Sends `head` with a body of `len` bytes that `write_body` makes, and reads the whole answer.
///
/// The request says HTTP/1.0: the answer then ends where the connection does.
pub(crate) fn exchange(
    head: &Parts,
    len: u64,
    write_body: impl FnOnce(&mut TcpStream) -> io::Result<()>,
) -> Result<Response<Bytes>, Failed> {
    let mut stream = connect(head).map_err(Failed::NotSent)?;
    let sent = stream.write_all(&head_bytes(head, len)).and_then(|()| write_body(&mut stream));
    // A server that refuses early closes its side: what it says counts more than that it no longer reads.
    answer(&mut BufReader::new(stream), head.method == Method::HEAD)
        .map_err(|unread| Failed::Unanswered(sent.err().unwrap_or(unread)))
}

#[expect(clippy::disallowed_methods, reason = "an example of what the library leaves to others")]
fn connect(head: &Parts) -> io::Result<TcpStream> {
    let authority =
        head.uri.authority().ok_or_else(|| io::Error::other("the request has no absolute address"))?;
    TcpStream::connect((authority.host(), authority.port_u16().unwrap_or(80)))
}

fn head_bytes(head: &Parts, len: u64) -> Vec<u8> {
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let host = head.uri.authority().map_or("", |authority| authority.as_str());
    let mut bytes = format!("{} {target} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {len}\r\n", head.method)
        .into_bytes();
    for (name, value) in &head.headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

fn answer(stream: &mut impl BufRead, bodiless: bool) -> io::Result<Response<Bytes>> {
    let unreadable = || io::Error::new(io::ErrorKind::InvalidData, "the answer is no HTTP");
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).ok_or_else(unreadable)?;
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::from_bytes(status.as_bytes()).map_err(|_| unreadable())?;
    let mut len = None;
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            len = value.trim().parse::<u64>().ok();
        }
        answer.headers_mut().append(
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| unreadable())?,
            HeaderValue::from_str(value.trim()).map_err(|_| unreadable())?,
        );
    }
    if !bodiless {
        let mut body = Vec::new();
        stream.take(len.unwrap_or(1 << 22)).read_to_end(&mut body)?;
        if len.is_some_and(|len| len != body.len() as u64) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        *answer.body_mut() = body.into();
    }
    Ok(answer)
}
