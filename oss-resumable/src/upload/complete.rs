//! From the last part to the proof, and what a lost answer means.

use oss_checkpoint::{Crc64, CrcJoin, ObjectFacts, PartPlan, Proof, Record, Stage};

use super::{
    Upload,
    parts::PartTable,
    phase::{Attempt, Completing, Phase, Question, Then},
    tickets::Work,
};
use crate::{Failure, Fault, Finished, Note, Outcome, Stop, StoredObject, Unproved};

/// How often Complete may be told that the parts are others, before that is the end.
const MAX_REJECTED: u32 = 2;
/// How often a vanished upload is begun anew, before that is the end.
const MAX_RESTARTS: u32 = 1;

impl Question {
    pub(super) const fn work(self) -> Work {
        match self {
            Self::Complete => Work::Complete,
            Self::Unfinished => Work::ListParts,
            Self::Object | Self::Checksum => Work::InspectObject,
        }
    }
}

impl Upload {
    /// Every part is proved and the source is what it was: from here on the object may exist.
    pub(super) fn seal(&mut self) {
        let needs = self.record_durably(Record::Entered(Stage::Completing));
        self.phase = Phase::Sealing { needs };
    }

    pub(super) fn on_sealed(&mut self) {
        self.phase = Phase::Completing(Completing {
            attempt: Attempt::default(),
            question: Question::Complete,
            resumed: false,
            unsettled: None,
            exists: None,
            vanished: None,
        });
    }

    /// An earlier run may have completed it.
    pub(super) fn settle_earlier_complete(&mut self) {
        self.table = self.journal_table();
        self.sealed_under = self.stamp.filter(|_| self.is_current());
        self.phase = Phase::Completing(Completing {
            attempt: Attempt::default(),
            question: Question::Unfinished,
            resumed: true,
            unsettled: None,
            exists: None,
            vanished: None,
        });
    }

    /// All parts of the journal, as far as it has them.
    fn journal_table(&self) -> Option<PartTable> {
        let mut table = PartTable::fresh(self.checkpoint.plan()?);
        for part in self.checkpoint.parts() {
            table.done(part.receipt.number, true);
        }
        Some(table)
    }

    pub(super) fn on_completed(&mut self, object: &StoredObject) {
        let Phase::Completing(completing) = &mut self.phase else { return };
        completing.attempt.in_flight = false;
        if object.crc64.is_none() {
            completing.question = Question::Checksum;
            return;
        }
        self.judge(object, false);
    }

    /// What HEAD says.
    pub(super) fn on_object(&mut self, object: Option<&StoredObject>) {
        match &mut self.phase {
            Phase::Putting(_) => self.on_put_object(object),
            Phase::Confirming { .. } => self.on_confirmed(object),
            Phase::Vanishing { attempt, fault } => {
                attempt.in_flight = false;
                let fault = fault.clone();
                if self.sealed_under.is_some() && self.sealed_under == self.stamp {
                    // The Complete of the run that was killed came only now.
                    self.table = self.journal_table();
                }
                self.judge_found(object, &fault);
            }
            Phase::Completing(completing) => {
                completing.attempt.in_flight = false;
                if completing.question == Question::Checksum {
                    let nothing = StoredObject::default();
                    self.judge(object.unwrap_or(&nothing), false);
                } else {
                    let fault = completing.vanished.take().unwrap_or_else(|| {
                        Fault::new(crate::FaultClass::Vanished, "the upload is gone and there is no object")
                    });
                    self.judge_found(object, &fault);
                }
            }
            _ => {}
        }
    }

    /// An object that was found where ours should be.
    fn judge_found(&mut self, object: Option<&StoredObject>, fault: &Fault) {
        let earlier = |object: &StoredObject| match (object.last_modified, self.checkpoint.initiated_at()) {
            (Some(modified), Some(initiated)) => modified < initiated,
            _ => false,
        };
        let size = self.sealed_plan().map(|plan| plan.len());
        let local = self.object_crc64();
        let found = object.filter(|object| !earlier(object));
        let ours = found.filter(|found| {
            local.is_some() && found.crc64 == local && found.size.is_none_or(|found| Some(found) == size)
        });
        let (sealed, exists) = match &mut self.phase {
            Phase::Completing(completing) => (true, completing.exists.take()),
            _ => (false, None),
        };
        match (ours, exists, local) {
            (Some(object), _, _) => self.judge(object, true),
            (None, Some(exists), _) => self.give_up(Then::End(Outcome::Failed(Failure::Refused(exists)))),
            (None, None, Some(local)) if sealed && found.is_some() && self.is_current() => {
                let server = found.and_then(|found| found.crc64);
                // There is nothing left to go on from: told once, and the next run begins anew.
                self.record(Record::Abandoned);
                self.table = None;
                self.fail(Failure::ProofFailed { what: Unproved::FoundObject, local, server });
            }
            (None, None, _) => self.on_lost(fault.clone()),
        }
    }

