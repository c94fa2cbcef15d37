//! A journal of the first version, found where a program of that version left it.

use std::fs;

use oss_checkpoint::{CheckpointStore, FileStore};

use crate::history::{self, job};

#[test]
fn a_journal_of_version_1_is_opened_and_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::new(dir.path());
    let job = job("golden/\u{4e2d}.bam");
    // The name is a promise to old files as well.
    let path = dir.path().join("1d84be8db6c17402350360f4f0e12d35.ossj");
    assert_eq!(store.journal_path(&job), path);
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/v1.ossj"), &path).unwrap();

    let opened = store.claim(&job).unwrap().open().unwrap();
    assert_eq!(opened.findings, []);
    assert_eq!(opened.checkpoint.records(), history::of_every_kind(&job).len() as u64);
    assert!(opened.checkpoint.done().is_some());
}
