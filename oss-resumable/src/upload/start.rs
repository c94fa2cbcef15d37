//! From the first look at the source to the first part.

use oss_checkpoint::{
    Begun, ByteCount, PartPlan, PlanError, Record, ServerTime, SourceStamp, Stage, UploadId,
};

use super::{
    Upload,
    parts::PartTable,
    phase::{Attempt, Fit, Phase, Putting, Then, Transfer},
};
use crate::{Adopt, Failure, Note, OnChange, Outcome, Stop};

impl Upload {
    /// What an earlier run wrote is durable.
    pub(super) fn on_recovered(&mut self) {
        let unfinished = self.checkpoint.upload_id().is_some() && self.checkpoint.done().is_none();
        let attempt = Attempt::default();
        self.phase = if unfinished && self.checkpoint.stage() == Stage::Aborting {
            Phase::Aborting { attempt, then: Box::new(Then::StartOver), twice: false }
        } else {
            Phase::Inspecting { attempt }
        };
    }

    pub(super) fn on_source(&mut self, stamp: SourceStamp) {
        match &self.phase {
            Phase::Inspecting { .. } => {
                self.patience.progress(self.now);
                self.decide(stamp);
            }
            Phase::Transferring(_) => self.on_inspected(stamp),
            _ => {}
        }
    }

    /// What to do, now that the source is known.
    pub(super) fn decide(&mut self, stamp: SourceStamp) {
        self.stamp = Some(stamp);
        self.generation += 1;
        let Some(begun) = self.checkpoint.begun().cloned() else {
            self.begin_fresh(stamp);
            return;
        };
        let same_options = begun.options == self.spec.options;
        if let Some(facts) = self.checkpoint.done() {
            if begun.stamp == stamp && same_options {
                // Whether it still is, only the server knows.
                let facts = Box::new(facts.clone());
                self.phase = Phase::Confirming { attempt: Attempt::default(), facts };
            } else {
                self.begin_fresh(stamp);
            }
        } else if self.checkpoint.upload_id().is_none() {
            // Initiate may have been sent, and nobody remembers its answer.
            self.find();
        } else if self.checkpoint.stage() == Stage::Completing {
            self.settle_earlier_complete();
        } else if !same_options || self.chooses_another() {
            self.start_over();
        } else if begun.stamp == stamp {
            self.transfer_listed(&begun);
        } else {
            match self.spec.on_change {
                OnChange::Fail => self.fail(Failure::SourceChanged { rounds: 1 }),
                OnChange::Restart => self.start_over(),
                OnChange::Heal if PartPlan::new(stamp.len, begun.part_size).is_err() => self.start_over(),
                OnChange::Heal => {
                    self.note(Note::SourceChanged);
                    self.record(Record::StampRenewed { stamp });
                    self.transfer_listed(&Begun { stamp, ..begun });
                }
            }
        }
    }

    /// The source cannot be looked at. What an earlier run has sealed or finished needs it no more; whether there is anything of
    /// that kind, once.
    pub(super) fn settle_without_source(&mut self) -> bool {
        let is_first =
            matches!(self.phase, Phase::Inspecting { .. }) && self.stamp.is_none() && !self.sourceless;
        let same_options = self.checkpoint.begun().is_some_and(|begun| begun.options == self.spec.options);
        if !is_first || !same_options {
            return false;
        }
        self.sourceless = true;
        if let Some(facts) = self.checkpoint.done() {
            let facts = Box::new(facts.clone());
            self.phase = Phase::Confirming { attempt: Attempt::default(), facts };
            return true;
        }
        let sealed = self.checkpoint.upload_id().is_some() && self.checkpoint.stage() == Stage::Completing;
        if sealed {
            self.settle_earlier_complete();
        }
        sealed
    }

    /// Begins without any history.
    pub(super) fn begin_fresh(&mut self, stamp: SourceStamp) {
        self.table = None;
        if self.stop == Some(Stop::Abort) {
            self.retire(Outcome::Aborted);
            return;
        }
        if stamp.len == ByteCount::ZERO || stamp.len < self.spec.threshold {
            self.phase = Phase::Putting(Putting::default());
            return;
        }
        if let Err(error) = self.plan_for(stamp.len) {
            self.fail(Failure::Plan(error));
            return;
        }
        match self.spec.adopt {
            Adopt::Auto | Adopt::This(_) => self.find(),
            Adopt::Never => self.begin_upload(None),
        }
    }

