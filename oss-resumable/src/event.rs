use oss_checkpoint::{ByteCount, Crc64, ETag, ObjectKey, PartNumber, ServerTime, SourceStamp, UploadId};

use crate::{Fault, Ticket};

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Reply to `InspectSource`.
    SourceInspected {
        /// Of the action.
        ticket: Ticket,
        /// The source as it is now.
        stamp: SourceStamp,
    },
    /// Reply to `PutObject`: the answer came, and the source still had the stamp of its plan when its last byte
    /// was about to go out.
    ObjectPut {
        /// Of the action.
        ticket: Ticket,
        /// What the server says.
        object: StoredObject,
        /// CRC-64 of the bytes that were sent.
        local: Crc64,
    },
    /// Reply to `FindUploads`.
    UploadsFound {
        /// Of the action.
        ticket: Ticket,
        /// One page.
        page: UploadsPage,
    },
    /// Reply to `Initiate`.
    Initiated {
        /// Of the action.
        ticket: Ticket,
        /// The new upload.
        upload_id: UploadId,
        /// When, by the server's clock.
        at: Option<ServerTime>,
    },
    /// Reply to `ListParts`.
    PartsListed {
        /// Of the action.
        ticket: Ticket,
        /// One page.
        page: PartsPage,
    },
    /// Reply to `ChecksumPart`.
    PartChecksummed {
        /// Of the action.
        ticket: Ticket,
        /// Of the local bytes.
        crc64: Crc64,
        /// The source as it was behind the last byte.
        stamp: SourceStamp,
        /// Whether the source had been unchanged for two seconds when reading began.
        at_rest: bool,
    },
    /// Reply to `UploadPart`.
    PartUploaded {
        /// Of the action.
        ticket: Ticket,
        /// What was read and what was answered.
        part: UploadedPart,
    },
    /// Reply to `Complete`.
    Completed {
        /// Of the action.
        ticket: Ticket,
        /// What the server says.
        object: StoredObject,
    },
    /// Reply to `InspectObject`.
    ObjectInspected {
        /// Of the action.
        ticket: Ticket,
        /// What is there; `None` if nothing is.
        object: Option<StoredObject>,
    },
    /// Reply to `Abort`; also when there was nothing left to abort.
    Aborted {
        /// Of the action.
        ticket: Ticket,
    },
    /// Reply to `Save`.
    Saved {
        /// Of the action.
        ticket: Ticket,
    },
    /// Reply to `Retire`.
    Retired {
        /// Of the action.
        ticket: Ticket,
    },
    /// Any action failed.
    Failed {
        /// Of the action.
        ticket: Ticket,
        /// Why.
        fault: Fault,
    },
    /// Somebody wants it to stop.
    StopRequested(Stop),
}

/// How to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stop {
    /// Keep everything; a later run goes on.
    Pause,
    /// Give it up for good. Past the seal this is refused: the object may already exist.
    Abort,
}

/// An object as the server describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredObject {
    /// Its length, where the answer says so.
    pub size: Option<ByteCount>,
    /// `x-oss-hash-crc64ecma`.
    pub crc64: Option<Crc64>,
    /// Its tag.
    pub etag: Option<ETag>,
    /// `x-oss-version-id`.
    pub version_id: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<ServerTime>,
    /// `Date` of the answer.
    pub at: Option<ServerTime>,
}

impl StoredObject {
    /// When it was made, by the server's clock: as the answer to the request that made it was given or, where it was
    /// `found` by asking, as it says itself.
    pub(crate) fn finished(&self, found: bool) -> Option<ServerTime> {
        if found { self.last_modified.or(self.at) } else { self.at }
    }
}

/// A part that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedPart {
    /// What the server calls it; `None` where the answer does not say so, and ListParts has to.
    pub etag: Option<ETag>,
    /// CRC-64 of the bytes that were sent.
    pub local: Crc64,
    /// CRC-64 that the server states.
    pub server: Option<Crc64>,
    /// The source as it was when the last byte had been read.
    pub stamp: SourceStamp,
    /// Whether the source had been unchanged for two seconds when reading began: a change within the grain of a
    /// file system's clock moves no stamp.
    pub at_rest: bool,
}

/// One page of ListMultipartUploads, only what is for exactly our key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadsPage {
    /// In the order of the server.
    pub uploads: Vec<FoundUpload>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<UploadsMarker>,
    /// `Date` of the answer.
    pub at: Option<ServerTime>,
}

/// An unfinished upload of our key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundUpload {
    /// Its id.
    pub upload_id: UploadId,
    /// When it was initiated.
    pub initiated: Option<ServerTime>,
}

/// Where a page of ListMultipartUploads begins: both markers are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadsMarker {
    /// `key-marker`.
    pub key: ObjectKey,
    /// `upload-id-marker`; empty on the wire if `None`.
    pub upload_id: Option<UploadId>,
}

/// One page of ListParts, in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartsPage {
    /// The parts.
    pub parts: Vec<ListedPart>,
    /// Marker of the next page; `None` on the last one.
    pub next: Option<PartNumber>,
}

/// A part that the server holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPart {
    /// Its number.
    pub number: PartNumber,
    /// Its length.
    pub size: ByteCount,
    /// Its tag.
    pub etag: ETag,
    /// `HashCrc64ecma`.
    pub crc64: Option<Crc64>,
}
