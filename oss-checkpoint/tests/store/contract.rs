//! What every store keeps.

use oss_checkpoint::{
    Checkpoint, CheckpointStore, Durability, Finding, Inconsistent, MemoryStore, Opened, Record, Stage,
    StoreError,
};

use crate::history::{self, job};

/// Runs each clause against an empty store of its own.
fn keeps_the_contract(empty: impl Fn() -> Box<dyn CheckpointStore>) {
    for clause in [
        a_job_without_a_journal_opens_empty,
        what_was_appended_is_opened,
        appending_needs_no_opening,
        a_slot_is_claimed_once,
        jobs_do_not_meet,
        a_retired_journal_is_gone_and_the_slot_still_held,
        another_upload_can_begin_behind_the_end_of_one,
        a_journal_begins_with_its_own_beginning,
        a_record_that_is_too_long_takes_none_with_it,
        a_record_without_sense_is_reported_and_passed_over,
        nothing_appended_makes_no_journal,
    ] {
        clause(empty().as_ref());
    }
}

#[test]
fn the_store_in_memory_keeps_the_contract() {
    keeps_the_contract(|| Box::new(MemoryStore::new()));
}

#[cfg(all(feature = "fs", unix))]
#[test]
fn the_store_of_files_keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let next = std::cell::Cell::new(0);
    keeps_the_contract(|| {
        next.set(next.get() + 1);
        Box::new(oss_checkpoint::FileStore::new(dir.path().join(format!("{}/uploads", next.get()))))
    });
}

#[cfg(all(feature = "fs", unix))]
#[test]
fn the_store_of_files_without_locks_keeps_what_needs_none() {
    let dir = tempfile::tempdir().unwrap();
    let store = oss_checkpoint::FileStore::new(dir.path()).without_locks();
    what_was_appended_is_opened(&store);
    store.claim(&job("two")).unwrap().retire().unwrap();
    let (one, two) = (store.claim(&job("two")), store.claim(&job("two")));
    assert!(one.is_ok() && two.is_ok());
}

#[test]
fn clones_of_the_store_in_memory_share_their_journals() {
    let store = MemoryStore::new();
    let records = history::under_way(&job("a"), 1, 2);
    store.claim(&job("a")).unwrap().append(&records, Durability::Written).unwrap();
    let held = store.clone().claim(&job("a")).unwrap().open().unwrap();
    assert_eq!(held.checkpoint, replayed(&records));
}

fn replayed(records: &[Record]) -> Checkpoint {
    let mut checkpoint = Checkpoint::new();
    for record in records {
        checkpoint.apply(record).unwrap();
    }
    checkpoint
}

fn open(store: &dyn CheckpointStore, key: &str) -> Opened {
    store.claim(&job(key)).unwrap().open().unwrap()
}

fn holds(store: &dyn CheckpointStore, key: &str, records: &[Record]) {
    let opened = open(store, key);
    assert_eq!(opened.findings, []);
    assert_eq!(opened.checkpoint, replayed(records));
}

fn a_job_without_a_journal_opens_empty(store: &dyn CheckpointStore) {
    holds(store, "a", &[]);
}

fn what_was_appended_is_opened(store: &dyn CheckpointStore) {
    let records = history::of_every_kind(&job("a"));
    let mut slot = store.claim(&job("a")).unwrap();
    assert_eq!(slot.open().unwrap().checkpoint, Checkpoint::new());
    for (taken, record) in records.iter().enumerate() {
        let durability = if taken % 3 == 0 { Durability::Flushed } else { Durability::Written };
        slot.append(std::slice::from_ref(record), durability).unwrap();
        assert_eq!(slot.open().unwrap().checkpoint, replayed(&records[..=taken]));
    }
    slot.append(&[], Durability::Flushed).unwrap();
    drop(slot);
    holds(store, "a", &records);
}

fn appending_needs_no_opening(store: &dyn CheckpointStore) {
    let records = history::under_way(&job("a"), 5, 9);
    let (first, second) = records.split_at(4);
    store.claim(&job("a")).unwrap().append(first, Durability::Flushed).unwrap();
    store.claim(&job("a")).unwrap().append(second, Durability::Written).unwrap();
    holds(store, "a", &records);
}