    /// How a new upload cuts a source of this length.
    pub(super) fn plan_for(&self, len: ByteCount) -> Result<PartPlan, PlanError> {
        PartPlan::fit(len, self.spec.part_size.of(len, self.limits.concurrency.get()))
    }

    /// Whether the user has named another upload than the one in the journal.
    fn chooses_another(&self) -> bool {
        matches!(&self.spec.adopt, Adopt::This(chosen) if self.checkpoint.upload_id() != Some(chosen))
    }

    /// Writes down what the upload is meant to be. With `adopt` one that is there is taken over, else a new one is
    /// initiated.
    pub(super) fn begin_upload(&mut self, adopt: Option<Box<Fit>>) {
        let Some(stamp) = self.stamp else {
            self.phase = Phase::Inspecting { attempt: Attempt::default() };
            return;
        };
        let plan = match &adopt {
            Some(fit) => Ok(fit.plan),
            None => self.plan_for(stamp.len),
        };
        let plan = match plan {
            Ok(plan) => plan,
            Err(error) => {
                self.fail(Failure::Plan(error));
                return;
            }
        };
        // The oldest upload that may be ours counts.
        let at = self.untraced.unwrap_or(self.spec.started);
        let needs = self.record_durably(Record::Begun(Box::new(Begun {
            job: self.spec.job.clone(),
            endpoint: self.spec.endpoint.clone(),
            stamp,
            part_size: plan.part_size(),
            options: self.spec.options.clone(),
            at,
        })));
        self.phase = Phase::Beginning { needs, adopt };
    }

    /// The intent is durable.
    pub(super) fn on_begun(&mut self) {
        let Phase::Beginning { adopt, .. } = std::mem::replace(&mut self.phase, Phase::Ended) else { return };
        let Some(fit) = adopt else {
            self.phase = Phase::Initiating { attempt: Attempt::default() };
            return;
        };
        if self.stop == Some(Stop::Abort) && !fit.receipts.is_empty() {
            // What somebody else began is not ours to abort.
            self.retire(Outcome::Aborted);
            return;
        }
        let adopted = !fit.receipts.is_empty();
        let mut needs = self.record_durably(Record::Initiated {
            upload_id: fit.upload.upload_id.clone(),
            at: fit.upload.initiated,
        });
        let mut table = PartTable::fresh(fit.plan);
        let (mut parts, mut bytes) = (0, 0);
        for (receipt, at_rest) in fit.receipts {
            table.done(receipt.number, true);
            (parts, bytes) = (parts + 1, bytes + receipt.size.get());
            needs = self.record(Record::PartUploaded { receipt, at_rest });
        }
        self.table = Some(table);
        if self.stop == Some(Stop::Abort) {
            self.give_up(Then::End(Outcome::Aborted));
            return;
        }
        self.note(Note::Adopted { upload_id: fit.upload.upload_id, parts, bytes: ByteCount::new(bytes) });
        self.phase = Phase::Identified { needs, adopted };
    }

    pub(super) fn on_initiated(&mut self, upload_id: UploadId, at: Option<ServerTime>) {
        let (Phase::Initiating { .. }, Some(plan)) = (&self.phase, self.checkpoint.plan()) else { return };
        self.patience.progress(self.now);
        let needs = self.record_durably(Record::Initiated { upload_id, at });
        self.table = Some(PartTable::fresh(plan));
        if self.stop == Some(Stop::Abort) {
            self.give_up(Then::End(Outcome::Aborted));
        } else {
            self.phase = Phase::Identified { needs, adopted: false };
        }
    }

    /// The upload id is durable: parts may go out.
    pub(super) fn on_identified(&mut self) {
        self.phase = Phase::Transferring(Transfer::default());
    }

    /// The unfinished upload is for something else: it is aborted, and another one begun.
    pub(super) fn start_over(&mut self) {
        self.note(Note::StartedOver);
        self.give_up(Then::StartOver);
    }
}
