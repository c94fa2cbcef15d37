//! The HTTP port of the uploader: one exchange, one answer.
//!
//! A [`Transport`] is an asynchronous function from an [`Exchange`] to a response. Any status is a response; an
//! error says that there is none, and whether the server may have acted on the request ([`TransportError`]).
//! There are no retries here, no redirects, and nothing that knows OSS.
//!
//! ```text
//!   Exchange                                             Response<Answer>
//!     request: Request<Body>                               any status
//!     timeouts         ──────►  Transport::send  ──────►   Answer::Whole | Answer::Stream
//!     answer_limit                     │
//!                                      └──────────────►  TransportError: NotSent | Unanswered | Body
//! ```
//!
//! With the feature `hyper` there is `HyperTransport`, with `fault` there is `Faulty`:
//!
//! ```no_run
//! use bytes::Bytes;
//! use oss_transport::{Answer, Body, Exchange, HyperTransport, Timeouts, Transport, TransportError, Unsent};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let transport = HyperTransport::builder().threads(4).ca_file("/etc/our-ca.pem").build();
//! let request = http::Request::put("https://bucket.example/key").body(Body::Bytes(Bytes::from_static(b"hello")))?;
//! let exchange = Exchange { request, timeouts: Timeouts::default(), answer_limit: Some(64 * 1024) };
//! match transport.send(exchange).await {
//!     Ok(response) => match response.body() {
//!         Answer::Whole(bytes) => println!("{}: {} bytes", response.status(), bytes.len()),
//!         Answer::Stream(_) => unreachable!("a limit was given"),
//!     },
//!     Err(TransportError::NotSent { reason: Unsent::Certificate, .. }) => println!("look at the certificates"),
//!     Err(TransportError::NotSent { .. }) => println!("safe to send again"),
//!     Err(TransportError::Unanswered { .. }) => println!("find out what happened first"),
//!     Err(TransportError::Body { source }) => println!("our own bytes failed: {source}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # A transport of one's own
//!
//! Implement [`Transport`] over whatever carries HTTP in a program. What its callers rely on:
//!
//! 1. The request target and the headers go out as they are; `Host` (if the caller gave none) and `Content-Length` are
//!    added, and nothing else is. A body is never sent in chunked encoding.
//! 2. [`TransportError::NotSent`] is a promise that no byte of the request left. In doubt it is
//!    [`TransportError::Unanswered`].
//! 3. Only an answer whose framing says that it is whole is [`Answer::Whole`].
//! 4. A [`ChunkSource`] is opened anew for each connection on which its body goes out. When its [`Chunks`] fail, the
//!    connection is closed before the last byte.
//! 5. [`ChunkSource::open`] and [`Chunks::next`] may block; they are called where that stalls nobody else, or not at all
//!    where their siblings `…_at_once` have an answer. Neither is called again once all bytes of the stated length were
//!    handed out.
//! 6. All clocks of [`Timeouts`] run, each from the moment that it names.
//! 7. Dropping the future closes the connection.
//!
//! The smallest one answers from memory:
//!
//! ```
//! use async_trait::async_trait;
//! use oss_transport::{Answer, Exchange, Transport, TransportError};
//!
//! struct Teapot;
//!
//! #[async_trait]
//! impl Transport for Teapot {
//!     async fn send(&self, exchange: Exchange) -> Result<http::Response<Answer>, TransportError> {
//!         let words = format!("no coffee at {}", exchange.request.uri().path());
//!         let mut response = http::Response::new(Answer::Whole(words.into()));
//!         *response.status_mut() = http::StatusCode::IM_A_TEAPOT;
//!         Ok(response)
//!     }
//! }
//! ```

mod answer;
mod body;
mod error;
#[cfg(feature = "fault")]
mod faulty;
#[cfg(feature = "hyper")]
mod hyper_transport;
mod timeouts;
mod transport;

pub use answer::{Answer, AnswerStream};
pub use body::{Body, BodyError, ChunkSource, Chunks};
pub use error::{BoxError, TransportError, Unsent};
#[cfg(feature = "fault")]
pub use faulty::{Fate, Faulty};
#[cfg(feature = "hyper")]
pub use hyper_transport::{HyperTransport, HyperTransportBuilder};
pub use timeouts::Timeouts;
pub use transport::{Exchange, Transport};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
