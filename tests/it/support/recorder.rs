//! A proxy that writes down what goes over the wire to the emulator, byte for byte.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
};

use rustix::net::sockopt::set_socket_recv_buffer_size;

/// What clients sent, a buffer for each connection.
type Streams = Arc<Mutex<Vec<Arc<Mutex<Vec<u8>>>>>>;

/// Listens on a free port and hands everything on. Its threads end with their connections and the test.
#[derive(Debug)]
pub(crate) struct Recorder {
    address: SocketAddr,
    streams: Streams,
    gate: Arc<Gate>,
}

/// How many bytes of a connection are taken from the client for the time being.
#[derive(Debug)]
struct Gate {
    most: Mutex<usize>,
    opened: Condvar,
}

impl Recorder {
    /// In front of `server`.
    pub(crate) fn before(server: SocketAddr) -> Self {
        Self::holding_after(usize::MAX, server)
    }

    /// In front of `server`, and takes no more than about `most` bytes of a connection until it is told to go on.
    pub(crate) fn holding_after(most: usize, server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        // What the system takes ahead of the reader stays small; connections inherit it.
        set_socket_recv_buffer_size(&listener, 1 << 20).unwrap();
        let address = listener.local_addr().unwrap();
        let streams = Streams::default();
        let kept = Arc::clone(&streams);
        let gate = Arc::new(Gate { most: Mutex::new(most), opened: Condvar::new() });
        let held = Arc::clone(&gate);
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let heard = Arc::default();
                kept.lock().unwrap().push(Arc::clone(&heard));
                hand_on(client, TcpStream::connect(server).unwrap(), heard, Arc::clone(&held));
            }
        });
        Self { address, streams, gate }
    }

    /// Takes everything from here on.
    pub(crate) fn go_on(&self) {
        *self.gate.most.lock().unwrap() = usize::MAX;
        self.gate.opened.notify_all();
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How much has come from clients.
    pub(crate) fn bytes_so_far(&self) -> usize {
        self.streams.lock().unwrap().iter().map(|stream| stream.lock().unwrap().len()).sum()
    }

    /// The requests of all connections so far, cut by their `Content-Length`.
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        let streams = self.streams.lock().unwrap();
        streams.iter().flat_map(|stream| Recorded::all_in(&stream.lock().unwrap())).collect()
    }
}

fn hand_on(client: TcpStream, server: TcpStream, heard: Arc<Mutex<Vec<u8>>>, gate: Arc<Gate>) {
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let mut block = vec![0; 64 << 10];
        while let Ok(read @ 1..) = from_client.read(&mut block) {
            let so_far = {
                let mut heard = heard.lock().unwrap();
                heard.extend_from_slice(&block[..read]);
                heard.len()
            };
            drop(gate.opened.wait_while(gate.most.lock().unwrap(), |most| so_far >= *most));
            if to_server.write_all(&block[..read]).is_err() {
                break;
            }
        }
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let (mut from_server, mut to_client) = (server, client);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Write);
    });
}

/// A request as it stood on the wire.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    pub(crate) target: String,
    /// As spelt, in order, repeated ones repeated.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Recorded {
    /// The values of a header, whatever its case.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let same = |(spelt, _): &&(String, String)| spelt.eq_ignore_ascii_case(name);
        self.headers.iter().filter(same).map(|(_, value)| value.as_str()).collect()
    }

    fn all_in(mut bytes: &[u8]) -> Vec<Self> {
        let mut requests = Vec::new();
        while !bytes.is_empty() {
            let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head ends") + 4;
            let head = std::str::from_utf8(&bytes[..end]).expect("a head is text");
            let mut lines = head.lines();
            let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
            let (method, target) = (words.next().unwrap(), words.next().unwrap());
            assert_eq!((words.next().as_deref(), words.next()), (Some("HTTP/1.1"), None), "{head}");
            let headers: Vec<(String, String)> = lines
                .filter(|line| !line.is_empty())
                .map(|line| line.split_once(':').expect("a header has a colon"))
                .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
                .collect();
            let request = Self { method, target, headers, body: Vec::new() };
            let length = match request.header("content-length")[..] {
                [] => 0,
                [length] => length.parse().unwrap(),
                _ => panic!("two lengths: {head}"),
            };
            let body = bytes[end..].get(..length).expect("a body is as long as it was said to be").to_vec();
            bytes = &bytes[end + length..];
            requests.push(Self { body, ..request });
        }
        requests
    }
}
