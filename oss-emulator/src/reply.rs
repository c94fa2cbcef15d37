//! An answer, before the headers that every answer has.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body::{Body, Frame, SizeHint};

use crate::store::ObjectReader;

/// Bytes of an object that go out at a time.
const BLOCK: usize = 256 << 10;

/// What an operation answers.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: ReplyBody,
}

impl Reply {
    pub(crate) fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: ReplyBody::empty() }
    }

    pub(crate) fn ok() -> Self {
        Self::new(StatusCode::OK)
    }

    pub(crate) fn xml(body: String) -> Self {
        Self::ok().with_body("application/xml", body)
    }

    pub(crate) fn with_body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = ReplyBody::full(body.into());
        self.header("content-type", content_type)
    }

    /// Sets a header; a value that no header can carry is left out.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.set(name, value);
        self
    }

    pub(crate) fn set(&mut self, name: &str, value: impl AsRef<[u8]>) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_ref())) {
            self.headers.insert(name, value);
        }
    }

    /// With the CRC-64 of an object or a part.
    pub(crate) fn crc64(self, crc64: u64) -> Self {
        self.header("x-oss-hash-crc64ecma", crc64.to_string())
    }

    /// With an `ETag`, which comes without quotes.
    pub(crate) fn etag(self, etag: &str) -> Self {
        self.header("etag", quoted(etag))
    }
}

pub(crate) fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// The body of an answer: some bytes, or a range of an object that is read while it goes out.
#[derive(Debug)]
pub(crate) struct ReplyBody {
    source: Source,
    /// A byte to flip, counted from the next.
    flip: Option<u64>,
}

#[derive(Debug)]
enum Source {
    Full(Bytes),
    Object(ObjectReader),
}

impl ReplyBody {
    pub(crate) fn empty() -> Self {
        Self::full(Bytes::new())
    }

    pub(crate) fn full(bytes: Bytes) -> Self {
        Self { source: Source::Full(bytes), flip: None }
    }

    pub(crate) fn object(reader: ObjectReader) -> Self {
        Self { source: Source::Object(reader), flip: None }
    }

    pub(crate) fn flip(&mut self, at: u64) {
        self.flip = Some(at);
    }

    pub(crate) fn length(&self) -> u64 {
        match &self.source {
            Source::Full(bytes) => bytes.len() as u64,
            Source::Object(reader) => reader.remaining(),
        }
    }

    fn next(&mut self) -> io::Result<Bytes> {
        let block = match &mut self.source {
            Source::Full(bytes) => std::mem::take(bytes),
            Source::Object(reader) => reader.next(BLOCK)?.into(),
        };
        let Some(at) = self.flip else { return Ok(block) };
        let Some(place) = usize::try_from(at).ok().filter(|place| *place < block.len()) else {
            self.flip = Some(at - block.len() as u64);
            return Ok(block);
        };
        self.flip = None;
        let mut flipped = block.to_vec();
        flipped[place] ^= 1;
        Ok(flipped.into())
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(match self.next() {
            Ok(block) if block.is_empty() => None,
            Ok(block) => Some(Ok(Frame::data(block))),
            Err(error) => Some(Err(error)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.length() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length())
    }
}
