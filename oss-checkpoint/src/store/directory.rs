use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use ring::rand::{SecureRandom, SystemRandom};

use super::{
    StoreError,
    disk::{Disk, Named},
    open_file::OpenFile,
    owned_file,
};

/// A directory of the operating system.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    path: PathBuf,
    locks: Locks,
}

/// Whether files are locked while they are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Locks {
    Taken,
    Left,
}

impl Directory {
    pub(super) fn new(path: PathBuf, locks: Locks) -> Self {
        Self { path, locks }
    }

    pub(super) fn without_locks(self) -> Self {
        Self { locks: Locks::Left, ..self }
    }

    pub(super) fn locks(&self) -> Locks {
        self.locks
    }

    pub(super) fn as_path(&self) -> &Path {
        &self.path
    }
}

impl Disk for Directory {
    type File = OpenFile;

    fn open(&self, name: &str) -> Result<Option<OpenFile>, StoreError> {
        let path = self.path(name);
        let Some(file) = owned_file::open(&path)? else { return Ok(None) };
        match self.locks {
            Locks::Taken => OpenFile::locked(file, &path).map(Some),
            Locks::Left => Ok(Some(OpenFile::unlocked(file))),
        }
    }

    fn create(&self, name: &str) -> io::Result<OpenFile> {
        let file = owned_file::create(&self.path(name))?;
        match self.locks {
            Locks::Taken => OpenFile::locked_new(file),
            Locks::Left => Ok(OpenFile::unlocked(file)),
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path(from), self.path(to))
    }

    fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        // The lock keeps others of ours away; what is left is a name that somebody chose by hand.
        match std::fs::symlink_metadata(self.path(to)) {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.rename(from, to),
            Err(error) => Err(error),
        }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match std::fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn sync_names(&self) -> io::Result<()> {
        match File::open(&self.path)?.sync_all() {
            // File systems that cannot flush a directory say so; there is nothing more to be done.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            synced => synced,
        }
    }

    fn named(&self, name: &str, file: &OpenFile) -> Named {
        file.named(&self.path(name))
    }

    fn random_id(&self) -> io::Result<[u8; 16]> {
        let mut id = [0; 16];
        let filled = SystemRandom::new().fill(&mut id);
        filled.map_err(|_| io::Error::other("the system has no random bytes"))?;
        Ok(id)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}
