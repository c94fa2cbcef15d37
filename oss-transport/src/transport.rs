use std::sync::Arc;

use async_trait::async_trait;

use crate::{Answer, Body, Timeouts, TransportError};

/// One request and the rules under which it travels.
#[derive(Debug)]
pub struct Exchange {
    /// What is sent. The URI is absolute (`https://host[:port]/path?query`) and goes out byte for byte: nothing in
    /// it is normalised. `Host` and `Content-Length` are added by the transport.
    pub request: http::Request<Body>,
    /// When this attempt is dead.
    pub timeouts: Timeouts,
    /// Most bytes of the answer's body that are read into memory; a longer one is an error of kind
    /// [`TransportError::Unanswered`]. `None`: the body is streamed, [`Answer::Stream`].
    pub answer_limit: Option<usize>,
}

/// The port: one asynchronous function.
///
/// Dropping the future gives the exchange up at once: its connection is closed, its body is dropped.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends one request and waits for its answer.
    ///
    /// Any status is an answer, also one that arrives while the body is still going out; sending then stops.
    ///
    /// # Errors
    /// [`TransportError::NotSent`] if the server cannot have seen the request, [`TransportError::Unanswered`] if it
    /// may have been carried out, [`TransportError::Body`] if the caller's own body failed.
    async fn send(&self, exchange: Exchange) -> Result<http::Response<Answer>, TransportError>;
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(&self, exchange: Exchange) -> Result<http::Response<Answer>, TransportError> {
        (**self).send(exchange).await
    }
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for &T {
    async fn send(&self, exchange: Exchange) -> Result<http::Response<Answer>, TransportError> {
        (**self).send(exchange).await
    }
}
