use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::{
    sync::oneshot,
    time::{Sleep, sleep},
};

use super::{fault::Fault, flow::Flow, helper::Helper};
use crate::{Body, BoxError, ChunkSource, Chunks};

/// A request body on its way: hands the chunks to hyper without a copy, with their exact length.
pub(super) struct Outgoing {
    rest: Rest,
    left: u64,
    flow: Arc<Flow>,
    helper: Helper,
}

/// How what is left is come by.
enum Rest {
    Nothing,
    Bytes(Bytes),
    Source(Arc<dyn ChunkSource>),
    Chunks(Box<dyn Chunks>),
    /// They want to wait.
    Paused(Box<dyn Chunks>, Pin<Box<Sleep>>),
    /// Their next piece is due.
    Due(Box<dyn Chunks>),
    /// They are made where that may block.
    Opening(oneshot::Receiver<Opened>),
    /// Their next piece is.
    Reading(oneshot::Receiver<(Box<dyn Chunks>, Piece)>),
}

type Opened = Result<Box<dyn Chunks>, BoxError>;
type Piece = Result<Option<Bytes>, BoxError>;

impl Outgoing {
    pub(super) fn new(body: &Body, flow: Arc<Flow>) -> Self {
        let rest = match body {
            Body::Empty => Rest::Nothing,
            Body::Bytes(bytes) => Rest::Bytes(bytes.clone()),
            Body::Chunks { source, .. } => Rest::Source(Arc::clone(source)),
        };
        Self { rest, left: body.len(), flow, helper: Helper::default() }
    }

    /// The next piece, which fits into what is left.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, BoxError>> {
        let piece = ready!(self.poll_next(cx))?.ok_or(Fault::BodyShort(self.left))?;
        Poll::Ready(match (piece.len() as u64).checked_sub(self.left) {
            None | Some(0) => Ok(piece),
            Some(over) => Err(Fault::BodyLong(over).into()),
        })
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Piece> {
        loop {
            self.rest = match std::mem::replace(&mut self.rest, Rest::Nothing) {
                Rest::Nothing => return Poll::Ready(Ok(None)),
                Rest::Bytes(bytes) => return Poll::Ready(Ok((!bytes.is_empty()).then_some(bytes))),
                Rest::Source(source) => {
                    if let Some(chunks) = unpanicked(|| source.open_at_once().transpose())? {
                        Rest::Chunks(chunks)
                    } else {
                        self.flow.body_is_away();
                        Rest::Opening(self.helper.run(move || unpanicked(|| source.open())))
                    }
                }
                Rest::Chunks(mut chunks) => {
                    let wait = unpanicked(|| Ok(chunks.wait()))?;
                    if wait.is_zero() {
                        Rest::Due(chunks)
                    } else {
                        self.flow.body_waits(wait);
                        Rest::Paused(chunks, Box::pin(sleep(wait)))
                    }
                }
                Rest::Paused(chunks, mut pause) => {
                    if pause.as_mut().poll(cx).is_pending() {
                        self.rest = Rest::Paused(chunks, pause);
                        return Poll::Pending;
                    }
                    Rest::Due(chunks)
                }
                Rest::Due(mut chunks) => {
                    if let Some(piece) = unpanicked(|| chunks.next_at_once().transpose())? {
                        self.rest = Rest::Chunks(chunks);
                        return Poll::Ready(Ok(piece));
                    }
                    self.flow.body_is_away();
                    Rest::Reading(self.helper.run(move || {
                        let piece = unpanicked(|| chunks.next());
                        (chunks, piece)
                    }))
                }
                Rest::Opening(mut opened) => match Pin::new(&mut opened).poll(cx) {
                    Poll::Ready(opened) => {
                        Rest::Chunks(opened.unwrap_or_else(|_| Err(Fault::Shutdown.into()))?)
                    }
                    Poll::Pending => {
                        self.rest = Rest::Opening(opened);
                        return Poll::Pending;
                    }
                },
                Rest::Reading(mut read) => match Pin::new(&mut read).poll(cx) {
                    Poll::Ready(Ok((chunks, piece))) => {
                        self.rest = Rest::Chunks(chunks);
                        return Poll::Ready(piece);
                    }
                    Poll::Ready(Err(_)) => return Poll::Ready(Err(Fault::Shutdown.into())),
                    Poll::Pending => {
                        self.rest = Rest::Reading(read);
                        return Poll::Pending;
                    }
                },
            };
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
        match ready!(self.poll_piece(cx)) {
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
