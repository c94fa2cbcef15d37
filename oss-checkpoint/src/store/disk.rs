use std::{io, path::PathBuf};

use super::StoreError;

/// What the journal's logic needs of a directory. One implementation is the operating system's; the tests have one
/// that fails, and loses power, at any operation.
///
/// Names are file names, without a path.
pub(super) trait Disk {
    type File: DiskFile;

    /// Opens a file that is there; `None` if there is none.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] if what has that name is not a file of ours, [`StoreError::Locked`] if another run has it
    /// open.
    fn open(&self, name: &str) -> Result<Option<Self::File>, StoreError>;

    /// Makes a new file; fails if there is anything of that name.
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Gives a file another name; what had that name is gone.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Gives a file another name, unless something has it.
    fn rename_new(&self, from: &str, to: &str) -> io::Result<()>;

    /// Takes a name away; that there is none is no error.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes names last: those created, renamed and removed so far.
    fn sync_names(&self) -> io::Result<()>;

    /// What `name` stands for now, beside an open file that had it.
    fn named(&self, name: &str, file: &Self::File) -> Named;

    /// Sixteen bytes that nobody has had before.
    fn random_id(&self) -> io::Result<[u8; 16]>;

    /// For messages.
    fn path(&self, name: &str) -> PathBuf;
}

/// What has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// The file that had it before.
    TheSame,
    /// Nothing.
    Nothing,
    /// Something else, or what cannot be looked at.
    Another,
}

/// An open file.
pub(super) trait DiskFile {
    /// How long it is.
    fn len(&self) -> io::Result<u64>;

    /// Everything, but at most `limit` bytes.
    fn read(&self, limit: u64) -> io::Result<Vec<u8>>;

    /// All of `bytes`; after an error any of them may have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file.
    fn truncate(&self, len: u64) -> io::Result<()>;

    /// Sets room aside up to `len`, without changing the length. Does nothing where a file system cannot.
    fn reserve(&self, len: u64) -> io::Result<()>;

    /// Makes the contents last.
    fn flush(&self) -> io::Result<()>;
}
