//! Waiting for what another process does: a condition is looked at until it holds, and a deadline makes a hang a failure.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Far beyond what anything here takes on a busy machine.
const DEADLINE: Duration = Duration::from_mins(1);

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(3);

/// Waits until `condition` holds.
///
/// # Panics
/// When it does not within a minute, with `what`.
#[track_caller]
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    eventually(what, || condition().then_some(()));
}

/// Waits until `look` finds something.
///
/// # Panics
/// When it does not within a minute, with `what`.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited a minute in vain: {what}");
        thread::sleep(LOOK_EVERY);
    }
}
