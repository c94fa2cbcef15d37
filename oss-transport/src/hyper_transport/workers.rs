//! The threads of a transport.

use std::{
    io,
    sync::{Arc, mpsc as channel},
    time::{Duration, Instant},
};

use http::uri::Authority;

use super::{
    dial::Dialer,
    pool::Pool,
    room::Room,
    worker::{Job, Worker},
};

/// Where a thread, or a file for one, was lacking, none is started for so long: what lacks is not there again in a moment.
const PAUSE: Duration = Duration::from_secs(30);

/// Which there are, and what a further one needs.
pub(super) struct Workers {
    running: Vec<Worker>,
    most: usize,
    not_before: Option<Instant>,
    dialer: Arc<Dialer>,
    room: Arc<Room>,
    idle_limit: Duration,
    /// Every thread holds a sender and drops it when it ends.
    alive: channel::Sender<()>,
}

impl Workers {
    /// At most so many threads, which close connections that were idle for `idle_limit`. None is started yet.
    pub(super) fn new(most: usize, dialer: Dialer, idle_limit: Duration, alive: channel::Sender<()>) -> Self {
        Self {
            running: Vec::new(),
            most,
            not_before: None,
            dialer: Arc::new(dialer),
            room: Arc::default(),
            idle_limit,
            alive,
        }
    }

    /// Hands `job` to the thread that has the most time for it, to one of several that has a connection for it.
    ///
    /// # Errors
    /// There is no thread, and none is to be had.
    pub(super) fn assign(&mut self, job: Job) -> Result<(), (io::Error, Authority)> {
        if self.room.take_lack() {
            self.end_idle();
            self.not_before = Some(Instant::now() + PAUSE);
        }
        if self.wants_more()
            && let Err(error) = self.start()
        {
            if self.running.is_empty() {
                return Err((error, job.target.authority));
            }
            tracing::debug!(%error, "no further thread; the exchanges share those that there are");
            self.not_before = Some(Instant::now() + PAUSE);
        }
        let least = |worker: &&Worker| (worker.load(), !worker.has_connection(&job.target));
        if let Some(worker) = self.running.iter().min_by_key(least) {
            worker.take(job);
        }
        Ok(())
    }

    /// Has all threads end, and says whether there were any.
    pub(super) fn end(&mut self) -> bool {
        self.alive = channel::channel().0;
        self.running.drain(..).count() > 0
    }

    fn wants_more(&self) -> bool {
        let may = self.running.len() < self.most && self.not_before.is_none_or(|then| Instant::now() >= then);
        self.running.is_empty() || may && self.running.iter().all(|worker| worker.load() > 0)
    }

    fn start(&mut self) -> io::Result<()> {
        let (number, pool) = (self.running.len() + 1, Pool::new(self.idle_limit));
        let (dialer, room) = (Arc::clone(&self.dialer), Arc::clone(&self.room));
        self.running.push(Worker::start(number, dialer, pool, room, self.alive.clone())?);
        Ok(())
    }

    /// Ends the idle ones but one, with their connections.
    fn end_idle(&mut self) {
        let mut spared = self.running.iter().any(|worker| worker.load() > 0);
        self.running.retain(|worker| worker.load() > 0 || !std::mem::replace(&mut spared, true));
    }
}
