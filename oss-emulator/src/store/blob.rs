//! The bytes of an object: part files one after another.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::part::StoredPart;

/// File in a blob that names the parts that make the object, one a line, in order.
const LIST: &str = "list";

/// Parts opened at once; the others when their turn comes.
const OPENED_AHEAD: usize = 32;

pub(super) fn write_list(folder: &Path, parts: &[StoredPart], scratch: &super::Scratch) -> io::Result<()> {
    let mut list = String::new();
    for part in parts {
        list.push_str(&part.file_name());
        list.push('\n');
    }
    scratch.write(&folder.join(LIST), list.as_bytes())
}

pub(super) fn read_list(folder: &Path) -> io::Result<Vec<StoredPart>> {
    let list = std::fs::read_to_string(folder.join(LIST))?;
    let part = |line: &str| {
        StoredPart::from_file_name(line).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
    };
    list.lines().map(part).collect()
}

/// Reads a range of an object.
#[derive(Debug)]
pub(crate) struct ObjectReader {
    pieces: VecDeque<Piece>,
    remaining: u64,
}

#[derive(Debug)]
struct Piece {
    path: PathBuf,
    opened: Option<File>,
    skip: u64,
    size: u64,
}

impl ObjectReader {
    /// `length` bytes from `start`, which the caller has checked against the object's size.
    pub(super) fn open(folder: &Path, start: u64, length: u64) -> io::Result<Self> {
        let mut before = 0_u64;
        let mut pieces = VecDeque::new();
        for part in read_list(folder)? {
            let (first, end) = (before, before + part.size);
            before = end;
            if end <= start || first >= start.saturating_add(length) {
                continue;
            }
            let path = folder.join(part.file_name());
            let opened = if pieces.len() < OPENED_AHEAD { Some(File::open(&path)?) } else { None };
            pieces.push_back(Piece { path, opened, skip: start.saturating_sub(first), size: part.size });
        }
        Ok(Self { pieces, remaining: length })
    }

    pub(crate) fn remaining(&self) -> u64 {
        self.remaining
    }

    /// The next bytes, at most `limit`; empty at the end.
    ///
    /// # Errors
    /// Also when the object was removed in the meantime.
    pub(crate) fn next(&mut self, limit: usize) -> io::Result<Vec<u8>> {
        while self.remaining > 0 {
            let Some(piece) = self.pieces.front_mut() else {
                return Err(io::ErrorKind::UnexpectedEof.into());
            };
            if piece.skip == piece.size {
                self.pieces.pop_front();
                continue;
            }
            let block = piece.read(limit.min(usize::try_from(self.remaining).unwrap_or(limit)))?;
            self.remaining -= block.len() as u64;
            return Ok(block);
        }
        Ok(Vec::new())
    }
}

impl Piece {
    fn read(&mut self, limit: usize) -> io::Result<Vec<u8>> {
        let mut file = match self.opened.take() {
            Some(file) => file,
            None => File::open(&self.path)?,
        };
        let length = limit.min(usize::try_from(self.size - self.skip).unwrap_or(limit));
        let mut block = vec![0; length];
        file.seek(SeekFrom::Start(self.skip))?;
        file.read_exact(&mut block)?;
        self.skip += length as u64;
        self.opened = Some(file);
        Ok(block)
    }
}
