//! The service in memory behind a socket, as far as the examples speak HTTP.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
};

use bytes::Bytes;
use http::Request;

use crate::fake_oss::FakeOss;

/// Serves on a free port until the process ends; gives the endpoint.
#[expect(clippy::disallowed_methods, reason = "a server has threads")]
pub(crate) fn serve(oss: FakeOss) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let oss = oss.clone();
            std::thread::spawn(move || answer(&oss, stream.unwrap()));
        }
    });
    endpoint
}

/// A request that does not come in whole is forgotten, as the service does.
fn answer(oss: &FakeOss, stream: TcpStream) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut words = lines.first()?.split(' ');
    let mut request = Request::builder().method(words.next()?).uri(words.next()?);
    for line in &lines[1..] {
        let (name, value) = line.split_once(": ")?;
        request = request.header(name, value);
    }
    let (head, ()) = request.body(()).ok()?.into_parts();
    let len = head.headers.get("content-length").map_or(Some(0), |len| len.to_str().ok()?.parse().ok())?;
    let mut body = vec![0; len];
    stream.read_exact(&mut body).ok()?;
    let (answer, body) = oss.answer(&head, Bytes::from(body)).into_parts();
    let mut bytes = format!("HTTP/1.0 {}\r\n", answer.status).into_bytes();
    for (name, value) in &answer.headers {
        bytes.extend_from_slice(format!("{name}: {}\r\n", value.to_str().unwrap()).as_bytes());
    }
    if !answer.headers.contains_key("content-length") {
        bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    stream.get_mut().write_all(&bytes).ok()
}
