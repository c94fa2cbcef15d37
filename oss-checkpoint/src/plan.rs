use crate::{ByteCount, ByteRange, PartNumber};

/// How the bytes of a source are cut into parts: `part_size` each, the last one may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartPlan {
    len: ByteCount,
    part_size: ByteCount,
    count: u16,
}

/// Why a source cannot be cut that way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A multipart upload has at least one byte; nothing goes up with PutObject.
    #[error("an empty source has no parts")]
    Empty,
    /// Larger than OSS stores. Said in bytes, since one more is too much.
    #[error("{} bytes are more than one object can hold ({} bytes)", .0.get(), PartPlan::MAX_OBJECT.get())]
    ObjectTooLarge(ByteCount),
    /// Outside of what OSS takes as a part.
    #[error("a part of {0} is outside of {min} to {max}", min = PartPlan::MIN_PART, max = PartPlan::MAX_PART)]
    PartSize(ByteCount),
    /// More than 10,000 parts.
    #[error("{len} in parts of {part_size} are more than {max} parts", max = PartNumber::MAX)]
    TooManyParts {
        /// Length of the source.
        len: ByteCount,
        /// Size of each part.
        part_size: ByteCount,
    },
    /// A number beyond the plan.
    #[error("there is no part {number}: the plan has {count}")]
    NoSuchPart {
        /// The number asked for.
        number: PartNumber,
        /// How many there are.
        count: u16,
    },
}

impl PartPlan {
    /// Smallest part but the last, in bytes; OSS checks it at Complete.
    /// <https://www.alibabacloud.com/help/en/oss/user-guide/limits>
    pub const MIN_PART: ByteCount = ByteCount::kib(100);
    /// Largest part; same source.
    pub const MAX_PART: ByteCount = ByteCount::gib(5);
    /// Largest object, 10,000 parts of 5 GiB (48.8 TB); same source.
    pub const MAX_OBJECT: ByteCount = ByteCount::gib(50_000);

    /// Exactly this part size.
    ///
    /// # Errors
    /// [`PlanError`] by limit of OSS. A single part may be smaller than [`Self::MIN_PART`], since it is the last.
    pub fn new(len: ByteCount, part_size: ByteCount) -> Result<Self, PlanError> {
        if len == ByteCount::ZERO {
            return Err(PlanError::Empty);
        }
        if len > Self::MAX_OBJECT {
            return Err(PlanError::ObjectTooLarge(len));
        }
        if part_size > Self::MAX_PART || (part_size < Self::MIN_PART && part_size < len) {
            return Err(PlanError::PartSize(part_size));
        }
        let Some(size) = part_size.non_zero() else { return Err(PlanError::PartSize(part_size)) };
        match u16::try_from(len.get().div_ceil(size.get())) {
            Ok(count) if count <= PartNumber::MAX => Ok(Self { len, part_size, count }),
            _ => Err(PlanError::TooManyParts { len, part_size }),
        }
    }

    /// The wished part size, or where that gives more than 10,000 parts the smallest larger one that does not,
    /// rounded up to whole MiB. The wish is first brought inside of what OSS takes.
    ///
    /// # Errors
    /// [`PlanError::Empty`] and [`PlanError::ObjectTooLarge`].
    pub fn fit(len: ByteCount, wished: ByteCount) -> Result<Self, PlanError> {
        if len > Self::MAX_OBJECT {
            return Err(PlanError::ObjectTooLarge(len));
        }
        let needed = len.get().div_ceil(u64::from(PartNumber::MAX));
        let wished = wished.clamp(Self::MIN_PART, Self::MAX_PART);
        let size = if needed <= wished.get() {
            wished
        } else {
            ByteCount::mib(needed.div_ceil(1 << 20)).min(Self::MAX_PART)
        };
        Self::new(len, size)
    }

    /// Length of the source.
    pub const fn len(&self) -> ByteCount {
        self.len
    }

    /// Always false: an empty source has no plan.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// Size of each part but the last.
    pub const fn part_size(&self) -> ByteCount {
        self.part_size
    }

    /// Number of parts, 1 to 10,000.
    pub const fn count(&self) -> u16 {
        self.count
    }

    /// The bytes of part `number`.
    ///
    /// The ranges of all parts tile `0..len` in order; only the last may be shorter than the part size.
    ///
    /// # Errors
    /// [`PlanError::NoSuchPart`] if `number` is beyond the plan.
    pub fn range_of(&self, number: PartNumber) -> Result<ByteRange, PlanError> {
        if number.get() > self.count {
            return Err(PlanError::NoSuchPart { number, count: self.count });
        }
        let start = self.part_size.get() * number.index() as u64;
        let len = self.part_size.get().min(self.len.get() - start);
        Ok(ByteRange { start, len: ByteCount::new(len) })
    }

    /// All parts, in order.
    pub fn numbers(&self) -> impl DoubleEndedIterator<Item = PartNumber> + use<> {
        (0..usize::from(self.count)).filter_map(|index| PartNumber::from_index(index).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Rows: 113
    #[test]
    fn ranges_tile_the_source() {
        for len in [1, 102_399, 102_400, 102_401, 1_024_000, 1_024_001] {
            let plan = PartPlan::new(ByteCount::new(len), PartPlan::MIN_PART).unwrap();
            let mut at = 0;
            for number in plan.numbers() {
                let range = plan.range_of(number).unwrap();
                assert_eq!(range.start, at);
                assert!(range.len <= plan.part_size() && range.len > ByteCount::ZERO);
                at = range.end();
            }
            assert_eq!(at, len);
            let behind = PartNumber::new(u64::from(plan.count()) + 1).unwrap();
            assert!(plan.range_of(behind).is_err());
        }
    }

    // Rows: 114, 115
    #[test]
    fn the_part_size_grows_where_10_000_parts_are_not_enough() {
        let mib = ByteCount::mib(1);
        let fit = |len: u64| PartPlan::fit(ByteCount::new(len), mib).unwrap();
        assert_eq!(fit(10_000 << 20).part_size(), mib);
        assert_eq!(fit((10_000 << 20) + 1).part_size(), ByteCount::mib(2));
        let largest = PartPlan::fit(PartPlan::MAX_OBJECT, mib).unwrap();
        assert_eq!((largest.part_size(), largest.count()), (PartPlan::MAX_PART, 10_000));
        let over = ByteCount::new(PartPlan::MAX_OBJECT.get() + 1);
        assert_eq!(PartPlan::fit(over, mib), Err(PlanError::ObjectTooLarge(over)));
        assert!(PartPlan::fit(ByteCount::new(u64::MAX), mib).is_err());
    }

    #[test]
    fn only_a_single_part_may_be_small() {
        let check = |len, size, good: bool| {
            let plan = PartPlan::new(ByteCount::new(len), ByteCount::new(size));
            assert_eq!(plan.is_ok(), good, "{len} in {size}: {plan:?}");
        };
        check(10, 10, true);
        check(11, 10, false);
        check(10, 0, false);
        check(0, 102_400, false);
        check(1 << 40, (5 << 30) + 1, false);
    }
}
