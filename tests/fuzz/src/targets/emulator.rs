//! What the emulator reads: requests, from their heads alone and over a socket, bodies of Complete, and fault scripts.

use std::{
    cell::RefCell,
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use oss_checkpoint::{BucketName, ByteCount, Crc64, ETag, ObjectKey, PartNumber, PartReceipt};
use oss_emulator::{Emulator, Running, Settings, faults::Script, reading};
use oss_resumable::wire::{Complete, Operation};
use tempfile::TempDir;

use super::replies::World;
use crate::{input::request, second_reading::decoded};

/// The head of a request.
pub(crate) fn emulator_request(data: &[u8]) {
    let Some((head, _)) = request(data) else { return };
    let settings = Settings::new("unused");
    let read = match reading::Reading::of(&head, &settings) {
        Ok(read) => read,
        Err(code) => {
            assert!(!code.is_empty() && code.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{code:?}");
            return;
        }
    };
    if let Some(bucket) = &read.bucket {
        assert!(BucketName::new(bucket.as_str()).is_ok(), "{read:?}");
    }
    if let Some(key) = &read.key {
        assert!(ObjectKey::new(key.as_str()).is_ok(), "{read:?}");
        let path = decoded(head.uri.path().as_bytes());
        assert!(path.ends_with(key.as_bytes()), "the key is no end of the path: {read:?}");
    }
    let pairs = head.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let text = |text: &str| String::from_utf8_lossy(&decoded(text.replace('+', " ").as_bytes())).into_owned();
    assert!(pairs.map(|(name, value)| (text(name), text(value))).eq(read.query.iter().cloned()), "{read:?}");
}

/// Connections of a server before it is given another folder, so that none grows for ever.
const CONNECTIONS: u32 = 2_000;

/// The bytes are all that a client sends. The server answers in HTTP or not at all, and stays.
pub(crate) fn emulator_connection(data: &[u8]) {
    thread_local! {
        static SERVER: RefCell<Option<Server>> = const { RefCell::new(None) };
    }
    SERVER.with(|server| {
        let mut server = server.borrow_mut();
        if server.as_ref().is_none_or(|server| server.connections == CONNECTIONS) {
            *server = None;
        }
        let server = server.get_or_insert_with(Server::start);
        server.connections += 1;
        let answer = server.send(data);
        let beginning = &answer[..answer.len().min(9)];
        assert!(
            b"HTTP/1.1 ".starts_with(beginning) || b"HTTP/1.0 ".starts_with(beginning),
            "{}",
            answer.escape_ascii()
        );
        let after = server.send(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        assert!(after.starts_with(b"HTTP/1.1 200 "), "{}", after.escape_ascii());
    });
}

struct Server {
    running: Running,
    connections: u32,
    _folder: TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("there is room for a server");
        let mut settings = Settings::new(folder.path());
        settings.create_buckets = true;
        settings.no_verify = true;
        let running = Emulator::bind(settings).and_then(Emulator::start).expect("a server can be started");
        Self { running, connections: 0, _folder: folder }
    }

    /// Sends it, ends the sending, and takes whatever comes. A server that is silent for long has failed.
    fn send(&self, data: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.running.address()).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a minute is no zero");
        // It may have refused the head and be gone, before all is sent.
        let _ = stream.write_all(data).and_then(|()| stream.shutdown(Shutdown::Write));
        let mut answer = Vec::new();
        if let Err(error) = stream.read_to_end(&mut answer) {
            assert!(error.kind() == std::io::ErrorKind::ConnectionReset, "{error}");
        }
        answer
    }
}

/// The body of a Complete.
pub(crate) fn complete_body(data: &[u8]) {
    let Some(parts) = reading::named_parts(data) else { return };
    assert!(!parts.is_empty() && parts.len() <= data.len() / 7, "{} parts of nothing", parts.len());
    let receipts: Option<Vec<PartReceipt>> =
        parts.iter().map(|(number, etag)| receipt(*number, etag)).collect();
    // What the uploader would send for these parts is read as these parts.
    let Some(receipts) = receipts else { return };
    let World { target, upload_id, options } = &World::new();
    let request =
        Complete::new(target, upload_id, options, &receipts).request().expect("plain options are taken");
    assert_eq!(reading::named_parts(request.body()), Some(parts));
}

fn receipt(number: u64, etag: &str) -> Option<PartReceipt> {
    let etag = ETag::new(etag).ok()?;
    Some(PartReceipt {
        number: PartNumber::new(number).ok()?,
        size: ByteCount::ZERO,
        crc64: Crc64::EMPTY,
        etag,
    })
}

/// A fault script.
pub(crate) fn fault_script(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    match Script::parse(text) {
        Ok(script) => {
            assert!(script.len() <= text.matches("fault").count(), "{} rules of nothing", script.len());
            // A script is a list: behind itself it has twice the rules.
            let twice = Script::parse(&format!("{text}\n{text}"));
            assert!(twice.is_err() || twice.is_ok_and(|twice| twice.len() == 2 * script.len()));
        }
        Err(error) => {
            let lines = text.lines().count().max(1);
            assert!((1..=lines + 1).contains(&error.line), "line {} of {lines}", error.line);
            assert!(!error.message.is_empty() && error.message.len() <= 1024 + 2 * data.len(), "{error}");
        }
    }
}
