use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::{AbortHandle, JoinSet},
    time::Instant,
};

use super::part_body::Reading;
use crate::{Event, Refusal, Ticket};

/// The pieces of work that have been started and not been heard of. Dropping it drops them all.
#[derive(Default)]
pub(crate) struct InFlight {
    tasks: JoinSet<(Ticket, Done)>,
    pieces: Vec<Piece>,
}

/// A piece that is through.
pub(crate) struct Done {
    pub(crate) event: Event,
    /// Which operation it was and the service's id for it, where a receipt names that.
    pub(crate) request_id: Option<(&'static str, String)>,
    /// The object was made, and the callback that was asked for failed.
    pub(crate) callback_failed: Option<Arc<Refusal>>,
}

impl From<Event> for Done {
    fn from(event: Event) -> Self {
        Self { event, request_id: None, callback_failed: None }
    }
}

struct Piece {
    ticket: Ticket,
    task: AbortHandle,
    kind: Kind,
}

/// What a piece of work waits for.
pub(crate) enum Kind {
    /// The disk with the journal.
    Journal,
    /// The source.
    Source(Arc<Reading>),
    /// The service, which is asked something.
    Question,
    /// The service, which is sent bytes of the source.
    Transfer(Arc<Reading>),
}

impl Kind {
    fn reading(&self) -> Option<&Reading> {
        match self {
            Self::Journal | Self::Question => None,
            Self::Source(reading) | Self::Transfer(reading) => Some(reading),
        }
    }
}

impl InFlight {
    /// A thread that hangs in a read is waited for no longer than this when everything is over.
    const LAST_WAIT: Duration = Duration::from_millis(200);

    /// Starts a piece. Where it asks the source, the bytes that it takes count as under way.
    pub(crate) fn start(
        &mut self,
        ticket: Ticket,
        kind: Kind,
        work: impl Future<Output = Done> + Send + 'static,
    ) {
        // Boxed at once: a request's state is thousands of bytes, which would be moved again and again.
        let work = Box::pin(work);
        let task = self.tasks.spawn(async move { (ticket, work.await) });
        self.pieces.push(Piece { ticket, task, kind });
    }

    pub(crate) fn cancel(&mut self, ticket: Ticket) {
        self.pieces.retain(|piece| {
            let other = piece.ticket != ticket;
            if !other {
                piece.task.abort();
            }
            other
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The next piece that is through and was not cancelled; never, if there is none.
    pub(crate) async fn next(&mut self) -> Done {
        loop {
            match self.tasks.join_next().await {
                None => std::future::pending().await,
                Some(Ok((ticket, done))) => {
                    if let Some(place) = self.pieces.iter().position(|piece| piece.ticket == ticket) {
                        self.pieces.swap_remove(place);
                        return done;
                    }
                }
                Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Some(Err(_)) => {}
            }
        }
    }

    /// When to look whether a call of the source still has not come back after `limit`; `None` while none is made.
    pub(crate) fn next_look(&self, limit: Duration) -> Option<Instant> {
        let now = Instant::now();
        let since = self.readings().map(|reading| reading.pulse().busy_since().unwrap_or(now)).min()?;
        since.checked_add(limit)
    }

    /// Gives up a piece whose call of the source has not come back after `limit`.
    pub(crate) fn take_hung(&mut self, limit: Duration) -> Option<Ticket> {
        let is_hung = |piece: &&Piece| {
            let since = piece.kind.reading().and_then(|reading| reading.pulse().busy_since());
            since.is_some_and(|since| since.elapsed() >= limit)
        };
        let ticket = self.pieces.iter().find(is_hung)?.ticket;
        self.cancel(ticket);
        Some(ticket)
    }

    /// Bytes that transports have taken of requests without an answer.
    pub(crate) fn taken(&self) -> u64 {
        self.readings().map(Reading::taken).sum()
    }

    /// Whether any piece reads the source.
    pub(crate) fn is_reading(&self) -> bool {
        self.readings().next().is_some()
    }

    /// Whether the service is waited for.
    pub(crate) fn is_asking(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece.kind, Kind::Question | Kind::Transfer(_)))
    }

    /// Drops everything, and waits until it has been dropped.
    pub(crate) async fn clear(&mut self) {
        self.pieces.clear();
        // Only what blocks its thread in a read is not gone by then, and it is gone when the read returns.
        let _ = tokio::time::timeout(Self::LAST_WAIT, self.tasks.shutdown()).await;
    }

    fn readings(&self) -> impl Iterator<Item = &Reading> {
        self.pieces.iter().filter_map(|piece| piece.kind.reading())
    }
}

/// Set when it is dropped: tells a thread that nobody waits for it any more.
pub(crate) struct CancelOnDrop(Arc<AtomicBool>);

impl CancelOnDrop {
    pub(crate) fn new() -> (Self, Cancelled) {
        let flag = Arc::new(AtomicBool::new(false));
        (Self(Arc::clone(&flag)), Cancelled(flag))
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whether somebody still waits.
pub(crate) struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    pub(crate) fn yet(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
