//! One process at a time.

use std::{
    fs,
    io::{BufRead, BufReader, Lines, Read, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use oss_checkpoint::{CheckpointStore, Durability, FileStore, Holder, StoreError};

use crate::history::{self, job};

/// Directory in which the other process works.
const DIRECTORY: &str = "OSS_CHECKPOINT_TEST_DIRECTORY";

/// Another process with a slot for `job("a")`; it ends when this is dropped.
pub(crate) struct AnotherProcess {
    child: Child,
    /// Open to its end, since the other process still reports to it.
    said: Lines<BufReader<ChildStdout>>,
}

impl AnotherProcess {
    /// Returns when it has the slot and has written a journal.
    pub(crate) fn holding(directory: &Path, umask: &str) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", "umask \"$1\"; shift; exec \"$@\"", "sh", umask])
            .arg(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "locks::another_process"])
            .env(DIRECTORY, directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let held = said.by_ref().map_while(Result::ok).any(|line| line.contains("held"));
        let other = Self { child, said };
        assert!(held, "it ended without having the slot");
        other
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for AnotherProcess {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.said.by_ref().for_each(drop);
        drop(self.child.wait());
    }
}

#[test]
#[ignore = "is the other process of the tests beside it"]
fn another_process() {
    let own = tempfile::tempdir().unwrap();
    let directory = std::env::var_os(DIRECTORY).unwrap_or_else(|| own.path().into());
    let mut slot = FileStore::new(directory).claim(&job("a")).unwrap();
    slot.append(&history::under_way(&job("a"), 2, 9), Durability::Written).unwrap();
    println!("held");
    // Until the parent lets go.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

// Rows: 134
#[test]
fn the_second_process_is_told_who_is_first() {
    let dir = tempfile::tempdir().unwrap();
    let other = AnotherProcess::holding(dir.path(), "0022");
    let refused = FileStore::new(dir.path()).claim(&job("a")).err().unwrap();
    let StoreError::Locked { holder: Some(Holder { pid, host, since }) } = refused else {
        panic!("{refused}");
    };
    assert_eq!((pid, host.is_empty(), since > 1_700_000_000), (other.child.id(), false, true));
    assert!(FileStore::new(dir.path()).claim(&job("b")).is_ok());
}

// Rows: 135
#[test]
fn a_killed_holder_frees_the_lock_and_leaves_what_it_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::new(dir.path());
    let mut other = AnotherProcess::holding(dir.path(), "0022");
    assert!(store.claim(&job("a")).is_err());
    other.kill();
    let opened = store.claim(&job("a")).unwrap().open().unwrap();
    assert_eq!((opened.findings, opened.checkpoint.parts().count()), (vec![], 2));
}

// Rows: 138
#[cfg(target_os = "linux")]
#[test]
fn a_child_process_gets_none_of_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let mut slot = FileStore::new(dir.path()).claim(&job("a")).unwrap();
    slot.append(&history::under_way(&job("a"), 2, 9), Durability::Flushed).unwrap();
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // It is up, and has closed what starting it opened, when it answers.
    child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let files = fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
    let files: Vec<_> = files.map(|file| fs::read_link(file.unwrap().path()).unwrap()).collect();
    assert!(files.len() >= 3 && !files.iter().any(|file| file.starts_with(dir.path())), "{files:?}");
    drop(child.stdin.take());
    child.wait().unwrap();
}

// Rows: 136
#[test]
fn a_lock_that_was_removed_is_taken_again_or_lost_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::new(dir.path());
    let lock = store.journal_path(&job("a")).with_extension("lock");
    let mut slot = store.claim(&job("a")).unwrap();
    slot.append(&history::under_way(&job("a"), 2, 9), Durability::Flushed).unwrap();

    fs::remove_file(&lock).unwrap();
    slot.append(&[history::part(3, 9)], Durability::Flushed).unwrap();
    assert!(matches!(store.claim(&job("a")), Err(StoreError::Locked { .. })), "it was taken again");

    fs::remove_file(&lock).unwrap();
    let other = store.claim(&job("a")).unwrap();
    let appended = slot.append(&[history::part(4, 9)], Durability::Flushed);
    assert!(matches!(appended, Err(StoreError::Locked { .. })), "{appended:?}");
    assert!(matches!(slot.retire(), Err(StoreError::Locked { .. })));
    drop(slot);
    assert!(lock.exists(), "it is the other's");
    drop(other);
}

