use std::{
    fs::{File, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

use rustix::io::Errno;

use super::{Holder, StoreError, owned_file};

/// A lock on a file beside the journal, which is replaced by renaming and so cannot be locked itself. The operating
/// system frees it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

/// Longest message of a holder that is read, in bytes.
const MAX_MESSAGE: u64 = 1024;
/// How often a lock is asked for that others look at, and how long after: one second in all.
const LOOKS: u32 = 1000;
const PAUSE: Duration = Duration::from_millis(1);
/// How often the file can vanish between opening and locking before that is taken for contention.
const VANISHED: u32 = 100;

impl Lock {
    /// Takes the lock, or says who has it.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::NoLocks`], or what keeps the file from being opened.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        for _ in 0..VANISHED {
            let Some(file) = open_or_create(path)? else { continue };
            lock(&file, path)?;
            let lock = Self { file, path: path.to_owned() };
            // Whoever had it may have removed the file, and somebody else may have locked a new one.
            if lock.is_in_place() {
                lock.leave_message();
                return Ok(lock);
            }
        }
        Err(StoreError::Locked { holder: None })
    }

    /// Who has the lock at `path` right now; `None` if nobody has.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub(super) fn holder_of(path: &Path) -> Result<Option<Holder>, StoreError> {
        let Some(file) = owned_file::open(path)? else { return Ok(None) };
        if try_to(File::try_lock_shared, &file, path)? {
            unlock(&file);
            return Ok(None);
        }
        Ok(Some(read_message(&file).unwrap_or_default()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path is still the file that is locked.
    pub(super) fn is_in_place(&self) -> bool {
        owned_file::is_at(&self.file, &self.path)
    }

    /// Removes the file while it is locked: whoever has opened it meanwhile finds that out, and starts again.
    pub(super) fn remove(self) {
        if self.is_in_place() {
            drop(std::fs::remove_file(&self.path));
        }
    }

    /// For whoever comes second. That it cannot be written is no reason not to hold the lock.
    fn leave_message(&self) {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let since =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let message = format!("pid {}\nhost {host}\nsince {since}\n", std::process::id());
        drop(self.file.set_len(0).and_then(|()| (&self.file).write_all(message.as_bytes())));
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        unlock(&self.file);
    }
}

/// Closing would do, were it not for another thread that starts a process just then: until that process has become
/// its program, it has all our files open, and would keep the lock.
pub(super) fn unlock(file: &File) {
    drop(file.unlock());
}

fn open_or_create(path: &Path) -> Result<Option<File>, StoreError> {
    if let Some(file) = owned_file::open(path)? {
        return Ok(Some(file));
    }
    match owned_file::create(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(owned_file::failed("create", path)(error)),
    }
}

/// Whoever has a job locks exclusively, whoever looks does not, and only for some microseconds: a lock that can be
/// shared is about to be free.
fn lock(file: &File, path: &Path) -> Result<(), StoreError> {
    for _ in 0..LOOKS {
        if try_to(File::try_lock, file, path)? {
            return Ok(());
        }
        if !try_to(File::try_lock_shared, file, path)? {
            return Err(StoreError::Locked { holder: read_message(file) });
        }
        file.unlock().map_err(|error| refusal(path, error))?;
        thread::sleep(PAUSE);
    }
    Err(StoreError::Locked { holder: None })
}

/// Whether the lock was there to be had.
fn try_to(how: fn(&File) -> Result<(), TryLockError>, file: &File, path: &Path) -> Result<bool, StoreError> {
    match how(file) {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(refusal(path, error)),
    }
}

pub(super) fn refusal(path: &Path, source: io::Error) -> StoreError {
    let path = path.to_owned();
    match Errno::from_io_error(&source) {
        Some(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS) => StoreError::NoLocks { path, source },
        _ => StoreError::Io { what: "lock", path, source },
    }
}

fn read_message(mut file: &File) -> Option<Holder> {
    let mut message = Vec::new();
    Read::by_ref(&mut file).take(MAX_MESSAGE).read_to_end(&mut message).ok()?;
    let message = String::from_utf8_lossy(&message);
    let field = |name: &str| {
        let mut lines = message.lines().filter_map(|line| line.split_once(' '));
        lines.find_map(|(key, value)| (key == name).then_some(value))
    };
    let host = field("host")?.chars().filter(|letter| !letter.is_control()).collect();
    Some(Holder { pid: field("pid")?.parse().ok()?, host, since: field("since")?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Rows: 137
    #[test]
    fn a_file_system_without_locks_is_told_from_one_that_fails() {
        let check = |errno: Errno, without: bool| {
            let refused = refusal(Path::new("x.lock"), errno.into());
            assert_eq!(matches!(refused, StoreError::NoLocks { .. }), without, "{errno}: {refused}");
        };
        check(Errno::NOLCK, true);
        check(Errno::OPNOTSUPP, true);
        check(Errno::NOSYS, true);
        check(Errno::IO, false);
        check(Errno::BADF, false);
    }

    #[test]
    fn a_message_of_another_program_names_no_holder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.lock");
        for message in ["", "pid\nhost\n", "pid x\nhost y\nsince 1\n", "\u{0}\u{ff}", "host a\npid 1\n"] {
            std::fs::write(&path, message).unwrap();
            assert_eq!(read_message(&File::open(&path).unwrap()), None, "{message:?}");
        }
        std::fs::write(&path, "pid 7\nhost a\u{1b}b\nsince -3\nmore to come\n").unwrap();
        let holder = Holder { pid: 7, host: "ab".into(), since: -3 };
        assert_eq!(read_message(&File::open(&path).unwrap()), Some(holder));
    }

    #[test]
    fn a_lock_is_free_at_once_even_while_a_copy_of_its_handle_is_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.lock");
        let lock = Lock::take(&path).unwrap();
        let _copy = lock.file.try_clone().unwrap();
        drop(lock);
        assert!(Lock::take(&path).is_ok());
    }

    #[test]
    fn a_lock_whose_file_was_removed_and_made_again_is_not_held() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.lock");
        let first = Lock::take(&path).unwrap();
        assert!(first.is_in_place());
        std::fs::remove_file(&path).unwrap();
        assert!(!first.is_in_place());
        let second = Lock::take(&path).unwrap();
        assert!(!first.is_in_place() && second.is_in_place());
        first.remove();
        assert!(second.is_in_place(), "only the lock that is held is removed");
        second.remove();
        assert!(!path.exists());
    }
}
