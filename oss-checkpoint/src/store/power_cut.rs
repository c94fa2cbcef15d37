//! The journal on a disk that forgets: whatever is cut or fails, and whenever, what was flushed is read again, and
//! nothing that was not written.

use super::{
    Durability, Finding,
    journal::Journal,
    simulated_disk::{Chance, Operation, SimulatedDisk, Trouble},
};
use crate::{
    Begun, BucketName, ByteCount, Checkpoint, Crc64, ETag, Job, ObjectFacts, ObjectKey, ObjectOptions,
    PartNumber, PartPlan, PartReceipt, Proof, Record, ServiceName, SourceStamp, Stage, UploadId,
};

const NAME: &str = "0123.ossj";

#[test]
fn after_a_power_cut_at_any_operation_the_journal_holds_what_was_flushed() {
    let mut images = 0;
    for script in scripts() {
        let operations = run(&SimulatedDisk::new(), &script).1;
        for at in 1..=operations + 1 {
            let disk = SimulatedDisk::new();
            disk.expect(Trouble::PowerCut { at });
            let (told, _) = run(&disk, &script);
            for seed in 0..400 {
                let mut chance = Chance::new(seed << 32 | at as u64);
                let after = disk.after_power_cut(&mut chance);
                told.check(&after, &format!("power cut at {at}, seed {seed}"));
                images += 1;
            }
        }
    }
    assert!(images > 30_000, "{images}");
}

#[test]
fn a_second_power_cut_while_the_first_is_recovered_from_loses_no_more() {
    let mut images = 0;
    for script in scripts() {
        let operations = run(&SimulatedDisk::new(), &script).1;
        for at in 1..=operations {
            let disk = SimulatedDisk::new();
            disk.expect(Trouble::PowerCut { at });
            let (told, _) = run(&disk, &script);
            for seed in 0..20 {
                let mut chance = Chance::new(seed << 32 | at as u64);
                let once = disk.after_power_cut(&mut chance);
                let recovery = [Step::Append(vec![next_record(&once)], Durability::Flushed)];
                let steps = run(&once.fork(), &recovery).1;
                for again in 1..=steps + 1 {
                    let disk = once.fork();
                    disk.expect(Trouble::PowerCut { at: again });
                    let told = told.clone().and(run(&disk, &recovery).0);
                    for _ in 0..3 {
                        let twice = disk.after_power_cut(&mut chance);
                        told.check(&twice, &format!("power cut at {at}, again at {again}, seed {seed}"));
                        images += 1;
                    }
                }
            }
        }
    }
    assert!(images > 30_000, "{images}");
}

#[test]
fn after_a_kill_at_any_operation_the_journal_holds_what_was_written() {
    for script in scripts() {
        let operations = run(&SimulatedDisk::new(), &script).1;
        for at in 1..=operations + 1 {
            let disk = SimulatedDisk::new();
            disk.expect(Trouble::PowerCut { at });
            let (told, _) = run(&disk, &script);
            told.with_written().check(&disk.after_kill(), &format!("kill at {at}"));
        }
    }
}

#[test]
fn operations_that_fail_take_their_own_append_back_and_no_other() {
    for script in scripts() {
        let operations = run(&SimulatedDisk::new(), &script).1;
        for (at, count) in (1..=operations).flat_map(|at| (1..=4).map(move |count| (at, count))) {
            let disk = SimulatedDisk::new();
            disk.expect(Trouble::Failure { at, count });
            let (told, _) = run(&disk, &script);
            let case = format!("{:?} fail from operation {at} on", disk.failed());
            // Where names could not be made to last, or the file not be cut, they are there nevertheless.
            let told = if disk.failed().iter().any(|failed| is_half_done(*failed)) {
                told
            } else {
                told.without_failed()
            };
            told.clone().with_written().check(&disk.after_kill(), &case);
            for seed in 0..10 {
                let after = disk.after_power_cut(&mut Chance::new(seed << 32 | at as u64));
                told.clone().with_failed().check(&after, &format!("{case}, then a power cut, seed {seed}"));
            }
        }
    }
}

