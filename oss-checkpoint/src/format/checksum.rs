use super::JournalId;
use crate::crc64::POLYNOMIAL;

/// CRC-64/XZ of a frame: over journal id, offset in the file, length and payload, so that neither a stale block of
/// another journal nor a frame at another place passes.
///
/// One table, one byte at a time: frames are short, and 10,000 of them take about a millisecond.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameChecksum {
    /// The register after the journal id, which all frames begin with.
    after_id: u64,
}

impl FrameChecksum {
    pub(super) fn new(id: JournalId) -> Self {
        Self { after_id: update(u64::MAX, &id) }
    }

    pub(super) fn of_frame(self, offset: u64, length: u32, payload: &[u8]) -> u64 {
        let register = update(self.after_id, &offset.to_le_bytes());
        let register = update(register, &length.to_le_bytes());
        !update(register, payload)
    }
}

/// CRC-64/XZ of some bytes.
pub(super) fn of(bytes: &[u8]) -> u64 {
    !update(u64::MAX, bytes)
}

fn update(register: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(register, |register, byte| {
        let [low, ..] = register.to_le_bytes();
        TABLE[usize::from(low ^ byte)] ^ (register >> 8)
    })
}

const TABLE: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut row = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            row = if row & 1 == 1 { (row >> 1) ^ POLYNOMIAL } else { row >> 1 };
            bit += 1;
        }
        table[byte] = row;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_is_that_of_crc_64_xz() {
        assert_eq!(of(b"123456789"), 0x995D_C9BB_DF19_39FA);
        assert_eq!(of(b""), 0);
    }

    #[test]
    fn a_frame_is_summed_with_its_journal_its_place_and_its_length() {
        let id = *b"0123456789abcdef";
        let mut all = id.to_vec();
        all.extend_from_slice(&77_u64.to_le_bytes());
        all.extend_from_slice(&3_u32.to_le_bytes());
        all.extend_from_slice(b"abc");
        assert_eq!(FrameChecksum::new(id).of_frame(77, 3, b"abc"), of(&all));
    }
}
