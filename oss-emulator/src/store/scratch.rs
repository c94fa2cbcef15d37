//! Where things lie while they are being received, and how those of dead processes are told from those of live ones.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use md5::{Digest, Md5};

/// A folder of this process. It is removed with it, or by the next server on the same root when the process was killed.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
    lock_path: PathBuf,
    /// Held as long as the folder may be in use.
    _lock: File,
}

impl Scratch {
    pub(super) fn open(temporary: &Path) -> io::Result<Self> {
        fs::create_dir_all(temporary)?;
        remove_dead(temporary)?;
        loop {
            let name = unique_id();
            let lock_path = temporary.join(format!("{name}.lock"));
            let lock = File::create_new(&lock_path)?;
            lock.lock()?;
            // Another server may have taken the file for a dead one's before it was locked.
            if lock_path.try_exists()? {
                let folder = temporary.join(name);
                fs::create_dir(&folder)?;
                return Ok(Self { folder, lock_path, _lock: lock });
            }
        }
    }

    /// A path in the folder that nobody uses.
    pub(crate) fn new_path(&self) -> PathBuf {
        self.folder.join(unique_id())
    }

    /// Puts `bytes` into the file `target`, all of them at once.
    pub(super) fn write(&self, target: &Path, bytes: &[u8]) -> io::Result<()> {
        let path = self.new_path();
        fs::write(&path, bytes)?;
        fs::rename(path, target)
    }

    /// Takes a file or folder away at once, and removes it afterwards.
    pub(super) fn remove(&self, victim: &Path) -> io::Result<()> {
        let path = self.new_path();
        match fs::rename(victim, &path) {
            Ok(()) if path.is_dir() => fs::remove_dir_all(path),
            Ok(()) => fs::remove_file(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
        let _ = fs::remove_file(&self.lock_path);
    }
}

fn remove_dead(temporary: &Path) -> io::Result<()> {
    for entry in fs::read_dir(temporary)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        let Ok(lock) = File::open(&path) else { continue };
        match lock.try_lock() {
            Ok(()) => {
                let _ = fs::remove_dir_all(path.with_extension(""));
                let _ = fs::remove_file(&path);
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(())
}

/// 32 upper-case hex digits that no process has given before.
pub(crate) fn unique_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut digest = Md5::new();
    digest.update(COUNT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    digest.update(std::process::id().to_le_bytes());
    digest.update(jiff::Timestamp::now().as_nanosecond().to_le_bytes());
    // Its keys are random.
    digest.update(RandomState::new().build_hasher().finish().to_le_bytes());
    hex(&digest.finalize())
}

/// The MD5 of `bytes` in upper-case hex.
pub(crate) fn md5_hex(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

/// Upper-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02X}");
        out
    })
}
