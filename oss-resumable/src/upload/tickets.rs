use oss_checkpoint::PartNumber;

use crate::{Event, Moment, Ticket};

/// What is outstanding. Small: the parts in flight and a handful of others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tickets {
    issued: u64,
    outstanding: Vec<(Ticket, Work)>,
}

/// What a ticket was given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    InspectSource,
    PutObject,
    FindUploads,
    Initiate,
    ListParts,
    /// `generation` counts the stamps of the source: work begun under an older one proves nothing.
    ChecksumPart {
        number: PartNumber,
        generation: u32,
    },
    UploadPart {
        number: PartNumber,
        generation: u32,
        /// When it began.
        since: Moment,
    },
    Complete,
    InspectObject,
    Abort,
    Save,
    Retire,
}

impl Tickets {
    pub(crate) fn with_room_for(work: usize) -> Self {
        Self { issued: 0, outstanding: Vec::with_capacity(work) }
    }

    pub(crate) fn issue(&mut self, work: Work) -> Ticket {
        self.issued += 1;
        let ticket = Ticket::new(self.issued);
        self.outstanding.push((ticket, work));
        ticket
    }

    /// What the ticket was for; it is not outstanding any longer. `None` for a stray one.
    pub(crate) fn take(&mut self, ticket: Ticket) -> Option<Work> {
        let at = self.outstanding.iter().position(|(outstanding, _)| *outstanding == ticket)?;
        Some(self.outstanding.swap_remove(at).1)
    }

    pub(crate) fn get(&self, ticket: Ticket) -> Option<Work> {
        self.outstanding.iter().find(|(outstanding, _)| *outstanding == ticket).map(|(_, work)| *work)
    }

    /// Takes one ticket whose work is `which`.
    pub(crate) fn take_any(&mut self, which: impl Fn(Work) -> bool) -> Option<(Ticket, Work)> {
        let at = self.outstanding.iter().position(|(_, work)| which(*work))?;
        Some(self.outstanding.swap_remove(at))
    }

    pub(crate) fn count(&self, which: impl Fn(Work) -> bool) -> usize {
        self.outstanding.iter().filter(|(_, work)| which(*work)).count()
    }
}

impl Event {
    /// The ticket of the work that this is a reply to.
    pub(super) fn ticket(&self) -> Option<Ticket> {
        match self {
            Self::SourceInspected { ticket, .. }
            | Self::ObjectPut { ticket, .. }
            | Self::UploadsFound { ticket, .. }
            | Self::Initiated { ticket, .. }
            | Self::PartsListed { ticket, .. }
            | Self::PartChecksummed { ticket, .. }
            | Self::PartUploaded { ticket, .. }
            | Self::Completed { ticket, .. }
            | Self::ObjectInspected { ticket, .. }
            | Self::Aborted { ticket }
            | Self::Saved { ticket }
            | Self::Retired { ticket }
            | Self::Failed { ticket, .. } => Some(*ticket),
            Self::StopRequested(_) => None,
        }
    }

    /// Whether this is a reply to that kind of work.
    pub(super) fn answers(&self, work: Work) -> bool {
        match self {
            Self::SourceInspected { .. } => work == Work::InspectSource,
            Self::ObjectPut { .. } => work == Work::PutObject,
            Self::UploadsFound { .. } => work == Work::FindUploads,
            Self::Initiated { .. } => work == Work::Initiate,
            Self::PartsListed { .. } => work == Work::ListParts,
            Self::PartChecksummed { .. } => matches!(work, Work::ChecksumPart { .. }),
            Self::PartUploaded { .. } => matches!(work, Work::UploadPart { .. }),
            Self::Completed { .. } => work == Work::Complete,
            Self::ObjectInspected { .. } => work == Work::InspectObject,
            Self::Aborted { .. } => work == Work::Abort,
            Self::Saved { .. } => work == Work::Save,
            Self::Retired { .. } => work == Work::Retire,
            Self::Failed { .. } => true,
            Self::StopRequested(_) => false,
        }
    }
}
