//! A limit of how many bytes go out a second.

use std::{
    num::NonZeroU64,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Bytes a second that all uploads under it send together, bodies alone; can be changed while they run.
///
/// Each block of a body gets the next free stretch of time, in the order in which they ask, so that parts share the rate
/// evenly and what is lost to a late wake-up is caught up with.
#[derive(Clone, Debug)]
pub struct BandwidthLimit(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    rate: Option<NonZeroU64>,
    /// The stretches before this are taken.
    free: Instant,
}

/// A block takes no more than this time of the whole rate, so that the flow is smooth at a tenth of a second.
const BLOCK: Duration = Duration::from_millis(20);
/// Smaller blocks cost more than their smoothness is worth, in bytes.
const SMALLEST: usize = 1024;
/// What was not used is caught up with for so long and no longer.
const CATCH_UP: Duration = Duration::from_millis(20);

impl BandwidthLimit {
    /// A limit of so many bytes a second; `None` is none, for the time being.
    pub fn new(rate: Option<NonZeroU64>) -> Self {
        Self(Arc::new(Mutex::new(State { rate, free: Instant::now() })))
    }

    /// Another rate, from now on.
    pub fn set(&self, rate: Option<NonZeroU64>) {
        *self.state() = State { rate, free: Instant::now() };
    }

    /// The rate in force.
    pub fn rate(&self) -> Option<NonZeroU64> {
        self.state().rate
    }

    /// A turn for at most `most` bytes.
    pub(crate) fn turn(&self, most: usize) -> Turn {
        self.turn_at(Instant::now(), most)
    }

    fn turn_at(&self, now: Instant, most: usize) -> Turn {
        let mut state = self.state();
        let Some(rate) = state.rate else { return Turn { at: now, len: most } };
        let len = most.min(block(rate));
        let at = state.free.max(now.checked_sub(CATCH_UP).unwrap_or(now));
        let takes = u128::try_from(len).unwrap_or(u128::MAX) * 1_000_000_000 / u128::from(rate.get());
        state.free = at + Duration::from_nanos(u64::try_from(takes).unwrap_or(u64::MAX));
        Turn { at, len }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn block(rate: NonZeroU64) -> usize {
    let bytes = u128::from(rate.get()) * BLOCK.as_nanos() / 1_000_000_000;
    usize::try_from(bytes).unwrap_or(usize::MAX).max(SMALLEST)
}

/// From when on so many bytes may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) at: Instant,
    pub(crate) len: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limit(rate: u64) -> BandwidthLimit {
        BandwidthLimit::new(NonZeroU64::new(rate))
    }

    /// Bytes that go out in `time` when turns are taken as soon as they come, `late` after their time.
    fn sent(limit: &BandwidthLimit, time: Duration, late: Duration) -> u64 {
        let start = Instant::now();
        let (mut now, mut sent) = (start, 0);
        // Without a limit no turn would ever be later.
        while now < start + time && sent < 1 << 40 {
            let turn = limit.turn_at(now, 256 * 1024);
            sent += turn.len as u64;
            now = now.max(turn.at) + late;
        }
        sent
    }

    #[test]
    fn over_ten_seconds_the_rate_is_held_even_by_who_wakes_late() {
        for rate in [10_000, 1_000_000, 12_500_000, 1_000_000_000] {
            for late in [Duration::ZERO, Duration::from_micros(100)] {
                let sent = sent(&limit(rate), 10 * SECOND, late);
                let wanted = 10 * rate;
                assert!(sent.abs_diff(wanted) * 100 <= 3 * wanted, "{rate} {late:?}: {sent}");
            }
        }
    }

    #[test]
    fn turns_come_one_after_the_other_and_blocks_are_small() {
        let limit = limit(1_000_000);
        let now = Instant::now();
        let turns: Vec<Turn> = (0..4).map(|_| limit.turn_at(now + SECOND, 256 * 1024)).collect();
        assert!(turns.iter().all(|turn| turn.len == 20_000));
        assert!(turns.windows(2).all(|pair| pair[1].at - pair[0].at == Duration::from_millis(20)));
        assert!(turns[0].at >= now + SECOND - CATCH_UP, "what was not used is gone");
    }

    #[test]
    fn a_change_holds_from_now_on_and_no_limit_is_none() {
        let limit = limit(1);
        limit.turn(usize::MAX);
        limit.set(NonZeroU64::new(1_000_000_000));
        assert!(limit.turn(1).at <= Instant::now());
        limit.set(None);
        assert_eq!(limit.turn(usize::MAX).len, usize::MAX);
        assert_eq!(limit.rate(), None);
    }
}
