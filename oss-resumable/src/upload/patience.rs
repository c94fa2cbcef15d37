use std::time::Duration;

use crate::{Limits, Moment, backoff::Backoff};

/// When something is tried again, and when it is not.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    backoff: Backoff,
    /// Whether the service has answered anything in this run.
    contacted: bool,
    /// When the last byte was accepted, or something else moved the upload on.
    moved: Moment,
    /// Retries that may still be made side by side.
    tokens: u32,
    /// Nothing goes out before.
    quiet_until: Moment,
    /// Parts in a row for which this machine had no room, though each was alone.
    cramped: u32,
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
/// So long a part waits for which this machine has no room; twice as long each time that it was alone.
const SCARCE_PAUSE: Duration = Duration::from_millis(50);

impl Patience {
    pub(crate) const fn new(limits: &Limits) -> Self {
        Self {
            backoff: Backoff::new(limits.backoff_base, limits.backoff_cap, limits.seed),
            contacted: false,
            moved: Moment::START,
            tokens: BUDGET,
            quiet_until: Moment::START,
            cramped: 0,
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
        self.cramped = 0;
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

    /// The service has throttled something. When that may be tried again; where the service says so itself, or wants less
    /// (`overloaded`), nothing goes out before.
    pub(crate) fn wait_for_service(
        &mut self,
        now: Moment,
        tries: u32,
        after: Option<Duration>,
        overloaded: bool,
    ) -> Moment {
        let at = now.plus(self.backoff.pause(tries).max(after.unwrap_or_default()));
        if overloaded || after.is_some() {
            self.quiet_until = self.quiet_until.max(at);
        }
        at.max(self.quiet_until)
    }

    /// When a part may be tried again for which this machine had no room beside so many `others`.
    /// If it was alone, no other goes out before, since it would find no more.
    pub(crate) fn wait_for_room(&mut self, now: Moment, others: usize) -> Moment {
        if others > 0 {
            return now.plus(SCARCE_PAUSE);
        }
        self.quiet_until = self.quiet_until.max(now.plus(SCARCE_PAUSE * (1 << self.cramped.min(6))));
        self.cramped += 1;
        self.quiet_until
    }

    pub(crate) const fn quiet_until(&self) -> Moment {
        self.quiet_until
    }

    /// Whether retries may be made side by side; else one at a time.
    pub(crate) const fn has_budget(&self) -> bool {
        self.tokens >= RETRY_COST
    }
}