// Rows: 136
#[test]
fn what_another_run_wrote_while_a_lock_was_gone_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::new(dir.path());
    let journal = store.journal_path(&job("a"));
    let mut first = store.claim(&job("a")).unwrap();
    assert_eq!(first.open().unwrap().checkpoint.records(), 0);

    // Another run begins the job, and leaves.
    fs::remove_file(journal.with_extension("lock")).unwrap();
    let mut second = store.claim(&job("a")).unwrap();
    second.append(&history::under_way(&job("a"), 2, 9), Durability::Flushed).unwrap();
    drop(second);

    let theirs = fs::read(&journal).unwrap();
    for durability in [Durability::Written, Durability::Flushed] {
        let overtaken = first.append(&history::under_way(&job("a"), 1, 9), durability).unwrap_err();
        assert!(matches!(overtaken, StoreError::Overtaken { .. }), "{overtaken}");
        assert!(overtaken.to_string().starts_with("another run has written to"), "{overtaken}");
    }
    assert!(matches!(first.retire(), Err(StoreError::Overtaken { .. })));
    assert_eq!(fs::read(&journal).unwrap(), theirs);
    drop(first);
    let opened = store.claim(&job("a")).unwrap().open().unwrap();
    assert_eq!((opened.findings, opened.checkpoint.parts().count()), (vec![], 2));
}

// Rows: 136
#[test]
fn a_journal_that_is_open_cannot_be_had_by_another_run_whatever_became_of_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::new(dir.path());
    let lock = store.journal_path(&job("a")).with_extension("lock");
    let mut first = store.claim(&job("a")).unwrap();
    first.append(&history::under_way(&job("a"), 2, 9), Durability::Flushed).unwrap();

    fs::remove_file(&lock).unwrap();
    let mut second = store.claim(&job("a")).unwrap();
    let refused = second.append(&[history::part(3, 9)], Durability::Flushed);
    assert!(matches!(refused, Err(StoreError::Locked { .. })), "{refused:?}");
    assert!(matches!(second.open(), Err(StoreError::Locked { .. })));
    assert!(matches!(second.retire(), Err(StoreError::Locked { .. })));
    drop(second);

    first.append(&[history::part(3, 9)], Durability::Flushed).unwrap();
    drop(first);
    let opened = store.claim(&job("a")).unwrap().open().unwrap();
    assert_eq!((opened.findings, opened.checkpoint.parts().count()), (vec![], 3));
}

// Rows: 136
#[test]
fn without_locks_what_another_run_has_appended_is_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::new(dir.path()).without_locks();
    let mut one = store.claim(&job("a")).unwrap();
    one.append(&history::under_way(&job("a"), 2, 9), Durability::Flushed).unwrap();
    store.claim(&job("a")).unwrap().append(&[history::part(3, 9)], Durability::Written).unwrap();
    let overtaken = one.append(&[history::part(4, 9)], Durability::Written);
    assert!(matches!(overtaken, Err(StoreError::Overtaken { .. })), "{overtaken:?}");
    drop(one);
    let opened = store.claim(&job("a")).unwrap().open().unwrap();
    assert_eq!((opened.checkpoint.parts().count(), opened.findings), (3, vec![]));
}

#[test]
fn there_are_never_two_holders_however_often_locks_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::new(dir.path());
    let (holders, rounds) = (AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while rounds.load(Ordering::SeqCst) < 200 {
                    let Ok(mut slot) = store.claim(&job("a")) else { continue };
                    assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                    let round = rounds.fetch_add(1, Ordering::SeqCst);
                    // Every other holder removes the lock with its journal.
                    match round % 2 {
                        0 => slot.append(&history::under_way(&job("a"), 1, 2), Durability::Written).unwrap(),
                        _ => slot.retire().unwrap(),
                    }
                    assert_eq!(holders.fetch_sub(1, Ordering::SeqCst), 1);
                    drop(slot);
                }
            });
        }
    });
}
