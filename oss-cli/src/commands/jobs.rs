//! `oss jobs ls`: what is unfinished on this machine.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::Path,
    time::Duration,
};

use jiff::Timestamp;
use oss_checkpoint::{ByteCount, FileStore, JobEntry, SourceStamp, Stage, UploadId};
use serde_json::{Value, json};

use crate::{
    exit::ExitStatus,
    failure::Failure,
    hint,
    output::{Output, say},
    quantity::Span,
};

/// Lists the journals of a directory, the oldest first. One that cannot be read is told and the rest goes on.
///
/// # Errors
/// When the directory cannot be read.
pub(crate) fn list(checkpoint_dir: &Path, output: Output) -> Result<ExitStatus, Failure> {
    let mut status = ExitStatus::Done;
    let mut rows = Vec::new();
    for entry in FileStore::new(checkpoint_dir).jobs().map_err(|error| Failure::of_store(&error))? {
        match entry {
            Ok(entry) => rows.push(Row::of(entry)),
            Err(error) => {
                Failure::of_store(&error).tell();
                status = ExitStatus::Local;
            }
        }
    }
    rows.sort_by(|one, other| (one.begun, &one.entry.job).cmp(&(other.begun, &other.entry.job)));
    if rows.is_empty() && status == ExitStatus::Done {
        say("no unfinished uploads");
    }
    let now = Timestamp::now();
    for row in &rows {
        output.result(|| row.text(now), || row.json());
    }
    Ok(status)
}

/// What there is to say of one journal.
struct Row {
    entry: JobEntry,
    /// Local clock, seconds since 1970.
    begun: Option<i64>,
    size: ByteCount,
    uploaded: ByteCount,
    source: Source,
}

/// The source now, beside what the journal says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Unchanged,
    Changed,
    Gone,
}

impl Row {
    fn of(entry: JobEntry) -> Self {
        let begun = entry.checkpoint.begun();
        let uploaded = entry.checkpoint.parts().map(|part| part.receipt.size.get()).sum();
        let size = begun.map_or(ByteCount::ZERO, |begun| begun.stamp.len);
        let source = begun.map_or(Source::Unchanged, |begun| source_now(&entry.job.source, &begun.stamp));
        Self { begun: begun.map(|begun| begun.at), size, uploaded: ByteCount::new(uploaded), source, entry }
    }

    /// What resuming would send, as far as the journal knows; the server has the last word.
    fn to_send(&self) -> ByteCount {
        ByteCount::new(self.size.get().saturating_sub(self.uploaded.get()))
    }

    fn text(&self, now: Timestamp) -> String {
        let source = String::from_utf8_lossy(&self.entry.job.source);
        let percent = u128::from(self.uploaded.get()) * 100 / u128::from(self.size.get().max(1));
        let mut line = format!(
            "{source} -> oss://{}/{} ({}): {percent}%, {} of {}",
            self.entry.job.bucket, self.entry.job.key, self.entry.job.service, self.uploaded, self.size
        );
        let _ = match (self.source, self.entry.checkpoint.stage()) {
            (Source::Gone, _) => write!(line, ", the source is gone"),
            (Source::Changed, _) => write!(line, ", the source changed and is compared first"),
            (Source::Unchanged, Stage::Uploading) => write!(line, ", {} to send", self.to_send()),
            (Source::Unchanged, Stage::Completing) => write!(line, ", to be completed"),
            (Source::Unchanged, Stage::Aborting) => write!(line, ", to be aborted"),
        };
        if let Some(begun) = self.begun {
            // A clock that was set back makes no negative age.
            let age = u64::try_from(now.as_second().saturating_sub(begun)).unwrap_or(0);
            let _ = write!(line, ", begun {} ago", Span(Duration::from_secs(age)));
        }
        if let Some(holder) = &self.entry.holder {
            let _ = write!(line, ", held by {}", hint::describe(holder, now.as_second()));
        }
        line
    }

    fn json(&self) -> Value {
        let checkpoint = &self.entry.checkpoint;
        json!({
            "v": 1,
            "source": String::from_utf8_lossy(&self.entry.job.source),
            "source_state": match self.source {
                Source::Unchanged => "unchanged",
                Source::Changed => "changed",
                Source::Gone => "gone",
            },
            "service": self.entry.job.service.as_str(),
            "endpoint": self.entry.endpoint(),
            "bucket": self.entry.job.bucket.as_str(),
            "key": self.entry.job.key.as_str(),
            "size": self.size.get(),
            "uploaded": self.uploaded.get(),
            "to_send": self.to_send().get(),
            "parts": checkpoint.plan().map(|plan| plan.count()),
            "parts_uploaded": checkpoint.parts().count(),
            "upload_id": checkpoint.upload_id().map(UploadId::as_str),
            "stage": match checkpoint.stage() {
                Stage::Uploading => "uploading",
                Stage::Completing => "completing",
                Stage::Aborting => "aborting",
            },
            "begun": self.begun.and_then(time),
            "modified": time(self.entry.modified),
            "held_by": self.entry.holder.as_ref().map(|holder| json!({
                "pid": holder.pid,
                "host": holder.host,
                "since": time(holder.since),
            })),
            "journal": self.entry.path.to_string_lossy(),
            "findings": self.entry.findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    }
}

/// RFC 3339; `None` for a time that no calendar has.
fn time(seconds: i64) -> Option<String> {
    Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}

fn source_now(path: &[u8], stamp: &SourceStamp) -> Source {
    let Ok(found) = fs::metadata(OsStr::from_bytes(path)) else {
        return Source::Gone;
    };
    let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    let same_times = nanoseconds(found.mtime(), found.mtime_nsec()) == stamp.mtime_ns;
    let same_file = stamp.identity.is_none_or(|identity| {
        let ctime_ns = nanoseconds(found.ctime(), found.ctime_nsec());
        (identity.device, identity.inode, identity.ctime_ns) == (found.dev(), found.ino(), ctime_ns)
    });
    if found.len() == stamp.len.get() && same_times && same_file {
        Source::Unchanged
    } else {
        Source::Changed
    }
}
