use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::TransportError;

/// The body of a response.
pub enum Answer {
    /// All of it, within the limit of the exchange.
    Whole(Bytes),
    /// A piece at a time.
    Stream(Box<dyn AnswerStream>),
}

/// A response body that arrives in pieces.
#[async_trait]
pub trait AnswerStream: Send {
    /// The next piece, or `None` behind the last one. A body that was cut is an error, never an end.
    ///
    /// # Errors
    /// [`TransportError::Unanswered`] when the rest does not arrive.
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError>;
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(bytes) => write!(f, "Answer({} bytes)", bytes.len()),
            Self::Stream(_) => f.write_str("Answer(stream)"),
        }
    }
}
