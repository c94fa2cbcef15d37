//! The bytes of a journal: a header, then frames. `FORMAT.md` says the same, field by field.

mod checksum;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod senseless;
mod v1;

use self::checksum::FrameChecksum;
use crate::Record;

/// Newest version that is written and read here.
pub(crate) const VERSION: u16 = 1;
/// Length of the header, in bytes.
pub(crate) const HEADER_LEN: usize = 32;
/// Length and checksum in front of a payload, in bytes.
pub(crate) const FRAME_HEAD: usize = 12;
/// Longest payload, in bytes: looked at before anything is allocated or summed. The longest real record is a
/// beginning with a key of 1 KiB, a path of 4 KiB and 8 KiB of metadata.
pub(crate) const MAX_PAYLOAD: usize = 64 << 10;

/// First bytes of every version.
const MAGIC: [u8; 4] = *b"OSSJ";
/// Behind the version: neither survives a transfer in text mode, and the last ends output on some terminals.
const GUARD: [u8; 2] = [0x0A, 0x1A];

/// Sixteen random bytes that bind each frame to its journal.
pub(crate) type JournalId = [u8; 16];

/// The bytes of a journal up to its last good frame, to which records are added.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    bytes: Vec<u8>,
    checksum: FrameChecksum,
}

/// A record whose payload is longer than [`MAX_PAYLOAD`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordTooLong;

impl Image {
    /// A header and nothing else.
    pub(crate) fn new(id: JournalId) -> Self {
        let mut bytes = Vec::with_capacity(4 << 10);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&GUARD);
        bytes.extend_from_slice(&id);
        bytes.extend_from_slice(&checksum::of(&bytes).to_le_bytes());
        Self { bytes, checksum: FrameChecksum::new(id) }
    }

    /// Adds a frame for each record, or none of them.
    pub(crate) fn extend<'a>(
        &mut self,
        records: impl IntoIterator<Item = &'a Record>,
    ) -> Result<(), RecordTooLong> {
        let before = self.bytes.len();
        let pushed = records.into_iter().try_for_each(|record| self.push(record));
        if pushed.is_err() {
            self.bytes.truncate(before);
        }
        pushed
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether there is anything behind the header.
    pub(crate) fn has_frames(&self) -> bool {
        self.bytes.len() > HEADER_LEN
    }

    fn push(&mut self, record: &Record) -> Result<(), RecordTooLong> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; FRAME_HEAD]);
        v1::encode(record, &mut self.bytes, MAX_PAYLOAD)?;
        let (head, payload) = self.bytes[start..].split_at_mut(FRAME_HEAD);
        let length = u32::try_from(payload.len()).map_err(|_| RecordTooLong)?;
        let sum = self.checksum.of_frame(start as u64, length, payload);
        head[..4].copy_from_slice(&length.to_le_bytes());
        head[4..].copy_from_slice(&sum.to_le_bytes());
        Ok(())
    }
}

#[cfg(feature = "fs")]
impl Image {
    /// Bytes that were read and found good up to their end.
    pub(crate) fn of_good(bytes: Vec<u8>, id: JournalId) -> Self {
        Self { bytes, checksum: FrameChecksum::new(id) }
    }

    /// A header and one frame for each record.
    pub(crate) fn of_records<'a>(
        id: JournalId,
        records: impl IntoIterator<Item = &'a Record>,
    ) -> Result<Self, RecordTooLong> {
        let mut image = Self::new(id);
        image.extend(records)?;
        Ok(image)
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Takes frames off again; `len` is what [`Self::len`] was before they came.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
    }
}

/// What the first bytes of a file say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// A journal that can be read.
    Good(JournalId),
    /// A header that was never written to its end, and nothing behind it.
    Torn,
    /// A journal whose header is damaged.
    Damaged,
    /// A journal of a later version.
    Newer(u16),
    /// No journal.
    Foreign,
}

