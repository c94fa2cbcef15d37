//! One pass over a range of the source: read, checksum, and a word on whether the bytes are of one piece.

use std::{io, sync::Arc};

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};
use oss_checkpoint::{ByteRange, Crc64, SourceStamp};

use super::{
    buffers::{Buffer, Buffers},
    client::in_full,
    clock::wall_nanos,
    scarcity::is_scarce,
    source::{Source, SourceReader},
};
use crate::{Fault, FaultClass};

/// What a whole pass found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadOut {
    /// Of the bytes of the range.
    pub(crate) crc64: Crc64,
    /// The source, the same before the first byte and behind the last one, by its path and by what is open.
    pub(crate) stamp: SourceStamp,
    /// Whether it had been unchanged for two seconds when reading began.
    pub(crate) at_rest: bool,
}

/// Why a source cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It changed while it was read, or is another one than it was before: in words.
    #[error("the source changed: {0}")]
    Moved(&'static str),
    /// The system refused.
    #[error("the source cannot be read at offset {offset}")]
    Io {
        /// Where, in bytes from its start.
        offset: u64,
        /// What the system says.
        source: io::Error,
    },
}

impl ReadError {
    pub(crate) fn fault(&self) -> Fault {
        let class = match self {
            Self::Moved(_) => FaultClass::SourceMoved,
            Self::Io { source, .. } if is_scarce(source) => FaultClass::Scarce,
            Self::Io { .. } => FaultClass::Local,
        };
        Fault::new(class, in_full(self))
    }
}

/// Hands out the bytes of a range, a block at a time. The last block comes only when the source has been looked at
/// again behind it.
pub(crate) struct RangeReader {
    source: Arc<dyn Source>,
    open: Box<dyn SourceReader>,
    buffers: Arc<Buffers>,
    range: ByteRange,
    /// What has been handed out ends there.
    offset: u64,
    /// The block that is being read.
    block: Option<Block>,
    digest: Digest,
    began: SourceStamp,
    at_rest: bool,
    /// What was open could no longer be used, and the source was opened again.
    opened_again: bool,
    end: Option<ReadOut>,
}

/// Some of the bytes of the next piece.
struct Block {
    buffer: Buffer,
    /// How many bytes it will have, and how many it has.
    len: usize,
    filled: usize,
}

impl Block {
    fn rest(&mut self) -> &mut [u8] {
        &mut self.buffer.space()[self.filled..self.len]
    }
}

impl RangeReader {
    /// Begins a pass; with `required`, only over a source with that stamp, which it then has to the end of the pass. What
    /// is open may go stale once in it, as a file does whose server has been restarted (ESTALE): then it is opened again.
    pub(crate) fn open(
        source: &Arc<dyn Source>,
        buffers: &Arc<Buffers>,
        range: ByteRange,
        required: Option<SourceStamp>,
    ) -> Result<Self, ReadError> {
        let at_start = |source| ReadError::Io { offset: range.start, source };
        let open = source.open().map_err(at_start)?;
        let began = open.stamp().map_err(at_start)?;
        if required.is_some_and(|required| required != began) {
            return Err(ReadError::Moved("it is not as it was when it was first looked at"));
        }
        Ok(Self {
            source: Arc::clone(source),
            open,
            buffers: Arc::clone(buffers),
            range,
            offset: range.start,
            block: None,
            digest: Digest::new(CrcAlgorithm::Crc64Xz),
            began,
            at_rest: is_at_rest(&began, wall_nanos()),
            opened_again: false,
            end: None,
        })
    }

