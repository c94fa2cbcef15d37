use std::{fmt, time::Duration};

/// A point in time by a clock that only moves forward: the time since the driver began.
///
/// The machine never reads a clock; whoever calls it says what time it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(Duration);

impl Moment {
    /// When the driver began.
    pub const START: Self = Self(Duration::ZERO);

    /// This long after the driver began.
    pub const fn after_start(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// Time since the driver began.
    pub const fn elapsed(self) -> Duration {
        self.0
    }

    /// Later by `span`. Saturates.
    #[must_use]
    pub const fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// Time since `earlier`; zero if that is not earlier.
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{:.3}s", self.0.as_secs_f64())
    }
}
