use std::{fmt, io};

use bytes::Bytes;
use crc_fast::CrcAlgorithm;
use oss_checkpoint::{ByteCount, SourceStamp};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
mod unix;

#[cfg(unix)]
pub use unix::FileSource;

/// What is uploaded: bytes of a known length that can be read more than once. What may block is called on threads where
/// only this upload waits.
pub trait Source: Send + Sync {
    /// What the source is now, looked up afresh: a file that was replaced shows as another one.
    ///
    /// # Errors
    /// What the system says, or why this cannot be a source.
    fn inspect(&self) -> io::Result<SourceStamp>;

    /// Opens it for one pass.
    ///
    /// # Errors
    /// What the system says, or why this cannot be a source.
    fn open(&self) -> io::Result<Box<dyn SourceReader>>;

    /// Whether the two above come back in no time, as they do for a file on a disk of this machine, so that they may be called
    /// where others wait. Not so if this is left out.
    fn is_near(&self) -> bool {
        false
    }
}

/// An open source.
pub trait SourceReader: Send {
    /// What is open, as it is now; it may be another one than [`Source::inspect`] finds.
    ///
    /// # Errors
    /// What the system says.
    fn stamp(&self) -> io::Result<SourceStamp>;

    /// Reads some bytes at `offset`, from the start of the source; 0 only behind the end.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// The same where it waits for nothing, since the bytes are in memory; called where others wait. `None` where it would
    /// have to wait, and for whatever goes wrong: then [`read_at`](Self::read_at) is called.
    fn read_at_once(&self, buffer: &mut [u8], offset: u64) -> Option<usize> {
        let _ = (buffer, offset);
        None
    }
}

/// Bytes in memory, which never change.
#[derive(Clone)]
pub struct BytesSource {
    bytes: Bytes,
    stamp: SourceStamp,
}

impl BytesSource {
    /// Of these bytes.
    ///
    /// They have no modification time; their checksum stands in for it, as one long ago, so that a resumed upload of
    /// other bytes is seen to be one.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let checksum = crc_fast::checksum(CrcAlgorithm::Crc64Xz, &bytes);
        let stamp = SourceStamp {
            len: ByteCount::new(bytes.len() as u64),
            mtime_ns: i64::try_from(checksum >> 1).map_or(0, |half| -half),
            identity: None,
        };
        Self { bytes, stamp }
    }
}

impl Source for BytesSource {
    fn inspect(&self) -> io::Result<SourceStamp> {
        Ok(self.stamp)
    }

    fn open(&self) -> io::Result<Box<dyn SourceReader>> {
        Ok(Box::new(self.clone()))
    }

    fn is_near(&self) -> bool {
        true
    }
}

impl SourceReader for BytesSource {
    fn stamp(&self) -> io::Result<SourceStamp> {
        Ok(self.stamp)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.bytes.len());
        let rest = &self.bytes[start..];
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn read_at_once(&self, buffer: &mut [u8], offset: u64) -> Option<usize> {
        self.read_at(buffer, offset).ok()
    }
}

impl fmt::Debug for BytesSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BytesSource({} bytes)", self.bytes.len())
    }
}
