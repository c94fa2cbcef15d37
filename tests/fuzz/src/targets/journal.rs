//! Journals, and single frames in one.

use std::{fs, path::PathBuf};

use oss_checkpoint::{
    BucketName, Checkpoint, CheckpointStore, Durability, FileStore, Finding, Inconsistent, Job, MemoryStore,
    ObjectKey, Opened, Record, ServiceName, StoreError,
};
use tempfile::TempDir;

use crate::second_reading::{Beginning, Journal, framed, header};

/// Beyond this length a search for frames may be given up, which the second reading never does.
const SEARCHED: usize = 4 << 10;

/// The bytes are the file.
pub(crate) fn journal(data: &[u8]) {
    let beginning = Beginning::of(data);
    let reading = match beginning {
        Beginning::Good(id) => Journal::of(data, id),
        _ => Journal::default(),
    };
    let job = reading.records.iter().find_map(|(_, record)| job_of(record)).unwrap_or_else(any_job);
    let opened = open(&job, data);
    match beginning {
        Beginning::Nothing => {
            let opened = opened.expect("a file without a record is as none");
            assert_eq!(opened.checkpoint, Checkpoint::new());
            assert_eq!(opened.findings.len(), usize::from(!data.is_empty()), "{:?}", opened.findings);
        }
        Beginning::Foreign => {
            assert!(matches!(opened, Err(StoreError::Foreign { .. })), "{opened:?}");
        }
        Beginning::Newer(expected) => {
            assert!(
                matches!(opened, Err(StoreError::Newer { version, .. }) if version == expected),
                "{opened:?}"
            );
        }
        Beginning::Damaged => assert!(set_aside(&opened.expect("damage is no error"))),
        Beginning::Good(_) => match opened {
            Ok(opened) if !set_aside(&opened) => same(&opened, &reading),
            Ok(opened) => {
                assert_eq!(opened.checkpoint, Checkpoint::new(), "what is set aside says nothing");
                assert!(
                    data.len() > SEARCHED || reading.holes > 0 || !begins(&reading),
                    "whole and set aside: {reading:?}"
                );
            }
            Err(StoreError::Foreign { .. }) => assert!(jobs(&reading) > 1, "whole and refused: {reading:?}"),
            Err(error) => panic!("{error:?}"),
        },
    }
}

/// The bytes are payloads, each with its length in front, in frames whose sums are right.
pub(crate) fn frame(mut data: &[u8]) {
    let id = [7; 16];
    let mut bytes = header(id);
    while let Some((length, rest)) = data.split_first_chunk::<2>() {
        let (payload, rest) = rest.split_at(rest.len().min(usize::from(u16::from_le_bytes(*length))));
        framed(&mut bytes, id, payload);
        data = rest;
    }
    journal(&bytes);
}

/// Compares what was opened with the second reading, then with what comes of writing it again.
fn same(opened: &Opened, reading: &Journal) {
    let mut checkpoint = Checkpoint::new();
    let mut senseless = 0;
    for (holed, record) in &reading.records {
        let mut record = record.clone();
        if let Record::PartUploaded { at_rest, .. } = &mut record {
            *at_rest &= !holed;
        }
        let mut taken = checkpoint.apply(&record);
        if *holed && taken == Err(Inconsistent::TwoIds) && matches!(record, Record::Begun(_)) {
            // The end of the upload before was in the hole.
            taken = checkpoint.apply(&Record::Abandoned).and_then(|()| checkpoint.apply(&record));
        }
        senseless += usize::from(taken.is_err());
    }
    assert_eq!(opened.checkpoint, checkpoint);
    let findings = senseless + reading.holes + usize::from(reading.torn > 0);
    assert_eq!(opened.findings.len(), findings, "{:?} for {reading:?}", opened.findings);

    let Some(begun) = checkpoint.begun() else { return };
    let mut slot = MemoryStore::new().claim(&begun.job).expect("nobody else has it");
    let history: Vec<Record> = checkpoint.history().collect();
    slot.append(&history, Durability::Written).expect("what was read can be written");
    let again = slot.open().expect("what was written can be read");
    assert!(again.findings.is_empty(), "{:?}", again.findings);
    assert!(again.checkpoint.history().eq(history), "{:?}", again.checkpoint);
}

fn set_aside(opened: &Opened) -> bool {
    opened.findings.iter().any(|finding| matches!(finding, Finding::SetAside { .. }))
}

fn begins(reading: &Journal) -> bool {
    matches!(reading.records.first(), None | Some((_, Record::Begun(_))))
}

fn jobs(reading: &Journal) -> usize {
    let mut jobs: Vec<Job> = reading.records.iter().filter_map(|(_, record)| job_of(record)).collect();
    jobs.sort();
    jobs.dedup();
    jobs.len()
}

fn job_of(record: &Record) -> Option<Job> {
    match record {
        Record::Begun(begun) => Some(begun.job.clone()),
        _ => None,
    }
}

fn any_job() -> Job {
    Job {
        service: ServiceName::new("local").expect("a service"),
        bucket: BucketName::new("demo").expect("a bucket"),
        key: ObjectKey::new("key").expect("a key"),
        source: b"/source".to_vec(),
    }
}

/// Opens the bytes as the journal of this job, and sees to it that opening changes nothing but names.
fn open(job: &Job, data: &[u8]) -> Result<Opened, StoreError> {
    thread_local! {
        static FOLDER: TempDir = tempfile::tempdir().expect("there is room for a journal");
    }
    FOLDER.with(|folder| {
        let store = FileStore::new(folder.path()).without_locks();
        let path = store.journal_path(job);
        fs::write(&path, data).expect("there is room for a journal");
        let listed = store.jobs().expect("the folder can be read").flatten().count();
        let opened = store.claim(job)?.open();
        let left: Vec<PathBuf> = fs::read_dir(folder.path())
            .expect("the folder can be read")
            .map(|entry| entry.expect("the folder can be read").path())
            .collect();
        assert_eq!(left.len(), 1, "{left:?}");
        assert_eq!(fs::read(&left[0]).expect("it is still there"), data, "opening writes nothing");
        fs::remove_file(&left[0]).expect("it is still there");
        let readable = opened.as_ref().is_ok_and(|opened| !set_aside(opened));
        assert!(listed == 0 || readable, "what can be listed can be opened: {opened:?}");
        opened
    })
}
