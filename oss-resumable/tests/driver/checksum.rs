//! The checksum of a whole source.

use std::{
    io,
    num::NonZeroUsize,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use crc_fast::CrcAlgorithm;
use oss_checkpoint::{ByteCount, Crc64, SourceStamp};
use oss_resumable::driver::{BytesSource, FileSource, ReadError, Source, SourceReader, checksum};

use crate::{sources::Shifting, support::content};

/// Length of a piece.
const PIECE: u64 = 8 << 20;

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

#[tokio::test]
async fn it_is_that_of_all_bytes_however_many_read_them() {
    for len in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 17] {
        let bytes = content(len);
        let expected = Crc64::new(crc_fast::checksum(CrcAlgorithm::Crc64Xz, &bytes));
        let source = Arc::new(BytesSource::new(bytes));
        for count in [1, 2, 7] {
            let read = Arc::new(AtomicU64::new(0));
            let told = Arc::clone(&read);
            let progress = move |more: ByteCount| {
                told.fetch_add(more.get(), Ordering::Relaxed);
            };
            let found = checksum(source.clone(), threads(count), progress).await.unwrap();
            assert_eq!((found.crc64, found.stamp.len.get()), (expected, len), "{len}: {count}");
            assert_eq!(read.load(Ordering::Relaxed), len, "progress");
        }
    }
}

#[tokio::test]
async fn a_source_that_changes_at_any_time_has_none() {
    let (before, after) = (content(2 * PIECE + 1), vec![9; 2 * PIECE as usize + 1]);
    // The looks: once at first, and for each of three pieces to open it and behind its last byte.
    for shifts_at in 1..=7 {
        let shifting = Shifting::new(shifts_at, before.clone(), after.clone().into());
        let found = checksum(Arc::new(shifting), threads(1), |_| {}).await;
        match found {
            Err(ReadError::Moved(_)) if shifts_at < 7 => {}
            Ok(_) if shifts_at == 7 => {}
            other => panic!("{shifts_at}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_says_why() {
    let missing = checksum(Arc::new(FileSource::new("/no/such/file")), threads(2), |_| {}).await;
    match missing.unwrap_err() {
        ReadError::Io { source, .. } => assert_eq!(source.kind(), io::ErrorKind::NotFound),
        moved @ ReadError::Moved(_) => panic!("{moved}"),
    }
    let folder = checksum(Arc::new(FileSource::new("/")), threads(2), |_| {}).await;
    assert!(matches!(folder, Err(ReadError::Io { .. })), "{folder:?}");
}

/// Lets nobody read on until the gate is opened.
struct Gated {
    bytes: BytesSource,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
    reached: tokio::sync::Notify,
    reads: AtomicUsize,
}

impl Source for Gated {
    fn inspect(&self) -> io::Result<SourceStamp> {
        self.bytes.inspect()
    }

    fn open(&self) -> io::Result<Box<dyn SourceReader>> {
        Ok(Box::new(Self { bytes: self.bytes.clone(), gate: Arc::clone(&self.gate) }))
    }
}

impl SourceReader for Gated {
    fn stamp(&self) -> io::Result<SourceStamp> {
        self.bytes.inspect()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.gate.reads.fetch_add(1, Ordering::SeqCst);
        self.gate.reached.notify_one();
        drop(self.gate.opened.wait_while(self.gate.is_open.lock().unwrap(), |is_open| !*is_open));
        self.bytes.read_at(buffer, offset)
    }
}

#[tokio::test]
async fn nobody_reads_on_for_somebody_who_has_gone() {
    let gate = Arc::new(Gate::default());
    let source = Arc::new(Gated { bytes: BytesSource::new(content(4 * PIECE)), gate: Arc::clone(&gate) });
    let told = Arc::new(AtomicUsize::new(0));
    let progress = {
        let told = Arc::clone(&told);
        move |_| {
            told.fetch_add(1, Ordering::SeqCst);
        }
    };
    tokio::select! {
        found = checksum(source.clone(), threads(2), progress) => panic!("{found:?}"),
        () = gate.reached.notified() => {}
    }
    *gate.is_open.lock().unwrap() = true;
    gate.opened.notify_all();
    while Arc::strong_count(&source) > 1 {
        tokio::task::yield_now().await;
    }
    let reads = gate.reads.load(Ordering::SeqCst);
    assert!(reads <= 2, "{reads} blocks for nobody");
    assert_eq!(told.load(Ordering::SeqCst), 0, "and nobody is told");
}