fn a_slot_is_claimed_once(store: &dyn CheckpointStore) {
    let slot = store.claim(&job("a")).unwrap();
    assert!(matches!(store.claim(&job("a")), Err(StoreError::Locked { .. })));
    drop(slot);
    assert!(store.claim(&job("a")).is_ok());
}

fn jobs_do_not_meet(store: &dyn CheckpointStore) {
    let (a, b) = (history::under_way(&job("a"), 1, 2), history::under_way(&job("b"), 2, 3));
    let (mut slot_a, mut slot_b) = (store.claim(&job("a")).unwrap(), store.claim(&job("b")).unwrap());
    slot_a.append(&a, Durability::Written).unwrap();
    slot_b.append(&b, Durability::Written).unwrap();
    slot_a.retire().unwrap();
    drop((slot_a, slot_b));
    holds(store, "a", &[]);
    holds(store, "b", &b);
}

fn a_retired_journal_is_gone_and_the_slot_still_held(store: &dyn CheckpointStore) {
    let records = history::under_way(&job("a"), 1, 2);
    let mut slot = store.claim(&job("a")).unwrap();
    slot.append(&records, Durability::Written).unwrap();
    slot.retire().unwrap();
    slot.retire().unwrap();
    assert!(matches!(store.claim(&job("a")), Err(StoreError::Locked { .. })));
    assert_eq!(slot.open().unwrap().checkpoint, Checkpoint::new());
    slot.append(&records[..1], Durability::Written).unwrap();
    drop(slot);
    holds(store, "a", &records[..1]);
}

fn another_upload_can_begin_behind_the_end_of_one(store: &dyn CheckpointStore) {
    let mut records = history::under_way(&job("a"), 2, 2);
    records.extend([Record::Entered(Stage::Completing), history::done(2)]);
    records.extend(history::under_way(&job("a"), 1, 4));
    store.claim(&job("a")).unwrap().append(&records, Durability::Flushed).unwrap();
    holds(store, "a", &records);
}

fn a_journal_begins_with_its_own_beginning(store: &dyn CheckpointStore) {
    let mut slot = store.claim(&job("a")).unwrap();
    for records in [vec![history::initiated("1")], history::under_way(&job("b"), 1, 2)] {
        assert!(matches!(slot.append(&records, Durability::Written), Err(StoreError::Record { .. })));
    }
    drop(slot);
    holds(store, "a", &[]);
}

fn a_record_that_is_too_long_takes_none_with_it(store: &dyn CheckpointStore) {
    let Record::Begun(mut begun) = history::begun(&job("a"), 2) else { unreachable!() };
    begun.options.headers = vec![("x-oss-meta-a".into(), "v".repeat(64 << 10))];
    let too_long = Record::Begun(begun);
    let records = history::under_way(&job("a"), 1, 2);
    let mut slot = store.claim(&job("a")).unwrap();
    let refused = |appended| assert!(matches!(appended, Err(StoreError::Record { .. })), "{appended:?}");
    refused(slot.append(std::slice::from_ref(&too_long), Durability::Written));
    assert_eq!(slot.open().unwrap().checkpoint, Checkpoint::new());
    slot.append(&records, Durability::Written).unwrap();
    refused(slot.append(&[Record::Abandoned, too_long], Durability::Flushed));
    slot.append(&[history::part(2, 2)], Durability::Written).unwrap();
    drop(slot);
    holds(store, "a", &[records, vec![history::part(2, 2)]].concat());
}

fn a_record_without_sense_is_reported_and_passed_over(store: &dyn CheckpointStore) {
    let records = history::under_way(&job("a"), 1, 2);
    let mut slot = store.claim(&job("a")).unwrap();
    slot.append(&records, Durability::Written).unwrap();
    slot.append(&[history::initiated("another"), history::part(2, 2)], Durability::Written).unwrap();
    drop(slot);
    let opened = open(store, "a");
    assert!(
        matches!(opened.findings[..], [Finding::Senseless { why: Inconsistent::TwoIds, .. }]),
        "{:?}",
        opened.findings
    );
    assert_eq!(opened.checkpoint, replayed(&[records, vec![history::part(2, 2)]].concat()));
}

fn nothing_appended_makes_no_journal(store: &dyn CheckpointStore) {
    let mut slot = store.claim(&job("a")).unwrap();
    slot.append(&[], Durability::Flushed).unwrap();
    drop(slot);
    holds(store, "a", &[]);
}
