use oss_checkpoint::{ByteCount, PartNumber};

/// How large the parts of a new upload are. A resumed upload keeps its own size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PartSize {
    /// Chosen from the length of the source and the number of parts in flight: a power of two from 1 MiB to 1 GiB whose rounds
    /// come out even.
    #[default]
    Auto,
    /// This many bytes, wherever OSS takes that; more where 10,000 parts would not be enough.
    Wished(ByteCount),
}

impl From<ByteCount> for PartSize {
    fn from(size: ByteCount) -> Self {
        Self::Wished(size)
    }
}

/// What a request costs, in bytes that its connection could have sent meanwhile: 40 ms at 100 Mbit/s.
const REQUEST: u64 = 512 * 1024;
/// Smaller parts lose less when a run is cut short; for that an upload may take so much longer (a sixteenth) than it has to.
const SLACK: u64 = 16;
/// The powers of two from 1 MiB to 1 GiB.
const POWERS: std::ops::RangeInclusive<u32> = 20..=30;

impl PartSize {
    /// The part size to wish for, for a source of `len` of which `at_once` parts are in flight.
    pub(crate) fn of(self, len: ByteCount, at_once: u16) -> ByteCount {
        match self {
            Self::Wished(size) => size,
            Self::Auto => automatic(len.get(), u64::from(at_once)),
        }
    }
}

fn automatic(len: u64, at_once: u64) -> ByteCount {
    let sizes = || {
        let powers = POWERS.map(|power| 1_u64 << power);
        powers.filter(|size| len.div_ceil(*size) <= u64::from(PartNumber::MAX))
    };
    let least = sizes().map(|size| duration(len, size, at_once)).min().unwrap_or_default();
    let first = sizes().find(|size| duration(len, *size, at_once) <= least + least / SLACK);
    // The largest sources need still larger parts: the plan finds them.
    ByteCount::new(first.unwrap_or(1 << *POWERS.end()))
}

/// How long an upload takes, in bytes that one connection sends meanwhile, if all are equally fast.
fn duration(len: u64, size: u64, at_once: u64) -> u64 {
    let (count, last) = (len.div_ceil(size), (len + size - 1) % size + 1);
    let (rounds, rest) = (count / at_once, count % at_once);
    match rest {
        // With one connection the shorter last part is a round of its own, as it is where only that part is left.
        0 if at_once > 1 => rounds * (size + REQUEST),
        0 => (rounds - 1) * (size + REQUEST) + last + REQUEST,
        1 => rounds * (size + REQUEST) + last + REQUEST,
        _ => (rounds + 1) * (size + REQUEST),
    }
}

#[cfg(test)]
mod tests {
    use oss_checkpoint::PartPlan;

    use super::*;

    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;

    fn chosen(len: u64, at_once: u16) -> u64 {
        PartSize::Auto.of(ByteCount::new(len), at_once).get()
    }

    #[test]
    fn sizes_are_those_that_people_expect() {
        for (len, at_once, size) in [
            (1, 4, MIB),
            (10 * MIB, 4, MIB),
            (64 * MIB, 4, 8 * MIB),
            (100 * MIB, 4, 4 * MIB),
            (256 * MIB, 8, 8 * MIB),
            (GIB, 1, 8 * MIB),
            (GIB, 4, 8 * MIB),
            (GIB, 64, 8 * MIB),
            (10 * GIB, 4, 8 * MIB),
            (100 * GIB, 4, 16 * MIB),
            (1024 * GIB, 4, 128 * MIB),
            (50_000 * GIB, 4, GIB),
        ] {
            assert_eq!(chosen(len, at_once), size, "{len} bytes, {at_once} at once");
        }
    }

    #[test]
    fn whatever_the_length_a_plan_fits_and_costs_little_more_than_the_best() {
        let mut len = 1;
        while len <= PartPlan::MAX_OBJECT.get() {
            for at_once in [1, 2, 3, 4, 7, 16, 64, 255] {
                let size = chosen(len, at_once);
                let plan = PartPlan::fit(ByteCount::new(len), ByteCount::new(size)).unwrap();
                assert!(plan.part_size().get() == size || size == GIB, "{len}: {size}");
                let best = POWERS
                    .map(|power| 1 << power)
                    .filter(|size| len.div_ceil(*size) <= 10_000)
                    .map(|size| duration(len, size, u64::from(at_once)))
                    .min();
                let took = duration(len, size, u64::from(at_once));
                assert!(best.is_none_or(|best| took <= best + best / SLACK), "{len} {at_once}: {took}");
            }
            len = len * 17 / 16 + 1;
        }
    }

    #[test]
    fn a_wish_is_a_wish() {
        let wish = ByteCount::new(123_457);
        assert_eq!(PartSize::Wished(wish).of(ByteCount::new(GIB), 4), wish);
    }
}
