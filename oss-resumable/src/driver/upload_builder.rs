use std::{io, num::NonZeroU16, path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use oss_checkpoint::{
    BucketName, ByteCount, CheckpointStore, Job, ObjectKey, ObjectOptions, Opened, Proof, ServerTime, Slot,
    StoreError, UploadId,
};
use tokio::task::JoinSet;

use super::{
    BandwidthLimit, Driver, Ended,
    clock::wall_seconds,
    handle::Handle,
    observer::{Observer, ProgressCallback},
    receipt::{Receipt, ReceiptPart, ReceiptProof, ReceiptSource},
    source::Source,
    threads::apart,
    upload_error::UploadError,
    uploader::Uploader,
};
use crate::{Adopt, Finished, Limits, OnChange, Outcome, PartSize, Upload, UploadSpec, Verify};

/// One upload in the making: what is not said has the documented default.
pub struct UploadBuilder {
    uploader: Uploader,
    origin: Origin,
    bucket: BucketName,
    key: ObjectKey,
    wishes: Wishes,
    limits: Limits,
    bandwidth: Option<BandwidthLimit>,
    observer: Box<dyn Observer>,
    handle: Handle,
}

/// What becomes an [`UploadSpec`] once the job is known.
struct Wishes {
    options: ObjectOptions,
    default_content_type: Option<String>,
    threshold: ByteCount,
    part_size: PartSize,
    on_change: OnChange,
    verify: Verify,
    adopt: Adopt,
}

/// Where the bytes are.
enum Origin {
    File(PathBuf),
    Source { source: Arc<dyn Source>, identity: Vec<u8> },
}

impl UploadBuilder {
    pub(crate) fn of_file(uploader: Uploader, path: PathBuf, bucket: BucketName, key: ObjectKey) -> Self {
        Self::new(uploader, Origin::File(path), bucket, key)
    }

    pub(crate) fn of_source(
        uploader: Uploader,
        source: Arc<dyn Source>,
        identity: Vec<u8>,
        bucket: BucketName,
        key: ObjectKey,
    ) -> Self {
        Self::new(uploader, Origin::Source { source, identity }, bucket, key)
    }

    fn new(uploader: Uploader, origin: Origin, bucket: BucketName, key: ObjectKey) -> Self {
        Self {
            uploader,
            origin,
            bucket,
            key,
            wishes: Wishes {
                options: ObjectOptions::default(),
                default_content_type: None,
                threshold: UploadSpec::DEFAULT_THRESHOLD,
                part_size: PartSize::default(),
                on_change: OnChange::default(),
                verify: Verify::default(),
                adopt: Adopt::default(),
            },
            limits: Limits { seed: fastrand::u64(..), ..Limits::default() },
            bandwidth: None,
            observer: Box::new(()),
            handle: Handle::new(),
        }
    }

    /// Size of each part but the last, in bytes; grows where 10,000 parts would not be enough. Default: chosen from the length of
    /// the source.
    #[must_use]
    pub fn part_size(mut self, size: impl Into<PartSize>) -> Self {
        self.wishes.part_size = size.into();
        self
    }

    /// Sources of at least this length go up in parts. Default 10 MiB.
    #[must_use]
    pub fn threshold(mut self, length: ByteCount) -> Self {
        self.wishes.threshold = length;
        self
    }

    /// Parts in flight at once, no more and, but for throttling, no fewer. Default: 4, and up to 16 where that is faster. The
    /// transport should have as many connections.
    #[must_use]
    pub fn parallel(mut self, parts: NonZeroU16) -> Self {
        (self.limits.concurrency, self.limits.max_concurrency) = (parts, parts);
        self
    }

    /// Gives up when no byte was accepted for this long. Default 15 min.
    #[must_use]
    pub fn give_up_after(mut self, idle: Duration) -> Self {
        self.limits.give_up_after = idle;
        self
    }

    /// Sends no faster than that, which may be shared between uploads and changed while they run. Default: as fast as it goes.
    #[must_use]
    pub fn bandwidth_limit(mut self, limit: BandwidthLimit) -> Self {
        self.bandwidth = Some(limit);
        self
    }

    /// All limits at once, those of [`Self::parallel`] and [`Self::give_up_after`] included.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What the object is given. An unfinished upload with other options is not resumed, and with a content type or
    /// other stored headers none that has no journal is adopted.
    #[must_use]
    pub fn options(mut self, options: ObjectOptions) -> Self {
        self.wishes.options = options;
        self
    }

    /// `Content-Type` of the object.
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.wishes.options.content_type = Some(content_type.into());
        self
    }

    /// `Content-Type` if none is given: a guess, which does not keep an upload from being adopted.
    #[must_use]
    pub fn default_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.wishes.default_content_type = Some(content_type.into());
        self
    }

    /// `x-oss-meta-<name>` of the object.
    #[must_use]
    pub fn metadata(mut self, name: &str, value: impl Into<String>) -> Self {
        let name = format!("x-oss-meta-{}", name.to_ascii_lowercase());
        self.wishes.options.headers.push((name, value.into()));
        self
    }

    /// Fails where the object is there already.
    #[must_use]
    pub fn forbid_overwrite(mut self) -> Self {
        self.wishes.options.forbid_overwrite = true;
        self
    }

    /// What to do about a source that changed. Default: heal.
    #[must_use]
    pub fn on_change(mut self, on_change: OnChange) -> Self {
        self.wishes.on_change = on_change;
        self
    }

    /// What to read again of parts that the server holds. Default: what the stamp does not vouch for.
    #[must_use]
    pub fn verify(mut self, verify: Verify) -> Self {
        self.wishes.verify = verify;
        self
    }

    /// Whether to take over an unfinished upload that has no journal here. Default: when exactly one fits. It never is
    /// when the caller gives options that are stored with the object.
    #[must_use]
    pub fn adopt(mut self, adopt: Adopt) -> Self {
        self.wishes.adopt = adopt;
        self
    }

    /// Calls back with `(consumed, total)` as it goes: `consumed` never falls, and an upload that completes ends with
    /// both the same.
    #[must_use]
    pub fn progress(self, callback: impl FnMut(u64, Option<u64>) + Send + 'static) -> Self {
        self.observer(ProgressCallback::new(callback))
    }

    /// Lets somebody look on, beside those who already do.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Box::new((self.observer, observer));
        self
    }

    /// Stops it from elsewhere, also before it has started.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Runs it on a task of its own. Needs a tokio runtime.
    pub fn start(self) -> Running {
        let handle = self.handle();
        let mut task = JoinSet::new();
        task.spawn(self.run());
        Running { handle, task }
    }

    /// Runs it to its end.
    ///
    /// Dropping the future stops it at once; the same call later goes on.
    ///
    /// # Errors
    /// [`UploadError`] by what can be done about it.
    pub async fn run(mut self) -> Result<Receipt, UploadError> {
        let started = wall_seconds();
        let found = find(self.origin).await?;
        let job = self.uploader.job(self.bucket, self.key, found.identity);
        let (slot, opened, taken) = claim(Arc::clone(&self.uploader.store), job.clone()).await?;
        for finding in &opened.findings {
            self.observer.finding(finding);
        }
        if let Some(missing) = found.missing
            && opened.checkpoint.begun().is_none()
        {
            return Err(missing);
        }
        let spec = self.wishes.spec(job, self.uploader.client.endpoint().authority(), started);
        let spec = UploadSpec { taken, ..spec };
        let mut upload = Upload::resume(opened.checkpoint, spec, self.limits);
        let client = self.uploader.client.clone().with_patience(self.limits.give_up_after);
        let mut driver =
            Driver::new(client, found.source, slot).with_observer(self.observer).with_handle(self.handle);
        if let Some(limit) = self.bandwidth {
            driver = driver.with_bandwidth_limit(limit);
        }
        let ended = driver.run(&mut upload).await;
        match &ended.outcome {
            Outcome::Completed(finished) => Ok(receipt(&upload, finished, &ended)),
            Outcome::Paused => Err(UploadError::Paused),
            Outcome::Aborted => Err(UploadError::Aborted),
            Outcome::Failed(failure) => Err(UploadError::Failed(Box::new(failure.clone()))),
        }
    }
}

