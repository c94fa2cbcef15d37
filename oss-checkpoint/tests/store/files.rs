//! What the files of a store are to others: private, and never mistaken.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use oss_checkpoint::{CheckpointStore, Durability, FileStore, Finding, Job, Record, StoreError, UploadId};

use crate::{
    history::{self, job},
    locks::AnotherProcess,
};

struct Place {
    _dir: tempfile::TempDir,
    store: FileStore,
    job: Job,
    journal: PathBuf,
    lock: PathBuf,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::new(dir.path().join("state/uploads"));
    let job = job("a");
    let journal = store.journal_path(&job);
    let lock = journal.with_extension("lock");
    fs::create_dir_all(store.directory()).unwrap();
    Place { _dir: dir, store, job, journal, lock }
}

impl Place {
    fn append(&self, records: &[Record]) {
        self.store.claim(&self.job).unwrap().append(records, Durability::Flushed).unwrap();
    }

    fn error(&self) -> StoreError {
        let opened = self.store.claim(&self.job).and_then(|mut slot| slot.open());
        let appended = self
            .store
            .claim(&self.job)
            .and_then(|mut slot| slot.append(&history::under_way(&self.job, 1, 2), Durability::Flushed));
        let retired = self.store.claim(&self.job).and_then(|mut slot| slot.retire());
        let error = opened.unwrap_err();
        assert_eq!(error.to_string(), appended.unwrap_err().to_string());
        assert_eq!(error.to_string(), retired.unwrap_err().to_string());
        error
    }
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

// Rows: 94
#[test]
fn nobody_else_can_read_the_files_whatever_the_umask() {
    for umask in ["0000", "0022", "0277", "0777"] {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(dir.path().join("state/uploads"));
        let holder = AnotherProcess::holding(store.directory(), umask);
        let journal = store.journal_path(&job("a"));
        assert_eq!(mode_of(&journal), 0o600, "{umask}");
        assert_eq!(mode_of(&journal.with_extension("lock")), 0o600, "{umask}");
        for made in ["state", "state/uploads"] {
            assert_eq!(mode_of(&dir.path().join(made)), 0o700, "{umask} {made}");
        }
        drop(holder);
    }
}

#[test]
fn a_directory_that_was_there_keeps_its_mode() {
    let place = place();
    fs::set_permissions(place.store.directory(), fs::Permissions::from_mode(0o750)).unwrap();
    place.append(&history::under_way(&place.job, 1, 2));
    assert_eq!(mode_of(place.store.directory()), 0o750);
}

#[test]
fn a_file_where_the_directory_should_be_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let refused = FileStore::new(dir.path().join("file/uploads")).claim(&job("a")).err().unwrap();
    assert!(matches!(refused, StoreError::Io { what: "create", .. }), "{refused}");
    assert!(refused.to_string().contains("file/uploads"), "{refused}");
}

