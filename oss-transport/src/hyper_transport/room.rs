//! Whether this machine lets us have further threads: each holds open files of its own, beside those of connections.

use std::{
    error::Error,
    io,
    sync::atomic::{AtomicBool, Ordering},
};

/// A note from the threads to who assigns work to them.
#[derive(Debug, Default)]
pub(super) struct Room {
    lacking: AtomicBool,
}

impl Room {
    /// Takes note if an exchange failed since no further file may be opened, by the transport or by a body.
    pub(super) fn learn(&self, error: &(dyn Error + 'static)) {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if error.downcast_ref::<io::Error>().is_some_and(lacks_files) {
                self.lacking.store(true, Ordering::Relaxed);
            }
            cause = error.source();
        }
    }

    /// Whether one failed since it was last asked.
    pub(super) fn take_lack(&self) -> bool {
        self.lacking.swap(false, Ordering::Relaxed)
    }
}

/// ENFILE and EMFILE of errno(3): the same numbers on every Unix.
fn lacks_files(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}