impl Wishes {
    fn spec(self, job: Job, endpoint: &str, started: i64) -> UploadSpec {
        let stored = self.options.content_type.is_some() || !self.options.headers.is_empty();
        let mut options = self.options;
        options.content_type = options.content_type.or(self.default_content_type);
        UploadSpec {
            options,
            threshold: self.threshold,
            part_size: self.part_size,
            on_change: self.on_change,
            verify: self.verify,
            adopt: match self.adopt {
                // Nobody can see which options an upload was begun with.
                Adopt::Auto if stored => Adopt::Never,
                adopt => adopt,
            },
            ..UploadSpec::new(job, endpoint, started)
        }
    }
}

async fn find(origin: Origin) -> Result<Found, UploadError> {
    match origin {
        Origin::Source { source, identity } => Ok(Found { source, identity, missing: None }),
        Origin::File(path) => {
            apart("oss-source", move || find_file(path)).await.map_err(UploadError::Start)?
        }
    }
}

/// A source, and what names it in the journals.
struct Found {
    source: Arc<dyn Source>,
    identity: Vec<u8>,
    /// It is not there: only an upload that was sealed before can do without it.
    missing: Option<UploadError>,
}

#[cfg(unix)]
fn find_file(path: PathBuf) -> Result<Found, UploadError> {
    use std::os::unix::ffi::OsStrExt;

    let canonical = match super::uploader::canonical(&path) {
        Ok(canonical) => canonical,
        Err(source) => return Err(UploadError::Source { path, source }),
    };
    let identity = canonical.as_os_str().as_bytes().to_vec();
    let source = Arc::new(super::source::FileSource::new(canonical));
    let missing = match source.inspect() {
        Ok(_) => None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Some(UploadError::Source { path, source: error })
        }
        Err(error) => return Err(UploadError::Source { path, source: error }),
    };
    Ok(Found { source, identity, missing })
}

