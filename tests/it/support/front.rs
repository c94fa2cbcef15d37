//! A server in front of the emulator: it hands requests on one by one, and answers some of them itself.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use super::relay::operation_of;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What is done about a request.
pub(crate) enum Answered {
    /// The emulator answers.
    ByTheEmulator,
    /// These bytes, whatever they are; then the connection ends.
    With(Vec<u8>),
    /// These bytes, before any of the request's body is taken; what of that has come makes the end a reset.
    Early(Vec<u8>),
    /// These bytes, and then these others until nobody takes them any more.
    ForEver(Vec<u8>, Vec<u8>),
}

/// A request, as far as a lie depends on it.
#[derive(Debug)]
pub(crate) struct Asked {
    /// In the words of the fault script.
    pub(crate) operation: &'static str,
    /// Whether it waits for a go-ahead before it sends its body.
    pub(crate) waits: bool,
}

/// Listens on a free port. Its threads end with their connections and the test.
#[derive(Debug)]
pub(crate) struct Front {
    address: SocketAddr,
    scheme: &'static str,
}

type Answer = dyn Fn(&Asked) -> Answered + Send + Sync;

impl Front {
    /// In plain HTTP.
    pub(crate) fn new(
        server: SocketAddr,
        answer: impl Fn(&Asked) -> Answered + Send + Sync + 'static,
    ) -> Self {
        Self::listen(server, "http", Arc::new(answer), Some)
    }

    /// In https, with this certificate; all that is asked goes to the emulator.
    pub(crate) fn secure(server: SocketAddr, config: Arc<ServerConfig>) -> Self {
        let wrap = move |stream| {
            let session = ServerConnection::new(Arc::clone(&config)).ok()?;
            Some(StreamOwned::new(session, stream))
        };
        Self::listen(server, "https", Arc::new(|_: &Asked| Answered::ByTheEmulator), wrap)
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    fn listen<S: Read + Write>(
        server: SocketAddr,
        scheme: &'static str,
        answer: Arc<Answer>,
        wrap: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let wrap = Arc::new(wrap);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, answer, wrap) = (client.unwrap(), Arc::clone(&answer), Arc::clone(&wrap));
                thread::spawn(move || {
                    // A client may go away at any time.
                    let _ = wrap(client).map(|client| serve(client, server, &*answer));
                });
            }
        });
        Self { address, scheme }
    }
}

fn serve(mut client: impl Read + Write, server: SocketAddr, answer: &Answer) -> io::Result<()> {
    loop {
        let head = head(&mut client)?;
        let asked = Asked { operation: operation_of(&head), waits: head.contains("100-continue") };
        let answered = answer(&asked);
        if let Answered::Early(bytes) = answered {
            client.write_all(&bytes)?;
            return client.flush();
        }
        if asked.waits {
            client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let mut body = vec![0; length(&head)];
        client.read_exact(&mut body)?;
        match answered {
            Answered::Early(_) => unreachable!("it has ended"),
            Answered::ByTheEmulator => {
                let answer = ask(server, &head, &body)?;
                client.write_all(&answer)?;
                client.flush()?;
            }
            Answered::With(bytes) => {
                client.write_all(&bytes)?;
                return client.flush();
            }
            Answered::ForEver(bytes, more) => {
                client.write_all(&bytes)?;
                loop {
                    client.write_all(&more)?;
                    // Slow enough to leave the machine to others, and fast enough to fill a memory.
                    thread::sleep(Duration::from_millis(1));
                }
            }
        }
    }
}

/// One request to the emulator, on a connection of its own.
fn ask(server: SocketAddr, request: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(server)?;
    server.write_all(request.as_bytes())?;
    server.write_all(body)?;
    loop {
        let head = head(&mut server)?;
        let status: u16 = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        if status < 200 {
            continue;
        }
        let length = if request.starts_with("HEAD") || status == 204 { 0 } else { length(&head) };
        let mut answer = head.into_bytes();
        let from = answer.len();
        answer.resize(from + length, 0);
        server.read_exact(&mut answer[from..])?;
        return Ok(answer);
    }
}

/// All up to the empty line.
fn head(stream: &mut impl Read) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

fn length(head: &str) -> usize {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next().and_then(|(_, length)| length.trim().parse().ok()).unwrap_or(0)
}
