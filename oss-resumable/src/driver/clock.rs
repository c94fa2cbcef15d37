//! The only place that reads clocks.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use oss_checkpoint::ServerTime;
use oss_sign::{SignError, SigningTime};
use tokio::time::Instant;

use crate::Moment;

/// Makes the [`Moment`]s of one run. It does not count the time in which the machine sleeps or the process is stopped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    epoch: Instant,
    stopped: Duration,
}

impl Stopwatch {
    /// While the service is waited for, whoever watches it says at least this often that the process is there.
    const BEAT: Duration = Duration::from_secs(2);
    /// Waking up so much later than was meant is no busy machine any more.
    const OVERSLEPT: Duration = Duration::from_secs(1);

    pub(crate) fn start() -> Self {
        Self { epoch: Instant::now(), stopped: Duration::ZERO }
    }

    pub(crate) fn now(&self) -> Moment {
        Moment::after_start(self.epoch.elapsed().saturating_sub(self.stopped))
    }

    /// `None` for a moment that no clock will ever show.
    pub(crate) fn instant_of(&self, moment: Moment) -> Option<Instant> {
        self.epoch.checked_add(moment.elapsed())?.checked_add(self.stopped)
    }

    /// When to show that the process is there, if nothing else does.
    pub(crate) fn next_beat() -> Instant {
        Instant::now() + Self::BEAT
    }

    /// We are awake; it was meant to be at `planned` at the latest. What is much later was not lived through.
    pub(crate) fn woke(&mut self, planned: Instant) {
        let late = planned.elapsed();
        if late >= Self::OVERSLEPT {
            tracing::debug!(?late, "the process was stopped");
            self.stopped += late;
        }
    }
}

/// Nanoseconds since 1970 by this machine's clock, as it is; negative before.
pub(crate) fn wall_nanos() -> i128 {
    #[expect(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        reason = "the driver is where time enters"
    )]
    let now = {
        use std::time::SystemTime;
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)
    };
    match now {
        Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => i128::try_from(before.duration().as_nanos()).map_or(i128::MIN, |nanos| -nanos),
    }
}

/// Seconds since 1970 by this machine's clock, as it is.
pub(crate) fn wall_seconds() -> i64 {
    i64::try_from(wall_nanos().div_euclid(1_000_000_000)).unwrap_or(0)
}

/// The time that requests are signed with: this machine's clock, and how far the service says it is off.
#[derive(Debug, Default)]
pub(crate) struct SigningClock {
    /// Server time less local time, in seconds.
    offset: AtomicI64,
    learned: Mutex<Option<Instant>>,
}

/// The time that one attempt was signed with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed {
    /// What goes into the signature.
    pub(crate) time: SigningTime,
    /// Local clock, uncorrected, in seconds since 1970.
    local: i64,
    offset: i64,
}

/// What became of the service's word that our clock is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Correction {
    /// Sign again: the clock is another one than at that attempt.
    Corrected,
    /// It was corrected to this very time less than a minute ago, and that does not help.
    TooSoon,
    /// The server's time is further away than any clock should be, by this many seconds.
    Absurd(i64),
}

impl SigningClock {
    /// The offset is learned at most this often.
    const PAUSE: Duration = Duration::from_mins(1);
    /// Further than this from the local clock no server's time is believed, in seconds: seven days.
    const FARTHEST: i64 = 7 * 24 * 3600;

    pub(crate) fn sign(&self) -> Result<Signed, SignError> {
        let (local, offset) = (wall_seconds(), self.offset.load(Ordering::Relaxed));
        Ok(Signed { time: SigningTime::from_unix(local.saturating_add(offset))?, local, offset })
    }

    /// The service refused `signed` for its time and says what time it is there.
    pub(crate) fn correct(&self, signed: Signed, server: ServerTime) -> Correction {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        if self.offset.load(Ordering::Relaxed) != signed.offset {
            return Correction::Corrected;
        }
        if learned.is_some_and(|at| at.elapsed() < Self::PAUSE) {
            return Correction::TooSoon;
        }
        let offset = server.unix().saturating_sub(signed.local);
        if offset.saturating_abs() > Self::FARTHEST {
            return Correction::Absurd(offset);
        }
        self.offset.store(offset, Ordering::Relaxed);
        *learned = Some(Instant::now());
        Correction::Corrected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Rows: 86, 87
    #[tokio::test(start_paused = true)]
    async fn the_offset_is_learned_from_the_uncorrected_clock_at_most_once_a_minute() {
        let clock = SigningClock::default();
        let server_is_ahead = |seconds: i64| ServerTime::from_unix(wall_seconds() + seconds);
        let first = clock.sign().unwrap();
        assert_eq!(clock.correct(first, server_is_ahead(1200)), Correction::Corrected);
        let second = clock.sign().unwrap();
        assert!((second.time.unix() - second.local - 1200).abs() <= 1);
        assert_eq!(
            clock.correct(first, server_is_ahead(9)),
            Correction::Corrected,
            "signed before it was learned"
        );
        assert_eq!(clock.correct(second, server_is_ahead(2400)), Correction::TooSoon);
        tokio::time::advance(SigningClock::PAUSE).await;
        assert_eq!(clock.correct(second, server_is_ahead(2400)), Correction::Corrected);
        let third = clock.sign().unwrap();
        assert!((third.time.unix() - third.local - 2400).abs() <= 1, "not added to the former offset");
    }

    // Rows: 145
    #[tokio::test(start_paused = true)]
    async fn the_time_in_which_the_process_is_stopped_is_none() {
        let mut stopwatch = Stopwatch::start();
        let planned = Stopwatch::next_beat();
        tokio::time::advance(Stopwatch::BEAT + Duration::from_hours(8)).await;
        stopwatch.woke(planned);
        let now = stopwatch.now();
        assert_eq!(now.elapsed(), Stopwatch::BEAT);
        assert_eq!(stopwatch.instant_of(now), Some(Instant::now()));

        let planned = Instant::now() + Duration::from_secs(1);
        tokio::time::advance(Duration::from_millis(1900)).await;
        stopwatch.woke(planned);
        assert_eq!(
            stopwatch.now().elapsed(),
            Stopwatch::BEAT + Duration::from_millis(1900),
            "a busy machine"
        );
    }

    // Rows: 88
    #[tokio::test]
    async fn an_absurd_server_time_is_not_believed() {
        let clock = SigningClock::default();
        for days in [-8, 8, 3650] {
            let signed = clock.sign().unwrap();
            let server = ServerTime::from_unix(wall_seconds() + days * 24 * 3600);
            assert!(matches!(clock.correct(signed, server), Correction::Absurd(_)), "{days}");
            assert_eq!(clock.sign().unwrap().offset, 0);
        }
    }
}
