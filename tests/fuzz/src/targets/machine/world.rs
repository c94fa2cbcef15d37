//! What the machine is told: of a source and a service that do as they should, and of ones that cannot be.

use std::time::Duration;

use oss_checkpoint::{
    Begun, BucketName, ByteCount, Checkpoint, Crc64, ETag, FileIdentity, Job, ObjectFacts, ObjectKey,
    ObjectOptions, PartNumber, PartPlan, PartReceipt, Proof, Record, ServerTime, ServiceName, SourceStamp,
    Stage, UploadId,
};
use oss_resumable::{
    Action, Event, Fault, FaultClass, FoundUpload, ListedPart, PartSize, PartsPage, StoredObject, Upload,
    UploadSpec, UploadedPart, UploadsMarker, UploadsPage,
};

use crate::input::Input;

const PART: ByteCount = ByteCount::kib(100);

/// A source of which each part has its own checksum.
pub(super) struct World {
    stamp: SourceStamp,
}

impl World {
    pub(super) fn new(input: &mut Input<'_>) -> Self {
        let len = match input.byte() % 8 {
            0 => 0,
            1 => 1 + u64::from(input.byte()),
            2..=5 => u64::from(input.byte() % 16) * PART.get() + u64::from(input.byte()),
            6 => u64::from(input.byte()) * PART.get(),
            _ => input.number(),
        };
        let identity = Some(FileIdentity { ctime_ns: 1, device: 2, inode: 3 });
        Self { stamp: SourceStamp { len: ByteCount::new(len), mtime_ns: 0, identity } }
    }

    pub(super) fn spec() -> UploadSpec {
        let job = Job {
            service: ServiceName::new("local").expect("a service"),
            bucket: BucketName::new("demo").expect("a bucket"),
            key: ObjectKey::new("key").expect("a key"),
            source: b"/source".to_vec(),
        };
        let mut spec = UploadSpec::new(job, "127.0.0.1:9", 1_800_000_000);
        (spec.threshold, spec.part_size) = (PART, PartSize::Wished(PART));
        spec
    }

    /// What a run before has left: nothing, an upload under way, or one that was ended.
    pub(super) fn history(&self, input: &mut Input<'_>) -> Checkpoint {
        let mut checkpoint = Checkpoint::new();
        let choices = input.byte();
        if choices & 1 == 0 {
            return checkpoint;
        }
        let UploadSpec { job, endpoint, .. } = Self::spec();
        let mut stamp = self.stamp;
        stamp.mtime_ns += i64::from(choices & 2);
        let options = ObjectOptions { forbid_overwrite: choices & 4 != 0, ..ObjectOptions::default() };
        let part_size = PartPlan::fit(stamp.len, PART).map_or(PART, |plan| plan.part_size());
        let begun = Begun { job, endpoint, stamp, part_size, options, at: input.number().cast_signed() };
        let mut records = vec![Record::Begun(Box::new(begun))];
        if choices & 8 != 0 {
            records.push(Record::Initiated { upload_id: id(0), at: Some(time(input)) });
        }
        for _ in 0..input.byte() % 16 {
            let number = PartNumber::new(u64::from(input.byte())).unwrap_or(PartNumber::FIRST);
            let receipt =
                PartReceipt { number, size: self.size_of(number), crc64: crc(number), etag: etag(number) };
            records.push(Record::PartUploaded { receipt, at_rest: choices & 16 != 0 });
        }
        if choices & 32 != 0 {
            records.push(Record::Entered([Stage::Completing, Stage::Aborting][usize::from(choices >> 7)]));
        }
        if choices & 64 != 0 {
            records.push(Record::Done(Box::new(ObjectFacts {
                size: self.stamp.len,
                crc64: Crc64::new(input.number()),
                etag: None,
                version_id: None,
                proof: Proof::Object,
                settled: false,
                finished: Some(time(input)),
            })));
        }
        for record in records {
            // What makes no sense is passed over, as in a journal.
            let _ = checkpoint.apply(&record);
        }
        checkpoint
    }

