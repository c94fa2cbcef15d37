//! `oss jobs ls`: what is unfinished on this machine.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use oss_checkpoint::{ByteCount, FileStore, Finding, Holder, Job, JobEntry, SourceStamp, Stage, UploadId};
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
/// When the directory cannot be read, or the list cannot be written.
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
    rows.sort_by(|one, other| (one.begun, &one.job).cmp(&(other.begun, &other.job)));
    if rows.is_empty() && status == ExitStatus::Done {
        say("no unfinished uploads");
    }
    let now = Timestamp::now();
    for row in &rows {
        output.result(|| row.text(now), || row.json())?;
    }
    Ok(status)
}

/// What there is to say of one journal. Small, since there may be very many: what each part is, is not kept.
struct Row {
    job: Job,
    journal: PathBuf,
    endpoint: Option<String>,
    /// Local clock, seconds since 1970.
    begun: Option<i64>,
    /// The same.
    modified: i64,
    holder: Option<Holder>,
    findings: Vec<Finding>,
    size: ByteCount,
    uploaded: ByteCount,
    parts: Option<u16>,
    parts_uploaded: usize,
    upload_id: Option<UploadId>,
    stage: Stage,
    is_complete: bool,
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
        let checkpoint = &entry.checkpoint;
        let begun = checkpoint.begun();
        let uploaded = checkpoint.parts().map(|part| part.receipt.size.get()).sum();
        Self {
            endpoint: entry.endpoint().map(str::to_owned),
            begun: begun.map(|begun| begun.at),
            size: begun.map_or(ByteCount::ZERO, |begun| begun.stamp.len),
            source: begun.map_or(Source::Unchanged, |begun| source_now(&entry.job.source, &begun.stamp)),
            uploaded: ByteCount::new(uploaded),
            parts: checkpoint.plan().map(|plan| plan.count()),
            parts_uploaded: checkpoint.parts().count(),
            upload_id: checkpoint.upload_id().cloned(),
            stage: checkpoint.stage(),
            is_complete: checkpoint.done().is_some(),
            job: entry.job,
            journal: entry.path,
            modified: entry.modified,
            holder: entry.holder,
            findings: entry.findings,
        }
    }

    /// What resuming would send, as far as the journal knows; the server has the last word.
    fn to_send(&self) -> ByteCount {
        ByteCount::new(self.size.get().saturating_sub(self.uploaded.get()))
    }

    fn text(&self, now: Timestamp) -> String {
        let source = String::from_utf8_lossy(&self.job.source);
        let percent = u128::from(self.uploaded.get()) * 100 / u128::from(self.size.get().max(1));
        let mut line = format!(
            "{source} -> oss://{}/{} ({}): {percent}%, {} of {}",
            self.job.bucket, self.job.key, self.job.service, self.uploaded, self.size
        );
        let _ = match (self.source, self.stage) {
            _ if self.is_complete => write!(line, ", complete"),
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
        if let Some(holder) = &self.holder {
            let _ = write!(line, ", held by {}", hint::describe(holder, now.as_second()));
        }
        line
    }

    fn json(&self) -> Value {
        json!({
            "v": 1,
            "source": String::from_utf8_lossy(&self.job.source),
            "source_state": match self.source {
                Source::Unchanged => "unchanged",
                Source::Changed => "changed",
                Source::Gone => "gone",
            },
            "service": self.job.service.as_str(),
            "endpoint": self.endpoint,
            "bucket": self.job.bucket.as_str(),
            "key": self.job.key.as_str(),
            "size": self.size.get(),
            "uploaded": self.uploaded.get(),
            "to_send": self.to_send().get(),
            "parts": self.parts,
            "parts_uploaded": self.parts_uploaded,
            "upload_id": self.upload_id.as_ref().map(UploadId::as_str),
            "stage": match self.stage {
                _ if self.is_complete => "complete",
                Stage::Uploading => "uploading",
                Stage::Completing => "completing",
                Stage::Aborting => "aborting",
            },
            "begun": self.begun.and_then(time),
            "modified": time(self.modified),
            "held_by": self.holder.as_ref().map(|holder| json!({
                "pid": holder.pid,
                "host": holder.host,
                "since": time(holder.since),
            })),
            "journal": self.journal.to_string_lossy(),
            "findings": self.findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
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

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use oss_checkpoint::{
        Begun, BucketName, CheckpointStore as _, Crc64, Durability, ETag, FileIdentity, Job, ObjectKey,
        ObjectOptions, PartNumber, PartReceipt, Record, ServiceName,
    };

    use super::*;

    /// The stamp of a file, as an upload would take it.
    fn stamp(path: &Path) -> SourceStamp {
        let found = fs::metadata(path).unwrap();
        let nanoseconds = |time: SystemTime| {
            i64::try_from(time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos()).unwrap()
        };
        let ctime_ns = found.ctime() * 1_000_000_000 + found.ctime_nsec();
        SourceStamp {
            len: ByteCount::new(found.len()),
            mtime_ns: nanoseconds(found.modified().unwrap()),
            identity: Some(FileIdentity { ctime_ns, device: found.dev(), inode: found.ino() }),
        }
    }

    #[test]
    fn a_journal_is_told_with_what_is_left_to_send() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("a.iso");
        fs::write(&source, vec![7; 250 * 1024]).unwrap();
        let job = Job {
            service: ServiceName::new("local").unwrap(),
            bucket: BucketName::new("demo").unwrap(),
            key: ObjectKey::new("a\u{1b}.iso").unwrap(),
            source: source.as_os_str().as_bytes().to_vec(),
        };
        let store = FileStore::new(folder.path().join("uploads"));
        let mut slot = store.claim(&job).unwrap();
        let part = PartReceipt {
            number: PartNumber::new(2).unwrap(),
            size: ByteCount::kib(100),
            crc64: Crc64::new(1),
            etag: ETag::new("E").unwrap(),
        };
        let records = [
            Record::Begun(Box::new(Begun {
                job: job.clone(),
                endpoint: "127.0.0.1:8000".to_owned(),
                stamp: stamp(&source),
                part_size: ByteCount::kib(100),
                options: ObjectOptions::default(),
                at: 1_000,
            })),
            Record::Initiated { upload_id: UploadId::new("U1").unwrap(), at: None },
            Record::PartUploaded { receipt: part, at_rest: true },
        ];
        slot.append(&records, Durability::Written).unwrap();

        let row = || Row::of(store.jobs().unwrap().next().unwrap().unwrap());
        let json = row().json();
        let told = |name: &str| json[name].clone();
        assert_eq!(
            (told("size"), told("uploaded"), told("to_send")),
            (json!(256_000), json!(102_400), json!(153_600))
        );
        assert_eq!((told("parts"), told("parts_uploaded")), (json!(3), json!(1)));
        assert_eq!(
            (told("upload_id"), told("service"), told("stage")),
            (json!("U1"), json!("local"), json!("uploading"))
        );
        assert_eq!(told("held_by")["pid"], json!(std::process::id()));
        let now = Timestamp::from_second(1_090).unwrap();
        let text = row().text(now);
        assert!(
            text.contains("40%, 100 KiB of 250 KiB, 150 KiB to send, begun 1 min 30 s ago, held by"),
            "{text}"
        );

        drop(slot);
        assert!(row().json()["held_by"].is_null());
        fs::write(&source, "other").unwrap();
        assert_eq!(row().json()["source_state"], json!("changed"));
        fs::remove_file(&source).unwrap();
        assert!(row().text(now).contains("the source is gone"));
        assert!(row().text(Timestamp::from_second(10).unwrap()).contains("begun 0 s ago"), "no negative age");
    }
}
