use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use tokio::sync::oneshot;

/// Does work that may block, or hang for ever, on a thread of its own and waits for it. Dropping the future abandons
/// the thread: neither the runtime's end nor the process's waits for it.
///
/// Where the system gives no thread, it is done here.
pub(crate) async fn apart<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (done, result) = oneshot::channel();
    let work = Arc::new(Mutex::new(Some(work)));
    let take = {
        let work = Arc::clone(&work);
        move || work.lock().unwrap_or_else(PoisonError::into_inner).take()
    };
    let theirs = take.clone();
    let started = thread::Builder::new().name(name.to_owned()).spawn(move || {
        if let Some(work) = theirs() {
            // Nobody may be waiting any more.
            let _ = done.send(work());
        }
    });
    if let Err(error) = started {
        tracing::debug!(%error, name, "no further thread; the work is done on this one");
        return take().map(|work| work()).ok_or(error);
    }
    result.await.map_err(|_| io::Error::other(format!("the thread {name} panicked")))
}
