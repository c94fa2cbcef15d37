use tokio::sync::watch;

use crate::Stop;

/// Stops an upload from elsewhere: from another task, a thread, a signal handler's loop.
#[derive(Clone, Debug)]
pub struct Handle {
    wanted: watch::Sender<Option<Stop>>,
}

impl Handle {
    pub(crate) fn new() -> Self {
        Self { wanted: watch::Sender::new(None) }
    }

    /// Keeps everything and ends with [`crate::Outcome::Paused`] within a second, also while reads of the source hang.
    /// Before the run it is kept for it; after its end, and a second time, it does nothing.
    pub fn pause(&self) {
        self.stop(Stop::Pause);
    }

    /// Gives the upload up for good, here and on the server. Outranks a pause. Where the object may already exist the
    /// upload is finished instead.
    pub fn abort(&self) {
        self.stop(Stop::Abort);
    }

    pub(crate) fn listen(&self) -> watch::Receiver<Option<Stop>> {
        let mut listener = self.wanted.subscribe();
        // What was wanted before the run counts too.
        listener.mark_changed();
        listener
    }

    fn stop(&self, stop: Stop) {
        self.wanted.send_if_modified(|wanted| {
            let more = Some(stop) > *wanted;
            if more {
                *wanted = Some(stop);
            }
            more
        });
    }
}

/// The next stop that is wanted and was not yet told.
pub(crate) async fn next_stop(listener: &mut watch::Receiver<Option<Stop>>) -> Stop {
    loop {
        if listener.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        if let Some(stop) = *listener.borrow_and_update() {
            return stop;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_abort_outranks_a_pause_and_not_the_other_way_round() {
        let handle = Handle::new();
        handle.pause();
        let mut listener = handle.listen();
        assert_eq!(next_stop(&mut listener).await, Stop::Pause);
        handle.abort();
        handle.pause();
        assert_eq!(next_stop(&mut listener).await, Stop::Abort);
        assert!(!listener.has_changed().unwrap());
    }
}
