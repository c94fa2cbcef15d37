//! Drives the upload machine with threads, and without any async runtime.
//!
//! ```text
//! cargo run -p oss-resumable --features wire --example blocking -- http://127.0.0.1:9000 FILE BUCKET KEY DIRECTORY
//! ```
//!
//! One thread owns the machine and polls it; each piece of work has a thread of its own and sends its reply to the
//! first one. A cancelled piece simply goes on: its reply changes nothing any more. The journal is kept in DIRECTORY: the
//! same line again goes on where it was interrupted. Requests are signed with the pair `local`/`local`, as a local
//! emulator takes it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "who drives the machine has the clock, the threads and the files that the machine has not"
)]

#[path = "plain/http.rs"]
mod http;

use std::{
    error::Error,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    time::{Instant, SystemTime},
};

use crc_fast::{CrcAlgorithm, Digest};
use oss_checkpoint::{
    BucketName, ByteCount, ByteRange, CheckpointStore, Crc64, FileIdentity, FileStore, Job, ObjectKey,
    PartReceipt, Slot, SourceStamp, UploadId,
};
use oss_resumable::{
    Action, Event, Fault, FaultClass, Limits, Moment, Outcome, Step, Ticket, Upload, UploadSpec,
    UploadedPart,
    wire::{self, Endpoint, EndpointSettings, Operation, Target},
};
use oss_sign::{Credentials, Region, Resource, Signer, SigningTime};

type Failure = Box<dyn Error + Send + Sync>;

/// Uploads a file and says how it ended.
pub fn upload(
    endpoint: &str,
    file: &Path,
    bucket: &str,
    key: &str,
    journals: &Path,
) -> Result<Outcome, Failure> {
    let settings = EndpointSettings {
        endpoint: Some(endpoint.to_owned()),
        region: Some("cn-hangzhou".to_owned()),
        ..EndpointSettings::default()
    };
    let endpoint = Endpoint::resolve(&settings)?;
    let file = fs::canonicalize(file)?;
    let (bucket, key) = (BucketName::new(bucket)?, ObjectKey::new(key)?);
    let job = Job {
        service: endpoint.service().clone(),
        bucket: bucket.clone(),
        key: key.clone(),
        source: file.as_os_str().as_bytes().to_vec(),
    };
    let mut slot = FileStore::new(journals).claim(&job)?;
    let spec = UploadSpec::new(job, endpoint.authority(), unix_time());
    let mut upload = Upload::resume(slot.open()?.checkpoint, spec, Limits::default());
    let worker = Worker {
        file,
        signer: Signer::new(Region::new(endpoint.region())?),
        credentials: Credentials::new("local", "local")?,
        target: Target { endpoint, bucket, key },
    };
    run(&mut upload, slot.as_mut(), &Arc::new(worker))
}

