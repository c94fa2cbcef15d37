//! What is written to the journals that are cut, and how.

use super::{NAME, Told};
use crate::{
    Begun, BucketName, ByteCount, Crc64, ETag, Job, ObjectFacts, ObjectKey, ObjectOptions, PartNumber,
    PartPlan, PartReceipt, Proof, Record, ServiceName, SourceStamp, Stage, UploadId,
    store::{Durability, journal::Journal, simulated_disk::SimulatedDisk},
};

/// Parts of the source.
pub(super) const PARTS: u64 = 6;

#[derive(Clone, Debug)]
pub(super) enum Step {
    Append(Vec<Record>, Durability),
    /// A cleaner of old files removes the journal while it is held.
    Vanish,
}

pub(super) fn append(records: &[Record], durability: Durability) -> Step {
    Step::Append(records.to_vec(), durability)
}

/// An upload of each sort: from its beginning to its end, one begun twice, one whose journal is compacted, one whose
/// journal is removed on the way and written anew, and one whose journal crosses a boundary of 4 KiB.
pub(super) fn scripts() -> [Vec<Step>; 5] {
    [one_by_one(), begun_twice(), compacted(), vanished(), long()]
}

fn one_by_one() -> Vec<Step> {
    use Durability::{Flushed, Written};
    vec![
        append(&[begun(PARTS)], Flushed),
        append(&[initiated("1")], Flushed),
        append(&[part(2)], Written),
        append(&[part(1)], Written),
        append(&[part(4), part(3)], Written),
        append(&[], Flushed),
        append(&[part(5)], Written),
        append(&[Record::StampRenewed { stamp: stamp(PARTS, 1) }], Written),
        append(&[part(5)], Written),
        append(&[part(6)], Written),
        append(&[Record::Entered(Stage::Completing)], Flushed),
        append(&[done()], Flushed),
    ]
}

fn begun_twice() -> Vec<Step> {
    use Durability::{Flushed, Written};
    vec![
        append(&[begun(PARTS), initiated("1")], Flushed),
        append(&[part(1)], Written),
        append(&[Record::Entered(Stage::Aborting)], Flushed),
        append(&[Record::Abandoned], Flushed),
        append(&[begun(2)], Flushed),
        append(&[initiated("2"), part(1)], Flushed),
        append(&[part(1)], Written),
    ]
}

/// Longer than what journals are compacted from here.
fn compacted() -> Vec<Step> {
    use Durability::{Flushed, Written};
    let again: Vec<Record> = (0..24).map(|n| part(1 + n % 2)).collect();
    vec![
        append(&[begun(PARTS), initiated("1")], Flushed),
        append(&again, Flushed),
        append(&[part(3)], Written),
        append(&[part(4)], Written),
        append(&[Record::Entered(Stage::Completing)], Flushed),
    ]
}

fn vanished() -> Vec<Step> {
    use Durability::{Flushed, Written};
    vec![
        append(&[begun(PARTS), initiated("1"), part(1)], Flushed),
        Step::Vanish,
        append(&[part(2)], Flushed),
        append(&[part(3)], Written),
        append(&[part(4)], Flushed),
    ]
}

fn long() -> Vec<Step> {
    use Durability::{Flushed, Written};
    vec![
        append(&[begun_with(PARTS, 3850), initiated("1")], Flushed),
        append(&[part(1)], Written),
        append(&[part(2), part(3)], Written),
        append(&[part(4)], Written),
        append(&[Record::Entered(Stage::Completing)], Flushed),
    ]
}

pub(super) fn journal(disk: &SimulatedDisk) -> Journal<SimulatedDisk> {
    Journal::new(disk.clone(), NAME.into(), job())
}

/// Runs a script to its end, or until the power is cut; returns what was told to whom, and the operations it took.
pub(super) fn run(disk: &SimulatedDisk, script: &[Step]) -> (Told, usize) {
    run_behind(Told::default(), disk, script)
}

/// As [`run`], behind what was told before.
pub(super) fn run_behind(mut told: Told, disk: &SimulatedDisk, script: &[Step]) -> (Told, usize) {
    let mut journal = journal(disk).compacting_from(1 << 10);
    for step in script {
        match step {
            Step::Vanish => {
                disk.vanish(NAME);
                told.vanished();
            }
            Step::Append(records, durability) => {
                let appended = journal.append(records, *durability);
                told.take(records, *durability, appended.is_ok());
                if disk.is_dead() {
                    break;
                }
            }
        }
    }
    (told, disk.operations())
}

pub(super) fn job() -> Job {
    Job {
        service: ServiceName::new("local").unwrap(),
        bucket: BucketName::new("demo").unwrap(),
        key: ObjectKey::new("key").unwrap(),
        source: b"/source".to_vec(),
    }
}

pub(super) fn stamp(parts: u64, mtime_ns: u64) -> SourceStamp {
    let len = ByteCount::new(PartPlan::MIN_PART.get() * parts);
    SourceStamp { len, mtime_ns: i64::try_from(mtime_ns).unwrap(), identity: None }
}

pub(super) fn begun(parts: u64) -> Record {
    // Longer than a sector, so that one can be lost.
    begun_with(parts, 700)
}

fn begun_with(parts: u64, length: usize) -> Record {
    Record::Begun(Box::new(Begun {
        job: job(),
        endpoint: "127.0.0.1:9".into(),
        stamp: stamp(parts, 0),
        part_size: PartPlan::MIN_PART,
        options: ObjectOptions {
            content_type: Some("x/".to_owned() + &"y".repeat(length)),
            ..ObjectOptions::default()
        },
        at: 1,
    }))
}

pub(super) fn initiated(id: &str) -> Record {
    Record::Initiated { upload_id: UploadId::new(id).unwrap(), at: None }
}

pub(super) fn part(number: u64) -> Record {
    let receipt = PartReceipt {
        number: PartNumber::new(number).unwrap(),
        size: PartPlan::MIN_PART,
        crc64: Crc64::new(number),
        etag: ETag::new("5B3C1A2E053D763E1B002CC607C5A0FE").unwrap(),
    };
    Record::PartUploaded { receipt, at_rest: true }
}

pub(super) fn done() -> Record {
    Record::Done(Box::new(ObjectFacts {
        size: stamp(PARTS, 0).len,
        crc64: Crc64::new(9),
        etag: None,
        version_id: None,
        proof: Proof::Object,
        settled: true,
        finished: None,
    }))
}
