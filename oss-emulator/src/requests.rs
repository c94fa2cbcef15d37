//! What was asked of the server, for tests to count: in memory, and as JSON lines that another process can read.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One request and how it ended. It is noted when the answer is ready, or when the connection ended before.
///
/// Nothing secret is in it: no `Authorization`, no token, no query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Request {
    /// Order of arrival at this server, from 1.
    pub seq: u64,
    /// When it arrived, on the machine's clock: RFC 3339 with milliseconds.
    pub time: String,
    /// Process that served it.
    pub process: u32,
    /// Method of HTTP.
    pub method: String,
    /// Operation, in the words of the fault script; empty if it is none.
    pub operation: String,
    /// Bucket that it names.
    pub bucket: Option<String>,
    /// Key that it names.
    pub key: Option<String>,
    /// Upload that it names.
    pub upload_id: Option<String>,
    /// Part that it names.
    pub part: Option<u16>,
    /// Bytes of its body that arrived.
    pub body_bytes: u64,
    /// CRC-64 of those bytes, when they were data of an object or part.
    pub body_crc64: Option<u64>,
    /// Status that was answered; `None`: the connection ended without an answer.
    pub status: Option<u16>,
    /// Code of the error that was answered.
    pub code: Option<String>,
    /// EC of the error that was answered.
    pub ec: Option<String>,
    /// `x-oss-request-id` of the answer.
    pub request_id: String,
    /// Rules of the fault script that fired: place in the script, colon, action.
    pub faults: Vec<String>,
    /// Whether it was carried out, answered or not.
    pub applied: bool,
}

/// Requests that are kept in memory; older ones are only in the file.
const KEPT: usize = 200_000;

/// The log of a server.
#[derive(Debug)]
pub(crate) struct RequestLog {
    count: AtomicU64,
    kept: Mutex<VecDeque<Request>>,
    file: File,
}

impl RequestLog {
    /// Appends to `path`: several servers may write one file, a line at a time.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { count: AtomicU64::new(0), kept: Mutex::default(), file })
    }

    /// Begins the entry of a request that has just arrived.
    pub(crate) fn begin(&self, method: &str, request_id: String) -> Request {
        Request {
            seq: self.count.fetch_add(1, Ordering::Relaxed) + 1,
            time: format!("{:.3}", Timestamp::now()),
            process: std::process::id(),
            method: method.to_owned(),
            request_id,
            ..Request::default()
        }
    }

    pub(crate) fn end(&self, request: Request) {
        match serde_json::to_vec(&request) {
            Ok(mut line) => {
                line.push(b'\n');
                if let Err(error) = (&self.file).write_all(&line) {
                    tracing::warn!(%error, "the request log cannot be written");
                }
            }
            Err(error) => tracing::warn!(%error, "a request cannot be logged"),
        }
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(request);
    }

    pub(crate) fn all(&self) -> Vec<Request> {
        let kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut requests: Vec<Request> = kept.iter().cloned().collect();
        requests.sort_by_key(|request| request.seq);
        requests
    }
}
