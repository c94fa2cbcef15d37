//! The machine, in a world in which nothing goes wrong. Here nothing takes time either; over a line it does (`line.rs`).

use oss_checkpoint::{ByteCount, Checkpoint, Crc64, CrcJoin, PartNumber, SourceStamp, UploadId};
use oss_resumable::{
    Action, Event, Limits, ListedPart, Moment, Outcome, PartSize, PartsPage, Step, StoredObject, Upload,
    UploadSpec, UploadedPart, UploadsPage,
};

use crate::{
    journal::{job, records},
    parts::etag,
};

const PART: ByteCount = ByteCount::mib(8);
/// Parts that a page of ListParts has, at most.
const PAGE: usize = 1000;

/// An upload of so many parts, from its beginning; in how many steps, each of them a `poll` or a `handle`.
pub(crate) fn upload(count: u16) -> u64 {
    drive(Checkpoint::new(), count)
}

/// An upload of so many parts of which the last one is missing.
pub(crate) fn resume(count: u16) {
    let mut history = Checkpoint::new();
    for record in &records(count, PART)[..=usize::from(count)] {
        history.apply(record).expect("a history as it is written");
    }
    drive(history, count);
}

fn drive(history: Checkpoint, count: u16) -> u64 {
    let world = World::new(ByteCount::new(u64::from(count) * PART.get()), &history);
    let spec = UploadSpec {
        part_size: PartSize::Wished(PART),
        ..UploadSpec::new(job(), "oss.example", 1_800_000_000)
    };
    let mut upload = Upload::resume(history, spec, Limits::default());
    let mut steps = 0;
    loop {
        steps += 1;
        match upload.poll(Moment::START) {
            Step::Act(action) => {
                let event = world.answer(action, &upload);
                upload.handle(event, Moment::START);
                steps += 1;
            }
            Step::Wait { .. } => panic!("it waits, and everything was answered"),
            Step::Done => break,
        }
    }
    assert!(matches!(upload.outcome(), Some(Outcome::Completed(_))), "{:?}", upload.outcome());
    steps
}

/// A source and a service with which nothing goes wrong.
pub(crate) struct World {
    stamp: SourceStamp,
    /// The parts that were there at first, in order.
    there: Vec<PartNumber>,
}

impl World {
    /// What the history of the upload says is there.
    pub(crate) fn new(len: ByteCount, history: &Checkpoint) -> Self {
        let stamp = SourceStamp { len, mtime_ns: 0, identity: None };
        Self { stamp, there: history.parts().map(|part| part.receipt.number).collect() }
    }

    pub(crate) fn answer(&self, action: Action, upload: &Upload) -> Event {
        let ticket = action.ticket();
        let stamp = self.stamp;
        match action {
            Action::InspectSource { .. } => Event::SourceInspected { ticket, stamp },
            Action::FindUploads { .. } => Event::UploadsFound { ticket, page: UploadsPage::default() },
            Action::Initiate { .. } => {
                Event::Initiated { ticket, upload_id: UploadId::new("ID").expect("an id"), at: None }
            }
            Action::ListParts { after, .. } => {
                let size = part_size(upload);
                let from = after.map_or(0, |after| self.there.partition_point(|number| *number <= after));
                let numbers = &self.there[from..self.there.len().min(from + PAGE)];
                let listed = |number: &PartNumber| ListedPart {
                    number: *number,
                    size,
                    etag: etag(*number),
                    crc64: Some(crc64(*number)),
                };
                let next = numbers.last().copied().filter(|_| from + PAGE < self.there.len());
                Event::PartsListed {
                    ticket,
                    page: PartsPage { parts: numbers.iter().map(listed).collect(), next },
                }
            }
            Action::UploadPart { part, .. } => {
                let local = crc64(part.number);
                let part = UploadedPart {
                    etag: Some(etag(part.number)),
                    local,
                    server: Some(local),
                    stamp,
                    at_rest: true,
                };
                Event::PartUploaded { ticket, part }
            }
            Action::ChecksumPart { part, .. } => {
                Event::PartChecksummed { ticket, crc64: crc64(part.number), stamp, at_rest: true }
            }
            Action::Complete { .. } => {
                let join = CrcJoin::new(part_size(upload).get());
                let whole = upload.receipts().fold(Crc64::EMPTY, |whole, part| join.join(whole, part.crc64));
                let object =
                    StoredObject { size: Some(stamp.len), crc64: Some(whole), ..StoredObject::default() };
                Event::Completed { ticket, object }
            }
            Action::Save { .. } => Event::Saved { ticket },
            Action::Retire { .. } => Event::Retired { ticket },
            other => panic!("nothing went wrong, and it asks for {other:?}"),
        }
    }
}

fn crc64(number: PartNumber) -> Crc64 {
    Crc64::new(number.get().into())
}

/// The length of each part; here all are equally long.
fn part_size(upload: &Upload) -> ByteCount {
    upload.plan().expect("there are parts").part_size()
}
