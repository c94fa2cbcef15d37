//! A thread for what may block.

use std::{
    sync::{Arc, Mutex, PoisonError, mpsc as channel},
    thread,
};

use tokio::sync::oneshot;

type Errand = Box<dyn FnOnce() + Send>;

/// Does, one after the other, what would hold up a thread of the transport. Its thread is begun by the first errand, and
/// ends with the helper, or when the errand returns that it hangs in by then.
#[derive(Default)]
pub(super) struct Helper {
    errands: Option<channel::Sender<Errand>>,
}

impl Helper {
    /// Has `work` done, and its result sent. Where no thread is to be had, it is done here.
    pub(super) fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (done, result) = oneshot::channel();
        let errand: Errand = Box::new(move || drop(done.send(work())));
        let back = match &self.errands {
            Some(errands) => errands.send(errand).map_err(|channel::SendError(errand)| errand),
            None => self.begin(errand),
        };
        if let Err(errand) = back {
            errand();
        }
        result
    }

    /// Begins the thread with its first errand, or gives that back.
    fn begin(&mut self, first: Errand) -> Result<(), Errand> {
        let first = Arc::new(Mutex::new(Some(first)));
        let take =
            |first: &Mutex<Option<Errand>>| first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (errands, further) = channel::channel();
        let theirs = Arc::clone(&first);
        let started = thread::Builder::new().name("oss-transport-read".to_owned()).spawn(move || {
            take(&theirs).into_iter().chain(further).for_each(|errand| errand());
        });
        match started {
            Ok(_) => {
                self.errands = Some(errands);
                Ok(())
            }
            Err(error) => {
                tracing::debug!(%error, "no further thread; what may block is done on this one");
                take(&first).map_or(Ok(()), Err)
            }
        }
    }
}
