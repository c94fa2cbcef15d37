//! Files as Unix knows them: the only place with modes, inodes and change times.

use std::{
    fs::{self, Metadata, OpenOptions},
    io,
    os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use oss_checkpoint::{ByteCount, FileIdentity, SourceStamp};

#[cfg(target_os = "linux")]
use super::linux;
use super::{Source, SourceReader};

/// A regular file, found by its path each time; links are followed.
#[derive(Clone, Debug)]
pub struct FileSource {
    path: PathBuf,
    /// Whether it was seen to be on a file system of this machine.
    near: Arc<AtomicBool>,
}

impl FileSource {
    /// The file at `path`. Nothing is looked at yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), near: Arc::default() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Source for FileSource {
    /// # Errors
    /// What the system says; [`io::ErrorKind::InvalidInput`] for what is no regular file.
    fn inspect(&self) -> io::Result<SourceStamp> {
        let stamp = stamp_of(&fs::metadata(&self.path)?)?;
        #[cfg(target_os = "linux")]
        if !self.is_near() {
            self.near.store(linux::is_near(&self.path), Ordering::Relaxed);
        }
        Ok(stamp)
    }

    /// # Errors
    /// Those of `inspect`. Opening a pipe or a device does not hang: it is refused, at the latest by its stamp.
    fn open(&self) -> io::Result<Box<dyn SourceReader>> {
        self.inspect()?;
        let file = OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(&self.path)?;
        Ok(Box::new(OpenFile(file)))
    }

    fn is_near(&self) -> bool {
        self.near.load(Ordering::Relaxed)
    }
}

/// So that a pipe that takes the file's place between look-up and open is opened at once, and refused. Regular files
/// do not know it. `fcntl.h` of each system.
#[cfg(all(
    target_os = "linux",
    not(any(target_arch = "mips", target_arch = "mips64", target_arch = "sparc64"))
))]
const O_NONBLOCK: i32 = 0o4000;
#[cfg(any(
    target_os = "macos",
    target_os = "ios",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly"
))]
const O_NONBLOCK: i32 = 0x4;

#[expect(clippy::disallowed_types, reason = "the driver is where files are read")]
struct OpenFile(fs::File);

impl SourceReader for OpenFile {
    fn stamp(&self) -> io::Result<SourceStamp> {
        stamp_of(&self.0.metadata()?)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    #[cfg(target_os = "linux")]
    fn read_at_once(&self, buffer: &mut [u8], offset: u64) -> Option<usize> {
        linux::read_at_once(&self.0, buffer, offset)
    }
}

fn stamp_of(metadata: &Metadata) -> io::Result<SourceStamp> {
    let kind = metadata.file_type();
    let not = match () {
        () if kind.is_file() => {
            return Ok(SourceStamp {
                len: ByteCount::new(metadata.len()),
                mtime_ns: nanos(metadata.mtime(), metadata.mtime_nsec()),
                identity: Some(FileIdentity {
                    ctime_ns: nanos(metadata.ctime(), metadata.ctime_nsec()),
                    device: metadata.dev(),
                    inode: metadata.ino(),
                }),
            });
        }
        () if kind.is_dir() => "a directory",
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () if kind.is_block_device() || kind.is_char_device() => "a device",
        () => "of an unknown kind",
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {not}, not a regular file")))
}

fn nanos(seconds: i64, nanos: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}
