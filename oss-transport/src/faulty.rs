use std::{
    fmt,
    future::pending,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};

use crate::{Answer, Body, BoxError, Exchange, Transport, TransportError, Unsent, error::authority_of};

/// What becomes of one exchange of a [`Faulty`] transport.
#[derive(Clone)]
pub enum Fate {
    /// It is carried out, and its answer comes back.
    Pass,
    /// Nothing is sent: [`TransportError::NotSent`].
    Refuse(Unsent),
    /// Nothing is sent, and nobody can know: [`TransportError::Unanswered`].
    LoseRequest,
    /// It is carried out, and its answer is lost: [`TransportError::Unanswered`]. An error underneath comes back as
    /// it is.
    LoseAnswer,
    /// Nothing is sent, and the future never ends; it has to be dropped.
    Stall,
    /// It is carried out, its answer is lost, and the future never ends.
    StallAfter,
    /// Nothing is sent; this is the answer, without headers.
    Answer(StatusCode, Bytes),
    /// It is carried out, and its answer is changed.
    Alter(Arc<dyn Fn(Response<Answer>) -> Response<Answer> + Send + Sync>),
}

type Script = Box<dyn FnMut(usize, &Request<Body>) -> Fate + Send>;

/// A transport that fails by script and otherwise passes exchanges to another one.
pub struct Faulty<T> {
    inner: T,
    script: Mutex<(usize, Script)>,
}

impl<T> Faulty<T> {
    /// Asks `script` about each exchange, with its number from 0.
    pub fn new(inner: T, script: impl FnMut(usize, &Request<Body>) -> Fate + Send + 'static) -> Self {
        Self { inner, script: Mutex::new((0, Box::new(script))) }
    }

    /// Gives the first exchanges these fates, in the order in which they are begun, and lets the rest pass.
    pub fn scripted(inner: T, fates: impl IntoIterator<Item = Fate>) -> Self {
        let mut fates = fates.into_iter().collect::<Vec<_>>().into_iter();
        Self::new(inner, move |_, _| fates.next().unwrap_or(Fate::Pass))
    }

    /// How many exchanges were begun.
    pub fn count(&self) -> usize {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn fate(&self, request: &Request<Body>) -> Fate {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        let number = script.0;
        script.0 += 1;
        (script.1)(number, request)
    }
}

#[async_trait]
impl<T: Transport> Transport for Faulty<T> {
    async fn send(&self, exchange: Exchange) -> Result<Response<Answer>, TransportError> {
        let authority = authority_of(exchange.request.uri());
        let source = || BoxError::from("by script");
        match self.fate(&exchange.request) {
            Fate::Pass => self.inner.send(exchange).await,
            Fate::Refuse(reason) => Err(TransportError::NotSent { authority, reason, source: source() }),
            Fate::LoseRequest => Err(TransportError::Unanswered { authority, source: source() }),
            Fate::LoseAnswer => {
                self.inner.send(exchange).await?;
                Err(TransportError::Unanswered { authority, source: source() })
            }
            Fate::Stall => pending().await,
            Fate::StallAfter => {
                drop(self.inner.send(exchange).await);
                pending().await
            }
            Fate::Answer(status, bytes) => {
                let mut response = Response::new(Answer::Whole(bytes));
                *response.status_mut() = status;
                Ok(response)
            }
            Fate::Alter(change) => self.inner.send(exchange).await.map(|response| change(response)),
        }
    }
}

impl fmt::Debug for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("Pass"),
            Self::Refuse(reason) => write!(f, "Refuse({reason:?})"),
            Self::LoseRequest => f.write_str("LoseRequest"),
            Self::LoseAnswer => f.write_str("LoseAnswer"),
            Self::Stall => f.write_str("Stall"),
            Self::StallAfter => f.write_str("StallAfter"),
            Self::Answer(status, bytes) => write!(f, "Answer({status}, {} bytes)", bytes.len()),
            Self::Alter(_) => f.write_str("Alter"),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Faulty<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").field("inner", &self.inner).finish_non_exhaustive()
    }
}
