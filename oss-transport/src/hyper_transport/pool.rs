use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{connection::Connection, target::Target};

/// The idle connections of one thread, the youngest last.
pub(super) struct Pool {
    idle: Mutex<Vec<Idle>>,
    limit: Duration,
}

struct Idle {
    target: Target,
    since: Instant,
    connection: Connection,
}

impl Pool {
    /// Connections are closed when they were idle for `limit`.
    pub(super) fn new(limit: Duration) -> Self {
        Self { idle: Mutex::default(), limit }
    }

    pub(super) fn put(&self, target: Target, connection: Connection) {
        self.idle().push(Idle { target, since: Instant::now(), connection });
    }

    /// The connection to `target` that was used last; it is the least likely to be closed.
    pub(super) fn take(&self, target: &Target) -> Option<Connection> {
        self.sweep();
        let mut idle = self.idle();
        let at = idle.iter().rposition(|idle| idle.target == *target)?;
        Some(idle.remove(at).connection)
    }

    pub(super) fn has(&self, target: &Target) -> bool {
        self.idle().iter().any(|idle| idle.target == *target)
    }

    /// Closes what is too old or closed by its server.
    pub(super) fn sweep(&self) {
        self.idle().retain(|idle| idle.since.elapsed() < self.limit && !idle.connection.is_closed());
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
