//! Exchanges on the thread that asks for them.

use std::sync::{Arc, Weak};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    time::interval,
};

use super::{
    desk::{Busy, Desk},
    worker::SWEEP,
};

/// A desk on the caller's own runtime.
pub(super) struct Guest {
    desk: Arc<Desk>,
    /// Somebody looks at its idle connections.
    swept: bool,
}

impl Guest {
    pub(super) const fn new(desk: Arc<Desk>) -> Self {
        Self { desk, swept: false }
    }

    pub(super) const fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// A place for one exchange. To be called where guests are [`welcome`].
    pub(super) fn book(&mut self) -> Busy {
        if !std::mem::replace(&mut self.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(&self.desk)));
        }
        Busy::at(&self.desk)
    }
}

/// Whether this is inside of a runtime of one thread.
pub(super) fn welcome() -> bool {
    Handle::try_current().is_ok_and(|here| here.runtime_flavor() == RuntimeFlavor::CurrentThread)
}

/// Closes idle connections as long as there is a transport that has them.
async fn sweep(desk: Weak<Desk>) {
    let mut sweep = interval(SWEEP);
    loop {
        sweep.tick().await;
        let Some(desk) = desk.upgrade() else { return };
        desk.sweep();
    }
}
