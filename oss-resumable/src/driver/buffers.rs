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
    /// Blocks of one transfer: one is read into, one is queued, one is being written.
    pub(crate) const PER_TRANSFER: usize = 3;

    pub(crate) fn new(transfers: usize) -> Arc<Self> {
        Arc::new(Self { free: Mutex::default(), keep: transfers.saturating_mul(Self::PER_TRANSFER) })
    }

    pub(crate) fn take(self: &Arc<Self>) -> Buffer {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let block = free.unwrap_or_else(|| vec![0; Self::SIZE].into_boxed_slice());
        Buffer { block, len: 0, home: Arc::clone(self) }
    }
}

/// One block; goes home when it is dropped.
#[derive(Debug)]
pub(crate) struct Buffer {
    block: Box<[u8]>,
    len: usize,
    home: Arc<Buffers>,
}

impl Buffer {
    /// The block, to be written into.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        &mut self.block
    }

    /// Its first `len` bytes are the contents.
    pub(crate) fn filled(mut self, len: usize) -> Self {
        self.len = len.min(self.block.len());
        self
    }

    /// The contents, without a copy.
    pub(crate) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.block[..self.len]
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
        assert_ne!(buffers.take().space().as_ptr(), place, "still lent");
        drop(kept);
        let free = buffers.free.lock().unwrap().iter().map(|block| block.as_ptr()).collect::<Vec<_>>();
        assert!(free.contains(&place));
    }

    #[test]
    fn no_more_are_kept_than_the_transfers_need() {
        let buffers = Buffers::new(1);
        drop((0..10).map(|_| buffers.take()).collect::<Vec<_>>());
        assert_eq!(buffers.free.lock().unwrap().len(), Buffers::PER_TRANSFER);
    }
}
