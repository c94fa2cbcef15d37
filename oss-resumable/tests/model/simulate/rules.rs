//! What the rules say about each action, at the moment when it is started, and about replies that come twice.

use oss_checkpoint::{PartNumber, Stage, UploadId};
use oss_resumable::{Action, Event, FaultClass, Moment, Part, Upload, Verify};

use super::{Simulation, command::spec_verify};

impl Simulation<'_> {
    /// What the rules say about this action, at this moment.
    pub(super) fn check_start(&mut self, upload: &Upload, action: Action) {
        // Where the journal cannot be flushed, what an earlier run wrote has to do.
        let kept = if self.journal_failed { self.world.disk.history() } else { self.world.disk.durable() };
        match action {
            Action::UploadPart { part, .. } => {
                if kept.upload_id() != upload.upload_id() || kept.upload_id().is_none() {
                    self.broke("upload_id_is_durable_before_part_1", format!("{action:?}"));
                }
                let sending = self.count(|action| matches!(action, Action::UploadPart { .. }));
                if sending >= usize::from(self.limits().max_concurrency.get()) {
                    self.broke("at_most_concurrency", format!("{sending}"));
                }
                let same = self.count(|action| match action {
                    Action::UploadPart { part: other, .. } | Action::ChecksumPart { part: other, .. } => {
                        other.number == part.number
                    }
                    _ => false,
                });
                if same > 0 {
                    self.broke("one_action_a_part", format!("{part:?}"));
                }
                self.check_nothing_is_sent_twice(upload, part);
            }
            Action::ListParts { .. } | Action::InspectObject { .. } => self.unsettled = false,
            Action::FindUploads { .. } => self.uninitiated = false,
            Action::Complete { .. } => {
                if self.unsettled {
                    self.broke("no_blind_second_complete", format!("{action:?}"));
                }
                if kept.stage() != Stage::Completing {
                    self.broke("stage_is_durable_before_complete", format!("{kept:?}"));
                }
                self.check_coverage(upload);
                self.maybe_completed = upload.upload_id().map(|id| id.as_str().to_owned());
            }
            Action::Abort { .. }
                if self.maybe_completed.as_deref() == upload.upload_id().map(UploadId::as_str) =>
            {
                self.broke("past_the_seal_an_abort_is_refused", format!("{action:?}"));
            }
            Action::Abort { .. } if kept.stage() != Stage::Aborting && !self.journal_failed => {
                self.broke("stage_is_durable_before_abort", format!("{kept:?}"));
            }
            Action::Abort { .. } => {
                let foreign = upload.upload_id().is_some_and(|id| {
                    let known = self.world.disk.records.iter().any(
                        |record| matches!(record, oss_checkpoint::Record::Initiated { upload_id, .. } if upload_id == id),
                    );
                    !known && self.world.server.uploads.get(id.as_str()).is_some_and(|upload| upload.foreign)
                });
                if foreign {
                    self.broke("nothing_foreign_is_aborted", format!("{action:?}"));
                }
            }
            Action::Save { .. } if self.count(|action| matches!(action, Action::Save { .. })) > 0 => {
                self.broke("one_save", format!("{action:?}"));
            }
            Action::Initiate { .. } if self.uninitiated => {
                self.broke("no_blind_second_initiate", format!("{action:?}"));
            }
            Action::Initiate { .. } if kept.begun().is_none() => {
                self.broke("intent_is_durable_before_initiate", format!("{kept:?}"));
            }
            _ => {}
        }
    }

    /// What the server held when this run began, and what is still good, is not sent in this run.
    pub(super) fn check_nothing_is_sent_twice(&mut self, upload: &Upload, part: Part) {
        let exempt = self.list_denied
            || self.world.setting.mute
            || spec_verify(self.world.setting.verify) == Verify::None
            || self.world.versions.len() > 1;
        let local = self.world.source().crc64(part.range);
        let id = upload.upload_id().map(UploadId::as_str).unwrap_or_default();
        let held = self.held_at_start.iter().any(|(held_id, number, crc64)| {
            held_id == id && *number == part.number.get() && Some(*crc64) == local
        });
        let still = self.world.server.uploads.get(id).is_some_and(|upload| {
            upload
                .parts
                .get(&part.number.get())
                .is_some_and(|stored| Some(stored.crc64) == local && stored.size == part.range.len.get())
        });
        // A part whose answer is lost is sent again within the run.
        let again = !self.sent.insert((id.to_owned(), part.number.get()));
        if held && still && !exempt && !again {
            self.broke("nothing_is_sent_twice_across_runs", format!("{part:?}"));
        }
    }

    pub(super) fn check_coverage(&mut self, upload: &Upload) {
        let plan = upload.checkpoint().plan();
        let mut at = 0;
        let mut count = 0;
        for (index, receipt) in upload.receipts().enumerate() {
            let expected = PartNumber::from_index(index).ok();
            let range = plan.and_then(|plan| plan.range_of(receipt.number).ok());
            if Some(receipt.number) != expected
                || range.map(|range| (range.start, range.len)) != Some((at, receipt.size))
            {
                self.broke("the_receipts_tile_the_source", format!("{receipt:?}"));
            }
            at += receipt.size.get();
            count += 1;
        }
        if plan.map(|plan| (plan.len().get(), plan.count())) != Some((at, count)) {
            self.broke("the_receipts_tile_the_source", format!("{count} parts, {at} bytes of {plan:?}"));
        }
    }

    /// What an answer says of a Complete that may have been done.
    pub(super) fn learn(&mut self, event: &Event) {
        let undone = match event {
            Event::PartsListed { .. } => true,
            Event::Failed { fault, .. } => {
                matches!(fault.class, FaultClass::Exists | FaultClass::PartsRejected | FaultClass::Refused)
            }
            _ => false,
        };
        if undone {
            self.maybe_completed = None;
        }
    }

    /// A reply that comes twice changes nothing. Looked at now and then, since it is dear.
    pub(super) fn repeat(&mut self, upload: &mut Upload, event: Event, at: Moment) {
        self.replies += 1;
        if self.replies.is_multiple_of(8) {
            let before = format!("{upload:?}");
            upload.handle(event, at);
            if before != format!("{upload:?}") {
                self.broke("tickets", "a doubled reply changed something".into());
            }
        }
    }

    pub(super) fn count(&self, which: impl Fn(Action) -> bool) -> usize {
        self.in_flight.iter().filter(|work| which(work.action)).count()
    }
}
