use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// Shows whether a call that may block is under way, and since when.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    since: Mutex<Option<Instant>>,
}

impl Pulse {
    pub(crate) fn during<T>(&self, call: impl FnOnce() -> T) -> T {
        self.set(Some(Instant::now()));
        let result = call();
        self.set(None);
        result
    }

    pub(crate) fn busy_since(&self) -> Option<Instant> {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, since: Option<Instant>) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}
