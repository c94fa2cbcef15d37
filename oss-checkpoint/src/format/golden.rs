//! The format stands still: what is written today is, byte for byte, what was written when the files were made.
//!
//! A difference means that journals on disk would no longer be read. A new version gets a new file beside the old one;
//! `BLESS=1` writes the file of the newest version.

use std::path::PathBuf;

use super::{Image, VERSION};
use crate::{history, replay::replay};

const ID: [u8; 16] = *b"golden journal 1";

fn path(version: u16) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/v{version}.ossj"))
}

#[test]
fn records_are_written_as_they_always_were() {
    let mut image = Image::new(ID);
    image.extend(&history::of_every_kind(&history::job("golden/\u{4e2d}.bam"))).unwrap();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path(VERSION), image.bytes()).unwrap();
    }
    let golden = std::fs::read(path(VERSION)).unwrap();
    let differ = golden.iter().zip(image.bytes()).position(|(then, now)| then != now);
    assert_eq!(
        (differ, image.bytes().len()),
        (None, golden.len()),
        "the first byte that differs, and the length"
    );
}

#[test]
fn journals_of_every_version_are_read() {
    let records = history::of_every_kind(&history::job("golden/\u{4e2d}.bam"));
    let mut checkpoint = crate::Checkpoint::new();
    for record in &records {
        checkpoint.apply(record).unwrap();
    }
    for version in 1..=VERSION {
        let read = replay(&std::fs::read(path(version)).unwrap()).unwrap();
        assert_eq!((&read.checkpoint, read.findings), (&checkpoint, vec![]), "version {version}");
    }
}
