//! Looking at all journals of a directory.

use std::{collections::BTreeMap, fs};

use oss_checkpoint::{CheckpointStore, Durability, FileStore, Finding, JobEntry, Record, StoreError};

use crate::history::{self, job};

#[test]
fn every_journal_is_listed_and_one_that_cannot_be_read_is_no_end() {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::new(dir.path());
    let append = |key: &str, records: &[Record]| {
        store.claim(&job(key)).unwrap().append(records, Durability::Flushed).unwrap();
        store.journal_path(&job(key))
    };
    append("a", &history::under_way(&job("a"), 2, 9));
    let mut held = store.claim(&job("b")).unwrap();
    held.append(&history::under_way(&job("b"), 3, 9), Durability::Flushed).unwrap();
    let torn = append("torn", &history::under_way(&job("torn"), 1, 9));
    fs::write(&torn, [&fs::read(&torn).unwrap()[..], &[0; 9]].concat()).unwrap();
    append("over", &[history::under_way(&job("over"), 1, 9), vec![Record::Abandoned]].concat());

    let damaged = append("damaged", &history::under_way(&job("damaged"), 1, 9));
    let mut bytes = fs::read(&damaged).unwrap();
    bytes[60] ^= 4;
    fs::write(&damaged, &bytes).unwrap();
    let moved = append("moved", &history::under_way(&job("moved"), 1, 9));
    let misnamed = dir.path().join("0123456789abcdef0123456789abcdef.ossj");
    fs::rename(moved, &misnamed).unwrap();

    fs::write(dir.path().join("notes.txt"), "x").unwrap();
    fs::write(store.journal_path(&job("empty")), "").unwrap();

    let (read, refused): (Vec<_>, Vec<_>) = store.jobs().unwrap().partition(Result::is_ok);
    let read: BTreeMap<String, JobEntry> = read
        .into_iter()
        .map(Result::unwrap)
        .map(|entry| (entry.job.key.as_str().to_owned(), entry))
        .collect();
    assert_eq!(read.keys().collect::<Vec<_>>(), ["a", "b", "over", "torn"]);
    let a = &read["a"];
    assert_eq!(
        (a.path.clone(), a.endpoint()),
        (store.journal_path(&job("a")), Some("oss-cn-hangzhou.aliyuncs.com"))
    );
    assert_eq!((a.checkpoint.parts().count(), &a.findings[..], &a.holder), (2, &[][..], &None));
    assert!(a.modified > 1_700_000_000);
    assert_eq!(read["b"].holder.as_ref().map(|holder| holder.pid), Some(std::process::id()));
    assert_eq!(read["torn"].findings, [Finding::TornTail { bytes: 9 }]);
    assert!(read["over"].checkpoint.begun().is_none());

    let mut refused: Vec<String> = refused
        .into_iter()
        .map(|refused| match refused.unwrap_err() {
            StoreError::Damaged { path, .. } if path == damaged => "damaged".to_owned(),
            StoreError::Foreign { path, .. } if path == misnamed => "misnamed".to_owned(),
            error => error.to_string(),
        })
        .collect();
    refused.sort();
    assert_eq!(refused, ["damaged", "misnamed"]);
    assert_eq!(fs::read(&damaged).unwrap(), bytes, "looking changes nothing");
}

#[test]
fn no_directory_has_no_journals() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(FileStore::new(dir.path().join("none")).jobs().unwrap().count(), 0);
    fs::write(dir.path().join("file"), "").unwrap();
    assert!(matches!(FileStore::new(dir.path().join("file")).jobs(), Err(StoreError::Io { .. })));
}

#[test]
fn looking_at_a_job_never_keeps_anybody_from_claiming_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::new(dir.path());
    store
        .claim(&job("a"))
        .unwrap()
        .append(&history::under_way(&job("a"), 1, 9), Durability::Written)
        .unwrap();
    std::thread::scope(|scope| {
        let claimer = scope.spawn(|| (0..300).filter(|_| store.claim(&job("a")).is_err()).count());
        while !claimer.is_finished() {
            assert_eq!(store.jobs().unwrap().flatten().count(), 1);
        }
        assert_eq!(claimer.join().unwrap(), 0);
    });
}
