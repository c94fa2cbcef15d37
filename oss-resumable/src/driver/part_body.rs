use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use oss_checkpoint::{ByteRange, SourceStamp};
use oss_transport::{Body, BodyError, ChunkSource, Chunks};
use tokio::time::Instant;

use super::{
    bandwidth::{BandwidthLimit, Turn},
    buffers::Buffers,
    pulse::Pulse,
    range_reader::{RangeReader, ReadOut},
    source::Source,
};

/// A range of the source as a request body; remembers what was read for the one who waits for the answer.
pub(crate) struct PartBody {
    source: Arc<dyn Source>,
    buffers: Arc<Buffers>,
    limit: Option<BandwidthLimit>,
    range: ByteRange,
    required: Option<SourceStamp>,
    reading: Arc<Reading>,
}

/// How far the body of one request is.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    taken: AtomicU64,
    end: Mutex<Option<ReadOut>>,
    pulse: Pulse,
}

impl PartBody {
    /// With `required`, the last block is held back until the source has been seen to still have that stamp; else the
    /// body fails, the request stays short, and the server stores nothing.
    pub(crate) fn make(
        source: Arc<dyn Source>,
        buffers: Arc<Buffers>,
        limit: Option<BandwidthLimit>,
        range: ByteRange,
        required: Option<SourceStamp>,
    ) -> (Body, Arc<Reading>) {
        let reading = Arc::new(Reading::default());
        let len = range.len.get();
        let body = Self { source, buffers, limit, range, required, reading: Arc::clone(&reading) };
        (Body::Chunks { len, source: Arc::new(body) }, reading)
    }
}

impl Reading {
    /// Bytes that the transport has taken in this attempt.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Beats while the source is asked for something.
    pub(crate) fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// What was read, if all of it was.
    pub(crate) fn end(&self) -> Option<ReadOut> {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self, end: Option<ReadOut>) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }
}

impl ChunkSource for PartBody {
    fn open(&self) -> Result<Box<dyn Chunks>, BodyError> {
        self.reading.taken.store(0, Ordering::Relaxed);
        self.reading.finish(None);
        let open = || RangeReader::open(&self.source, &self.buffers, self.range, self.required);
        let reader = self.reading.pulse.during(open)?;
        let reading = Arc::clone(&self.reading);
        Ok(Box::new(Pass { reader, reading, limit: self.limit.clone(), turn: None }))
    }

    fn open_at_once(&self) -> Option<Result<Box<dyn Chunks>, BodyError>> {
        self.source.is_near().then(|| self.open())
    }
}

struct Pass {
    reader: RangeReader,
    reading: Arc<Reading>,
    limit: Option<BandwidthLimit>,
    /// Of the next block, once it has one.
    turn: Option<Turn>,
}

impl Chunks for Pass {
    fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        let most = self.wait_for_turn();
        let Self { reader, reading, .. } = self;
        let block = reading.pulse.during(|| reader.next_up_to(most))?;
        Ok(self.hand_out(block))
    }

    fn next_at_once(&mut self) -> Option<Result<Option<Bytes>, BodyError>> {
        let most = self.turn.as_ref().map_or(Buffers::SIZE, |turn| turn.len);
        let Self { reader, reading, .. } = self;
        let block = reading.pulse.during(|| reader.next_at_once(most))?;
        self.turn = None;
        Some(block.map(|block| self.hand_out(block)).map_err(Into::into))
    }

    fn wait(&mut self) -> Duration {
        let Some(limit) = &self.limit else { return Duration::ZERO };
        let left = usize::try_from(self.reader.left()).unwrap_or(usize::MAX);
        if left == 0 {
            return Duration::ZERO;
        }
        let turn = self.turn.get_or_insert_with(|| limit.turn(left.min(Buffers::SIZE)));
        turn.at.saturating_duration_since(Instant::now())
    }
}

impl Pass {
    /// Takes note of a block before it goes out: the answer to the last one may be there as soon as that has.
    fn hand_out(&self, block: Option<Bytes>) -> Option<Bytes> {
        self.reading.finish(self.reader.end());
        if let Some(block) = &block {
            self.reading.taken.fetch_add(block.len() as u64, Ordering::Relaxed);
        }
        block
    }

    /// How many bytes may go out. A transport that does not ask how long to wait waits here.
    #[expect(clippy::disallowed_methods, reason = "a body may block the thread that asks for it")]
    fn wait_for_turn(&mut self) -> usize {
        let wait = self.wait();
        if !wait.is_zero() {
            std::thread::sleep(wait);
        }
        self.turn.take().map_or(Buffers::SIZE, |turn| turn.len)
    }
}

#[cfg(test)]
mod tests {
    use oss_checkpoint::ByteCount;

    use super::*;
    use crate::driver::source::BytesSource;

    /// A turn for more than is left would be time in which nothing goes out.
    #[tokio::test(start_paused = true)]
    async fn a_body_takes_the_time_of_its_bytes_and_no_more() {
        const LEN: u32 = 250_000;
        let source: Arc<dyn Source> = Arc::new(BytesSource::new(vec![7; LEN as usize]));
        let limit = BandwidthLimit::new(std::num::NonZeroU64::new(10_000_000));
        let began = Instant::now();
        let range = ByteRange { start: 0, len: ByteCount::new(LEN.into()) };
        let (body, _) = PartBody::make(source, Buffers::new(1), Some(limit.clone()), range, None);
        let Body::Chunks { source, .. } = body else { panic!("a body in chunks") };
        let mut chunks = source.open().unwrap();
        while chunks.next().unwrap().is_some() {}
        assert_eq!(chunks.wait(), Duration::ZERO);
        assert_eq!(limit.turn(1).at - began, Duration::from_millis(25));
    }

    #[test]
    fn a_body_can_be_made_again_and_counts_from_the_start() {
        let source: Arc<dyn Source> = Arc::new(BytesSource::new(vec![7; 2 * Buffers::SIZE]));
        let range = ByteRange { start: 0, len: ByteCount::new(2 * Buffers::SIZE as u64) };
        let (body, reading) = PartBody::make(source, Buffers::new(1), None, range, None);
        let Body::Chunks { len, source } = body else { panic!("a body in chunks") };
        for _ in 0..2 {
            let mut chunks = source.open().unwrap();
            assert_eq!((reading.taken(), reading.end()), (0, None));
            chunks.next().unwrap();
            assert_eq!((reading.taken(), reading.end()), (len / 2, None));
            chunks.next().unwrap();
            assert_eq!(reading.taken(), len);
            assert!(reading.end().is_some(), "known before the last block is out");
            assert!(chunks.next().unwrap().is_none());
        }
    }
}
