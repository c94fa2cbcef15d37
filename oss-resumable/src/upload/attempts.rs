//! Requests that fail: what is tried again, when, and when that is enough.

use std::time::Duration;

use super::{
    Upload,
    phase::{Attempt, Phase},
    react::Reaction,
    tickets::Work,
};
use crate::{Failure, Fault, FaultClass, Moment};

/// How often something is done again at once, with a corrected clock or fresh credentials.
pub(super) const AGAIN: u32 = 2;

impl Upload {
    /// A request that stands alone failed.
    pub(super) fn on_attempt_failed(&mut self, work: Work, reaction: Reaction, fault: Fault) {
        if let Some(attempt) = self.attempt(work) {
            attempt.in_flight = false;
            if reaction != Reaction::Again {
                attempt.again = 0;
            }
        }
        match reaction {
            Reaction::Retry | Reaction::Shrink => self.retry(work, fault),
            Reaction::SlowDown => self.slow_down(work, &fault),
            Reaction::Again => {
                let again = self.attempt(work).map_or(0, |attempt| {
                    attempt.again += 1;
                    attempt.again
                });
                if again > AGAIN {
                    self.fail(Failure::Refused(fault));
                }
            }
            Reaction::RetryFew => {
                let corrupted = self.attempt(work).map_or(0, |attempt| {
                    attempt.corrupted += 1;
                    attempt.corrupted
                });
                if corrupted < self.limits.corrupted_tries {
                    self.retry(work, fault);
                } else if work == Work::FindUploads {
                    self.on_find_denied(fault);
                } else {
                    self.fail(Failure::Unintelligible(fault));
                }
            }
            Reaction::Settle => self.on_unsettled(work, fault),
            Reaction::Vanished => self.on_vanished(fault),
            Reaction::CountAsDone if work == Work::Abort => self.on_aborted(),
            Reaction::CountAsDone => self.on_object(None),
            Reaction::Exists => self.on_exists(work, fault),
            Reaction::Relist => self.on_rejected(fault),
            Reaction::DoWithout => match work {
                Work::FindUploads => self.on_find_denied(fault),
                Work::ListParts => self.on_list_denied(fault),
                _ => self.on_abort_denied(fault),
            },
            Reaction::Reinspect => self.on_moved_early(),
            Reaction::Refuse => self.fail_refused(work, fault),
            Reaction::Unreachable => self.fail(Failure::Unreachable(fault)),
            Reaction::Local if work == Work::InspectSource && self.settle_without_source() => {}
            Reaction::Local => self.fail(Failure::Local(fault)),
        }
    }

    /// Tries the same again after a pause, unless nothing has moved for too long.
    pub(super) fn retry(&mut self, work: Work, fault: Fault) {
        let tries = self.tries(work);
        let Some(at) = self.next_try(tries, &fault) else {
            self.give_in(fault);
            return;
        };
        if let Some(attempt) = self.attempt(work) {
            attempt.tries += 1;
            attempt.not_before = at;
        }
    }

    pub(super) fn slow_down(&mut self, work: Work, fault: &Fault) {
        if self.is_out_of_patience() {
            self.give_in(fault.clone());
            return;
        }
        let tries = self.tries(work);
        let at = self.wait_for_service(tries, fault.after);
        if let Some(attempt) = self.attempt(work) {
            attempt.tries += 1;
            attempt.not_before = at;
        }
    }

    /// When something may be tried again that the service has throttled; it may want less from now on.
    pub(super) fn wait_for_service(&mut self, tries: u32, after: Option<Duration>) -> Moment {
        let overloaded = self.width.throttled(self.now);
        self.patience.wait_for_service(self.now, tries, after, overloaded)
    }

    /// When the next try may be made; `None` when it is enough.
    pub(super) fn next_try(&mut self, tries: u32, fault: &Fault) -> Option<Moment> {
        if self.is_out_of_patience() {
            return None;
        }
        let unreachable = fault.class == FaultClass::Unreachable;
        self.patience.next_try(self.now, tries, unreachable, fault.after)
    }

    pub(super) fn is_out_of_patience(&self) -> bool {
        self.patience.idle(self.now) >= self.limits.give_up_after
    }

    /// It is enough.
    pub(super) fn give_in(&mut self, last: Fault) {
        if self.patience.is_contacted() || last.class != FaultClass::Unreachable {
            let idle = self.patience.idle(self.now);
            self.fail(Failure::NoProgress { idle, last });
        } else {
            self.fail(Failure::Unreachable(last));
        }
    }

    pub(super) fn tries(&mut self, work: Work) -> u32 {
        self.attempt(work).map_or(0, |attempt| attempt.tries)
    }

    /// The attempt that a request of the phase in hand belongs to.
    pub(super) fn attempt(&mut self, work: Work) -> Option<&mut Attempt> {
        match (&mut self.phase, work) {
            (Phase::Finding(finding), Work::FindUploads) => Some(&mut finding.attempt),
            (Phase::Finding(finding), Work::ListParts) => {
                finding.examining.as_mut().map(|examining| &mut examining.attempt)
            }
            (Phase::Transferring(transfer), Work::ListParts) => {
                transfer.listing.as_mut().map(|listing| &mut listing.attempt)
            }
            (Phase::Transferring(transfer), Work::InspectSource) => {
                transfer.inspecting.as_mut().map(|inspection| &mut inspection.attempt)
            }
            (Phase::Putting(putting), _) => Some(&mut putting.attempt),
            (Phase::Completing(completing), _) => Some(&mut completing.attempt),
            (
                Phase::Inspecting { attempt }
                | Phase::Confirming { attempt, .. }
                | Phase::Initiating { attempt }
                | Phase::Vanishing { attempt, .. }
                | Phase::Aborting { attempt, .. },
                _,
            ) => Some(attempt),
            _ => None,
        }
    }
}
