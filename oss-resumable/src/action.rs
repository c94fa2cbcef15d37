use std::fmt;

use oss_checkpoint::{ByteRange, Durability, PartNumber};

use crate::Moment;

/// What [`crate::Upload::poll`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// Start this. Then poll again: there may be more.
    Act(Action),
    /// Nothing to start. Poll again after an event, or at `until` at the latest.
    Wait {
        /// `None` only while something is in flight.
        until: Option<Moment>,
    },
    /// The end; [`crate::Upload::outcome`] tells which. Polling again gives `Done` again.
    Done,
}

/// A piece of work. It names the work and carries none: what it needs is borrowed from the machine when it is
/// carried out. Each but [`Action::Cancel`] is owed exactly one [`crate::Event`] with its ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Find out length, modification times and identity of the source.
    InspectSource {
        /// To be named in the reply.
        ticket: Ticket,
    },
    /// PutObject: the whole source in one request.
    PutObject {
        /// To be named in the reply.
        ticket: Ticket,
    },
    /// One page of ListMultipartUploads for exactly this key, behind [`crate::Upload::uploads_marker`].
    FindUploads {
        /// To be named in the reply.
        ticket: Ticket,
    },
    /// InitiateMultipartUpload.
    Initiate {
        /// To be named in the reply.
        ticket: Ticket,
    },
    /// One page of ListParts of [`crate::Upload::upload_id`].
    ListParts {
        /// To be named in the reply.
        ticket: Ticket,
        /// Only parts behind this one.
        after: Option<PartNumber>,
    },
    /// Read the range and tell its CRC-64; send nothing.
    ChecksumPart {
        /// To be named in the reply.
        ticket: Ticket,
        /// Which bytes.
        part: Part,
    },
    /// Read the range, compute its CRC-64, send it as UploadPart.
    UploadPart {
        /// To be named in the reply.
        ticket: Ticket,
        /// Which bytes, under which number.
        part: Part,
    },
    /// CompleteMultipartUpload with [`crate::Upload::receipts`].
    Complete {
        /// To be named in the reply.
        ticket: Ticket,
    },
    /// HeadObject, to learn what a request did whose answer was lost.
    InspectObject {
        /// To be named in the reply.
        ticket: Ticket,
    },
    /// AbortMultipartUpload of [`crate::Upload::upload_id`].
    Abort {
        /// To be named in the reply.
        ticket: Ticket,
    },
    /// Append [`crate::Upload::unsaved`]`(upto)` to the journal.
    Save {
        /// To be named in the reply.
        ticket: Ticket,
        /// The last revision that is to be in the journal.
        upto: Revision,
        /// What has to survive.
        durability: Durability,
    },
    /// Remove the journal.
    Retire {
        /// To be named in the reply.
        ticket: Ticket,
    },
    /// Drop the work of this ticket. No reply is awaited, and one that comes changes nothing.
    Cancel {
        /// Whose work.
        ticket: Ticket,
    },
}

impl Action {
    /// The ticket it was given.
    pub const fn ticket(self) -> Ticket {
        match self {
            Self::InspectSource { ticket }
            | Self::PutObject { ticket }
            | Self::FindUploads { ticket }
            | Self::Initiate { ticket }
            | Self::ListParts { ticket, .. }
            | Self::ChecksumPart { ticket, .. }
            | Self::UploadPart { ticket, .. }
            | Self::Complete { ticket }
            | Self::InspectObject { ticket }
            | Self::Abort { ticket }
            | Self::Save { ticket, .. }
            | Self::Retire { ticket }
            | Self::Cancel { ticket } => ticket,
        }
    }
}

/// Names one piece of work. A reply whose ticket is not outstanding changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

impl Ticket {
    pub(crate) const fn new(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// How many records the history of an upload has; durable means that a save up to this one or a later one came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u64);

impl Revision {
    pub(crate) const fn new(records: u64) -> Self {
        Self(records)
    }

    pub(crate) const fn get(self) -> u64 {
        self.0
    }
}

/// A part and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its number.
    pub number: PartNumber,
    /// Its bytes.
    pub range: ByteRange,
}
