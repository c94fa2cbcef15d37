//! One HTTP/1.1 connection, and one exchange on it under its clocks.

use std::sync::Arc;

use http::{Request, Response, StatusCode, header};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::task::{AbortHandle, yield_now};

use super::{clocks::watched, fault::Fault, flow::Flow, outgoing::Outgoing, wire::Wire};
use crate::{Body, BoxError, Timeouts};

/// Bytes that hyper holds for one connection: one block of a body, and the most that a head may be long.
const BUFFER: usize = 256 * 1024;
/// Longest head of an answer, in bytes. OSS answers with about one KiB.
const MAX_HEAD: usize = 64 * 1024;

/// An open connection. Dropping it closes it at once.
pub(super) struct Connection {
    sender: http1::SendRequest<Outgoing>,
    flow: Arc<Flow>,
    task: AbortHandle,
}

/// How an exchange failed on one connection.
pub(super) enum Failure {
    /// Not one byte of the request was taken.
    NothingWritten(BoxError),
    /// It may have been carried out.
    Unanswered(BoxError),
    /// The caller's body failed.
    Body(BoxError),
}

impl Connection {
    /// Makes a connection of `wire`, whose notes are in `flow`.
    ///
    /// # Errors
    /// What hyper says; nothing was written.
    pub(super) async fn open(wire: Wire, flow: Arc<Flow>) -> Result<Self, BoxError> {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(BUFFER)
            .max_header_size(MAX_HEAD)
            .handshake(TokioIo::new(wire))
            .await?;
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
        });
        Ok(Self { sender, flow, task: task.abort_handle() })
    }

    /// Whether the server closed it, looking at the socket itself.
    pub(super) async fn is_dead(&self) -> bool {
        // The first turn lets the runtime see that the socket has something to say, the second lets hyper read it.
        yield_now().await;
        yield_now().await;
        self.is_closed()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends one request and reads the head of its answer.
    pub(super) async fn exchange(
        &mut self,
        head: Request<()>,
        body: &Body,
        timeouts: &Timeouts,
    ) -> Result<Response<Incoming>, Failure> {
        let waits = head.headers().get(header::EXPECT).is_some_and(|value| value == "100-continue");
        self.flow.begin(body.is_empty(), waits);
        let mut request = head.map(|()| Outgoing::new(body, Arc::clone(&self.flow)));
        let flow = Arc::clone(&self.flow);
        hyper::ext::on_informational(&mut request, move |answer| flow.informed(answer.status()));

        let response = match watched(self.sender.try_send_request(request), &self.flow, timeouts).await {
            Ok(Ok(response)) => response,
            Ok(Err(mut error)) => {
                let given_back = error.take_message().is_some();
                return Err(self.failure(given_back, error.into_error().into()));
            }
            Err(fault) => return Err(self.failure(false, fault.into())),
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Failure::Unanswered(Fault::Switched.into()));
        }
        if self.flow.is_flooded() {
            return Err(Failure::Unanswered(Fault::TooManyInformational.into()));
        }
        if !self.flow.is_sent() {
            // The answer counts; what is left of the body is not sent, and the connection is spent.
            self.flow.stop();
        }
        Ok(response)
    }

    /// Whether another exchange may use it. Called behind the last byte of an answer.
    pub(super) async fn is_reusable(&self) -> bool {
        if !self.flow.is_sent() {
            return false;
        }
        for _ in 0..3 {
            if self.sender.is_ready() {
                return true;
            }
            yield_now().await;
        }
        false
    }

    fn failure(&self, given_back: bool, error: BoxError) -> Failure {
        if let Some(error) = self.flow.take_body_error() {
            return Failure::Body(error);
        }
        let error = self.flow.take_write_error().map_or(error, Into::into);
        if given_back || self.flow.is_untouched() {
            Failure::NothingWritten(error)
        } else {
            Failure::Unanswered(error)
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}
