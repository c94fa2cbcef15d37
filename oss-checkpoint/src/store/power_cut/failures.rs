//! Operations that fail, disks that are full, and files that others meddle with.

use super::{
    Honesty::Honest,
    NAME, begun, done, initiated, journal, part, run,
    scripts::{PARTS, scripts, stamp},
};
use crate::{
    Checkpoint, Finding, Record, Stage,
    format::HEADER_LEN,
    store::{
        Durability, StoreError,
        journal::Journal,
        simulated_disk::{Chance, Operation, Sector, SimulatedDisk, Trouble},
    },
};

// Rows: 139
#[test]
fn after_a_kill_at_any_operation_the_journal_holds_what_was_written() {
    for script in scripts() {
        let operations = run(&SimulatedDisk::new(), &script).1;
        for at in 1..=operations + 1 {
            let disk = SimulatedDisk::new();
            disk.expect(Trouble::PowerCut { at });
            let (told, _) = run(&disk, &script);
            told.with_written().judge(Honest).look(&disk.after_kill(), &format_args!("kill at {at}"));
        }
    }
}

// Rows: 122, 125, 126
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
            told.clone().with_written().judge(Honest).look(&disk.after_kill(), &case);
            let told = told.with_failed();
            let judge = told.judge(Honest);
            for seed in 0..10 {
                let after = disk.after_power_cut(Sector::Small, &mut Chance::new(seed << 32 | at as u64));
                judge.look(&after, &format_args!("{case}, then a power cut, seed {seed}"));
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

// Rows: 123
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

// Rows: 121, 122
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

/// A journal with one part that is on the disk.
fn begun_on(disk: &SimulatedDisk) -> Journal<SimulatedDisk> {
    let mut journal = journal(disk);
    journal.append(&[begun(PARTS), initiated("1"), part(1)], Durability::Flushed).unwrap();
    journal
}

/// That the disk holds these parts and nothing else, also after a power cut.
fn assert_lasting(disk: &SimulatedDisk, parts: u64) {
    for seed in 0..50 {
        let after = disk.after_power_cut(Sector::Small, &mut Chance::new(seed << 32));
        let read = journal(&after).open().unwrap();
        assert_eq!((read.checkpoint.parts().count() as u64, read.findings), (parts, vec![]), "seed {seed}");
    }
    assert_eq!(disk.names_there(), [NAME]);
}

// Rows: 125
#[test]
fn a_flush_that_fails_is_not_tried_again_and_the_whole_journal_is_written_beside() {
    let disk = SimulatedDisk::new();
    let mut journal = begun_on(&disk);
    let old = disk.bytes_of(NAME);
    journal.append(&[part(2)], Durability::Written).unwrap();
    // Its length is looked at, it is written to, and then flushed; the disk panics at a second flush of that file.
    disk.expect(Trouble::Failure { at: disk.operations() + 3, count: 1 });
    journal.append(&[part(3)], Durability::Flushed).unwrap();
    assert_eq!(disk.failed(), [Operation::Flush]);
    assert_lasting(&disk, 3);
    assert_ne!(
        disk.bytes_of(NAME)[..HEADER_LEN],
        old[..HEADER_LEN],
        "a journal written anew has an id of its own"
    );

    // Nor is it when it cannot be written beside either, nor by later appends, until that can be done again.
    let mut journal = self::journal(&disk);
    journal.open().unwrap();
    disk.expect(Trouble::Failure { at: disk.operations() + 3, count: 3 });
    journal.append(&[part(4)], Durability::Flushed).unwrap_err();
    assert_eq!(disk.failed()[1], Operation::Flush);
    journal.append(&[part(4)], Durability::Written).unwrap();
    journal.append(&[part(5)], Durability::Flushed).unwrap();
    assert_lasting(&disk, 5);
}

// Rows: 126
#[test]
fn a_write_that_ends_early_is_cut_back_to_the_last_good_frame() {
    let disk = SimulatedDisk::new();
    let mut journal = begun_on(&disk);
    let good = disk.len_of(NAME);
    disk.expect(Trouble::Failure { at: disk.operations() + 2, count: 1 });
    journal.append(&[part(2), part(3)], Durability::Written).unwrap_err();
    assert_eq!((disk.failed(), disk.len_of(NAME)), (vec![Operation::Write], good));

    // Where cutting fails as well, the next append does it first, and the next run reads a torn tail.
    disk.expect(Trouble::Failure { at: disk.operations() + 2, count: 2 });
    journal.append(&[part(2)], Durability::Written).unwrap_err();
    assert_eq!(disk.failed()[1..], [Operation::Write, Operation::Truncate]);
    assert!(disk.len_of(NAME) > good);
    let read = self::journal(&disk).open().unwrap();
    let torn = (disk.len_of(NAME) - good) as u64;
    assert_eq!(
        (read.checkpoint.parts().count(), read.findings),
        (1, vec![Finding::TornTail { bytes: torn }])
    );
    journal.append(&[part(2)], Durability::Flushed).unwrap();
    assert_lasting(&disk, 2);
}

// Rows: 136
#[test]
fn what_another_run_has_appended_is_never_written_over() {
    let disk = SimulatedDisk::new();
    let mut first = begun_on(&disk);
    let mut second = journal(&disk);
    second.append(&[part(2)], Durability::Flushed).unwrap();
    drop(second);
    let theirs = disk.bytes_of(NAME);
    for durability in [Durability::Written, Durability::Flushed] {
        let appended = first.append(&[part(3)], durability);
        assert!(matches!(appended, Err(StoreError::Overtaken { .. })), "{appended:?}");
    }
    assert!(matches!(first.compare(), Err(StoreError::Overtaken { .. })));
    assert!(matches!(first.retire(), Err(StoreError::Overtaken { .. })));
    assert_eq!(disk.bytes_of(NAME), theirs);
    // Only reading it again shows what may be added.
    assert_eq!(first.open().unwrap().checkpoint.parts().count(), 2);
    first.append(&[part(3)], Durability::Flushed).unwrap();
    assert_lasting(&disk, 3);
}

// Rows: 136
#[test]
fn a_journal_that_has_grown_or_was_replaced_is_noticed_by_looking_alone() {
    let grown = SimulatedDisk::new();
    let mut first = begun_on(&grown);
    first.compare().unwrap();
    journal(&grown).append(&[part(2)], Durability::Flushed).unwrap();
    assert!(matches!(first.compare(), Err(StoreError::Overtaken { .. })));
    assert!(matches!(first.retire(), Err(StoreError::Overtaken { .. })));
    assert_lasting(&grown, 2);

    let replaced = SimulatedDisk::new();
    let mut first = begun_on(&replaced);
    replaced.vanish(NAME);
    first.compare().unwrap();
    drop(begun_on(&replaced));
    assert!(matches!(first.compare(), Err(StoreError::Overtaken { .. })));
}

// Rows: 136
#[test]
fn a_journal_that_comes_into_being_meanwhile_is_anothers() {
    let disk = SimulatedDisk::new();
    let mut first = journal(&disk);
    first.open().unwrap();
    first.compare().unwrap();
    drop(begun_on(&disk));
    let theirs = disk.bytes_of(NAME);
    assert!(matches!(first.compare(), Err(StoreError::Overtaken { .. })));
    assert!(matches!(first.append(&[begun(PARTS)], Durability::Flushed), Err(StoreError::Overtaken { .. })));
    assert_eq!(disk.bytes_of(NAME), theirs);
}

#[test]
fn bytes_of_nobody_behind_a_journal_are_not_written_over_and_one_that_was_cut_is_written_anew() {
    let disk = SimulatedDisk::new();
    let mut journal = begun_on(&disk);
    disk.scribble(NAME, b"x");
    let appended = journal.append(&[part(2)], Durability::Flushed);
    assert!(matches!(appended, Err(StoreError::Overtaken { .. })), "{appended:?}");

    let disk = SimulatedDisk::new();
    let mut journal = begun_on(&disk);
    disk.shorten(NAME, disk.len_of(NAME) - 1);
    journal.append(&[part(2)], Durability::Written).unwrap();
    assert_lasting(&disk, 2);
}

#[test]
fn a_part_is_written_without_a_flush_and_a_new_plan_gets_its_room_first() {
    let disk = SimulatedDisk::new();
    let mut journal = begun_on(&disk);
    let mut operations = |records: &[Record], durability| {
        let before = disk.operations();
        journal.append(records, durability).unwrap();
        disk.operations() - before
    };
    assert_eq!(operations(&[part(2)], Durability::Written), 2, "its length and the write");
    assert_eq!(operations(&[part(3)], Durability::Flushed), 3, "and a flush");
    assert_eq!(
        operations(&[Record::Abandoned, begun(2)], Durability::Flushed),
        4,
        "and the room for its parts"
    );
}

#[test]
fn a_retired_journal_does_not_come_back() {
    let disk = SimulatedDisk::new();
    let mut journal = journal(&disk);
    journal.append(&[begun(PARTS), initiated("1")], Durability::Flushed).unwrap();
    journal.retire().unwrap();
    for seed in 0..20 {
        let after = disk.after_power_cut(Sector::Small, &mut Chance::new(seed));
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