    /// The next block; `None` behind the last one.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, ReadError> {
        self.next_up_to(Buffers::SIZE)
    }

    /// The next block, of at most `most` bytes; `None` behind the last one.
    pub(crate) fn next_up_to(&mut self, most: usize) -> Result<Option<Bytes>, ReadError> {
        if self.left() > 0 {
            let mut block = self.take_block(most);
            self.fill(&mut block)?;
            return self.finish(block).map(Some);
        }
        if self.end.is_none() {
            self.look_again()?;
        }
        Ok(None)
    }

    /// The same where it waits for nothing; `None` where it may, and the same block is to be asked for where it may wait.
    pub(crate) fn next_at_once(&mut self, most: usize) -> Option<Result<Option<Bytes>, ReadError>> {
        if self.left() == 0 {
            return self.end.is_some().then_some(Ok(None));
        }
        let mut block = self.take_block(most);
        while block.filled < block.len {
            let at = self.offset + block.filled as u64;
            match self.open.read_at_once(block.rest(), at) {
                Some(len @ 1..) => block.filled = block.len.min(block.filled + len),
                _ => break,
            }
        }
        let is_last = self.left() == block.len as u64;
        if block.filled < block.len || is_last && !self.source.is_near() {
            self.block = Some(block);
            return None;
        }
        Some(self.finish(block).map(Some))
    }

    /// The block that has been begun, or a new one, of at most `most` bytes.
    fn take_block(&mut self, most: usize) -> Block {
        self.block.take().unwrap_or_else(|| {
            let most = most.min(Buffers::SIZE);
            let len = usize::try_from(self.left()).map_or(most, |left| left.min(most));
            Block { buffer: self.buffers.take(), len, filled: 0 }
        })
    }

    /// Hands out a block that is full. Behind the last one the source is looked at before.
    fn finish(&mut self, mut block: Block) -> Result<Bytes, ReadError> {
        self.digest.update(&block.buffer.space()[..block.len]);
        self.offset += block.len as u64;
        if self.offset == self.range.end() {
            self.look_again()?;
        }
        Ok(block.buffer.filled(block.len).into_bytes())
    }

    /// Bytes that have not been handed out.
    pub(crate) const fn left(&self) -> u64 {
        self.range.end() - self.offset
    }

    /// What the pass found, once it is through.
    pub(crate) fn end(&self) -> Option<ReadOut> {
        self.end
    }

    fn fill(&mut self, block: &mut Block) -> Result<(), ReadError> {
        while block.filled < block.len {
            let at = self.offset + block.filled as u64;
            match self.open.read_at(block.rest(), at) {
                Ok(0) => return Err(ReadError::Moved("it has become shorter")),
                Ok(len) => block.filled = block.len.min(block.filled + len),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.open_again_after(error, at)?,
            }
        }
        Ok(())
    }

    /// Opens the source anew by its path if what was open has gone stale, once; any other error is the end of the pass.
    /// Whether it is the same source is seen behind the last byte, where its stamp must be that of the beginning.
    fn open_again_after(&mut self, error: io::Error, offset: u64) -> Result<(), ReadError> {
        if self.opened_again || error.kind() != io::ErrorKind::StaleNetworkFileHandle {
            return Err(ReadError::Io { offset, source: error });
        }
        self.opened_again = true;
        self.open = self.source.open().map_err(|source| ReadError::Io { offset, source })?;
        Ok(())
    }

    fn look_again(&mut self) -> Result<(), ReadError> {
        let at = self.offset;
        let at_end = |source| ReadError::Io { offset: at, source };
        let open = match self.open.stamp() {
            Ok(stamp) => stamp,
            Err(error) => {
                self.open_again_after(error, at)?;
                self.open.stamp().map_err(at_end)?
            }
        };
        if open != self.began {
            return Err(ReadError::Moved("it was written to while it was read"));
        }
        match self.source.inspect() {
            Ok(stamp) if stamp == open => {}
            Ok(_) => return Err(ReadError::Moved("another one is in its place")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ReadError::Moved("it is gone"));
            }
            Err(error) => return Err(at_end(error)),
        }
        self.end =
            Some(ReadOut { crc64: Crc64::new(self.digest.finalize()), stamp: open, at_rest: self.at_rest });
        Ok(())
    }
}

