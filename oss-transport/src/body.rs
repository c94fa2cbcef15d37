use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;

use crate::BoxError;

/// What a request carries; its length is always known before the first byte.
#[derive(Clone)]
pub enum Body {
    /// No bytes. A `Content-Length: 0` goes out for methods that may have a body.
    Empty,
    /// Bytes in memory.
    Bytes(Bytes),
    /// Bytes that are made while they are sent, and can be made again for another attempt.
    Chunks {
        /// Exact number of bytes that the chunks add up to.
        len: u64,
        /// Where they come from.
        source: Arc<dyn ChunkSource>,
    },
}

/// Makes the chunks of a body, as often as it is asked to.
pub trait ChunkSource: Send + Sync {
    /// Starts from the first byte.
    ///
    /// # Errors
    /// Whatever keeps the bytes from being read; it ends the exchange as [`crate::TransportError::Body`].
    fn open(&self) -> Result<Box<dyn Chunks>, BodyError>;

    /// The same where it waits for nothing; `None` where it may block, as it does if this is left out: then
    /// [`open`](Self::open) is called where only this exchange waits, which costs two changes of the thread.
    fn open_at_once(&self) -> Option<Result<Box<dyn Chunks>, BodyError>> {
        None
    }
}

/// One pass over the bytes of a body.
pub trait Chunks: Send {
    /// The next piece, or `None` behind the last one. May block on a disk: a transport calls it where only this
    /// exchange waits.
    ///
    /// # Errors
    /// Whatever keeps the bytes from being read. The connection is then closed, so that the server sees a body
    /// shorter than its `Content-Length` and stores nothing.
    fn next(&mut self) -> Result<Option<Bytes>, BodyError>;

    /// The same where it waits for nothing; `None` where it may block, as it does if this is left out: then
    /// [`next`](Self::next) is called where only this exchange waits. No piece is lost between the two.
    ///
    /// # Errors
    /// Those of `next`.
    fn next_at_once(&mut self) -> Option<Result<Option<Bytes>, BodyError>> {
        None
    }

    /// How long to wait before the next piece is asked for. A transport waits without holding its thread, and does not take the
    /// time for the connection's.
    fn wait(&mut self) -> Duration {
        Duration::ZERO
    }
}

/// Why a body could not be made.
pub type BodyError = BoxError;

impl Body {
    /// Exact length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Chunks { len, .. } => *len,
        }
    }

    /// Whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.len())
    }
}
