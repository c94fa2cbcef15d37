use std::{fmt, num::NonZeroU64};

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteCount(u64);

impl ByteCount {
    /// No bytes.
    pub const ZERO: Self = Self(0);

    /// This many bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// This many times 1,024 bytes. Saturates.
    pub const fn kib(count: u64) -> Self {
        Self(count.saturating_mul(1 << 10))
    }

    /// This many times 1,048,576 bytes. Saturates.
    pub const fn mib(count: u64) -> Self {
        Self(count.saturating_mul(1 << 20))
    }

    /// This many times 1,073,741,824 bytes. Saturates.
    pub const fn gib(count: u64) -> Self {
        Self(count.saturating_mul(1 << 30))
    }

    /// As a plain number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// As a plain number that is not 0.
    pub const fn non_zero(self) -> Option<NonZeroU64> {
        NonZeroU64::new(self.0)
    }
}

impl fmt::Display for ByteCount {
    /// As a person reads it: `10 MiB`, `1.5 GiB`, `17 B`. Exact numbers of a unit have no fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
        let mut unit = 0;
        while unit + 1 < UNITS.len() && self.0 >> (10 * (unit + 1)) > 0 {
            unit += 1;
        }
        let size = 1_u64 << (10 * unit);
        let whole = self.0 / size;
        // Tenths, rounded down: 1.99 GiB of 2 GiB must not read as done.
        let tenths = u128::from(self.0 % size) * 10 / u128::from(size);
        if tenths == 0 {
            write!(f, "{whole} {}", UNITS[unit])
        } else {
            write!(f, "{whole}.{tenths} {}", UNITS[unit])
        }
    }
}

/// A half-open range of the source, in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteRange {
    /// First byte.
    pub start: u64,
    /// Number of bytes.
    pub len: ByteCount,
}

impl ByteRange {
    /// First byte behind the range. Saturates.
    pub const fn end(self) -> u64 {
        self.start.saturating_add(self.len.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_as_people_write_them() {
        let check = |bytes: u64, text: &str| assert_eq!(ByteCount::new(bytes).to_string(), text);
        check(0, "0 B");
        check(1023, "1023 B");
        check(1024, "1 KiB");
        check(10 << 20, "10 MiB");
        check(3 << 29, "1.5 GiB");
        check((2 << 30) - 1, "1.9 GiB");
        check(u64::MAX, "16777215.9 TiB");
    }
}
