//! What `check` and `hash` have in common: a file is read to its end, unless somebody stops that.

use std::{
    future::Future,
    num::NonZeroUsize,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use oss_checkpoint::ByteCount;
use oss_resumable::driver::{Checksummed, FileSource, ReadError, Source as _, checksum};

use crate::{
    exit::ExitStatus,
    failure::Failure,
    progress::{Pen, Snapshot},
    signals::StopSignals,
};

/// Does this to its end, or until SIGINT, SIGTERM or SIGHUP comes. Needs a runtime.
///
/// # Errors
/// That it was stopped.
pub(super) async fn unless_stopped<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let mut signals =
        StopSignals::listen().map_err(|error| Failure::local(format!("cannot start: {error}")))?;
    tokio::select! {
        done = work => Ok(done),
        () = signals.next() => {
            let message = "interrupted; nothing was changed by it";
            Err(Failure::new(ExitStatus::Interrupted, message))
        }
    }
}

/// Length of a file as it is now.
///
/// # Errors
/// That it cannot be read.
pub(super) fn length(path: &Path) -> Result<ByteCount, Failure> {
    let stamp = FileSource::new(path).inspect();
    stamp.map(|stamp| stamp.len).map_err(|error| unreadable(path, &error))
}

/// Reads a file and says its checksum, with progress at this pen.
///
/// # Errors
/// That it cannot be read, or changed meanwhile.
pub(super) async fn read(path: &Path, threads: NonZeroUsize, pen: &Pen) -> Result<Checksummed, Failure> {
    let (total, done, pen) = (length(path)?.get(), AtomicU64::new(0), pen.clone());
    let progress = move |more: ByteCount| {
        let done = done.fetch_add(more.get(), Ordering::Relaxed) + more.get();
        pen.move_to(Snapshot { total, done, resumed: 0 });
    };
    let read = checksum(Arc::new(FileSource::new(path)), threads, progress).await;
    read.map_err(|error| match error {
        ReadError::Moved(how) => {
            let message = format!("{} changed while it was read: {how}", path.display());
            Failure::new(ExitStatus::SourceChanged, message)
                .with_hint("wait until nothing writes to the file, and run the same command again")
        }
        ReadError::Io { offset: _, source } => unreadable(path, &source),
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::local(format!("cannot read {}: {error}", path.display()))
}
