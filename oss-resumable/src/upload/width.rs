//! How many parts are in flight at once.

use std::time::Duration;

use crate::{Limits, Moment};

/// Finds the number of parts in flight by trying: more as long as more move more bytes, fewer where the service throttles or
/// this machine has no room for them.
#[derive(Clone, Debug)]
pub(crate) struct Width {
    /// As far as it may go; `None` where the caller has fixed it.
    most: Option<u16>,
    parts: u16,
    /// When `parts` last changed.
    since: Moment,
    /// When it last fell.
    fell: Option<Moment>,
    /// The last answers, the latest in the lowest bit: set where the service throttled.
    throttled: u32,
    /// What it comes back to, one part after the other, when it was made smaller.
    aim: u16,
    /// What has arrived of the parts that were begun at this width.
    sample: Sample,
    /// The width is on trial, against this one.
    trial: Option<Proven>,
    /// No trial begins before, and for how long none does behind the next one that fails.
    not_before: Moment,
    pause: Duration,
}

/// A width, and what it moved.
#[derive(Clone, Copy, Debug)]
struct Proven {
    parts: u16,
    /// Bytes a second.
    goodput: u128,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    parts: u32,
    bytes: u64,
    /// Time that the connections spent on them, all together.
    busy: Duration,
}

/// After this long without a throttle one more part may be in flight.
const WIDEN_AFTER: Duration = Duration::from_secs(3);
/// Pause behind a trial that failed; it doubles up to the longest one.
const PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_mins(8);
/// The pause is at least so many times as long as the trial was: where parts take minutes, so does a trial.
const REST: u32 = 16;
/// Of the bytes that more connections would move if each were as fast as before, a trial has to move one in so many.
const WORTH: u128 = 4;
/// A trial is made only if there are enough parts left for so many rounds.
const ROUNDS: u32 = 3;
/// Parts that take longer than this may be made slower still only if there are so many rounds left: a run that is cut short loses
/// what is in flight, and that is to be seconds, or little of what has to be sent anyway.
const LONGEST_PART: Duration = Duration::from_secs(20);
const ROUNDS_OF_LONG: u32 = 32;

impl Width {
    pub(crate) fn new(limits: &Limits) -> Self {
        let parts = limits.concurrency.get();
        Self {
            most: Some(limits.max_concurrency.get()).filter(|most| *most > parts),
            parts,
            since: Moment::START,
            fell: None,
            throttled: 0,
            aim: parts,
            sample: Sample::default(),
            trial: None,
            not_before: Moment::START,
            pause: PAUSE,
        }
    }

    /// Parts that may be in flight at once, now.
    pub(crate) fn parts(&mut self, now: Moment) -> usize {
        while self.parts < self.aim && now.since(self.since) >= WIDEN_AFTER {
            self.set(self.parts + 1, self.since.plus(WIDEN_AFTER));
        }
        usize::from(self.parts)
    }

    /// The service has throttled a request. Whether that is so common that it wants less: one refusal among many answers is
    /// not about how many there are.
    pub(crate) fn throttled(&mut self, now: Moment) -> bool {
        // The parts in flight are throttled together: they count once.
        if self.fell.is_some_and(|fell| now.since(fell) < Duration::from_secs(1)) {
            return false;
        }
        self.throttled = self.throttled << 1 | 1;
        let window = u32::from(self.parts).clamp(4, u32::BITS);
        let seen = self.throttled << (u32::BITS - window);
        if seen.count_ones() < window / 2 {
            return false;
        }
        if self.most.is_some() {
            // So many were too many.
            self.aim = self.parts.saturating_sub(1).max(1);
        }
        self.fall(self.parts / 2, now);
        true
    }

    /// The service has taken a part.
    pub(crate) const fn accepted(&mut self) {
        self.throttled <<= 1;
    }

