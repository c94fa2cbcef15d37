use oss_checkpoint::{ByteCount, PartNumber, UploadId};

use crate::Fault;

/// Something that a user should know of and that does not end the upload.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The source has another stamp than the one that parts were read under; they are compared again.
    SourceChanged,
    /// A part on the server differed from the local bytes and is sent again.
    PartDiffers(PartNumber),
    /// The unfinished upload was for other options, another part layout or another content, and was given up.
    StartedOver,
    /// The upload is gone from the server; these bytes have to be sent again.
    UploadVanished {
        /// Its id.
        upload_id: UploadId,
        /// What it held.
        lost: ByteCount,
    },
    /// An unfinished upload without a journal was taken over.
    Adopted {
        /// Its id.
        upload_id: UploadId,
        /// How many of its parts count.
        parts: u16,
        /// And their bytes.
        bytes: ByteCount,
    },
    /// Unfinished uploads of this key that might be continued; none was, since more than one fits or may be ours.
    Candidates(Vec<UploadId>),
    /// Unfinished uploads may not be listed; none was looked for.
    FindDenied(Fault),
    /// Parts may not be listed; the journal's receipts stand, and Complete judges.
    ListDenied(Fault),
    /// The object may not be looked at: that an earlier run had finished it rests on what that run proved.
    ConfirmDenied(Fault),
    /// The journal cannot be written; the upload goes on.
    JournalFailing(Fault),
    /// The server stated no CRC-64 for something.
    Unproved,
    /// The answer to the last request was lost, and the object was found by asking.
    Settled,
    /// An upload could not be aborted and may still be there.
    AbortFailed {
        /// Its id.
        upload_id: UploadId,
        /// Why.
        fault: Fault,
    },
}
