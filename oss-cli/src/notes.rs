//! What a user should know of an upload that goes on all the same, in words.

use oss_checkpoint::{ByteCount, UploadId};
use oss_resumable::Note;

/// One line, with `warning:` in front where something may have to be done about it.
pub(crate) fn text(note: &Note) -> String {
    match note {
        Note::SourceChanged => "note: the source has changed since parts of it were sent".to_owned(),
        Note::PartDiffers(part) => {
            format!("note: part {} on the server differs from the source and is sent again", part.get())
        }
        Note::StartedOver => {
            "note: the unfinished upload was made for other options or another content; it was given up"
                .to_owned()
        }
        Note::UploadVanished { upload_id, lost } if *lost == ByteCount::ZERO => {
            format!("warning: upload {upload_id} is gone from the server; a new one begins")
        }
        Note::UploadVanished { upload_id, lost } => {
            format!("warning: upload {upload_id} is gone from the server; {lost} have to be sent again")
        }
        Note::Adopted { upload_id, parts, bytes } => {
            format!(
                "note: going on with upload {upload_id}, which was begun elsewhere: {parts} parts, {bytes}"
            )
        }
        Note::Candidates(ids) => {
            let ids: Vec<_> = ids.iter().map(UploadId::as_str).collect();
            format!(
                "warning: unfinished uploads of this key were left alone, since it is not clear which to go on with: {}",
                ids.join(", ")
            )
        }
        Note::FindDenied(fault) => {
            format!("note: unfinished uploads of this key may not be listed, so none was looked for: {fault}")
        }
        Note::ConfirmDenied(fault) => format!(
            "warning: the object may not be looked at; that it is complete is what an earlier run has proved: {fault}"
        ),
        Note::ListDenied(fault) => format!(
            "warning: the parts of this upload may not be listed; the journal is believed instead: {fault}"
        ),
        Note::JournalFailing(fault) => format!(
            "warning: the journal cannot be written, so an interruption would cost what is sent from now on: {fault}"
        ),
        Note::Unproved => {
            "warning: the server states no CRC-64, so not everything could be compared".to_owned()
        }
        Note::Settled => "note: the last answer was lost; the object was found by asking".to_owned(),
        Note::AbortFailed { upload_id, fault } => {
            format!("warning: upload {upload_id} could not be aborted and may still cost storage: {fault}")
        }
        other => format!("note: {other:?}"),
    }
}