    fn size_of(&self, number: PartNumber) -> ByteCount {
        let plan = PartPlan::fit(self.stamp.len, PART);
        plan.and_then(|plan| plan.range_of(number)).map_or(PART, |range| range.len)
    }

    /// The action was carried out.
    pub(super) fn done(&self, action: Action, upload: &Upload) -> Event {
        let stamp = self.stamp;
        match action {
            Action::InspectSource { ticket } => Event::SourceInspected { ticket, stamp },
            Action::PutObject { ticket } => {
                Event::ObjectPut { ticket, object: self.object(Crc64::new(7)), local: Crc64::new(7) }
            }
            Action::FindUploads { ticket } => Event::UploadsFound { ticket, page: UploadsPage::default() },
            Action::Initiate { ticket } => Event::Initiated { ticket, upload_id: id(1), at: None },
            Action::ListParts { ticket, .. } => Event::PartsListed { ticket, page: PartsPage::default() },
            Action::ChecksumPart { ticket, part } => {
                Event::PartChecksummed { ticket, crc64: crc(part.number), stamp, at_rest: true }
            }
            Action::UploadPart { ticket, part } => {
                let (etag, local) = (etag(part.number), crc(part.number));
                Event::PartUploaded {
                    ticket,
                    part: UploadedPart { etag: Some(etag), local, server: Some(local), stamp, at_rest: true },
                }
            }
            Action::Complete { ticket } => {
                let joined = upload
                    .receipts()
                    .fold(Crc64::EMPTY, |crc, receipt| crc.followed_by(receipt.crc64, receipt.size.get()));
                Event::Completed { ticket, object: self.object(joined) }
            }
            Action::InspectObject { ticket } => Event::ObjectInspected { ticket, object: None },
            Action::Abort { ticket } => Event::Aborted { ticket },
            Action::Save { ticket, .. } => Event::Saved { ticket },
            Action::Retire { ticket } => Event::Retired { ticket },
            Action::Cancel { .. } => unreachable!("no reply is owed to it"),
        }
    }

    fn object(&self, crc64: Crc64) -> StoredObject {
        StoredObject { size: Some(self.stamp.len), crc64: Some(crc64), ..StoredObject::default() }
    }

    /// A reply of the right kind, and whatever contents.
    pub(super) fn absurd(&self, action: Action, input: &mut Input<'_>) -> Event {
        let (stamp, crc64) = (self.any_stamp(input), Crc64::new(input.number()));
        match action {
            Action::InspectSource { ticket } => Event::SourceInspected { ticket, stamp },
            Action::PutObject { ticket } => {
                Event::ObjectPut { ticket, object: any_object(input), local: crc64 }
            }
            Action::FindUploads { ticket } => Event::UploadsFound { ticket, page: any_uploads(input) },
            Action::Initiate { ticket } => {
                Event::Initiated { ticket, upload_id: id(input.byte()), at: Some(time(input)) }
            }
            Action::ListParts { ticket, .. } => Event::PartsListed { ticket, page: self.any_parts(input) },
            Action::ChecksumPart { ticket, .. } => {
                Event::PartChecksummed { ticket, crc64, stamp, at_rest: input.one_in(2) }
            }
            Action::UploadPart { ticket, part } => {
                let server = [None, Some(crc64), Some(Crc64::new(input.number()))][input.below(3)];
                let etag = etag(part.number);
                Event::PartUploaded {
                    ticket,
                    part: UploadedPart {
                        etag: (!input.one_in(16)).then_some(etag),
                        local: crc64,
                        server,
                        stamp,
                        at_rest: input.one_in(2),
                    },
                }
            }
            Action::Complete { ticket } => Event::Completed { ticket, object: any_object(input) },
            Action::InspectObject { ticket } => {
                Event::ObjectInspected { ticket, object: input.one_in(2).then(|| any_object(input)) }
            }
            Action::Abort { ticket } => Event::Aborted { ticket },
            Action::Save { ticket, .. } => Event::Saved { ticket },
            Action::Retire { ticket } => Event::Retired { ticket },
            Action::Cancel { .. } => unreachable!("no reply is owed to it"),
        }
    }

