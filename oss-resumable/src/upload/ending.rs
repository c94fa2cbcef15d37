//! Every way to an end: done, stopped, given up, failed.

use oss_checkpoint::{Record, Stage};

use super::{
    Next, Upload,
    phase::{Attempt, Phase, Then},
    tickets::Work,
};
use crate::{Action, Failure, Fault, FaultClass, Note, Outcome, Stop};

impl Upload {
    pub(super) fn on_stop(&mut self, stop: Stop) {
        let has_intent = self.has_intent();
        match (&mut self.phase, stop) {
            // The object may exist, or the end is near anyway.
            (
                Phase::Recording { .. } | Phase::Retiring { .. } | Phase::Closing { .. } | Phase::Ended,
                Stop::Pause | Stop::Abort,
            )
            | (Phase::Sealing { .. }, Stop::Abort) => {}
            (Phase::Completing(completing), Stop::Abort) if !completing.resumed => {}
            // Unless it turns out that the object is there, nothing is gone on with or begun anew.
            (Phase::Vanishing { .. } | Phase::Completing(_) | Phase::Confirming { .. }, Stop::Abort) => {
                self.stop = Some(Stop::Abort);
            }
            (Phase::Recovering { .. } | Phase::Inspecting { .. }, Stop::Abort)
                if self.checkpoint.stage() == Stage::Completing || self.checkpoint.done().is_some() =>
            {
                self.stop = Some(Stop::Abort);
            }
            // An abort outranks a pause.
            (Phase::GivingUp { then, .. } | Phase::Aborting { then, .. }, stop) => match (&**then, stop) {
                (Then::StartOver, Stop::Pause) => self.close(Outcome::Paused),
                (Then::StartOver, Stop::Abort) => **then = Then::End(Outcome::Aborted),
                (Then::End(_), _) => {}
            },
            (Phase::Initiating { attempt }, Stop::Abort) if attempt.in_flight => {
                self.stop = Some(Stop::Abort);
            }
            // An upload may have been initiated that nobody remembers: it is looked for first.
            (
                Phase::Recovering { .. }
                | Phase::Inspecting { .. }
                | Phase::Finding(_)
                | Phase::Beginning { adopt: Some(_), .. },
                Stop::Abort,
            ) if has_intent => {
                self.stop = Some(Stop::Abort);
            }
            (_, Stop::Pause) => {
                if self.stop != Some(Stop::Abort) {
                    self.close(Outcome::Paused);
                }
            }
            (_, Stop::Abort) => self.give_up(Then::End(Outcome::Aborted)),
        }
    }

    /// Whether Initiate may have been sent without anybody knowing what it answered.
    pub(super) fn has_intent(&self) -> bool {
        self.checkpoint.begun().is_some() && self.checkpoint.upload_id().is_none()
    }

    /// Aborts the upload in hand for good, if there is one.
    pub(super) fn give_up(&mut self, then: Then) {
        // Parts that are on their way may still land behind the abort.
        let twice = self.tickets.count(|work| matches!(work, Work::UploadPart { .. })) > 0;
        self.cancel_all();
        if self.checkpoint.upload_id().is_none() || self.checkpoint.done().is_some() {
            self.after_abort(then);
            return;
        }
        let needs = self.record_durably(Record::Entered(Stage::Aborting));
        self.phase = Phase::GivingUp { needs, then: Box::new(then), twice };
    }

    pub(super) fn on_given_up(&mut self) {
        if let Phase::GivingUp { then, twice, .. } = std::mem::replace(&mut self.phase, Phase::Ended) {
            self.phase = Phase::Aborting { attempt: Attempt::default(), then, twice };
        }
    }

