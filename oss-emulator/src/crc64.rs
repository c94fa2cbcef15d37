//! CRC-64/XZ as OSS states it, and the CRC of a concatenation from the CRCs of its pieces.
//!
//! Joining works with polynomials over GF(2), not with the matrices that the SDKs use: a CRC followed by `n` bytes is the CRC
//! times `x^(8n)`, reduced by the polynomial. Bit 63 is the coefficient of `x^0`, as in the CRC itself.

/// `0x42F0E1EBA9EA3693`, its bits reversed.
const POLYNOMIAL: u64 = 0xC96C_5795_D787_0F42;
const X_TO_0: u64 = 1 << 63;
const X_TO_8: u64 = 1 << (63 - 8);

/// The CRC of one piece after another, in order. Remembers the factor of the last length, since parts are mostly equally long.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    crc: u64,
    factor: Option<(u64, u64)>,
}

impl Joined {
    /// Appends a piece of `length` bytes whose CRC is `crc`.
    pub(crate) fn push(&mut self, crc: u64, length: u64) {
        let factor = match self.factor {
            Some((known, factor)) if known == length => factor,
            _ => shift_by(length),
        };
        self.factor = Some((length, factor));
        self.crc = times(self.crc, factor) ^ crc;
    }

    pub(crate) fn crc(&self) -> u64 {
        self.crc
    }
}

/// `x^(8 * bytes)` modulo the polynomial.
fn shift_by(mut bytes: u64) -> u64 {
    let mut power = X_TO_8;
    let mut product = X_TO_0;
    while bytes > 0 {
        if bytes & 1 == 1 {
            product = times(product, power);
        }
        power = times(power, power);
        bytes >>= 1;
    }
    product
}

/// `a * b` modulo the polynomial.
fn times(a: u64, mut b: u64) -> u64 {
    let mut product = 0;
    for degree in (0..64).rev() {
        if a >> degree & 1 == 1 {
            product ^= b;
        }
        let carry = if b & 1 == 1 { POLYNOMIAL } else { 0 };
        b = b >> 1 ^ carry;
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crc_of(bytes: &[u8]) -> u64 {
        let mut digest = crc64fast::Digest::new();
        digest.write(bytes);
        digest.sum64()
    }

    #[test]
    fn the_crc_is_that_of_the_documentation() {
        let cases: [(&[u8], u64); 4] = [
            (b"123456789", 11_051_210_869_376_104_954),
            (b"", 0),
            (b"upload part 1", 6_571_598_172_666_981_661),
            (b"hello world", 5_981_764_153_023_615_706),
        ];
        for (bytes, expected) in cases {
            assert_eq!(crc_of(bytes), expected);
        }
    }

    #[test]
    fn pieces_joined_have_the_crc_of_the_whole() {
        let whole: Vec<u8> =
            (0..70_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
        for sizes in [vec![0, 1, 69_999], vec![10_000; 7], vec![70_000, 0], vec![1; 3], vec![65_536, 4_464]] {
            let covered = &whole[..sizes.iter().sum()];
            let mut joined = Joined::default();
            let mut rest = covered;
            for size in sizes {
                let (piece, after) = rest.split_at(size);
                joined.push(crc_of(piece), u64::try_from(size).unwrap());
                rest = after;
            }
            assert_eq!(joined.crc(), crc_of(covered));
        }
        let mut joined = Joined::default();
        joined.push(6_571_598_172_666_981_661, 13);
        joined.push(2_060_813_895_736_234_537, 13);
        assert_eq!(joined.crc(), 13_570_749_449_290_420_744);
    }
}