    /// Compares the object with what was read here.
    fn judge(&mut self, object: &StoredObject, settled: bool) {
        let (Some(local), Some(plan)) = (self.object_crc64(), self.sealed_plan()) else { return };
        if let Some(server) = object.crc64.filter(|server| *server != local) {
            let what = if settled { Unproved::FoundObject } else { Unproved::Object };
            self.fail(Failure::ProofFailed { what, local, server: Some(server) });
            return;
        }
        let proof = match (object.crc64, self.unproved) {
            (Some(_), false) => Proof::PartsAndObject,
            (Some(_), true) => Proof::Object,
            (None, _) => Proof::None,
        };
        if proof == Proof::None {
            self.note_once(Note::Unproved);
        }
        if settled {
            self.note_once(Note::Settled);
        }
        self.patience.progress(self.now);
        let facts = ObjectFacts {
            size: plan.len(),
            crc64: local,
            etag: object.etag.clone(),
            version_id: object.version_id.clone(),
            proof,
            settled,
            finished: object.finished(settled),
        };
        let already = settled && matches!(&self.phase, Phase::Completing(completing) if completing.resumed);
        let needs = self.record_durably(Record::Done(Box::new(facts.clone())));
        if let Some(stamp) = self.stamp.filter(|_| !self.is_current()) {
            // What was completed is what the source was then, or has what was asked for then: this is another upload.
            self.begin_fresh(stamp);
        } else {
            let outcome = Outcome::Completed(Box::new(Finished { facts, already }));
            self.phase = Phase::Recording { needs, outcome: Box::new(outcome) };
        }
    }

    /// What is there of an object that an earlier run had finished.
    fn on_confirmed(&mut self, object: Option<&StoredObject>) {
        let Phase::Confirming { facts, .. } = &self.phase else { return };
        let same = object.is_some_and(|object| {
            object.size.is_none_or(|size| size == facts.size)
                && object.crc64.is_none_or(|crc64| crc64 == facts.crc64)
                && (object.crc64.is_some() || object.etag == facts.etag)
        });
        match (same, self.stamp) {
            (true, _) => self.retire_already(),
            (false, Some(stamp)) => self.begin_fresh(stamp),
            (false, None) => self.phase = Phase::Inspecting { attempt: Attempt::default() },
        }
    }

    /// An earlier run had finished, and nothing speaks against it.
    pub(super) fn retire_already(&mut self) {
        if let Phase::Confirming { facts, .. } = std::mem::replace(&mut self.phase, Phase::Ended) {
            self.retire(Outcome::Completed(Box::new(Finished { facts: *facts, already: true })));
        }
    }

    pub(super) fn on_recorded(&mut self) {
        if let Phase::Recording { outcome, .. } = std::mem::replace(&mut self.phase, Phase::Ended) {
            self.retire(*outcome);
        }
    }

    /// A request was not answered and may have been done.
    pub(super) fn on_unsettled(&mut self, work: Work, fault: Fault) {
        if work == Work::Initiate {
            self.on_initiate_unanswered(fault);
            return;
        }
        if let Phase::Completing(completing) = &mut self.phase {
            // Its pause is kept to before the question, and need not be once more behind it.
            completing.unsettled = Some(Fault { after: None, ..fault.clone() });
            completing.question = Question::Unfinished;
        }
        self.retry(work, fault);
    }

    /// The upload is still there: Complete was not done.
    pub(super) fn on_still_unfinished(&mut self) {
        let Phase::Completing(completing) = &mut self.phase else { return };
        completing.attempt.in_flight = false;
        let Some(unsettled) = completing.unsettled.clone().filter(|_| !completing.resumed) else {
            // An earlier run sealed it.
            self.unseal();
            return;
        };
        completing.question = Question::Complete;
        let tries = completing.attempt.tries;
        match self.next_try(tries, &unsettled) {
            Some(at) => {
                if let Some(attempt) = self.attempt(Work::Complete) {
                    attempt.not_before = at;
                }
            }
            None => self.give_in(unsettled),
        }
    }