fn is_half_done(failed: Operation) -> bool {
    matches!(failed, Operation::SyncNames | Operation::Truncate)
}

#[test]
fn a_beginning_that_fails_at_any_operation_leaves_no_file() {
    let begin = |disk: &SimulatedDisk| journal(disk).append(&[begun(PARTS)], Durability::Flushed);
    let whole = SimulatedDisk::new();
    begin(&whole).unwrap();
    for at in 2..=whole.operations() {
        let disk = SimulatedDisk::new();
        disk.expect(Trouble::Failure { at, count: 1 });
        assert!(begin(&disk).is_err());
        assert_eq!(disk.names_there(), Vec::<String>::new(), "{:?} fails", disk.failed());
        begin(&disk).unwrap();
    }
}

#[test]
fn a_full_disk_has_room_for_what_was_planned() {
    let disk = SimulatedDisk::new();
    let mut journal = journal(&disk);
    journal.append(&[begun(PARTS)], Durability::Flushed).unwrap();
    // A write that fails is cut back, and cutting gives up what was reserved behind it.
    disk.expect(Trouble::Failure { at: disk.operations() + 1, count: 1 });
    journal.append(&[initiated("1")], Durability::Flushed).unwrap_err();
    disk.fill();
    journal.append(&[initiated("1")], Durability::Flushed).unwrap();
    for number in 1..=PARTS {
        journal.append(&[part(number)], Durability::Written).unwrap();
    }
    journal.append(&[Record::Entered(Stage::Completing), done()], Durability::Flushed).unwrap();
    drop(journal);
    assert!(self::journal(&disk).open().unwrap().checkpoint.done().is_some());
}

#[test]
fn a_full_disk_begins_nothing_and_takes_the_append_back_that_it_has_no_room_for() {
    let disk = SimulatedDisk::new();
    disk.fill();
    assert!(journal(&disk).append(&[begun(PARTS)], Durability::Flushed).is_err());
    assert_eq!(disk.names_there(), Vec::<String>::new());

    let disk = SimulatedDisk::new();
    let mut journal = journal(&disk);
    journal.append(&[begun(1), initiated("1")], Durability::Flushed).unwrap();
    disk.fill();
    let mut kept = 0;
    while journal.append(&[Record::StampRenewed { stamp: stamp(1, kept) }], Durability::Written).is_ok() {
        kept += 1;
        assert!(kept < 10_000, "the disk is full");
    }
    assert_eq!(journal.open().unwrap().checkpoint.records(), 2 + kept);
    let read = self::journal(&disk).open().unwrap();
    assert_eq!((read.checkpoint.records(), read.findings), (2 + kept, vec![]));
    disk.empty();
    journal.append(&[part(1)], Durability::Flushed).unwrap();
    assert_eq!(self::journal(&disk).open().unwrap().checkpoint.records(), 3 + kept);
}

#[test]
fn a_retired_journal_does_not_come_back() {
    let disk = SimulatedDisk::new();
    let mut journal = journal(&disk);
    journal.append(&[begun(PARTS), initiated("1")], Durability::Flushed).unwrap();
    journal.retire().unwrap();
    for seed in 0..20 {
        let after = disk.after_power_cut(&mut Chance::new(seed));
        assert_eq!(self::journal(&after).open().unwrap().checkpoint, Checkpoint::new());
    }
}

#[test]
fn a_journal_that_grows_by_what_is_out_of_date_is_compacted() {
    let disk = SimulatedDisk::new();
    let mut journal = journal(&disk).compacting_from(4 << 10);
    journal.append(&[begun(PARTS), initiated("1")], Durability::Flushed).unwrap();
    for round in 0..400 {
        journal.append(&[part(1 + round % PARTS)], Durability::Written).unwrap();
        assert!(disk.len_of(NAME) <= (4 << 10) + 100);
    }
    let read = self::journal(&disk).open().unwrap();
    assert_eq!((read.checkpoint.parts().count() as u64, read.findings), (PARTS, vec![]));
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Record>, Durability),
    /// A cleaner of old files removes the journal while it is held.
    Vanish,
}

