//! Where the journal should be there is something else.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{FileTypeExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, Mode, mkfifoat};

use super::unfinished::Unfinished;

/// A key with an unfinished upload, and its journal taken out of the way.
fn taken_away() -> (Unfinished, PathBuf, Vec<u8>) {
    let uploads = Unfinished::new(&["key".to_owned()]);
    let journal = uploads.stop("key");
    let bytes = fs::read(&journal).unwrap();
    fs::remove_file(&journal).unwrap();
    (uploads, journal, bytes)
}

/// Where the lock of a journal is.
fn lock_of(journal: &Path) -> PathBuf {
    journal.with_extension("lock")
}

// Rows: 130
#[test]
fn a_file_of_another_tool_is_named_and_left_alone() {
    let oss2 =
        br#"{"version": "oss2-1.0", "upload_id": "0004B9894A22E5B1888A1E29F823****", "file_path": "/x"}"#;
    let ossutil = b"<Checkpoint><Magic>92611BED-89E2-46B6-89E5-72F273D4B0A3</Magic></Checkpoint>";
    for foreign in [&oss2[..], &ossutil[..], b"x", b"OSSK", &[0x7f; 10_000]] {
        let (uploads, journal, _) = taken_away();
        fs::write(&journal, foreign).unwrap();
        uploads.is_refused("key", &journal);
        assert_eq!(fs::read(&journal).unwrap(), foreign);
        // What it was in the way of goes on when it is gone.
        fs::remove_file(&journal).unwrap();
        uploads.finishes("key");
    }
}

// Rows: 131
#[test]
fn a_journal_of_a_newer_version_is_named_and_left_alone() {
    for version in [2_u16, 3, 0x100, u16::MAX] {
        let (uploads, journal, mut bytes) = taken_away();
        bytes[4..6].copy_from_slice(&version.to_le_bytes());
        fs::write(&journal, &bytes).unwrap();
        uploads.is_refused("key", &journal).says(&version.to_string());
        assert_eq!(fs::read(&journal).unwrap(), bytes);
    }
}

// Rows: 133
#[test]
fn a_journal_of_another_upload_is_never_taken_for_this_ones() {
    let keys = ["one", "other"].map(str::to_owned);
    let uploads = Unfinished::new(&keys);
    let (one, other) = (uploads.stop("one"), uploads.stop("other"));
    let bytes = fs::read(&one).unwrap();
    fs::write(&other, &bytes).unwrap();
    uploads.is_refused("other", &other);
    assert_eq!(fs::read(&other).unwrap(), bytes);
    uploads.finishes("one");
    fs::remove_file(&other).unwrap();
    uploads.finishes("other");
}

// Rows: 95
#[test]
fn a_planted_link_is_not_followed() {
    for as_lock in [false, true] {
        let (uploads, journal, bytes) = taken_away();
        let target = uploads.scene.path("precious");
        fs::write(&target, if as_lock { b"precious" } else { &bytes[..] }).unwrap();
        let before = fs::read(&target).unwrap();
        let place = if as_lock { lock_of(&journal) } else { journal };
        let _ = fs::remove_file(&place);
        symlink(&target, &place).unwrap();
        uploads.is_refused("key", &place);
        assert_eq!(fs::read(&target).unwrap(), before);
        assert!(fs::symlink_metadata(&place).unwrap().is_symlink());
    }
}

// Rows: 96
#[test]
fn what_is_no_regular_file_of_ours_is_refused_and_never_blocks() {
    for as_lock in [false, true] {
        for kind in ["folder", "fifo", "hard link"] {
            let (uploads, journal, bytes) = taken_away();
            let place = if as_lock { lock_of(&journal) } else { journal };
            let _ = fs::remove_file(&place);
            match kind {
                "folder" => fs::create_dir(&place).unwrap(),
                "fifo" => mkfifoat(CWD, &place, Mode::RUSR | Mode::WUSR).unwrap(),
                _ => {
                    let other = uploads.scene.path("other-name");
                    fs::write(&other, &bytes).unwrap();
                    fs::hard_link(&other, &place).unwrap();
                }
            }
            uploads.is_refused("key", &place);
            let left = fs::symlink_metadata(&place).unwrap().file_type();
            assert_eq!(left.is_dir(), kind == "folder");
            assert_eq!(left.is_fifo(), kind == "fifo");
        }
    }
}

// Rows: 94
#[test]
fn journals_are_for_their_owner_only_whatever_the_umask() {
    for umask in ["000", "077"] {
        let uploads = Unfinished::new(&["key".to_owned()]);
        uploads.cp("key").after(&format!("umask {umask}")).run().expect(2);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let directory = uploads.directory("key");
        assert_eq!(mode(&directory), 0o700, "umask {umask}");
        let mut files = 0;
        for entry in fs::read_dir(directory).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600, "umask {umask}");
            files += 1;
        }
        assert!(files >= 1);
        uploads.finishes("key");
    }
}

// Rows: 133
#[test]
fn a_journal_for_a_source_that_was_replaced_is_no_reason_for_a_mixed_object() {
    let uploads = Unfinished::new(&["key".to_owned()]);
    uploads.stop("key");
    let (path, bytes) = uploads.scene.file("source", 12, 1_250_000);
    File::open(&path).unwrap().set_permissions(Permissions::from_mode(0o644)).unwrap();
    uploads.cp("key").run().expect(0);
    uploads.scene.expect_object("key", &bytes);
    uploads.scene.expect_nothing_left_on_the_server();
}