#[cfg(not(unix))]
fn find_file(path: PathBuf) -> Result<Found, UploadError> {
    Err(UploadError::Source { path, source: io::ErrorKind::Unsupported.into() })
}

/// Takes the job's journal. Where there is no upload in it yet, one may be adopted: not what another journal has.
async fn claim(
    store: Arc<dyn CheckpointStore>,
    job: Job,
) -> Result<(Box<dyn Slot>, Opened, Vec<UploadId>), UploadError> {
    let claimed = apart("oss-journal", move || -> Result<_, StoreError> {
        let mut slot = store.claim(&job)?;
        let opened = slot.open()?;
        let begun = opened.checkpoint.upload_id().is_some();
        let taken = if begun { Vec::new() } else { store.taken_by_others(&job) };
        Ok((slot, opened, taken))
    });
    Ok(claimed.await.map_err(UploadError::Start)??)
}

fn receipt(upload: &Upload, finished: &Finished, ended: &Ended) -> Receipt {
    let (spec, facts) = (upload.spec(), &finished.facts);
    let stamp = upload.checkpoint().begun().map(|begun| begun.stamp).or(upload.stamp());
    let identity = stamp.and_then(|stamp| stamp.identity);
    Receipt {
        v: 1,
        service: spec.job.service.to_string(),
        bucket: spec.job.bucket.to_string(),
        key: spec.job.key.to_string(),
        size: facts.size.get(),
        crc64: facts.crc64.to_string(),
        etag: facts.etag.as_ref().map(ToString::to_string),
        version_id: facts.version_id.clone(),
        upload_id: upload.checkpoint().upload_id().map(ToString::to_string),
        proof: match facts.proof {
            Proof::PartsAndObject => ReceiptProof::PartsAndObject,
            Proof::Object => ReceiptProof::Object,
            Proof::None => ReceiptProof::None,
        },
        settled: facts.settled,
        source: ReceiptSource {
            path: String::from_utf8_lossy(&spec.job.source).into_owned(),
            mtime_ns: stamp.map(|stamp| stamp.mtime_ns),
            ctime_ns: identity.map(|identity| identity.ctime_ns),
            device: identity.map(|identity| identity.device),
            inode: identity.map(|identity| identity.inode),
        },
        parts: upload
            .receipts()
            .map(|part| ReceiptPart {
                number: part.number.get(),
                size: part.size.get(),
                crc64: part.crc64.to_string(),
                etag: part.etag.to_string(),
            })
            .collect(),
        started: in_words(spec.started),
        finished: in_words(facts.finished.map_or_else(wall_seconds, ServerTime::unix)),
        request_ids: ended
            .request_ids
            .iter()
            .map(|(operation, id)| ((*operation).to_owned(), id.clone()))
            .collect(),
        already: finished.already,
        callback_failed: ended.callback_failed.as_ref().map(ToString::to_string),
    }
}

/// RFC 3339, UTC.
fn in_words(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// An upload under way. Dropping it stops the upload at once, as a crash would.
#[derive(Debug)]
pub struct Running {
    handle: Handle,
    task: JoinSet<Result<Receipt, UploadError>>,
}

impl Running {
    /// Stops it from elsewhere.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`UploadError`]; [`UploadError::Paused`] when the runtime ended first.
    ///
    /// # Panics
    /// Where the upload did.
    pub async fn wait(mut self) -> Result<Receipt, UploadError> {
        match self.task.join_next().await {
            Some(Ok(ended)) => ended,
            Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Some(Err(_)) | None => Err(UploadError::Paused),
        }
    }
}
