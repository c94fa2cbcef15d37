//! The checksum of a whole source, read on several threads.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use oss_checkpoint::{ByteCount, ByteRange, Crc64, CrcJoin, SourceStamp};
use tokio::sync::mpsc;

use super::{
    buffers::Buffers,
    in_flight::{CancelOnDrop, Cancelled},
    range_reader::{RangeReader, ReadError},
    source::Source,
    threads::apart,
};

/// A source that was read from its first byte to its last, and was the same all the while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksummed {
    /// CRC-64/XZ of all bytes: what OSS states of an object as `x-oss-hash-crc64ecma`.
    pub crc64: Crc64,
    /// What was read; its `len` is the number of bytes.
    pub stamp: SourceStamp,
}

/// Reads a source once and says its checksum.
///
/// So many `threads` read pieces of some MiB side by side, each with one block of 256 KiB: memory does not grow with the
/// source. `progress` is told from those threads how many bytes more have been read; told together they are the length.
/// Needs no runtime but to be polled.
///
/// Dropping the future ends the reading with the blocks that are under way; a thread that hangs in a read is left behind.
///
/// # Errors
/// [`ReadError::Moved`] where the source is not one and the same from the first byte to the last, by what
/// [`SourceStamp`] tells; [`ReadError::Io`] where it cannot be read.
pub async fn checksum(
    source: Arc<dyn Source>,
    threads: NonZeroUsize,
    progress: impl Fn(ByteCount) + Send + Sync + 'static,
) -> Result<Checksummed, ReadError> {
    let inspected = Arc::clone(&source);
    let stamp = apart("oss-source", move || inspected.inspect()).await.and_then(|stamp| stamp);
    let stamp = stamp.map_err(|source| ReadError::Io { offset: 0, source })?;
    let pieces = Pieces::of(stamp.len);
    let (_guard, cancelled) = CancelOnDrop::new();
    let reading = Arc::new(Reading {
        source,
        stamp,
        pieces,
        buffers: Buffers::new(threads.get()),
        next: AtomicU64::new(0),
        cancelled,
        progress,
    });
    let mut found = reading.start(threads).map_err(|source| ReadError::Io { offset: 0, source })?;
    let mut checksums = vec![None; usize::try_from(pieces.count).unwrap_or(usize::MAX)];
    while let Some((piece, read)) = found.recv().await {
        checksums[piece] = Some(read?);
    }
    let checksums: Option<Vec<Crc64>> = checksums.into_iter().collect();
    let checksums = checksums.ok_or_else(|| ReadError::Io {
        offset: 0,
        source: std::io::Error::other("a thread that read it panicked"),
    })?;
    Ok(Checksummed { crc64: pieces.join(&checksums), stamp })
}

/// How a source is cut for its readers.
#[derive(Clone, Copy, Debug)]
struct Pieces {
    len: u64,
    size: u64,
    /// At least one, which may be empty.
    count: u64,
}

impl Pieces {
    /// Large enough that opening the source for each costs nothing beside reading it.
    const SMALLEST: u64 = 8 << 20;
    /// Their checksums are kept until the end.
    const MOST: u64 = 4096;

    fn of(len: ByteCount) -> Self {
        let len = len.get();
        let size = len.div_ceil(Self::MOST).max(Self::SMALLEST);
        Self { len, size, count: len.div_ceil(size).max(1) }
    }

    /// `None` behind the last one.
    fn range(&self, piece: u64) -> Option<ByteRange> {
        let start = (piece < self.count).then(|| piece * self.size)?;
        Some(ByteRange { start, len: ByteCount::new(self.size.min(self.len - start)) })
    }

    /// The checksum of all, by those of each in order.
    fn join(&self, checksums: &[Crc64]) -> Crc64 {
        let Some((last, whole)) = checksums.split_last() else { return Crc64::EMPTY };
        let join = CrcJoin::new(self.size);
        let joined = whole.iter().fold(Crc64::EMPTY, |joined, next| join.join(joined, *next));
        joined.followed_by(*last, self.len - self.size * (self.count - 1))
    }
}

/// What the threads share.
struct Reading<P> {
    source: Arc<dyn Source>,
    stamp: SourceStamp,
    pieces: Pieces,
    buffers: Arc<Buffers>,
    next: AtomicU64,
    cancelled: Cancelled,
    progress: P,
}

type Found = (usize, Result<Crc64, ReadError>);

impl<P: Fn(ByteCount) + Send + Sync + 'static> Reading<P> {
    /// Starts them; the channel ends with the last one.
    fn start(self: &Arc<Self>, threads: NonZeroUsize) -> std::io::Result<mpsc::UnboundedReceiver<Found>> {
        let (tell, found) = mpsc::unbounded_channel();
        let needed = usize::try_from(self.pieces.count).unwrap_or(usize::MAX).min(threads.get());
        for _ in 0..needed {
            let (reading, tell) = (Arc::clone(self), tell.clone());
            thread::Builder::new().name("oss-checksum".to_owned()).spawn(move || reading.run(&tell))?;
        }
        Ok(found)
    }

    /// Reads one piece after the other until there is none left or nobody waits any more, as behind one that cannot be
    /// read.
    fn run(&self, tell: &mpsc::UnboundedSender<Found>) {
        loop {
            let piece = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(range) = self.pieces.range(piece) else { return };
            let place = usize::try_from(piece).unwrap_or(usize::MAX);
            if tell.send((place, self.read(range))).is_err() {
                return;
            }
        }
    }

    fn read(&self, range: ByteRange) -> Result<Crc64, ReadError> {
        let mut reader = RangeReader::open(&self.source, &self.buffers, range, Some(self.stamp))?;
        while let Some(block) = reader.next()? {
            if self.cancelled.yet() {
                return Err(ReadError::Moved("nobody waits for its checksum"));
            }
            (self.progress)(ByteCount::new(block.len() as u64));
        }
        reader.end().map(|read| read.crc64).ok_or(ReadError::Moved("it was not read to its end"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_tile_a_source_of_any_length_and_are_few() {
        const MIB: u64 = 1 << 20;
        for len in [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 24 * MIB, 40_000 * MIB + 7, 50_000 << 30] {
            let pieces = Pieces::of(ByteCount::new(len));
            assert!((1..=Pieces::MOST).contains(&pieces.count), "{len}: {pieces:?}");
            let mut end = 0;
            for piece in 0..pieces.count {
                let range = pieces.range(piece).unwrap();
                assert_eq!(range.start, end, "{len}: {piece}");
                end = range.end();
            }
            assert_eq!((end, pieces.range(pieces.count)), (len, None));
        }
    }
}
