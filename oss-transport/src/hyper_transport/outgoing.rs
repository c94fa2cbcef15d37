use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::{fault::Fault, flow::Flow};
use crate::{Body, BoxError, ChunkSource, Chunks};

/// A request body on its way: hands the chunks to hyper without a copy, with their exact length.
pub(super) struct Outgoing {
    rest: Rest,
    left: u64,
    flow: Arc<Flow>,
    /// The chunks want to wait.
    pause: Option<Pin<Box<Sleep>>>,
}

enum Rest {
    Nothing,
    Bytes(Bytes),
    Source(Arc<dyn ChunkSource>),
    Chunks(Box<dyn Chunks>),
}

impl Outgoing {
    pub(super) fn new(body: &Body, flow: Arc<Flow>) -> Self {
        let rest = match body {
            Body::Empty => Rest::Nothing,
            Body::Bytes(bytes) => Rest::Bytes(bytes.clone()),
            Body::Chunks { source, .. } => Rest::Source(Arc::clone(source)),
        };
        Self { rest, left: body.len(), flow, pause: None }
    }

    /// Ready when the chunks want to be asked for the next piece.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if self.pause.is_none() {
            let wait = unpanicked(|| self.rest.wait())?;
            if !wait.is_zero() {
                self.flow.body_waits(wait);
                self.pause = Some(Box::pin(sleep(wait)));
            }
        }
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        Poll::Ready(Ok(()))
    }

    /// The next piece, which fits into what is left.
    fn piece(&mut self) -> Result<Bytes, BoxError> {
        let piece = unpanicked(|| self.rest.next())?.ok_or(Fault::BodyShort(self.left))?;
        match (piece.len() as u64).checked_sub(self.left) {
            None | Some(0) => Ok(piece),
            Some(over) => Err(Fault::BodyLong(over).into()),
        }
    }
}

impl Rest {
    /// How long the next piece wants to be waited for.
    fn wait(&mut self) -> Result<Duration, BoxError> {
        if let Self::Source(source) = self {
            *self = Self::Chunks(source.open()?);
        }
        Ok(match self {
            Self::Chunks(chunks) => chunks.wait(),
            Self::Nothing | Self::Bytes(_) | Self::Source(_) => Duration::ZERO,
        })
    }

    fn next(&mut self) -> Result<Option<Bytes>, BoxError> {
        match self {
            Self::Chunks(chunks) => chunks.next(),
            Self::Bytes(bytes) if !bytes.is_empty() => Ok(Some(std::mem::take(bytes))),
            Self::Bytes(_) | Self::Nothing | Self::Source(_) => Ok(None),
        }
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        ready!(self.flow.poll_body(cx));
        let turn = ready!(self.poll_turn(cx));
        match turn.and_then(|()| self.piece()) {
            Ok(piece) if piece.is_empty() => {
                // Asked again in a moment, so that a source of empty pieces cannot keep the thread.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Ok(piece) => {
                self.left -= piece.len() as u64;
                self.flow.body_moved(self.left == 0);
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Err(error) => {
                self.flow.body_failed(error);
                Poll::Ready(Some(Err("the request body failed".into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// What a body says; that it panicked is an error like any other.
fn unpanicked<T>(body: impl FnOnce() -> Result<T, BoxError>) -> Result<T, BoxError> {
    catch_unwind(AssertUnwindSafe(body))
        .unwrap_or_else(|panic| Err(Fault::BodyPanicked(words(&*panic)).into()))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}