    /// This machine has no room for one beside so many `others`.
    pub(crate) fn shrink(&mut self, now: Moment, others: usize) {
        let others = u16::try_from(others).unwrap_or(u16::MAX).max(1);
        if self.most.is_some() {
            self.aim = self.aim.min(others);
        }
        self.fall(self.parts.min(others), now);
    }

    /// A part of so many bytes has arrived that was begun then; so many are `left`.
    pub(crate) fn arrived(&mut self, begun: Moment, now: Moment, bytes: u64, left: u16) {
        let Some(most) = self.most else { return };
        if begun < self.since || self.parts < self.aim {
            return;
        }
        self.sample.parts += 1;
        self.sample.bytes = self.sample.bytes.saturating_add(bytes);
        self.sample.busy = self.sample.busy.saturating_add(now.since(begun));
        if self.sample.parts < u32::from(self.parts.max(2)) {
            return;
        }
        let sample = std::mem::take(&mut self.sample);
        let seen = Proven { parts: self.parts, goodput: sample.goodput(self.parts) };
        if let Some(before) = self.trial.take()
            && !seen.pays(before)
        {
            let tried = now.since(self.since);
            self.aim = before.parts;
            self.set(before.parts, now);
            self.rest(now, tried.saturating_mul(REST));
            return;
        }
        self.aim = self.parts;
        let wider = self.parts.saturating_mul(2).min(most);
        let long = sample.busy / sample.parts > LONGEST_PART;
        let rounds = if long { ROUNDS_OF_LONG } else { ROUNDS };
        if wider > self.parts && u32::from(left) >= u32::from(wider) * rounds && now >= self.not_before {
            self.trial = Some(seen);
            self.aim = wider;
            self.set(wider, now);
        }
    }

    fn fall(&mut self, parts: u16, now: Moment) {
        self.trial = None;
        self.fell = Some(now);
        self.throttled = 0;
        self.rest(now, Duration::ZERO);
        self.set(parts.max(1), now);
    }

    /// More did not do: it is tried again later, and later each time, but not before so long.
    fn rest(&mut self, now: Moment, at_least: Duration) {
        self.not_before = now.plus(self.pause.max(at_least));
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    fn set(&mut self, parts: u16, now: Moment) {
        self.parts = parts;
        self.since = now;
        self.sample = Sample::default();
    }
}

impl Sample {
    /// Bytes a second that so many connections move.
    fn goodput(&self, parts: u16) -> u128 {
        u128::from(self.bytes) * u128::from(parts) * 1_000_000 / self.busy.as_micros().max(1)
    }
}

impl Proven {
    /// Whether it moves enough more than one that is narrower.
    fn pays(&self, before: Self) -> bool {
        let (wide, narrow) = (u128::from(self.parts), u128::from(before.parts));
        self.goodput * narrow * WORTH >= before.goodput * (narrow * WORTH + (wide - narrow))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_take_until_the_end_of_time_are_borne() {
        let mut width = Width::new(&Limits::default());
        let end = Moment::START.plus(Duration::MAX);
        for _ in 0..40 {
            width.arrived(Moment::START, end, u64::MAX, 10_000);
        }
        width.shrink(end, 0);
        assert!(width.parts(end) >= 1);
    }

    #[test]
    fn what_is_fixed_comes_back_to_that_and_goes_no_further() {
        let limits = Limits { max_concurrency: std::num::NonZeroU16::MIN, ..Limits::default() };
        let mut width = Width::new(&limits);
        let at = |seconds| Moment::START.plus(Duration::from_secs(seconds));
        for second in 0..40 {
            width.arrived(at(second), at(second + 1), 1 << 20, 10_000);
        }
        assert_eq!(width.parts(at(41)), 4);
        assert_eq!([41, 41].map(|second| width.throttled(at(second))), [false, true]);
        assert_eq!([41, 44, 47, 90].map(|second| width.parts(at(second))), [2, 3, 4, 4]);
    }
}
