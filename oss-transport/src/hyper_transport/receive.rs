//! The body of an answer: read whole, or piece by piece for a reader on another thread.

use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::uri::Authority;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::mpsc;

use super::{clocks::limited, fault::Fault};
use crate::{AnswerStream, BoxError, TransportError};

/// Reads all of `body`, at most `most` bytes, within `limit`.
pub(super) async fn whole(body: Incoming, most: usize, limit: Duration) -> Result<Bytes, BoxError> {
    limited(collect(body, most), limit).await.ok_or(Fault::BodyTooSlow(limit))?
}

async fn collect(mut body: Incoming, most: usize) -> Result<Bytes, BoxError> {
    if body.size_hint().lower() > most as u64 {
        return Err(Fault::TooLong(most).into());
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame?.into_data() else { continue };
        if first.len() + rest.len() + piece.len() > most {
            return Err(Fault::TooLong(most).into());
        }
        if first.is_empty() {
            first = piece;
        } else {
            rest.extend_from_slice(&piece);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    Ok([first, rest.freeze()].concat().into())
}

/// The reader's end of a body that is passed on piece by piece.
pub(super) struct Pieces {
    receiver: mpsc::Receiver<Result<Option<Bytes>, BoxError>>,
    authority: Authority,
    ended: bool,
}

/// The connection's end of it.
pub(super) struct Passer(mpsc::Sender<Result<Option<Bytes>, BoxError>>);

/// Both ends; one piece waits between them.
pub(super) fn pieces(authority: Authority) -> (Passer, Pieces) {
    let (sender, receiver) = mpsc::channel(1);
    (Passer(sender), Pieces { receiver, authority, ended: false })
}

impl Passer {
    /// Passes `body` on until its end, and says whether it came. Between two pieces at most `limit` may pass, not
    /// counting the reader's time.
    pub(super) async fn pass(&self, mut body: Incoming, limit: Duration) -> bool {
        loop {
            let piece = match limited(body.frame(), limit).await {
                None => Err(Fault::BodyTooSlow(limit).into()),
                Some(None) => return true,
                Some(Some(Ok(frame))) => match frame.into_data() {
                    Ok(piece) => Ok(Some(piece)),
                    Err(_trailers) => continue,
                },
                Some(Some(Err(error))) => Err(error.into()),
            };
            let failed = piece.is_err();
            if self.0.send(piece).await.is_err() || failed {
                return false;
            }
        }
    }

    /// Tells the reader that all of it came.
    pub(super) async fn finish(self) {
        // A reader that is gone needs no end.
        drop(self.0.send(Ok(None)).await);
    }

    /// Waits until the reader is gone.
    pub(super) async fn abandoned(&self) {
        self.0.closed().await;
    }
}

#[async_trait]
impl AnswerStream for Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        if self.ended {
            return Ok(None);
        }
        let piece = self.receiver.recv().await.unwrap_or_else(|| Err(Fault::Shutdown.into()));
        self.ended = matches!(piece, Ok(None));
        piece.map_err(|source| TransportError::Unanswered { authority: self.authority.clone(), source })
    }
}
