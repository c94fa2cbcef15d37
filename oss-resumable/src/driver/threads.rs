use std::{io, thread};

use tokio::sync::oneshot;

/// Does work that may block, or hang for ever, on a thread of its own and waits for it. Dropping the future abandons
/// the thread: neither the runtime's end nor the process's waits for it.
pub(crate) async fn apart<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (done, result) = oneshot::channel();
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        // Nobody may be waiting any more.
        let _ = done.send(work());
    })?;
    result.await.map_err(|_| io::Error::other(format!("the thread {name} panicked")))
}
