use std::{fmt, num::NonZeroU16};

/// Position of a part in its object: 1 to 10,000, in the order of the bytes (OSS: `partNumber`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartNumber(NonZeroU16);

/// A number that no part can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a part number: parts are numbered 1 to {max}", max = PartNumber::MAX)]
pub struct OutOfRange(pub u64);

impl PartNumber {
    /// The first part.
    pub const FIRST: Self = Self(NonZeroU16::MIN);
    /// Highest number that OSS takes. <https://www.alibabacloud.com/help/en/oss/user-guide/limits>
    pub const MAX: u16 = 10_000;

    /// The only door.
    ///
    /// # Errors
    /// [`OutOfRange`] for 0 and above 10,000.
    pub fn new(number: u64) -> Result<Self, OutOfRange> {
        u16::try_from(number)
            .ok()
            .filter(|number| *number <= Self::MAX)
            .and_then(NonZeroU16::new)
            .map(Self)
            .ok_or(OutOfRange(number))
    }

    /// As a plain number, 1 to 10,000.
    pub const fn get(self) -> u16 {
        self.0.get()
    }

    /// Place in a table whose first row is part 1.
    pub const fn index(self) -> usize {
        self.0.get() as usize - 1
    }

    /// The part in row `index` of such a table.
    ///
    /// # Errors
    /// [`OutOfRange`] for rows behind part 10,000.
    pub fn from_index(index: usize) -> Result<Self, OutOfRange> {
        Self::new((index as u64).saturating_add(1))
    }
}

impl fmt::Display for PartNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_door_takes_1_to_10_000() {
        for number in [1, 2, 9_999, 10_000] {
            assert_eq!(PartNumber::new(number).map(|part| u64::from(part.get())), Ok(number));
        }
        for number in [0, 10_001, 65_536, 65_537, u64::MAX] {
            assert_eq!(PartNumber::new(number), Err(OutOfRange(number)));
        }
    }
}
