//! A service, a disk and a source for one upload, in a time that moves only when it is waited for.

use std::time::Duration;

use oss_checkpoint::{
    BucketName, ByteCount, Checkpoint, Crc64, ETag, Job, ObjectKey, PartNumber, Record, ServiceName,
    SourceStamp, UploadId,
};
use oss_resumable::{
    Action, Event, Fault, FaultClass, Moment, PartSize, PartsPage, Step, Stop, StoredObject, Upload,
    UploadSpec, UploadedPart, UploadsPage,
};

/// The smallest part that OSS takes, in bytes.
pub(crate) const MIN_PART: u64 = 100 << 10;
/// An upload in parts of that size.
pub(crate) fn spec(part_size: u64) -> UploadSpec {
    let job = Job {
        service: ServiceName::new("local").unwrap(),
        bucket: BucketName::new("bucket").unwrap(),
        key: ObjectKey::new("key").unwrap(),
        source: b"/source".to_vec(),
    };
    UploadSpec {
        threshold: ByteCount::new(1),
        part_size: PartSize::Wished(ByteCount::new(part_size)),
        ..UploadSpec::new(job, "oss.example", 0)
    }
}

/// Whether an action is one of those in question.
pub(crate) type Which = fn(&Action) -> bool;

/// A service and a disk that do what they are asked, and a source each part of which has its number for a CRC-64.
pub(crate) struct World {
    pub(crate) len: u64,
    /// Number and length of each part that was sent.
    pub(crate) sent: Vec<(PartNumber, u64)>,
    /// How often unfinished uploads were asked for.
    pub(crate) asked: usize,
    /// All that was written to the journal.
    pub(crate) journal: Vec<Record>,
    pub(crate) now: Moment,
    /// Each of the first tries of the first part is cut amid it, after so long.
    pub(crate) cuts: Vec<Duration>,
    /// What always fails, and how.
    pub(crate) failing: Option<(Which, FaultClass)>,
    /// When it was tried.
    pub(crate) tries: Vec<Moment>,
    /// When the source was last written to, as its stamp says, in nanoseconds.
    pub(crate) mtime_ns: i64,
    /// Answers in place of those of a world in which nothing goes wrong.
    pub(crate) instead: Instead,
    /// All that was done.
    pub(crate) actions: Vec<Action>,
}

/// What happens instead, if anything does.
pub(crate) type Instead = Box<dyn FnMut(&Action, &mut Upload) -> Option<Event>>;

impl World {
    pub(crate) fn new(len: u64) -> Self {
        Self {
            len,
            sent: Vec::new(),
            asked: 0,
            journal: Vec::new(),
            now: Moment::START,
            cuts: Vec::new(),
            failing: None,
            tries: Vec::new(),
            mtime_ns: 0,
            instead: Box::new(|_, _| None),
            actions: Vec::new(),
        }
    }

    pub(crate) fn stamp(&self) -> SourceStamp {
        SourceStamp { len: ByteCount::new(self.len), mtime_ns: self.mtime_ns, identity: None }
    }

    /// The history that a second run begins with.
    pub(crate) fn history(&self) -> Checkpoint {
        let mut history = Checkpoint::new();
        for record in &self.journal {
            history.apply(record).unwrap();
        }
        history
    }

    /// How many actions there were of a kind.
    pub(crate) fn count(&self, which: Which) -> usize {
        self.actions.iter().filter(|action| which(action)).count()
    }

    /// Drives an upload to its end, or until so many parts were sent.
    pub(crate) fn drive(&mut self, upload: &mut Upload, most_parts: usize) {
        loop {
            match upload.poll(self.now) {
                Step::Done => return,
                Step::Wait { until } => {
                    let until = until.expect("every action was answered");
                    assert!(until > self.now, "it waits for what is past");
                    self.now = until;
                }
                Step::Act(Action::Cancel { .. }) => {}
                Step::Act(action) => {
                    self.actions.push(action);
                    let event = (self.instead)(&action, upload);
                    let event = event.unwrap_or_else(|| self.answer(action, upload));
                    upload.handle(event, self.now);
                    if self.sent.len() == most_parts {
                        upload.handle(Event::StopRequested(Stop::Pause), self.now);
                    }
                }
            }
        }
    }

    pub(crate) fn answer(&mut self, action: Action, upload: &Upload) -> Event {
        let ticket = action.ticket();
        if let Some((_, class)) = self.failing.filter(|(which, _)| which(&action)) {
            self.tries.push(self.now);
            return Event::Failed { ticket, fault: Fault::new(class, "always") };
        }
        match action {
            Action::InspectSource { .. } => Event::SourceInspected { ticket, stamp: self.stamp() },
            Action::FindUploads { .. } => {
                self.asked += 1;
                Event::UploadsFound { ticket, page: UploadsPage::default() }
            }
            Action::Initiate { .. } => {
                Event::Initiated { ticket, upload_id: UploadId::new("ID").unwrap(), at: None }
            }
            Action::ListParts { .. } => Event::PartsListed { ticket, page: PartsPage::default() },
            Action::UploadPart { part, .. } if part.number.get() == 1 && !self.cuts.is_empty() => {
                self.now = self.now.plus(self.cuts.remove(0));
                Event::Failed { ticket, fault: Fault::new(FaultClass::Unanswered, "cut") }
            }
            Action::UploadPart { part, .. } => {
                let crc64 = Crc64::new(part.number.get().into());
                self.sent.push((part.number, part.range.len.get()));
                let etag = Some(ETag::new(&part.number.get().to_string()).unwrap());
                let (local, server, stamp) = (crc64, Some(crc64), self.stamp());
                Event::PartUploaded {
                    ticket,
                    part: UploadedPart { etag, local, server, stamp, at_rest: true },
                }
            }
            Action::Complete { .. } => {
                let whole = upload.receipts().fold(Crc64::EMPTY, |whole, part| {
                    whole.followed_by(Crc64::new(part.number.get().into()), part.size.get())
                });
                let size = Some(ByteCount::new(self.len));
                Event::Completed {
                    ticket,
                    object: StoredObject { size, crc64: Some(whole), ..StoredObject::default() },
                }
            }
            Action::PutObject { .. } => {
                let object = StoredObject { crc64: Some(Crc64::EMPTY), ..StoredObject::default() };
                Event::ObjectPut { ticket, object, local: Crc64::EMPTY }
            }
            Action::Save { upto, .. } => {
                self.journal.extend_from_slice(upload.unsaved(upto));
                Event::Saved { ticket }
            }
            Action::Retire { .. } => Event::Retired { ticket },
            Action::ChecksumPart { part, .. } => {
                let crc64 = Crc64::new(part.number.get().into());
                Event::PartChecksummed { ticket, crc64, stamp: self.stamp(), at_rest: true }
            }
            Action::Abort { .. } => Event::Aborted { ticket },
            other => panic!("nothing went wrong, and it asks for {other:?}"),
        }
    }
}
