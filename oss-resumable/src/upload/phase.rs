use std::collections::VecDeque;

use oss_checkpoint::{Crc64, ObjectFacts, PartNumber, PartPlan, PartReceipt};

use crate::{Fault, FoundUpload, ListedPart, Moment, Outcome, Revision, UploadsMarker};

/// Where an upload is. Each phase holds just what is known in it, and a transition consumes it.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    /// What an earlier run wrote has to be durable before anything builds on it.
    Recovering { needs: Revision },
    /// The source is looked at, to decide what to do.
    Inspecting { attempt: Attempt },
    /// An earlier run had finished; whether the object is still there is asked.
    Confirming { attempt: Attempt, facts: Box<ObjectFacts> },
    /// The whole source goes up in one request.
    Putting(Putting),
    /// Unfinished uploads of this key are looked for.
    Finding(Box<Finding>),
    /// What the upload is meant to be has to be durable before it is initiated.
    Beginning { needs: Revision, adopt: Option<Box<Fit>> },
    /// The upload is initiated.
    Initiating { attempt: Attempt },
    /// The upload id has to be durable before the first part goes out.
    Identified { needs: Revision, adopted: bool },
    /// Parts go up.
    Transferring(Transfer),
    /// The stage has to be durable before Complete goes out.
    Sealing { needs: Revision },
    /// Complete goes out, and what it did is found out.
    Completing(Completing),
    /// The upload is gone; the object tells whether it was completed.
    Vanishing { attempt: Attempt, fault: Fault },
    /// The stage has to be durable before Abort goes out.
    GivingUp { needs: Revision, then: Box<Then>, twice: bool },
    /// Abort goes out.
    Aborting { attempt: Attempt, then: Box<Then>, twice: bool },
    /// What was proved is recorded, so that a crash from here on is told apart.
    Recording { needs: Revision, outcome: Box<Outcome> },
    /// The journal is removed.
    Retiring { asked: bool, outcome: Box<Outcome> },
    /// What is recorded is made durable, and that is all.
    Closing { tried: bool, outcome: Box<Outcome> },
    /// The end.
    Ended,
}

/// One request that is made until it is answered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attempt {
    pub(crate) in_flight: bool,
    pub(crate) not_before: Moment,
    pub(crate) tries: u32,
    pub(crate) corrupted: u32,
    pub(crate) again: u32,
}

impl Attempt {
    pub(crate) fn is_due(&self, now: Moment) -> bool {
        !self.in_flight && self.not_before <= now
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Putting {
    pub(crate) attempt: Attempt,
    /// An earlier try may have been done.
    pub(crate) unsure: bool,
    /// The last try ended without an answer.
    pub(crate) unanswered: bool,
    /// CRC-64 of what that try sent.
    pub(crate) read: Option<Crc64>,
    /// The object is asked for instead of sent.
    pub(crate) asking: Option<Fault>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Finding {
    pub(crate) attempt: Attempt,
    pub(crate) marker: Option<UploadsMarker>,
    /// Candidates that are still to be looked at.
    pub(crate) queue: VecDeque<FoundUpload>,
    pub(crate) listed: bool,
    /// The only candidate is the one that the user has named.
    pub(crate) chosen: bool,
    pub(crate) examining: Option<Examination>,
    pub(crate) fits: Vec<Fit>,
    /// Uploads without parts that may be ours: begun since we meant to begin.
    pub(crate) empties: Vec<FoundUpload>,
}

/// A look at an upload that has no journal here.
#[derive(Clone, Debug)]
pub(crate) struct Examination {
    pub(crate) attempt: Attempt,
    pub(crate) upload: FoundUpload,
    pub(crate) after: Option<PartNumber>,
    pub(crate) parts: Vec<ListedPart>,
    /// How its parts cut the source, once all are listed.
    pub(crate) plan: Option<PartPlan>,
    /// The next of `parts` to be read.
    pub(crate) next: usize,
    pub(crate) reading: u16,
    pub(crate) receipts: Vec<(PartReceipt, bool)>,
}

/// An upload whose parts are all those of the source.
#[derive(Clone, Debug)]
pub(crate) struct Fit {
    pub(crate) upload: FoundUpload,
    pub(crate) plan: PartPlan,
    pub(crate) receipts: Vec<(PartReceipt, bool)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Transfer {
    /// The next page of ListParts; `None` when there is none.
    pub(crate) listing: Option<Listing>,
    /// The source has to be looked at again.
    pub(crate) inspecting: Option<Inspection>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Listing {
    pub(crate) attempt: Attempt,
    pub(crate) after: Option<PartNumber>,
    pub(crate) about: About,
}

/// What a page of ListParts is to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum About {
    /// All that the server holds.
    #[default]
    Everything,
    /// What became of parts whose answer was lost or said too little.
    Unsure,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Inspection {
    pub(crate) attempt: Attempt,
    /// Something has shown that the bytes are others, whatever the stamp says.
    pub(crate) suspect: bool,
    /// Every part is proved: an unchanged stamp seals the upload.
    pub(crate) seals: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Completing {
    pub(crate) attempt: Attempt,
    pub(crate) question: Question,
    /// Whether it was another run that sealed the upload, and may have completed it.
    pub(crate) resumed: bool,
    /// What became of the last Complete of this run that may have been done.
    pub(crate) unsettled: Option<Fault>,
    /// Complete was refused since there is an object; unless that is ours, this is the end.
    pub(crate) exists: Option<Fault>,
    /// In which words the server said that it does not know the upload.
    pub(crate) vanished: Option<Fault>,
}

/// What is asked while an upload is completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Do it.
    Complete,
    /// Is it still unfinished?
    Unfinished,
    /// Is the object there, and is it ours?
    Object,
    /// The object is ours; what is its CRC-64?
    Checksum,
}

/// What comes after an abort.
#[derive(Clone, Debug)]
pub(crate) enum Then {
    /// Another upload.
    StartOver,
    /// The end.
    End(Outcome),
}