impl Header {
    /// Reads it from the first bytes of a file.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let known = bytes.len().min(MAGIC.len());
        if bytes[..known] != MAGIC[..known] {
            // Room that was given to the file and never written reads as zeros.
            return match bytes.iter().position(|byte| *byte != 0) {
                None => Self::Torn,
                Some(first) if first >= HEADER_LEN => Self::Damaged,
                Some(_) => Self::Foreign,
            };
        }
        let Some((header, _)) = bytes.split_first_chunk::<HEADER_LEN>() else { return Self::Torn };
        let version = u16::from_le_bytes([header[4], header[5]]);
        if header[6..8] != GUARD {
            return Self::Damaged;
        }
        if version > VERSION {
            return Self::Newer(version);
        }
        let (summed, sum) = header.split_at(HEADER_LEN - 8);
        if version != VERSION || checksum::of(summed).to_le_bytes() != *sum {
            return Self::Damaged;
        }
        let mut id = JournalId::default();
        id.copy_from_slice(&header[8..24]);
        Self::Good(id)
    }
}

/// What stands at one place of a journal.
#[derive(Debug)]
pub(crate) enum Stretch {
    /// A frame whose checksum is right and whose payload is a record.
    Good { offset: usize, end: usize, record: Record },
    /// Bytes that are no frame, with a good frame behind them.
    Bad { offset: usize, end: usize },
    /// Bytes that are no frame, up to the end.
    Torn { offset: usize, end: usize },
    /// As `Bad` or `Torn`, but searching for the next frame would take too long to be worth it.
    Hopeless { offset: usize },
}

/// Walks over the frames behind a header, whatever the bytes are.
pub(crate) struct Frames<'a> {
    bytes: &'a [u8],
    checksum: FrameChecksum,
    at: usize,
    /// How many more bytes may be summed in search of a frame: bytes made on purpose could cost 64 KiB at each
    /// place.
    patience: usize,
}

impl<'a> Frames<'a> {
    /// `bytes` begin with the header.
    pub(crate) fn new(bytes: &'a [u8], id: JournalId) -> Self {
        let patience = bytes.len().saturating_mul(16).saturating_add(1 << 20);
        Self { bytes, checksum: FrameChecksum::new(id), at: HEADER_LEN, patience }
    }

    /// The payload that a frame at `offset` would have, by its length alone.
    fn payload_at(&self, offset: usize) -> Option<(u32, [u8; 8], &'a [u8])> {
        let (length, rest) = self.bytes.get(offset..)?.split_first_chunk::<4>()?;
        let (sum, rest) = rest.split_first_chunk::<8>()?;
        let length = u32::from_le_bytes(*length);
        let size = usize::try_from(length).ok().filter(|size| (1..=MAX_PAYLOAD).contains(size))?;
        Some((length, *sum, rest.get(..size)?))
    }

    /// The record of the frame at `offset`, and where the next frame begins.
    fn frame_at(&self, offset: usize) -> Option<(Record, usize)> {
        let (length, sum, payload) = self.payload_at(offset)?;
        if self.checksum.of_frame(offset as u64, length, payload).to_le_bytes() != sum {
            return None;
        }
        Some((v1::decode(payload)?, offset + FRAME_HEAD + payload.len()))
    }
}

impl Iterator for Frames<'_> {
    type Item = Stretch;

    fn next(&mut self) -> Option<Stretch> {
        let offset = self.at;
        if offset >= self.bytes.len() {
            return None;
        }
        if let Some((record, end)) = self.frame_at(offset) {
            self.at = end;
            return Some(Stretch::Good { offset, end, record });
        }
        for place in offset + 1..self.bytes.len() {
            let Some((_, _, payload)) = self.payload_at(place) else { continue };
            if !v1::may_begin_with(payload[0]) {
                continue;
            }
            let Some(patience) = self.patience.checked_sub(payload.len()) else {
                self.at = self.bytes.len();
                return Some(Stretch::Hopeless { offset });
            };
            self.patience = patience;
            if self.frame_at(place).is_some() {
                self.at = place;
                return Some(Stretch::Bad { offset, end: place });
            }
        }
        self.at = self.bytes.len();
        Some(Stretch::Torn { offset, end: self.bytes.len() })
    }
}
