//! The whole source in one request.

use oss_checkpoint::{Crc64, ObjectFacts, Proof};

use super::{
    Upload,
    phase::{Attempt, Phase},
};
use crate::{Failure, Fault, FaultClass, Finished, Note, OnChange, Outcome, StoredObject, Unproved};

impl Upload {
    pub(super) fn on_put(&mut self, object: &StoredObject, local: Crc64) {
        let Phase::Putting(putting) = &mut self.phase else { return };
        putting.attempt.in_flight = false;
        if let Some(server) = object.crc64.filter(|server| *server != local) {
            putting.attempt.corrupted += 1;
            if putting.attempt.corrupted >= self.limits.corrupted_tries {
                self.fail(Failure::ProofFailed { what: Unproved::Object, local, server: Some(server) });
            } else {
                let fault = Fault::new(FaultClass::Corrupted, "the object arrived with another CRC-64");
                self.retry(super::Work::PutObject, fault);
            }
            return;
        }
        self.finish_put(object, local, false);
    }

    /// The source changed before anything of it counted: while it went out in one request, so that nothing was
    /// stored, or while it was compared with what the server holds.
    pub(super) fn on_moved_early(&mut self) {
        self.rounds += 1;
        if self.spec.on_change == OnChange::Fail || self.rounds > self.limits.heal_rounds {
            self.fail(Failure::SourceChanged { rounds: self.rounds });
        } else {
            self.note(Note::SourceChanged);
            self.phase = Phase::Inspecting { attempt: Attempt::default() };
        }
    }

    /// The object exists and must not be overwritten: ours, if an earlier try may have been done.
    pub(super) fn on_put_exists(&mut self, fault: Fault) {
        let Phase::Putting(putting) = &mut self.phase else { return };
        if putting.unsure && putting.read.is_some() {
            putting.asking = Some(fault);
        } else {
            self.fail(Failure::Refused(fault));
        }
    }

    /// A try ended without an answer.
    pub(super) fn on_put_unanswered(&mut self, read: Option<Crc64>) {
        let Phase::Putting(putting) = &mut self.phase else { return };
        (putting.unsure, putting.unanswered) = (true, true);
        putting.read = read.or(putting.read);
    }

    /// What was found where an earlier try may have put it.
    pub(super) fn on_put_object(&mut self, object: Option<&StoredObject>) {
        let Phase::Putting(putting) = &mut self.phase else { return };
        putting.attempt.in_flight = false;
        let Some(fault) = putting.asking.take() else { return };
        let read = putting.read;
        let size = self.stamp.map(|stamp| stamp.len);
        match (object, read) {
            (Some(object), Some(local)) if object.crc64 == read && object.size == size => {
                self.finish_put(object, local, true);
            }
            _ => self.fail(Failure::Refused(fault)),
        }
    }

    fn finish_put(&mut self, object: &StoredObject, local: Crc64, settled: bool) {
        self.patience.progress(self.now);
        let proof = if object.crc64.is_some() { Proof::Object } else { Proof::None };
        if proof == Proof::None {
            self.note_once(Note::Unproved);
        }
        if settled {
            self.note_once(Note::Settled);
        }
        let facts = ObjectFacts {
            size: self.stamp.map(|stamp| stamp.len).unwrap_or_default(),
            crc64: local,
            etag: object.etag.clone(),
            version_id: object.version_id.clone(),
            proof,
            settled,
            finished: object.finished(settled),
        };
        self.retire(Outcome::Completed(Box::new(Finished { facts, already: false })));
    }
}