    /// What was held to be true when the upload was sealed is looked at again, by what the source is now.
    fn unseal(&mut self) {
        self.record(Record::Entered(Stage::Uploading));
        self.listed_upto = None;
        if self.stop == Some(Stop::Abort) {
            self.give_up(Then::End(Outcome::Aborted));
            return;
        }
        match self.stamp {
            Some(stamp) => self.decide(stamp),
            None => self.phase = Phase::Inspecting { attempt: Attempt::default() },
        }
    }

    /// Parts may not be listed, so the object has to tell.
    pub(super) fn on_probe_denied(&mut self, fault: Fault) {
        self.note_once(Note::ListDenied(fault));
        // Only what was sealed for the source as it is now may be completed unseen.
        let current = self.object_crc64().is_some() && self.is_current();
        let Phase::Completing(completing) = &mut self.phase else { return };
        if current {
            completing.question = Question::Complete;
        } else {
            self.unseal();
        }
    }

    /// Whether source and options are still those that the journal is about.
    fn is_current(&self) -> bool {
        self.checkpoint
            .begun()
            .is_some_and(|begun| self.stamp == Some(begun.stamp) && begun.options == self.spec.options)
    }

    /// The server does not know the upload.
    pub(super) fn on_vanished(&mut self, fault: Fault) {
        match &mut self.phase {
            Phase::Finding(_) => self.drop_candidate(),
            Phase::Completing(completing) => {
                completing.question = Question::Object;
                completing.attempt = Attempt::default();
                completing.vanished = Some(fault);
            }
            _ => {
                self.cancel_all();
                self.phase = Phase::Vanishing { attempt: Attempt::default(), fault };
            }
        }
    }

    /// It is gone, and the object is not ours: another upload, once.
    fn on_lost(&mut self, fault: Fault) {
        let lost = self.progress().accepted;
        if let Some(upload_id) = self.checkpoint.upload_id().cloned() {
            self.note(Note::UploadVanished { upload_id: upload_id.clone(), lost });
            self.known.push(upload_id);
        }
        self.record(Record::Abandoned);
        self.table = None;
        self.sealed_under = None;
        self.restarts += 1;
        if self.restarts > MAX_RESTARTS {
            self.fail(Failure::Refused(fault));
            return;
        }
        match self.stamp {
            Some(stamp) => self.begin_fresh(stamp),
            None => self.phase = Phase::Inspecting { attempt: Attempt::default() },
        }
    }

    /// There is an object, and it must not be overwritten.
    pub(super) fn on_exists(&mut self, work: Work, fault: Fault) {
        if work == Work::PutObject {
            self.on_put_exists(fault);
            return;
        }
        match &mut self.phase {
            Phase::Completing(completing) if completing.resumed || completing.unsettled.is_some() => {
                completing.question = Question::Object;
                completing.attempt = Attempt::default();
                completing.exists = Some(fault);
            }
            _ => self.give_up(Then::End(Outcome::Failed(Failure::Refused(fault)))),
        }
    }

    /// The server has other parts than we named.
    pub(super) fn on_rejected(&mut self, fault: Fault) {
        self.rejected += 1;
        if self.rejected <= MAX_REJECTED {
            self.unseal();
        } else {
            self.fail(Failure::Refused(fault));
        }
    }

    /// CRC-64 of the whole source, joined from the parts that count; `None` unless they tile it.
    fn object_crc64(&self) -> Option<Crc64> {
        let plan = self.sealed_plan()?;
        let full = CrcJoin::new(plan.part_size().get());
        let mut joined = Crc64::EMPTY;
        let mut count = 0;
        for receipt in self.receipts() {
            count += 1;
            joined = if receipt.size == plan.part_size() {
                full.join(joined, receipt.crc64)
            } else {
                joined.followed_by(receipt.crc64, receipt.size.get())
            };
        }
        (count == usize::from(plan.count())).then_some(joined)
    }

    /// The plan that the parts in the journal belong to.
    fn sealed_plan(&self) -> Option<PartPlan> {
        self.checkpoint.plan()
    }
}
