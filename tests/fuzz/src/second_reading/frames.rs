//! A journal, by `FORMAT.md` of `oss-checkpoint`.

use oss_checkpoint::Record;

use super::record;

/// The first 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    Good([u8; 16]),
    /// As no journal: empty, zeros, or cut.
    Nothing,
    Damaged,
    Newer(u16),
    Foreign,
}

/// What stands in a journal with a good header.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Good frames: whether a bad stretch stands before it, and what it says.
    pub(crate) records: Vec<(bool, Record)>,
    /// Bytes behind the last good frame.
    pub(crate) torn: usize,
    /// Bad stretches between good frames.
    pub(crate) holes: usize,
}

const HEADER: usize = 32;
const LONGEST: usize = 65_536;

impl Beginning {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let there = bytes.len().min(4);
        if bytes[..there] != b"OSSJ"[..there] {
            return match bytes.iter().position(|byte| *byte != 0) {
                None => Self::Nothing,
                Some(first) if first >= HEADER => Self::Damaged,
                Some(_) => Self::Foreign,
            };
        }
        let Some(header) = bytes.get(..HEADER) else { return Self::Nothing };
        let version = u16::from_le_bytes([header[4], header[5]]);
        match (&header[6..8], version) {
            (b"\n\x1a", 2..) => Self::Newer(version),
            (b"\n\x1a", 1) if header[24..] == crc64(&header[..24]).to_le_bytes() => {
                Self::Good(header[8..24].try_into().expect("sixteen bytes are sixteen"))
            }
            _ => Self::Damaged,
        }
    }
}

impl Journal {
    pub(crate) fn of(bytes: &[u8], id: [u8; 16]) -> Self {
        let mut journal = Self::default();
        let (mut at, mut bad_since) = (HEADER, None);
        while at < bytes.len() {
            if let Some((record, end)) = frame(bytes, id, at) {
                journal.holes += usize::from(bad_since.take().is_some());
                journal.records.push((journal.holes > 0, record));
                at = end;
            } else {
                bad_since.get_or_insert(at);
                at += 1;
            }
        }
        journal.torn = bad_since.map_or(0, |since| bytes.len() - since);
        journal
    }
}

/// The record of the frame at an offset, and where that ends.
fn frame(bytes: &[u8], id: [u8; 16], at: usize) -> Option<(Record, usize)> {
    let head = bytes.get(at..at + 12)?;
    let length = u32::from_le_bytes(head[..4].try_into().ok()?) as usize;
    let payload = bytes.get(at + 12..)?.get(..length)?;
    if length == 0 || length > LONGEST || payload[0] > 6 {
        return None;
    }
    let sum = crc64(&[&id, &(at as u64).to_le_bytes()[..], &head[..4], payload].concat());
    if sum.to_le_bytes() != head[4..] {
        return None;
    }
    Some((record(payload)?, at + 12 + length))
}

/// A good header.
pub(crate) fn header(id: [u8; 16]) -> Vec<u8> {
    let start = [b"OSSJ\x01\x00\n\x1a", &id[..]].concat();
    let sum = crc64(&start).to_le_bytes();
    [start, sum.to_vec()].concat()
}

/// Adds a frame with this payload, whose sum is right.
pub(crate) fn framed(bytes: &mut Vec<u8>, id: [u8; 16], payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("an input is short").to_le_bytes();
    let sum = crc64(&[&id, &(bytes.len() as u64).to_le_bytes()[..], &length, payload].concat());
    bytes.extend_from_slice(&length);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes.extend_from_slice(payload);
}

/// CRC-64/XZ, bit by bit.
fn crc64(bytes: &[u8]) -> u64 {
    let step = |register: u64| (register >> 1) ^ (0xC96C_5795_D787_0F42 & (register & 1).wrapping_neg());
    !bytes.iter().fold(u64::MAX, |register, byte| {
        (0..8).fold(register ^ u64::from(*byte), |register, _| step(register))
    })
}

#[cfg(test)]
mod tests {
    use super::crc64;

    #[test]
    fn the_checksum_is_that_of_the_catalogue() {
        assert_eq!(crc64(b"123456789"), 0x995D_C9BB_DF19_39FA);
    }
}
