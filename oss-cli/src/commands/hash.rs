//! `oss hash`: checksums of files, to be compared with what OSS states.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use oss_resumable::driver::Checksummed;
use serde_json::json;

use super::reading;
use crate::{
    exit::ExitStatus,
    failure::Failure,
    progress::{Drawing, Pen},
    quantity::Span,
    settings::Global,
    source,
};

/// One line a file: its CRC-64 in decimal, two blanks, its name. A file that cannot be read is told and the rest goes
/// on; the exit code is that of the first one.
///
/// # Errors
/// When it was stopped, or the result cannot be written.
pub(crate) fn run(sources: &[PathBuf], threads: NonZeroUsize, global: Global) -> Result<ExitStatus, Failure> {
    let cannot_start = |error: std::io::Error| Failure::local(format!("cannot start: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot_start)?;
    runtime.block_on(async {
        let all = reading::unless_stopped(all(sources, threads, global));
        let Some(deadline) = global.deadline else { return all.await? };
        tokio::time::timeout(deadline, all).await.unwrap_or_else(|_| {
            let message = format!("not done within the deadline of {}", Span(deadline));
            Err(Failure::new(ExitStatus::Deadline, message))
        })?
    })
}

async fn all(sources: &[PathBuf], threads: NonZeroUsize, global: Global) -> Result<ExitStatus, Failure> {
    let mut status = ExitStatus::Done;
    for source in sources {
        let drawing = Drawing::begin(global.style);
        let read = one(source, threads, &drawing.pen()).await;
        drop(drawing);
        match read {
            Ok(read) => tell(source, &read, global)?,
            Err(failure) => {
                failure.tell();
                global.output.object(|| failure.to_json());
                if status == ExitStatus::Done {
                    status = failure.status;
                }
            }
        }
    }
    Ok(status)
}

async fn one(source: &Path, threads: NonZeroUsize, pen: &Pen) -> Result<Checksummed, Failure> {
    source::check_readable(source)?;
    reading::read(source, threads, pen).await
}

fn tell(source: &Path, read: &Checksummed, global: Global) -> Result<(), Failure> {
    global.output.result(
        || format!("{}  {}", read.crc64, source.display()),
        || {
            json!({
                "v": 1,
                "source": source.to_string_lossy(),
                "size": read.stamp.len.get(),
                "crc64": read.crc64.to_string(),
            })
        },
    )
}