const PARTS: u64 = 6;

fn scripts() -> [Vec<Step>; 4] {
    use Durability::{Flushed, Written};
    let append = |records: &[Record], durability| Step::Append(records.to_vec(), durability);
    let one_by_one = vec![
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
    ];
    let begun_twice = vec![
        append(&[begun(PARTS), initiated("1")], Flushed),
        append(&[part(1)], Written),
        append(&[Record::Entered(Stage::Aborting)], Flushed),
        append(&[Record::Abandoned], Flushed),
        append(&[begun(2)], Flushed),
        append(&[initiated("2"), part(1)], Flushed),
        append(&[part(1)], Written),
    ];
    // Longer than what the scripts compact from.
    let again: Vec<Record> = (0..24).map(|n| part(1 + n % 2)).collect();
    let compacted = vec![
        append(&[begun(PARTS), initiated("1")], Flushed),
        append(&again, Flushed),
        append(&[part(3)], Written),
        append(&[part(4)], Written),
        append(&[Record::Entered(Stage::Completing)], Flushed),
    ];
    let vanished = vec![
        append(&[begun(PARTS), initiated("1"), part(1)], Flushed),
        Step::Vanish,
        append(&[part(2)], Flushed),
        append(&[part(3)], Written),
        append(&[part(4)], Flushed),
    ];
    [one_by_one, begun_twice, compacted, vanished]
}

fn journal(disk: &SimulatedDisk) -> Journal<SimulatedDisk> {
    Journal::new(disk.clone(), NAME.into(), job())
}

