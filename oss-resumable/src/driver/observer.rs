use oss_checkpoint::{ByteCount, Finding};

use crate::{Action, Event, Moment, Note, Progress};

/// Sees what an upload does. All methods do nothing by default; all are called on the task that runs it, so none may
/// block for long.
pub trait Observer: Send {
    /// The journal was not as it should be.
    fn finding(&mut self, finding: &Finding) {
        let _ = finding;
    }

    /// Something is started.
    fn action(&mut self, action: &Action, at: Moment) {
        let _ = (action, at);
    }

    /// Something has happened.
    fn event(&mut self, event: &Event, at: Moment) {
        let _ = (event, at);
    }

    /// A user should know of this.
    fn note(&mut self, note: &Note) {
        let _ = note;
    }

    /// It has moved: at most ten times a second, and at the end.
    fn progress(&mut self, transfer: &Transfer) {
        let _ = transfer;
    }
}

/// How far an upload is, bytes under way included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    /// What the server has answered for.
    pub progress: Progress,
    /// Bytes of parts in flight that the transport has taken. They fall back when a part fails.
    pub in_flight: ByteCount,
}

impl Transfer {
    /// Bytes accepted and under way; never more than the total.
    pub fn consumed(&self) -> ByteCount {
        let consumed = self.progress.accepted.get().saturating_add(self.in_flight.get());
        let total = self.progress.total.map_or(u64::MAX, ByteCount::get);
        ByteCount::new(consumed.min(total))
    }
}

/// Sees nothing.
impl Observer for () {}

/// Calls `callback(consumed, total)` as `oss2` does: `consumed` never falls, `total` is `None` while it is unknown,
/// and the last call of an upload that completes has both the same.
#[derive(Debug)]
pub struct ProgressCallback<F> {
    callback: F,
    /// A part that failed is taken back by standing still until the truth has caught up.
    highest: u64,
}

impl<F: FnMut(u64, Option<u64>) + Send> ProgressCallback<F> {
    /// Around a callback.
    pub fn new(callback: F) -> Self {
        Self { callback, highest: 0 }
    }
}

impl<F: FnMut(u64, Option<u64>) + Send> Observer for ProgressCallback<F> {
    fn progress(&mut self, transfer: &Transfer) {
        let total = transfer.progress.total.map(ByteCount::get);
        self.highest = self.highest.max(transfer.consumed().get()).min(total.unwrap_or(u64::MAX));
        (self.callback)(self.highest, total);
    }
}

/// Both see everything, the first one first.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn finding(&mut self, finding: &Finding) {
        self.0.finding(finding);
        self.1.finding(finding);
    }

    fn action(&mut self, action: &Action, at: Moment) {
        self.0.action(action, at);
        self.1.action(action, at);
    }

    fn event(&mut self, event: &Event, at: Moment) {
        self.0.event(event, at);
        self.1.event(event, at);
    }

    fn note(&mut self, note: &Note) {
        self.0.note(note);
        self.1.note(note);
    }

    fn progress(&mut self, transfer: &Transfer) {
        self.0.progress(transfer);
        self.1.progress(transfer);
    }
}

impl<O: Observer + ?Sized> Observer for Box<O> {
    fn finding(&mut self, finding: &Finding) {
        (**self).finding(finding);
    }

    fn action(&mut self, action: &Action, at: Moment) {
        (**self).action(action, at);
    }

    fn event(&mut self, event: &Event, at: Moment) {
        (**self).event(event, at);
    }

    fn note(&mut self, note: &Note) {
        (**self).note(note);
    }

    fn progress(&mut self, transfer: &Transfer) {
        (**self).progress(transfer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callback_never_goes_back_and_never_beyond_the_total() {
        let at = |accepted, in_flight, total: Option<u64>| Transfer {
            progress: Progress {
                accepted: ByteCount::new(accepted),
                total: total.map(ByteCount::new),
                ..Progress::default()
            },
            in_flight: ByteCount::new(in_flight),
        };
        let mut calls = Vec::new();
        let mut callback = ProgressCallback::new(|consumed, total| calls.push((consumed, total)));
        for transfer in [
            at(0, 0, None),
            at(0, 60, Some(100)),
            at(0, 0, Some(100)),
            at(50, 70, Some(100)),
            at(100, 0, Some(100)),
        ] {
            callback.progress(&transfer);
        }
        let total = Some(100);
        assert_eq!(calls, [(0, None), (60, total), (60, total), (100, total), (100, total)]);
    }
}