// Rows: 95, 96
#[test]
fn what_is_no_file_of_ours_is_refused_and_left_alone() {
    type Make = fn(at: &Path, other: &Path);
    let kinds: [(&str, Make); 5] = [
        ("symbolic link", |at, other| symlink(other, at).unwrap()),
        ("symbolic link", |at, _| symlink("nowhere", at).unwrap()),
        ("FIFO", |at, _| {
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            rustix::fs::mknodat(rustix::fs::CWD, at, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        }),
        ("more than one name", |at, other| fs::hard_link(other, at).unwrap()),
        ("directory", |at, _| fs::create_dir(at).unwrap()),
    ];
    for (kind, make) in kinds {
        for lock in [false, true] {
            let place = place();
            let other = place.store.directory().join("other");
            fs::write(&other, "of somebody else").unwrap();
            let at = if lock { &place.lock } else { &place.journal };
            make(at, &other);
            let before = fs::symlink_metadata(at).unwrap();
            let error = place.error();
            assert!(
                matches!(&error, StoreError::Foreign { path, why } if path == at && why.contains(kind)),
                "{error}"
            );
            let after = fs::symlink_metadata(at).unwrap();
            assert_eq!((before.ino(), before.mtime_nsec()), (after.ino(), after.mtime_nsec()), "{kind}");
            assert_eq!(fs::read(&other).unwrap(), b"of somebody else", "{kind}");
        }
    }
}

// Rows: 96
#[test]
fn a_socket_is_refused() {
    let place = place();
    let _socket = std::os::unix::net::UnixListener::bind(&place.journal).unwrap();
    assert!(matches!(place.error(), StoreError::Foreign { .. }));
}

type Expected = fn(&StoreError) -> bool;

// Rows: 130, 131, 133
#[test]
fn other_contents_are_refused_and_left_alone() {
    let newer = |mut bytes: Vec<u8>| {
        bytes[4] = 9;
        bytes
    };
    let of_another_job = || {
        let place = place();
        let other = job("b");
        let mut slot = place.store.claim(&other).unwrap();
        slot.append(&history::under_way(&other, 1, 2), Durability::Flushed).unwrap();
        fs::read(place.store.journal_path(&other)).unwrap()
    };
    let ours = || {
        let place = place();
        place.append(&history::under_way(&place.job, 1, 2));
        fs::read(&place.journal).unwrap()
    };
    let cases: [(Vec<u8>, Expected); 4] = [
        (b"{\"md5\": \"of another tool\"}".to_vec(), |error| matches!(error, StoreError::Foreign { .. })),
        (
            of_another_job(),
            |error| matches!(error, StoreError::Foreign { why, .. } if why.contains("archive/b")),
        ),
        (newer(ours()), |error| matches!(error, StoreError::Newer { version: 9, known: 1, .. })),
        (newer(ours()[..40].to_vec()), |error| matches!(error, StoreError::Newer { version: 9, .. })),
    ];
    for (contents, expected) in cases {
        let place = place();
        fs::write(&place.journal, &contents).unwrap();
        let error = place.error();
        assert!(expected(&error), "{error}");
        assert_eq!(fs::read(&place.journal).unwrap(), contents);
    }
}

// Rows: 127
#[test]
fn opening_writes_nothing_and_the_first_append_cuts_the_torn_tail() {
    let place = place();
    place.append(&history::under_way(&place.job, 3, 9));
    let whole = fs::read(&place.journal).unwrap();
    let torn = [&whole[..], &whole[32..100]].concat();
    fs::write(&place.journal, &torn).unwrap();

    let mut slot = place.store.claim(&place.job).unwrap();
    assert_eq!(slot.open().unwrap().findings, [Finding::TornTail { bytes: 68 }]);
    assert_eq!(fs::read(&place.journal).unwrap(), torn);
    slot.append(&[history::part(4, 9)], Durability::Written).unwrap();
    let longer = fs::read(&place.journal).unwrap();
    assert!(longer.len() < torn.len() && longer.starts_with(&whole));
    drop(slot);
    let opened = place.store.claim(&place.job).unwrap().open().unwrap();
    assert_eq!((opened.findings, opened.checkpoint.parts().count()), (vec![], 4));
}

// Rows: 130
#[test]
fn empty_and_barely_begun_files_are_as_none() {
    let place = place();
    place.append(&history::under_way(&place.job, 1, 2));
    let whole = fs::read(&place.journal).unwrap();
    for len in [0, 1, 8, 31, 32, 33, 100] {
        fs::write(&place.journal, &whole[..len]).unwrap();
        let mut slot = place.store.claim(&place.job).unwrap();
        assert_eq!(slot.open().unwrap().checkpoint.records(), 0, "{len} bytes");
        slot.append(&history::under_way(&place.job, 2, 2), Durability::Flushed).unwrap();
        drop(slot);
        let opened = place.store.claim(&place.job).unwrap().open().unwrap();
        assert_eq!((opened.findings, opened.checkpoint.parts().count()), (vec![], 2), "{len} bytes");
    }
}

// Rows: 128
#[test]
fn damage_is_set_aside_under_a_name_of_its_own_and_the_upload_begins_anew() {
    let place = place();
    for n in 1..=3 {
        place.append(&history::under_way(&place.job, 1, 2));
        let mut damaged = fs::read(&place.journal).unwrap();
        damaged[50] ^= 1;
        fs::write(&place.journal, &damaged).unwrap();

        let opened = place.store.claim(&place.job).unwrap().open().unwrap();
        assert_eq!(opened.checkpoint.records(), 0);
        let aside = place
            .store
            .directory()
            .join(format!("{}.damaged-{n}", place.journal.file_name().unwrap().to_str().unwrap()));
        assert!(matches!(&opened.findings[..], [Finding::SetAside { path, .. }] if *path == aside));
        assert_eq!(fs::read(aside).unwrap(), damaged);
        assert!(!place.journal.exists());
    }
}

// Rows: 136
#[test]
fn a_journal_that_is_removed_or_replaced_while_held_is_written_anew_by_the_next_flush() {
    let replace: [fn(&Place); 3] = [
        |place| fs::remove_file(&place.journal).unwrap(),
        |place| {
            fs::write(place.store.directory().join("x"), "x").unwrap();
            fs::rename(place.store.directory().join("x"), &place.journal).unwrap();
        },
        |place| {
            fs::remove_file(&place.journal).unwrap();
            fs::write(place.store.directory().join("target"), "of somebody else").unwrap();
            symlink("target", &place.journal).unwrap();
        },
    ];
    for replaced in replace {
        let place = place();
        let mut slot = place.store.claim(&place.job).unwrap();
        slot.append(&history::under_way(&place.job, 2, 9), Durability::Flushed).unwrap();
        replaced(&place);
        slot.append(&[history::part(3, 9)], Durability::Written).unwrap();
        slot.append(&[history::part(4, 9)], Durability::Flushed).unwrap();
        slot.append(&[history::part(5, 9)], Durability::Written).unwrap();
        drop(slot);
        let opened = place.store.claim(&place.job).unwrap().open().unwrap();
        assert_eq!((opened.findings, opened.checkpoint.parts().count()), (vec![], 5));
        if let Ok(target) = fs::read(place.store.directory().join("target")) {
            assert_eq!(target, b"of somebody else");
        }
    }
}

#[test]
fn retiring_leaves_an_empty_directory() {
    let place = place();
    let mut slot = place.store.claim(&place.job).unwrap();
    slot.append(&history::under_way(&place.job, 2, 9), Durability::Flushed).unwrap();
    slot.retire().unwrap();
    assert!(place.lock.exists(), "the slot is still held");
    drop(slot);
    assert_eq!(fs::read_dir(place.store.directory()).unwrap().count(), 0);

    place.append(&history::under_way(&place.job, 2, 9));
    assert!(place.lock.exists() && place.journal.exists());
}

#[test]
fn a_journal_that_cannot_be_removed_is_not_said_to_be() {
    let place = place();
    let mut slot = place.store.claim(&place.job).unwrap();
    slot.append(&history::under_way(&place.job, 2, 9), Durability::Flushed).unwrap();
    fs::remove_file(&place.journal).unwrap();
    fs::create_dir(&place.journal).unwrap();
    assert!(matches!(slot.retire(), Err(StoreError::Io { what: "remove", .. })));
    assert!(place.journal.exists());
}

// Rows: 129
#[test]
fn every_journal_has_an_id_of_its_own() {
    let place = place();
    let mut ids: Vec<Vec<u8>> = (0..3)
        .map(|_| {
            place.append(&history::under_way(&place.job, 1, 2));
            let id = fs::read(&place.journal).unwrap()[8..24].to_vec();
            place.store.claim(&place.job).unwrap().retire().unwrap();
            id
        })
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3, "{ids:?}");
}

#[test]
fn an_upload_is_taken_by_another_job_of_the_same_object_until_that_is_done() {
    let place = place();
    let begin = |job: &Job, id: &str, more: &[Record]| {
        let records = [vec![history::begun(job, 2), history::initiated(id)], more.to_vec()].concat();
        place.store.claim(job).unwrap().append(&records, Durability::Flushed).unwrap();
    };
    let from = |source: &str, key: &str| Job { source: source.into(), ..job(key) };
    begin(&place.job, "own", &[]);
    begin(&from("/other", "a"), "another", &[]);
    begin(&from("/other", "b"), "of-another-object", &[]);
    let parts = [history::part(1, 2), history::part(2, 2), history::done(2)];
    begin(&from("/finished", "a"), "finished", &parts);
    let taken = place.store.taken_by_others(&place.job);
    assert_eq!(taken.iter().map(UploadId::as_str).collect::<Vec<_>>(), ["another"]);
}
