use std::time::Duration;

/// Pauses between tries: "full jitter", drawn from a seed.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    base: Duration,
    cap: Duration,
    state: u64,
}

impl Backoff {
    pub(crate) const fn new(base: Duration, cap: Duration, seed: u64) -> Self {
        Self { base, cap, state: seed }
    }

    /// The pause before try `tries` + 1: evenly between nothing and min(cap, base x 2^tries).
    pub(crate) fn pause(&mut self, tries: u32) -> Duration {
        let longest = self.base.saturating_mul(1_u32.checked_shl(tries).unwrap_or(u32::MAX)).min(self.cap);
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.below(micros.saturating_add(1)))
    }

    /// Evenly from 0 to `bound` - 1, by the high half of a product.
    fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): any seed is good, and one word is all its state.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_under_their_bound_and_reach_up_to_it() {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(20), 7);
        for tries in [0, 1, 5, 6, 7, 31, 32, u32::MAX] {
            let bound =
                Duration::from_millis(200).saturating_mul(1 << tries.min(20)).min(Duration::from_secs(20));
            let pauses: Vec<Duration> = (0..1000).map(|_| backoff.pause(tries)).collect();
            assert!(pauses.iter().all(|pause| *pause <= bound), "try {tries}");
            assert!(pauses.iter().any(|pause| *pause > bound.mul_f64(0.9)), "try {tries}");
            assert!(pauses.iter().any(|pause| *pause < bound.mul_f64(0.1)), "try {tries}");
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_pauses() {
        let draw = |seed| {
            let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(20), seed);
            (0..50).map(|tries| backoff.pause(tries)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
