use oss_checkpoint::{Checkpoint, PartPlan, PartReceipt, Record, SourceStamp, UploadId};

use crate::{Event, Limits, Moment, Note, Outcome, Progress, Revision, Step, UploadSpec, UploadsMarker};

/// One upload: two doors, [`Upload::poll`] and [`Upload::handle`], and getters that lend.
#[derive(Debug)]
pub struct Upload {
    spec: UploadSpec,
    limits: Limits,
    checkpoint: Checkpoint,
}

impl Upload {
    /// An upload of which nothing is known.
    pub fn begin(spec: UploadSpec, limits: Limits) -> Self {
        Self::resume(Checkpoint::new(), spec, limits)
    }

    /// Goes on from what a journal says; an empty history is a beginning.
    pub fn resume(history: Checkpoint, spec: UploadSpec, limits: Limits) -> Self {
        Self { spec, limits, checkpoint: history }
    }

    /// What to do next. `now` only moves forward: a smaller value is read as the latest one seen.
    pub fn poll(&mut self, now: Moment) -> Step {
        let _ = (now, &self.limits);
        Step::Done
    }

    /// What has happened.
    pub fn handle(&mut self, event: Event, now: Moment) {
        let _ = (event, now);
    }

    /// What was asked for.
    pub fn spec(&self) -> &UploadSpec {
        &self.spec
    }

    /// What the journal says, unsaved records included.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The records that a journal still lacks, up to and including `upto`.
    pub fn unsaved(&self, upto: Revision) -> &[Record] {
        let _ = upto;
        &[]
    }

    /// The stamp that the source must have while it is read; `None` before it was inspected.
    pub fn stamp(&self) -> Option<SourceStamp> {
        None
    }

    /// How the source is cut; `None` before there is a plan, and for an object in one request.
    pub fn plan(&self) -> Option<PartPlan> {
        None
    }

    /// The upload that [`crate::Action::ListParts`], `UploadPart`, `Complete` and `Abort` are about.
    pub fn upload_id(&self) -> Option<&UploadId> {
        None
    }

    /// Where the next page of `FindUploads` begins.
    pub fn uploads_marker(&self) -> Option<&UploadsMarker> {
        None
    }

    /// The parts that count, in order. At `Complete` they tile the source.
    pub fn receipts(&self) -> impl Iterator<Item = &PartReceipt> {
        self.checkpoint.parts().map(|part| &part.receipt)
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        Progress::default()
    }

    /// What a user should know of, oldest first; only grows.
    pub fn notes(&self) -> &[Note] {
        &[]
    }

    /// How it ended; `None` while it runs.
    pub fn outcome(&self) -> Option<&Outcome> {
        None
    }
}
