//! Where exchanges are made: on threads of the transport, and on the caller's where it lets us.

use std::{
    io,
    sync::{Arc, mpsc as channel},
    time::{Duration, Instant},
};

use super::{
    desk::{Busy, Desk},
    dial::Dialer,
    guest::Guest,
    pool::Pool,
    room::Room,
    target::Target,
    worker::{Booking, Worker},
};

/// Where a thread, or a file for one, was lacking, none is started for so long: what lacks is not there again in a moment.
const PAUSE: Duration = Duration::from_secs(30);

/// Which threads there are, and what a further one needs.
pub(super) struct Workers {
    guest: Option<Guest>,
    running: Vec<Worker>,
    most: usize,
    not_before: Option<Instant>,
    dialer: Arc<Dialer>,
    room: Arc<Room>,
    idle_limit: Duration,
    /// Every thread holds a sender and drops it when it ends.
    alive: channel::Sender<()>,
}

/// A place for one exchange.
pub(super) enum Place {
    /// Where it was asked for, for an answer of at most so many bytes.
    Here(Busy, usize),
    /// On a thread.
    There(Booking),
}

impl Workers {
    /// At most so many threads, the caller's included where it is a `guest` there, which close connections that were idle for
    /// `idle_limit`. None is started yet.
    pub(super) fn new(
        most: usize,
        guest: bool,
        dialer: Dialer,
        idle_limit: Duration,
        alive: channel::Sender<()>,
    ) -> Self {
        let (dialer, room) = (Arc::new(dialer), Arc::default());
        let mut workers = Self {
            guest: None,
            running: Vec::new(),
            most,
            not_before: None,
            dialer,
            room,
            idle_limit,
            alive,
        };
        workers.guest = guest.then(|| Guest::new(workers.new_desk()));
        workers
    }

    /// The place that has the most time for an exchange, of several one that has a connection for it; the caller's own
    /// thread only for an answer of at most `here` bytes.
    ///
    /// # Errors
    /// There is none, and no thread is to be had.
    pub(super) fn place(&mut self, target: &Target, here: Option<usize>) -> io::Result<Place> {
        if self.room.take_lack() {
            self.end_idle();
            self.not_before = Some(Instant::now() + PAUSE);
        }
        let here = here.filter(|_| self.guest.is_some());
        let refused = if self.wants_more(here.is_some()) { self.start().err() } else { None };
        if let Some(error) = &refused {
            tracing::debug!(%error, "no further thread; the exchanges share those that there are");
            self.not_before = Some(Instant::now() + PAUSE);
        }
        let rank = |desk: &Desk| (desk.load(), !desk.has_connection(target));
        let there = self.running.iter().min_by_key(|worker| rank(worker.desk()));
        match (&mut self.guest, here, there) {
            (Some(guest), Some(most), there)
                if there.is_none_or(|worker| rank(guest.desk()) <= rank(worker.desk())) =>
            {
                Ok(Place::Here(guest.book(), most))
            }
            (_, _, Some(worker)) => Ok(Place::There(worker.book())),
            (_, _, None) => Err(refused.unwrap_or_else(|| io::ErrorKind::NotFound.into())),
        }
    }

    /// Has all threads end, and says whether there were any.
    pub(super) fn end(&mut self) -> bool {
        self.alive = channel::channel().0;
        self.running.drain(..).count() > 0
    }

    fn wants_more(&self, here: bool) -> bool {
        let guest = self.guest.as_ref().filter(|_| here);
        let count = self.running.len() + guest.iter().count();
        let mut desks = guest.map(Guest::desk).into_iter().chain(self.running.iter().map(Worker::desk));
        let may = count < self.most && self.not_before.is_none_or(|then| Instant::now() >= then);
        count == 0 || may && desks.all(|desk| desk.load() > 0)
    }

    fn start(&mut self) -> io::Result<()> {
        let worker = Worker::start(self.running.len() + 1, self.new_desk(), self.alive.clone())?;
        self.running.push(worker);
        Ok(())
    }

    fn new_desk(&self) -> Arc<Desk> {
        Desk::new(Arc::clone(&self.dialer), Pool::new(self.idle_limit), Arc::clone(&self.room))
    }

    /// Ends the threads that are idle, with their connections; one place stays.
    fn end_idle(&mut self) {
        let is_idle = |worker: &Worker| worker.desk().load() == 0;
        let mut spared = self.guest.is_some() || !self.running.iter().all(is_idle);
        self.running.retain(|worker| !is_idle(worker) || !std::mem::replace(&mut spared, true));
    }
}
