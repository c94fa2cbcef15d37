use std::{
    fs::{File, TryLockError},
    io::{self, Read},
    os::unix::fs::FileExt,
    path::Path,
};

#[cfg(target_os = "linux")]
use rustix::io::Errno;

use super::{
    StoreError,
    disk::{DiskFile, Named},
    lock, owned_file,
};

/// A journal that is open, and locked itself while it is.
///
/// The lock beside it can be removed by a cleaner of old files, and then two runs could each have one. A file that is
/// open cannot be taken away from whoever has it: so the second of them cannot come to write where the first one does.
#[derive(Debug)]
pub(super) struct OpenFile {
    file: File,
    locked: bool,
}

impl OpenFile {
    /// # Errors
    /// [`StoreError::Locked`] if another run has it open, [`StoreError::NoLocks`].
    pub(super) fn locked(file: File, path: &Path) -> Result<Self, StoreError> {
        match file.try_lock() {
            Ok(()) => Ok(Self { file, locked: true }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked { holder: None }),
            Err(TryLockError::Error(error)) => Err(lock::refusal(path, error)),
        }
    }

    /// A file that nobody else can have opened yet.
    pub(super) fn locked_new(file: File) -> io::Result<Self> {
        file.try_lock()?;
        Ok(Self { file, locked: true })
    }

    pub(super) fn unlocked(file: File) -> Self {
        Self { file, locked: false }
    }

    /// What `path` stands for now.
    pub(super) fn named(&self, path: &Path) -> Named {
        match std::fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Named::Nothing,
            Ok(there) if owned_file::is(&self.file, &there) => Named::TheSame,
            _ => Named::Another,
        }
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        if self.locked {
            lock::unlock(&self.file);
        }
    }
}

impl DiskFile for OpenFile {
    fn len(&self) -> io::Result<u64> {
        self.file.metadata().map(|metadata| metadata.len())
    }

    fn read(&self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        Read::take(&self.file, limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    #[cfg(target_os = "linux")]
    fn reserve(&self, len: u64) -> io::Result<()> {
        match rustix::fs::fallocate(&self.file, rustix::fs::FallocateFlags::KEEP_SIZE, 0, len) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn reserve(&self, _len: u64) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}
