//! Where a request or an answer begins and ends, and which it is.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    io::{self, Read},
    net::TcpStream,
    sync::{Mutex, PoisonError},
};

/// A head that is longer is none, in bytes.
const MAX_HEAD: usize = 256 << 10;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    /// To the emulator.
    Request,
    /// To the program.
    Answer,
}

/// A message of which the head has come.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) side: Side,
    /// In the words of the fault script; an answer has that of its request.
    pub(crate) operation: &'static str,
    /// How many messages of this side and operation came before, on all connections.
    pub(crate) nth: usize,
    /// Which connection it is on, from 0.
    pub(crate) connection: usize,
    /// Which message of its side on this connection it is, from 0.
    pub(crate) turn: usize,
    /// Length of its head with the empty line, in bytes.
    pub(crate) head: usize,
    /// Length of its body, in bytes.
    pub(crate) body: usize,
}

impl Message {
    /// All of it, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.head + self.body
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { side, operation, nth, connection, turn, head, body, .. } = self;
        write!(f, "connection {connection}, {side:?} {turn}, {operation} {nth}, {head}+{body} bytes")
    }
}

/// How many messages there were of each side and operation.
#[derive(Default)]
pub(crate) struct Heads(Mutex<BTreeMap<(Side, &'static str), usize>>);

impl Heads {
    fn next(&self, side: Side, operation: &'static str) -> usize {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry((side, operation)).or_default();
        *count += 1;
        *count - 1
    }
}

/// The requests of a connection that have no answer yet, and how many messages there were.
#[derive(Default)]
pub(crate) struct Framing(Mutex<State>);

#[derive(Default)]
struct State {
    asked: VecDeque<String>,
    turns: [usize; 2],
}

impl Framing {
    pub(crate) fn describe(&self, side: Side, connection: usize, head: &[u8], heads: &Heads) -> Message {
        let text = String::from_utf8_lossy(head);
        let first = text.lines().next().unwrap_or_default().to_owned();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked, body) = match side {
            Side::Request => {
                state.asked.push_back(first.clone());
                (first, stated_length(&text))
            }
            Side::Answer => {
                let status = first.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
                let continues = status.is_some_and(|status| status < 200);
                let asked = if continues { state.asked.front().cloned() } else { state.asked.pop_front() };
                let asked = asked.unwrap_or_default();
                let bare = continues || status == Some(204) || asked.starts_with("HEAD");
                (asked, if bare { 0 } else { stated_length(&text) })
            }
        };
        let turn = state.turns[side as usize];
        state.turns[side as usize] += 1;
        let operation = operation_of(&asked);
        let nth = heads.next(side, operation);
        Message { side, operation, nth, connection, turn, head: head.len(), body }
    }
}

/// All up to the empty line; `None` at the end of the stream. What was read beyond it is left in `pending`.
pub(crate) fn take_head(from: &mut &TcpStream, pending: &mut Vec<u8>) -> io::Result<Option<Vec<u8>>> {
    let mut block = [0; 4096];
    loop {
        if let Some(at) = pending.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = pending.split_off(at + 4);
            return Ok(Some(std::mem::replace(pending, rest)));
        }
        if pending.len() > MAX_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        match from.read(&mut block)? {
            0 => return Ok(None),
            read => pending.extend_from_slice(&block[..read]),
        }
    }
}

fn stated_length(head: &str) -> usize {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next().and_then(|(_, length)| length.trim().parse().ok()).unwrap_or(0)
}

/// The operation that the first line of a request asks for, in the words of the fault script.
pub(crate) fn operation_of(first_line: &str) -> &'static str {
    let mut words = first_line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let query = target.split_once('?').map_or("", |(_, query)| query);
    match method {
        "PUT" if query.contains("partNumber") => "upload_part",
        "PUT" => "put_object",
        "POST" if query.contains("uploadId") => "complete",
        "POST" => "initiate",
        "GET" if query.contains("uploadId") => "list_parts",
        "GET" => "list_uploads",
        "HEAD" => "head_object",
        _ => "abort",
    }
}