fn run(upload: &mut Upload, slot: &mut dyn Slot, worker: &Arc<Worker>) -> Result<Outcome, Failure> {
    let epoch = Instant::now();
    let now = || Moment::after_start(epoch.elapsed());
    let (replies, inbox) = mpsc::channel();
    loop {
        match upload.poll(now()) {
            Step::Act(action) => {
                if let Some(event) = start(action, upload, slot, worker, &replies) {
                    upload.handle(event, now());
                }
            }
            Step::Wait { until: None } => upload.handle(inbox.recv()?, now()),
            Step::Wait { until: Some(until) } => match inbox.recv_timeout(until.since(now())) {
                Ok(event) => upload.handle(event, now()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err("nobody is left to reply".into()),
            },
            Step::Done => return Ok(upload.outcome().expect("it is done").clone()),
        }
    }
}

/// Starts a thread for what takes time, and does the rest at once.
fn start(
    action: Action,
    upload: &Upload,
    slot: &mut dyn Slot,
    worker: &Arc<Worker>,
    replies: &Sender<Event>,
) -> Option<Event> {
    let ticket = action.ticket();
    let local = |error: oss_checkpoint::StoreError| Fault::new(FaultClass::Local, error.to_string());
    let done = match action {
        Action::Save { upto, durability, .. } => slot.append(upload.unsaved(upto), durability),
        Action::Retire { .. } => slot.retire(),
        Action::Cancel { .. } => return None,
        _ => {
            let work = Work::of(action, upload);
            let (worker, replies) = (Arc::clone(worker), replies.clone());
            std::thread::spawn(move || {
                let event = worker.carry_out(&work).unwrap_or_else(|fault| Event::Failed { ticket, fault });
                // The machine may have come to its end without this reply.
                let _ = replies.send(event);
            });
            return None;
        }
    };
    Some(match done {
        Ok(()) if matches!(action, Action::Retire { .. }) => Event::Retired { ticket },
        Ok(()) => Event::Saved { ticket },
        Err(error) => Event::Failed { ticket, fault: local(error) },
    })
}

/// An action, and what it takes from the machine.
struct Work {
    action: Action,
    stamp: Option<SourceStamp>,
    upload_id: Option<UploadId>,
    after: Option<oss_resumable::UploadsMarker>,
    receipts: Vec<PartReceipt>,
    options: oss_checkpoint::ObjectOptions,
}

impl Work {
    fn of(action: Action, upload: &Upload) -> Self {
        let is_complete = matches!(action, Action::Complete { .. });
        Self {
            action,
            stamp: upload.stamp(),
            upload_id: upload.upload_id().cloned(),
            after: upload.uploads_marker().cloned(),
            receipts: if is_complete { upload.receipts().cloned().collect() } else { Vec::new() },
            options: upload.spec().options.clone(),
        }
    }
}

/// What every thread needs.
struct Worker {
    file: PathBuf,
    signer: Signer,
    credentials: Credentials,
    target: Target,
}

impl Worker {
    fn carry_out(&self, work: &Work) -> Result<Event, Fault> {
        let (target, options) = (&self.target, &work.options);
        let upload_id = || {
            let missing = || Fault::new(FaultClass::Local, "there is no upload id for this request");
            work.upload_id.as_ref().ok_or_else(missing)
        };
        Ok(match work.action {
            Action::InspectSource { ticket } => {
                Event::SourceInspected { ticket, stamp: self.stamp().map_err(unreadable)? }
            }
            Action::ChecksumPart { ticket, part } => {
                let (crc64, stamp) = self.read(part.range, &mut io::sink())?;
                Event::PartChecksummed { ticket, crc64, stamp, at_rest: false }
            }
            Action::PutObject { ticket } => self.put_object(ticket, work)?,
            Action::FindUploads { ticket } => {
                let page = self.ask(&wire::ListUploads { target, after: work.after.as_ref() })?;
                Event::UploadsFound { ticket, page }
            }
            Action::Initiate { ticket } => {
                let wire::Initiated { upload_id, at } = self.ask(&wire::Initiate { target, options })?;
                Event::Initiated { ticket, upload_id, at }
            }
            Action::ListParts { ticket, after } => {
                let page = self.ask(&wire::ListParts { target, upload_id: upload_id()?, after })?;
                Event::PartsListed { ticket, page }
            }
            Action::UploadPart { ticket, part } => {
                let operation = wire::UploadPart { target, upload_id: upload_id()?, number: part.number };
                let (stored, local, stamp) = self.send(&operation, part.range, None)?;
                let part = UploadedPart {
                    etag: stored.etag,
                    local,
                    server: stored.crc64,
                    stamp,
                    // Not looked at here: at worst a later run reads the part once more.
                    at_rest: false,
                };
                Event::PartUploaded { ticket, part }
            }
            Action::Complete { ticket } => {
                let operation = wire::Complete::new(target, upload_id()?, options, &work.receipts);
                Event::Completed { ticket, object: self.ask(&operation)?.object }
            }
            Action::InspectObject { ticket } => {
                Event::ObjectInspected { ticket, object: self.ask(&wire::HeadObject { target })? }
            }
            Action::Abort { ticket } => {
                self.ask(&wire::Abort { target, upload_id: upload_id()? })?;
                Event::Aborted { ticket }
            }
            Action::Save { .. } | Action::Retire { .. } | Action::Cancel { .. } => {
                unreachable!("these are done at once")
            }
        })
    }

    fn put_object(&self, ticket: Ticket, work: &Work) -> Result<Event, Fault> {
        let operation = wire::PutObject { target: &self.target, options: &work.options };
        let len = work.stamp.map_or(ByteCount::ZERO, |stamp| stamp.len);
        let (stored, local, _) = self.send(&operation, ByteRange { start: 0, len }, work.stamp)?;
        Ok(Event::ObjectPut { ticket, object: stored.object, local })
    }

    /// One operation whose body is its own.
    fn ask<O: Operation>(&self, operation: &O) -> Result<O::Reply, Fault> {
        let (head, body) = self.signed(operation)?;
        let answer = http::exchange(&head, body.len() as u64, |stream| stream.write_all(&body));
        let (head, body) = answer.map_err(lost)?.into_parts();
        operation.reply(&head, &body)
    }

    /// One operation whose body is a range of the file. With `required`, the body is left unfinished when the file no
    /// longer has that stamp behind its last byte.
    fn send<O: Operation>(
        &self,
        operation: &O,
        range: ByteRange,
        required: Option<SourceStamp>,
    ) -> Result<(O::Reply, Crc64, SourceStamp), Fault> {
        let (head, _) = self.signed(operation)?;
        let mut read = None;
        let answer = http::exchange(&head, range.len.get(), |stream| {
            let mut body = HoldBack { stream, last: Vec::new() };
            let all = self.read(range, &mut body).and_then(|all| match required {
                Some(required) if all.1 != required => {
                    Err(Fault::new(FaultClass::SourceMoved, "the source changed while it was sent"))
                }
                _ => Ok(all),
            });
            let sent = if all.is_ok() { body.release() } else { Err(io::Error::other("the body failed")) };
            read = Some(all);
            sent
        });
        let read = match read {
            Some(Ok(read)) => Some(read),
            // What the file did; a connection that broke is left to the answer to explain.
            Some(Err(fault)) if fault.class != FaultClass::Unanswered => return Err(fault),
            Some(Err(_)) | None => None,
        };
        let answer = answer.map_err(|error| Fault { read: read.map(|(crc64, _)| crc64), ..lost(error) })?;
        let (head, body) = answer.into_parts();
        let reply = operation.reply(&head, &body)?;
        let early = || Fault::new(FaultClass::Corrupted, "the answer came before the body was sent");
        let (crc64, stamp) = read.ok_or_else(early)?;
        Ok((reply, crc64, stamp))
    }

    fn signed<O: Operation>(&self, operation: &O) -> Result<(::http::request::Parts, bytes::Bytes), Fault> {
        let (mut head, body) = operation.request()?.into_parts();
        let resource = match (operation.bucket(), operation.key()) {
            (None, _) => Resource::Service,
            (Some(bucket), None) => Resource::Bucket { bucket: bucket.as_str() },
            (Some(bucket), Some(key)) => Resource::Object { bucket: bucket.as_str(), key: key.as_str() },
        };
        let signed = SigningTime::from_unix(unix_time())
            .and_then(|time| self.signer.sign(&mut head, resource, &self.credentials, time));
        signed.map_err(|error| Fault::new(FaultClass::Local, error.to_string()))?;
        Ok((head, body))
    }

    /// Reads a range into `sink`, and says what it was and what the file was behind its last byte.
    fn read(&self, range: ByteRange, sink: &mut dyn Write) -> Result<(Crc64, SourceStamp), Fault> {
        let mut file = File::open(&self.file).map_err(unreadable)?;
        let began = stamp_of(&file.metadata().map_err(unreadable)?);
        file.seek(SeekFrom::Start(range.start)).map_err(unreadable)?;
        let mut digest = Digest::new(CrcAlgorithm::Crc64Xz);
        let mut block = vec![0; 128 * 1024];
        let mut left = range.len.get();
        while left > 0 {
            let most = usize::try_from(left).map_or(block.len(), |left| left.min(block.len()));
            let len = file.read(&mut block[..most]).map_err(unreadable)?;
            if len == 0 {
                return Err(Fault::new(FaultClass::SourceMoved, "the source has become shorter"));
            }
            digest.update(&block[..len]);
            let sent = sink.write_all(&block[..len]);
            sent.map_err(|error| Fault::new(FaultClass::Unanswered, error.to_string()))?;
            left -= len as u64;
        }
        let stamp = self.stamp().map_err(unreadable)?;
        if stamp != began {
            return Err(Fault::new(FaultClass::SourceMoved, "the source changed while it was read"));
        }
        Ok((Crc64::new(digest.finalize()), stamp))
    }

    fn stamp(&self) -> io::Result<SourceStamp> {
        fs::metadata(&self.file).map(|metadata| stamp_of(&metadata))
    }
}

/// Keeps the last block until it is released.
struct HoldBack<'a> {
    stream: &'a mut std::net::TcpStream,
    last: Vec<u8>,
}

