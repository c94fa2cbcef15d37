use std::fmt;

/// A CRC-64/XZ of some bytes (OSS: `x-oss-hash-crc64ecma`); on the wire an unsigned decimal.
///
/// This crate joins checksums and never computes them over data: whoever reads the bytes does that, with an
/// implementation made for it. The checksum of no bytes is 0, which is a value and not "unknown".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Crc64(u64);

impl Crc64 {
    /// The checksum of no bytes.
    pub const EMPTY: Self = Self(0);

    /// From its value.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// As a plain number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The checksum of the bytes of `self` followed by `len` bytes with the checksum `next`.
    ///
    /// For many pieces of one length keep a [`CrcJoin`].
    #[must_use]
    pub fn followed_by(self, next: Self, len: u64) -> Self {
        CrcJoin::new(len).join(self, next)
    }
}

impl fmt::Display for Crc64 {
    /// Decimal, as OSS writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The operator "followed by `len` bytes", worked out once for pieces of one length.
///
/// Appending n zero bytes multiplies a checksum by x^(8n) modulo the polynomial of CRC-64/XZ, so joining costs one
/// multiplication of polynomials, whatever the length.
#[derive(Clone, Copy, Debug)]
pub struct CrcJoin {
    /// x^(8 * len) mod P, reflected: the highest bit is the coefficient of x^0.
    shift: u64,
}

impl CrcJoin {
    /// For a second piece of `len` bytes.
    pub fn new(len: u64) -> Self {
        // x^8, then square and multiply over the bits of `len`.
        let mut base = 1_u64 << (63 - 8);
        let mut shift = ONE;
        let mut left = len;
        while left > 0 {
            if left & 1 == 1 {
                shift = multiply(shift, base);
            }
            base = multiply(base, base);
            left >>= 1;
        }
        Self { shift }
    }

    /// The checksum of a first piece followed by a second one of the length given to [`Self::new`].
    pub fn join(self, first: Crc64, second: Crc64) -> Crc64 {
        Crc64(multiply(self.shift, first.0) ^ second.0)
    }
}

/// x^0 in the reflected form.
const ONE: u64 = 1 << 63;

/// The polynomial of CRC-64/XZ without its x^64, reflected.
pub(crate) const POLYNOMIAL: u64 = 0xC96C_5795_D787_0F42;

/// Product of two polynomials modulo P, all reflected.
const fn multiply(a: u64, mut b: u64) -> u64 {
    let mut product = 0;
    let mut bit = ONE;
    while bit != 0 {
        if a & bit != 0 {
            product ^= b;
        }
        b = if b & 1 == 1 { (b >> 1) ^ POLYNOMIAL } else { b >> 1 };
        bit >>= 1;
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One bit at a time: slow, and nothing to get wrong.
    fn of(bytes: &[u8]) -> Crc64 {
        let mut crc = u64::MAX;
        for byte in bytes {
            crc ^= u64::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            }
        }
        Crc64(!crc)
    }

    #[test]
    fn the_check_value_is_that_of_crc_64_xz() {
        assert_eq!(of(b"123456789"), Crc64(0x995D_C9BB_DF19_39FA));
    }

    #[test]
    fn two_known_parts_join_to_the_known_whole() {
        let (one, two) = (Crc64(6_571_598_172_666_981_661), Crc64(2_060_813_895_736_234_537));
        assert_eq!(one.followed_by(two, 13), Crc64(13_570_749_449_290_420_744));
    }

    #[test]
    fn joining_is_the_checksum_of_the_bytes_joined() {
        let bytes: Vec<u8> = (0..300_u32).map(|n| (n * 7 + n / 3).to_le_bytes()[0]).collect();
        for split in 0..=bytes.len() {
            let (one, two) = bytes.split_at(split);
            assert_eq!(of(one).followed_by(of(two), two.len() as u64), of(&bytes), "split at {split}");
        }
    }

    #[test]
    fn nothing_joined_on_either_side_changes_nothing() {
        let some = of(b"some");
        assert_eq!(some.followed_by(Crc64::EMPTY, 0), some);
        assert_eq!(Crc64::EMPTY.followed_by(some, 4), some);
    }

    #[test]
    fn long_pieces_join_as_their_halves_do() {
        // No bytes are needed to test lengths beyond memory: joining is associative.
        let (a, b, c) = (of(b"a"), Crc64(17), Crc64(0xFFFF_0000_1234_5678));
        for half in [1_u64 << 33, 1 << 50, 1 << 62] {
            let left = a.followed_by(b, half).followed_by(c, half);
            let right = a.followed_by(b.followed_by(c, half), 2 * half);
            assert_eq!(left, right, "{half}");
        }
    }
}
