//! One thread of the transport, and its runtime.

use std::{
    io,
    sync::{Arc, mpsc as channel},
    thread,
    time::Duration,
};

use http::Response;
use tokio::{
    runtime,
    sync::{mpsc, oneshot},
    time::interval,
};

use super::{
    desk::{Busy, Desk},
    fault::Fault,
    target::Target,
};
use crate::{Answer, Exchange, TransportError};

/// Time between two looks at idle connections.
pub(super) const SWEEP: Duration = Duration::from_secs(1);

type Outcome = Result<Response<Answer>, TransportError>;

/// An exchange on its way to a thread.
struct Job {
    exchange: Exchange,
    target: Target,
    reply: oneshot::Sender<Outcome>,
    busy: Busy,
}

/// The handle of a thread. When it is dropped, the thread closes its connections and ends.
pub(super) struct Worker {
    desk: Arc<Desk>,
    jobs: mpsc::UnboundedSender<Job>,
}

/// A place for one exchange on a thread.
pub(super) struct Booking {
    jobs: mpsc::UnboundedSender<Job>,
    busy: Busy,
}

impl Worker {
    /// Starts thread number `number`. It holds `alive` until it ends.
    ///
    /// # Errors
    /// The system has no thread or no file descriptor left.
    pub(super) fn start(number: usize, desk: Arc<Desk>, alive: channel::Sender<()>) -> io::Result<Self> {
        let runtime = Own(Some(runtime::Builder::new_current_thread().enable_io().enable_time().build()?));
        let (sender, jobs) = mpsc::unbounded_channel();
        let theirs = Arc::clone(&desk);
        thread::Builder::new().name(format!("oss-transport-{number}")).spawn(move || {
            if let Own(Some(runtime)) = &runtime {
                runtime.block_on(work(&theirs, jobs));
            }
            drop(runtime);
            drop(alive);
        })?;
        Ok(Self { desk, jobs: sender })
    }

    pub(super) const fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// A place for one exchange.
    pub(super) fn book(&self) -> Booking {
        Booking { jobs: self.jobs.clone(), busy: Busy::at(&self.desk) }
    }
}

impl Booking {
    /// Has the exchange made.
    pub(super) async fn make(self, exchange: Exchange, target: Target) -> Outcome {
        let authority = target.authority.clone();
        let (reply, outcome) = oneshot::channel();
        // A thread that has ended drops it.
        drop(self.jobs.send(Job { exchange, target, reply, busy: self.busy }));
        // The thread ends with the last of its senders.
        drop(self.jobs);
        outcome.await.unwrap_or_else(|_gone| {
            Err(TransportError::Unanswered { authority, source: Fault::Shutdown.into() })
        })
    }
}

/// A runtime that can be dropped wherever one is: where no thread is to be had for it, that is inside another one.
struct Own(Option<runtime::Runtime>);

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // A name that is still being resolved keeps its own thread; it is not waited for.
            runtime.shutdown_background();
        }
    }
}

async fn work(desk: &Desk, mut jobs: mpsc::UnboundedReceiver<Job>) {
    // One timer that always is the next spares the clocks of each exchange from waking the thread that it runs on.
    let mut sweep = interval(SWEEP);
    loop {
        tokio::select! {
            biased;
            job = jobs.recv() => match job {
                // Boxed at once: its state is thousands of bytes, which would be moved again and again.
                Some(job) => drop(tokio::spawn(Box::pin(serve(job)))),
                None => return,
            },
            _ = sweep.tick() => desk.sweep(),
        }
    }
}

async fn serve(job: Job) {
    let Job { exchange, target, mut reply, busy } = job;
    let made = async {
        match exchange.answer_limit {
            Some(most) => busy.whole(exchange, target, most).await.map(|response| (response, None)),
            None => busy.streamed(exchange, target).await.map(|(head, rest)| (head, Some(rest))),
        }
    };
    let outcome = tokio::select! {
        biased;
        () = reply.closed() => return,
        outcome = made => outcome,
    };
    match outcome {
        Ok((response, Some(rest))) => {
            if reply.send(Ok(response)).is_ok() {
                Desk::pass(busy, rest).await;
            }
        }
        outcome => {
            // Whoever hears of it finds the place free.
            drop(busy);
            drop(reply.send(outcome.map(|(response, _)| response)));
        }
    }
}
