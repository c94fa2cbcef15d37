use std::time::Duration;

use crate::{Limits, Moment, backoff::Backoff};

/// When something is tried again, when it is not, and how much at once.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    backoff: Backoff,
    /// Whether the service has answered anything in this run.
    contacted: bool,
    /// When the last byte was accepted, or something else moved the upload on.
    moved: Moment,
    /// Retries that may still be made side by side.
    tokens: u32,
    /// Parts that may be in flight at once.
    width: u16,
    /// When the width last changed.
    width_since: Moment,
    /// Nothing goes out before.
    quiet_until: Moment,
}

/// The budget of retries, in tokens: as the AWS SDKs keep theirs.
const BUDGET: u32 = 500;
/// What a retry costs.
const RETRY_COST: u32 = 5;
/// What an answer pays back.
const REFUND: u32 = 5;
/// How often the service is tried at first contact, and the pauses between, in about five seconds together.
const FIRST_CONTACT_PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
/// Longest pause while nobody is reached: such a try costs nobody anything, and the way may be back at any moment.
const LONGEST_UNREACHABLE_PAUSE: Duration = Duration::from_secs(4);
/// So long nothing more is begun where this machine has no room for it.
const SCARCE_PAUSE: Duration = Duration::from_millis(50);
/// After this long without a throttle one more part may be in flight.
const WIDEN_AFTER: Duration = Duration::from_secs(10);

impl Patience {
    pub(crate) const fn new(limits: &Limits) -> Self {
        Self {
            backoff: Backoff::new(limits.backoff_base, limits.backoff_cap, limits.seed),
            contacted: false,
            moved: Moment::START,
            tokens: BUDGET,
            width: limits.concurrency.get(),
            width_since: Moment::START,
            quiet_until: Moment::START,
        }
    }

    /// The service has answered something.
    pub(crate) const fn contact(&mut self) {
        self.contacted = true;
    }

    pub(crate) const fn is_contacted(&self) -> bool {
        self.contacted
    }

    /// The upload has moved on.
    pub(crate) fn progress(&mut self, now: Moment) {
        self.moved = self.moved.max(now);
        self.tokens = (self.tokens + REFUND).min(BUDGET);
    }

    /// Bytes move, and none of them counts yet.
    pub(crate) fn moves(&mut self, now: Moment) {
        self.moved = self.moved.max(now);
    }

    /// How long nothing has moved.
    pub(crate) const fn idle(&self, now: Moment) -> Duration {
        now.since(self.moved)
    }

    /// When the next try may be made; `None` if the service was never reached and has had its three tries.
    pub(crate) fn next_try(
        &mut self,
        now: Moment,
        tries: u32,
        unreachable: bool,
        after: Option<Duration>,
    ) -> Option<Moment> {
        self.tokens = self.tokens.saturating_sub(RETRY_COST);
        let pause = match (unreachable, self.contacted) {
            (false, _) => self.backoff.pause(tries),
            (true, true) => self.backoff.pause(tries).min(LONGEST_UNREACHABLE_PAUSE),
            (true, false) => *FIRST_CONTACT_PAUSES.get(tries as usize)?,
        };
        Some(now.plus(pause.max(after.unwrap_or_default())))
    }

    /// The service wants less.
    pub(crate) fn slow_down(&mut self, now: Moment, tries: u32, after: Option<Duration>) {
        let pause = self.backoff.pause(tries).max(after.unwrap_or_default());
        self.quiet_until = self.quiet_until.max(now.plus(pause));
        // The parts in flight are throttled together: they count once.
        if now.since(self.width_since) >= Duration::from_secs(1) || self.width_since == Moment::START {
            self.width = (self.width / 2).max(1);
            self.width_since = now;
        }
    }

    /// This machine has no room for one beside so many `others`. When the one may be tried again.
    pub(crate) fn shrink(&mut self, now: Moment, tries: u32, others: usize) -> Moment {
        let others = u16::try_from(others).unwrap_or(u16::MAX);
        self.width = self.width.min(others).max(1);
        self.width_since = now;
        // Alone, it waits for what others on this machine hold; else for the first of ours that is through.
        now.plus(if others == 0 { self.backoff.pause(tries) } else { SCARCE_PAUSE })
    }

    /// Parts that may be in flight at once, now.
    pub(crate) fn width(&mut self, now: Moment, limits: &Limits) -> usize {
        let full = limits.concurrency.get();
        while self.width < full && now.since(self.width_since) >= WIDEN_AFTER {
            self.width += 1;
            self.width_since = self.width_since.plus(WIDEN_AFTER);
        }
        usize::from(self.width)
    }

    pub(crate) const fn quiet_until(&self) -> Moment {
        self.quiet_until
    }

    /// Whether retries may be made side by side; else one at a time.
    pub(crate) const fn has_budget(&self) -> bool {
        self.tokens >= RETRY_COST
    }
}
