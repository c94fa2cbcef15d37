//! The HTTP port of the uploader: one exchange, one answer.
//!
//! A [`Transport`] is an asynchronous function from an [`Exchange`] to a response. Any status is a response; an
//! error says that there is none, and whether the server may have acted on the request ([`TransportError`]).
//! There are no retries here, no redirects, and nothing that knows OSS.

mod answer;
mod body;
mod error;
#[cfg(feature = "hyper")]
mod hyper_transport;
mod timeouts;
mod transport;

pub use answer::{Answer, AnswerStream};
pub use body::{Body, BodyError, ChunkSource, Chunks};
pub use error::{BoxError, TransportError, Unsent};
#[cfg(feature = "hyper")]
pub use hyper_transport::{HyperTransport, HyperTransportBuilder};
pub use timeouts::Timeouts;
pub use transport::{Exchange, Transport};