/// Runs a script to its end, or until the power is cut; returns what was told to whom, and the operations it took.
fn run(disk: &SimulatedDisk, script: &[Step]) -> (Told, usize) {
    let mut journal = journal(disk).compacting_from(1 << 10);
    let mut told = Told::default();
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

/// What became of each record that was given to the journal.
#[derive(Clone, Debug, Default)]
struct Told {
    records: Vec<(Record, Fate)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Flushed,
    Written,
    /// In a file that somebody removed.
    Removed,
    Failed,
    /// Failed, and certainly not there.
    Never,
}

impl Told {
    fn take(&mut self, records: &[Record], durability: Durability, taken: bool) {
        let fate = if taken { Fate::Written } else { Fate::Failed };
        self.records.extend(records.iter().map(|record| (record.clone(), fate)));
        if taken && durability == Durability::Flushed {
            self.become_of(Fate::Written, Fate::Flushed);
            self.become_of(Fate::Removed, Fate::Flushed);
        }
    }

    /// No promise holds for a file that somebody removes, until the next flush.
    fn vanished(&mut self) {
        self.become_of(Fate::Flushed, Fate::Removed);
        self.become_of(Fate::Written, Fate::Removed);
    }

    fn become_of(&mut self, one: Fate, other: Fate) {
        for (_, fate) in &mut self.records {
            if *fate == one {
                *fate = other;
            }
        }
    }

    fn with_written(mut self) -> Self {
        self.become_of(Fate::Written, Fate::Flushed);
        self
    }

    fn without_failed(mut self) -> Self {
        self.become_of(Fate::Failed, Fate::Never);
        self
    }

    fn with_failed(mut self) -> Self {
        self.become_of(Fate::Never, Fate::Failed);
        self
    }

    fn and(mut self, later: Self) -> Self {
        self.records.extend(later.records);
        self
    }

    /// The journal must hold all that was flushed, and may hold any of the rest, in order and nothing else.
    fn check(&self, disk: &SimulatedDisk, case: &str) {
        let opened = journal(disk).open().unwrap();
        let survived = |finding: &Finding| {
            matches!(finding, Finding::TornTail { .. } | Finding::Damaged { .. } | Finding::Senseless { .. })
        };
        assert!(opened.findings.iter().all(survived), "{case}: {:?}", opened.findings);
        let mut uncertain: Vec<&Record> = Vec::new();
        for (record, fate) in &self.records {
            if matches!(fate, Fate::Written | Fate::Removed | Fate::Failed) && !uncertain.contains(&record) {
                uncertain.push(record);
            }
        }
        let possible = (0..1_u32 << uncertain.len()).any(|chosen| {
            let taken = self.records.iter().filter_map(|(record, fate)| {
                let place = uncertain.iter().position(|uncertain| *uncertain == record);
                let chosen = *fate != Fate::Never && place.is_some_and(|place| chosen >> place & 1 == 1);
                (*fate == Fate::Flushed || chosen).then_some(record)
            });
            let mut checkpoint = Checkpoint::new();
            for record in taken {
                // What a lost record made sense of makes none without it.
                let _ = checkpoint.apply(record);
            }
            agrees(&opened.checkpoint, &checkpoint)
        });
        assert!(possible, "{case}\nfound {:?}\ntold {:?}", opened.checkpoint, self.records);
    }
}

/// Something that makes sense to append to what is found.
fn next_record(disk: &SimulatedDisk) -> Record {
    let opened = journal(&disk.fork()).open().unwrap();
    match (opened.checkpoint.begun(), opened.checkpoint.upload_id()) {
        (None, _) => begun(3),
        (Some(_), None) => initiated("3"),
        (Some(_), Some(_)) if opened.checkpoint.done().is_some() => begun(3),
        (Some(_), Some(_)) => Record::Entered(Stage::Aborting),
    }
}

/// The same, but that parts may be less certain of the local bytes.
fn agrees(found: &Checkpoint, told: &Checkpoint) -> bool {
    let bare = |checkpoint: &Checkpoint| -> Vec<Record> {
        let unpinned = |record| match record {
            Record::PartUploaded { receipt, .. } => Record::PartUploaded { receipt, at_rest: false },
            other => other,
        };
        checkpoint.history().map(unpinned).collect()
    };
    bare(found) == bare(told)
        && found
            .parts()
            .all(|part| !part.pinned || told.part(part.receipt.number).is_some_and(|told| told.pinned))
}

fn job() -> Job {
    Job {
        service: ServiceName::new("local").unwrap(),
        bucket: BucketName::new("demo").unwrap(),
        key: ObjectKey::new("key").unwrap(),
        source: b"/source".to_vec(),
    }
}

fn stamp(parts: u64, mtime_ns: u64) -> SourceStamp {
    let len = ByteCount::new(PartPlan::MIN_PART.get() * parts);
    SourceStamp { len, mtime_ns: i64::try_from(mtime_ns).unwrap(), identity: None }
}

fn begun(parts: u64) -> Record {
    Record::Begun(Box::new(Begun {
        job: job(),
        endpoint: "127.0.0.1:9".into(),
        stamp: stamp(parts, 0),
        part_size: PartPlan::MIN_PART,
        // Longer than a sector, so that one can be lost.
        options: ObjectOptions {
            content_type: Some("x/".to_owned() + &"y".repeat(700)),
            ..ObjectOptions::default()
        },
        at: 1,
    }))
}

fn initiated(id: &str) -> Record {
    Record::Initiated { upload_id: UploadId::new(id).unwrap(), at: None }
}

fn part(number: u64) -> Record {
    let receipt = PartReceipt {
        number: PartNumber::new(number).unwrap(),
        size: PartPlan::MIN_PART,
        crc64: Crc64::new(number),
        etag: ETag::new("5B3C1A2E053D763E1B002CC607C5A0FE").unwrap(),
    };
    Record::PartUploaded { receipt, at_rest: true }
}

fn done() -> Record {
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