impl HoldBack<'_> {
    fn release(self) -> io::Result<()> {
        self.stream.write_all(&self.last)
    }
}

impl Write for HoldBack<'_> {
    fn write(&mut self, block: &[u8]) -> io::Result<usize> {
        self.stream.write_all(&self.last)?;
        self.last.clear();
        self.last.extend_from_slice(block);
        Ok(block.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn stamp_of(metadata: &fs::Metadata) -> SourceStamp {
    let nanos = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
    SourceStamp {
        len: ByteCount::new(metadata.len()),
        mtime_ns: nanos(metadata.mtime(), metadata.mtime_nsec()),
        identity: Some(FileIdentity {
            ctime_ns: nanos(metadata.ctime(), metadata.ctime_nsec()),
            device: metadata.dev(),
            inode: metadata.ino(),
        }),
    }
}

fn unix_time() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(0)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn unreadable(error: io::Error) -> Fault {
    Fault::new(FaultClass::Local, format!("the source cannot be read: {error}"))
}

fn lost(failed: http::Failed) -> Fault {
    match failed {
        http::Failed::NotSent(error) => Fault::new(FaultClass::Unreachable, error.to_string()),
        http::Failed::Unanswered(error) => Fault::new(FaultClass::Unanswered, error.to_string()),
    }
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, file, bucket, key, journals] = arguments.as_slice() else {
        return Err("expected: ENDPOINT FILE BUCKET KEY DIRECTORY".into());
    };
    match upload(endpoint, Path::new(file), bucket, key, Path::new(journals))? {
        Outcome::Completed(finished) => {
            println!("{} stored, CRC-64 {}", finished.facts.size, finished.facts.crc64);
            Ok(())
        }
        Outcome::Failed(failure) => Err(failure.into()),
        stopped @ (Outcome::Paused | Outcome::Aborted) => Err(format!("it ended early: {stopped:?}").into()),
    }
}
