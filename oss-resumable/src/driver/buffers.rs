use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Blocks that are read into, lent out as [`Bytes`], and come back when those are dropped.
#[derive(Debug)]
pub(crate) struct Buffers {
    free: Mutex<Vec<Box<[u8]>>>,
    /// More than so many are not kept.
    keep: usize,
}

impl Buffers {
    /// Size of a block: it stays in a core's cache between read and checksum.
    pub(crate) const SIZE: usize = 256 * 1024;
    /// A block begins on a cache line: the kernel's copies into it and out of it cost a tenth more when it does not.
    const ALIGNMENT: usize = 64;
    /// Blocks of one transfer: one is read into, one is queued, one is being written.
    pub(crate) const PER_TRANSFER: usize = 3;

    pub(crate) fn new(transfers: usize) -> Arc<Self> {
        Arc::new(Self { free: Mutex::default(), keep: transfers.saturating_mul(Self::PER_TRANSFER) })
    }

    pub(crate) fn take(self: &Arc<Self>) -> Buffer {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let block = free.unwrap_or_else(|| vec![0; Self::SIZE + Self::ALIGNMENT].into_boxed_slice());
        // The offset of a line may be unknown by contract; any block serves then.
        let start = block.as_ptr().align_offset(Self::ALIGNMENT).min(Self::ALIGNMENT);
        Buffer { block, start, len: 0, home: Arc::clone(self) }
    }
}

/// One block; goes home when it is dropped.
#[derive(Debug)]
pub(crate) struct Buffer {
    block: Box<[u8]>,
    start: usize,
    len: usize,
    home: Arc<Buffers>,
}

impl Buffer {
    /// The block, to be written into.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        &mut self.block[self.start..self.start + Buffers::SIZE]
    }

    /// Its first `len` bytes are the contents.
    pub(crate) fn filled(mut self, len: usize) -> Self {
        self.len = len.min(Buffers::SIZE);
        self
    }

    /// The contents, without a copy.
    pub(crate) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.block[self.start..self.start + self.len]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut free = self.home.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < self.home.keep {
            free.push(std::mem::take(&mut self.block));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_was_dropped_is_lent_again() {
        let buffers = Buffers::new(1);
        let bytes = buffers.take().filled(7).into_bytes();
        assert_eq!(bytes.len(), 7);
        let (kept, place) = (bytes.clone(), bytes.as_ptr());
        drop(bytes);
        let mut other = buffers.take();
        assert_ne!(other.space().as_ptr(), place, "still lent");
        drop(kept);
        assert_eq!(buffers.take().space().as_ptr(), place);
    }

    #[test]
    fn every_block_begins_on_a_cache_line_and_is_whole() {
        let buffers = Buffers::new(2);
        let mut lent = (0..8).map(|_| buffers.take()).collect::<Vec<_>>();
        for buffer in &mut lent {
            assert_eq!(buffer.space().as_ptr().align_offset(Buffers::ALIGNMENT), 0);
            assert_eq!(buffer.space().len(), Buffers::SIZE);
        }
    }

    #[test]
    fn no_more_are_kept_than_the_transfers_need() {
        let buffers = Buffers::new(1);
        drop((0..10).map(|_| buffers.take()).collect::<Vec<_>>());
        assert_eq!(buffers.free.lock().unwrap().len(), Buffers::PER_TRANSFER);
    }
}