    fn any_stamp(&self, input: &mut Input<'_>) -> SourceStamp {
        match input.byte() % 4 {
            0 => self.stamp,
            1 => SourceStamp { mtime_ns: i64::from(input.byte()), ..self.stamp },
            2 => SourceStamp { identity: None, ..self.stamp },
            _ => SourceStamp {
                len: ByteCount::new(input.number()),
                mtime_ns: input.number().cast_signed(),
                identity: None,
            },
        }
    }

    fn any_parts(&self, input: &mut Input<'_>) -> PartsPage {
        let parts = (0..input.byte() % 16).map(|_| {
            let number = PartNumber::new(input.number()).unwrap_or(PartNumber::FIRST);
            let right = input.one_in(2);
            ListedPart {
                number,
                size: if right { self.size_of(number) } else { ByteCount::new(input.number()) },
                etag: etag(number),
                crc64: [None, Some(crc(number)), Some(Crc64::new(input.number()))][input.below(3)],
            }
        });
        let parts = parts.collect();
        PartsPage { parts, next: input.one_in(3).then(|| PartNumber::new(input.number()).ok()).flatten() }
    }

    /// Something went wrong, in any way that there is.
    pub(super) fn fault(input: &mut Input<'_>) -> Fault {
        const CLASSES: [FaultClass; 14] = [
            FaultClass::Unreachable,
            FaultClass::Untrusted,
            FaultClass::Unanswered,
            FaultClass::Throttled,
            FaultClass::Skewed,
            FaultClass::Unauthorised,
            FaultClass::Corrupted,
            FaultClass::Vanished,
            FaultClass::Exists,
            FaultClass::PartsRejected,
            FaultClass::Refused,
            FaultClass::SourceMoved,
            FaultClass::Local,
            FaultClass::Scarce,
        ];
        let mut fault = Fault::new(CLASSES[input.below(CLASSES.len())], "it went wrong");
        if input.one_in(4) {
            fault.after = Some(Duration::from_secs(input.number()));
        }
        if input.one_in(4) {
            fault.read = Some(Crc64::new(input.number()));
        }
        fault
    }
}

fn any_object(input: &mut Input<'_>) -> StoredObject {
    StoredObject {
        size: input.one_in(2).then(|| ByteCount::new(input.number())),
        crc64: input.one_in(2).then(|| Crc64::new(input.number())),
        etag: input.one_in(2).then(|| etag(PartNumber::FIRST)),
        version_id: input.one_in(4).then(|| "version".to_owned()),
        last_modified: input.one_in(2).then(|| time(input)),
        at: input.one_in(2).then(|| time(input)),
    }
}

fn any_uploads(input: &mut Input<'_>) -> UploadsPage {
    let uploads = (0..input.byte() % 8).map(|_| FoundUpload {
        upload_id: id(input.byte() % 8),
        initiated: input.one_in(2).then(|| time(input)),
    });
    let uploads = uploads.collect();
    let next = input.one_in(3).then(|| UploadsMarker {
        key: ObjectKey::new("key").expect("a key"),
        upload_id: input.one_in(2).then(|| id(input.byte())),
    });
    UploadsPage { uploads, next, at: input.one_in(2).then(|| time(input)) }
}

fn time(input: &mut Input<'_>) -> ServerTime {
    ServerTime::from_unix(input.number().cast_signed())
}

fn id(number: u8) -> UploadId {
    UploadId::new(format!("0004B9894A22E5B1888A1E29F8236E{number:02X}")).expect("an id")
}

fn crc(number: PartNumber) -> Crc64 {
    Crc64::new(u64::from(number.get()).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

fn etag(number: PartNumber) -> ETag {
    ETag::new(&format!("{number}")).expect("digits are a tag")
}