/// A change within the grain of a file system's clock moves no stamp; two seconds are the coarsest in use (FAT).
fn is_at_rest(stamp: &SourceStamp, now: i128) -> bool {
    const GRAIN_NANOS: i128 = 2_000_000_000;
    let changed = stamp.identity.map_or(stamp.mtime_ns, |identity| identity.ctime_ns.max(stamp.mtime_ns));
    now - i128::from(changed) >= GRAIN_NANOS
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use oss_checkpoint::{ByteCount, FileIdentity};

    use super::*;
    use crate::driver::source::BytesSource;

    fn range(start: u64, len: u64) -> ByteRange {
        ByteRange { start, len: ByteCount::new(len) }
    }

    fn read(reader: &mut RangeReader) -> Result<Vec<u8>, ReadError> {
        let mut all = Vec::new();
        while let Some(block) = reader.next()? {
            all.extend_from_slice(&block);
        }
        Ok(all)
    }

    #[test]
    fn a_pass_gives_exactly_its_range_and_its_checksum() {
        let bytes: Vec<u8> = (0..=250).cycle().take(3 * Buffers::SIZE + 17).collect();
        let source: Arc<dyn Source> = Arc::new(BytesSource::new(bytes.clone()));
        let size = Buffers::SIZE;
        for (start, len) in
            [(0, 0), (0, 1), (5, size), (5, size + 1), (size - 1, 2 * size), (0, 3 * size + 17)]
        {
            let mut reader =
                RangeReader::open(&source, &Buffers::new(1), range(start as u64, len as u64), None).unwrap();
            let expected = &bytes[start..start + len];
            assert_eq!(read(&mut reader).unwrap(), expected, "{start}+{len}");
            let checksum = crc_fast::checksum(CrcAlgorithm::Crc64Xz, expected);
            let end = reader.end().unwrap();
            assert_eq!((end.crc64, end.at_rest), (Crc64::new(checksum), true));
        }
    }

    /// Of which the first byte of every so many has to be waited for.
    struct HalfInMemory {
        bytes: BytesSource,
        every: u64,
        near: bool,
    }

    impl Source for HalfInMemory {
        fn inspect(&self) -> io::Result<SourceStamp> {
            self.bytes.inspect()
        }

        fn open(&self) -> io::Result<Box<dyn SourceReader>> {
            Ok(Box::new(Self { bytes: self.bytes.clone(), every: self.every, near: self.near }))
        }

        fn is_near(&self) -> bool {
            self.near
        }
    }

    impl SourceReader for HalfInMemory {
        fn stamp(&self) -> io::Result<SourceStamp> {
            self.bytes.stamp()
        }

        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            let most = buffer.len().min(100);
            self.bytes.read_at(&mut buffer[..most], offset)
        }

        fn read_at_once(&self, buffer: &mut [u8], offset: u64) -> Option<usize> {
            let known = usize::try_from(self.every - offset % self.every).unwrap();
            let most = buffer.len().min(known);
            (!offset.is_multiple_of(self.every))
                .then(|| self.bytes.read_at(&mut buffer[..most], offset).unwrap())
        }
    }

    // Rows: 117
    #[test]
    fn what_is_in_memory_is_read_at_once_and_no_byte_is_lost_or_read_twice_on_the_way() {
        let size = Buffers::SIZE;
        let bytes: Vec<u8> = (0..=250).cycle().take(4 * size).collect();
        // A source that may be far away is not looked at where others wait, as it is behind its last byte.
        let cases =
            [(1, true, 4), (1_000, true, 3), (1_000, false, 4), (1 << 40, true, 0), (1 << 40, false, 1)];
        for (every, near, expected) in cases {
            let half = HalfInMemory { bytes: BytesSource::new(bytes.clone()), every, near };
            let source: Arc<dyn Source> = Arc::new(half);
            let (start, len) = (7, 3 * size + 1);
            let mut reader =
                RangeReader::open(&source, &Buffers::new(1), range(start as u64, len as u64), None).unwrap();
            let (mut all, mut waits) = (Vec::new(), 0);
            loop {
                let block = reader.next_at_once(size).unwrap_or_else(|| {
                    waits += 1;
                    reader.next()
                });
                let Some(block) = block.unwrap() else { break };
                all.extend_from_slice(&block);
            }
            assert_eq!(all, bytes[start..start + len], "{every} {near}");
            assert_eq!(reader.end().unwrap().crc64.get(), crc_fast::checksum(CrcAlgorithm::Crc64Xz, &all));
            assert_eq!(waits, expected, "{every} {near}");
        }
    }

    // Rows: 102
    #[test]
    fn a_source_that_ends_early_has_moved() {
        let source: Arc<dyn Source> = Arc::new(BytesSource::new(vec![1; 100]));
        let mut reader = RangeReader::open(&source, &Buffers::new(1), range(90, 11), None).unwrap();
        assert!(matches!(read(&mut reader), Err(ReadError::Moved(_))));
        assert_eq!(reader.end(), None);
    }

    /// Is written to, without changing its length, when it has been read so many times.
    struct Written {
        bytes: BytesSource,
        reads: Arc<AtomicU64>,
        at: u64,
    }

    impl Written {
        fn now(&self) -> io::Result<SourceStamp> {
            let written = self.reads.load(Ordering::Relaxed) >= self.at;
            self.bytes.inspect().map(|stamp| SourceStamp { mtime_ns: i64::from(written), ..stamp })
        }
    }

    impl Source for Written {
        fn inspect(&self) -> io::Result<SourceStamp> {
            self.now()
        }

        fn open(&self) -> io::Result<Box<dyn SourceReader>> {
            Ok(Box::new(Self { bytes: self.bytes.clone(), reads: Arc::clone(&self.reads), at: self.at }))
        }
    }

    impl SourceReader for Written {
        fn stamp(&self) -> io::Result<SourceStamp> {
            self.now()
        }

        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            self.reads.fetch_add(1, Ordering::Relaxed);
            self.bytes.read_at(buffer, offset)
        }
    }

    // Rows: 105
    #[test]
    fn the_last_block_of_a_source_that_is_written_to_is_never_handed_out() {
        for at in 1..=3 {
            let bytes = BytesSource::new(vec![1; 3 * Buffers::SIZE]);
            let source: Arc<dyn Source> = Arc::new(Written { bytes, reads: Arc::default(), at });
            let all = range(0, 3 * Buffers::SIZE as u64);
            let mut reader = RangeReader::open(&source, &Buffers::new(1), all, None).unwrap();
            assert!(reader.next().unwrap().is_some() && reader.next().unwrap().is_some());
            assert!(matches!(reader.next(), Err(ReadError::Moved(_))), "{at}");
            assert_eq!(reader.end(), None);
        }
    }

    // Rows: 104
    #[test]
    fn the_last_block_of_another_source_than_planned_is_never_handed_out() {
        let source: Arc<dyn Source> = Arc::new(BytesSource::new(vec![1; 100]));
        let planned = SourceStamp { mtime_ns: 1, ..source.inspect().unwrap() };
        let opened = RangeReader::open(&source, &Buffers::new(1), range(0, 100), Some(planned));
        assert!(matches!(opened, Err(ReadError::Moved(_))));
    }

    // Rows: 106
    #[test]
    fn what_changed_less_than_two_seconds_ago_is_not_at_rest() {
        let second = 1_000_000_000;
        let check = |mtime: i64, ctime: i64, at_rest: bool| {
            let identity = Some(FileIdentity { ctime_ns: ctime * second, device: 1, inode: 1 });
            let stamp = SourceStamp { len: ByteCount::new(1), mtime_ns: mtime * second, identity };
            assert_eq!(is_at_rest(&stamp, i128::from(100 * second)), at_rest, "{mtime} {ctime}");
        };
        check(98, 98, true);
        check(99, 98, false);
        check(1, 99, false);
        check(200, 1, false);
    }
}