    pub(super) fn on_aborted(&mut self) {
        match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Aborting { then, twice: true, .. } => {
                self.phase = Phase::Aborting { attempt: Attempt::default(), then, twice: false };
            }
            Phase::Aborting { then, .. } => {
                self.record(Record::Abandoned);
                self.after_abort(*then);
            }
            other => self.phase = other,
        }
    }

    /// The server will not abort it. Where that was all that was wanted, everything is kept for another try; else the
    /// upload is named, and left.
    pub(super) fn on_abort_denied(&mut self, fault: Fault) {
        if let Some(upload_id) = self.checkpoint.upload_id().cloned() {
            self.note(Note::AbortFailed { upload_id, fault: fault.clone() });
        }
        match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Aborting { then, .. } => match *then {
                Then::StartOver => {
                    self.record(Record::Abandoned);
                    self.after_abort(Then::StartOver);
                }
                Then::End(Outcome::Aborted) => self.fail(Failure::Refused(fault)),
                Then::End(outcome) => self.close(outcome),
            },
            other => self.phase = other,
        }
    }

    fn after_abort(&mut self, then: Then) {
        self.table = None;
        self.listed_upto = None;
        self.sealed_under = None;
        match then {
            Then::StartOver => self.phase = Phase::Inspecting { attempt: Attempt::default() },
            Then::End(outcome) => self.retire(outcome),
        }
    }

    /// The service refuses. Where it refuses to begin at all, nothing is there to go on from, unless an upload may have been
    /// begun that a later run can find.
    pub(super) fn fail_refused(&mut self, work: Work, fault: Fault) {
        if matches!(self.phase, Phase::Confirming { .. }) {
            self.note_once(Note::ConfirmDenied(fault));
            self.retire_already();
        } else if work == Work::Initiate && self.untraced.is_none() {
            self.retire(Outcome::Failed(Failure::Refused(fault)));
        } else {
            self.fail(Failure::Refused(fault));
        }
    }

    /// It cannot go on; everything is kept.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.close(Outcome::Failed(failure));
    }

    /// Drops what is on its way and ends, once what is recorded is durable.
    pub(super) fn close(&mut self, outcome: Outcome) {
        self.cancel_all();
        self.phase = Phase::Closing { tried: false, outcome: Box::new(outcome) };
    }

    pub(super) fn advance_closing(&mut self) -> Next {
        let Phase::Closing { tried, outcome } = &mut self.phase else { return Next::Idle };
        if self.saves.is_on_its_way() {
            return Next::Idle;
        }
        if self.saves.is_settled() || *tried {
            let outcome = (**outcome).clone();
            self.end(outcome);
        } else {
            *tried = true;
            self.saves.force();
        }
        Next::Moved
    }

    /// Removes the journal and ends.
    pub(super) fn retire(&mut self, outcome: Outcome) {
        self.cancel_all();
        self.phase = Phase::Retiring { asked: false, outcome: Box::new(outcome) };
    }

    pub(super) fn advance_retiring(&mut self) -> Next {
        let Phase::Retiring { asked, outcome } = &mut self.phase else { return Next::Idle };
        if *asked || self.saves.is_on_its_way() {
            return Next::Idle;
        }
        self.saves.discard();
        if self.saves.latest() == crate::Revision::default() {
            let outcome = (**outcome).clone();
            self.end(outcome);
            return Next::Moved;
        }
        *asked = true;
        Next::Act(Action::Retire { ticket: self.tickets.issue(Work::Retire) })
    }

    pub(super) fn end_retired(&mut self) {
        if let Phase::Retiring { outcome, .. } = &self.phase {
            let outcome = (**outcome).clone();
            self.end(outcome);
        }
    }

    fn end(&mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
        self.phase = Phase::Ended;
    }

    pub(super) fn on_save_failed(&mut self, fault: Fault) {
        let waited_for = self.saves.failed(self.now);
        if !waited_for {
            // While something waits for it, it is not settled yet that the upload goes on.
            if !self.saves.is_waited_for() {
                self.note_once(Note::JournalFailing(fault));
            }
            return;
        }
        match std::mem::replace(&mut self.phase, Phase::Ended) {
            // It is left as it was found.
            Phase::Identified { adopted: true, .. } => self.fail(Failure::Local(fault)),
            // Nobody would find it again: it is given up while its id is still known.
            Phase::Identified { adopted: false, .. } => {
                let outcome = Outcome::Failed(Failure::Local(fault));
                let then = Box::new(Then::End(outcome));
                self.phase = Phase::Aborting { attempt: Attempt::default(), then, twice: false };
            }
            // What an earlier run wrote is there, as far as anybody can tell.
            Phase::Recovering { .. } => {
                self.note_once(Note::JournalFailing(fault));
                self.on_recovered();
            }
            // The object is there; at worst a later run finds that out once more.
            Phase::Recording { outcome, .. } => {
                self.note_once(Note::JournalFailing(fault));
                self.retire(*outcome);
            }
            phase @ (Phase::Beginning { .. } | Phase::Sealing { .. } | Phase::GivingUp { .. }) => {
                self.phase = phase;
                self.fail(Failure::Local(Fault { class: FaultClass::Local, ..fault }));
            }
            // That is why it ends, and it ends saying so.
            Phase::Closing { outcome, tried } if is_for_the_journal(&outcome, &fault) => {
                self.phase = Phase::Closing { outcome, tried };
            }
            phase => {
                self.phase = phase;
                self.note_once(Note::JournalFailing(fault));
            }
        }
    }

    /// Drops all work but a save: what is on its way into the journal is better in it.
    pub(super) fn cancel_all(&mut self) {
        self.cancel_work(|work| work != Work::Save);
    }

    pub(super) fn cancel_work(&mut self, which: impl Fn(Work) -> bool) {
        while let Some((ticket, work)) = self.tickets.take_any(&which) {
            self.cancels.push_back(ticket);
            if let (Work::UploadPart { number, .. } | Work::ChecksumPart { number, .. }, Some(table)) =
                (work, &mut self.table)
            {
                table.dropped(number);
            }
        }
    }
}

/// Whether an upload ends since the journal could not be written, for this reason.
fn is_for_the_journal(outcome: &Outcome, fault: &Fault) -> bool {
    matches!(outcome, Outcome::Failed(Failure::Local(said)) if said.message == fault.message)
}
