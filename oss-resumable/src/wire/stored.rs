use std::sync::Arc;

use http::{StatusCode, response::Parts};

use super::{ANSWER_LIMIT, headers, refusal, xml};
use crate::{Fault, Refusal, StoredObject};

/// The answer to a request that made an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The object.
    pub object: StoredObject,
    /// The object is there, but the callback that was asked for failed, for this reason (status 203).
    pub callback_failed: Option<Arc<Refusal>>,
}

/// Reads what PutObject and CompleteMultipartUpload have in common; the result still has to prove itself.
pub(super) fn accept(operation: &'static str, head: &Parts, body: &[u8]) -> Result<Stored, Fault> {
    refusal::readable(operation, head, body, ANSWER_LIMIT)?;
    let with_errors = StatusCode::NON_AUTHORITATIVE_INFORMATION;
    let callback_failed = if head.status == with_errors && xml::root(body).as_deref() == Some("Error") {
        let fault = refusal::fault(operation, head, body);
        match fault.refusal {
            Some(refusal) if refusal.code == "CallbackFailed" => Some(refusal),
            _ => return Err(fault),
        }
    } else {
        refusal::require(operation, head, body, ANSWER_LIMIT, &[StatusCode::OK, with_errors])?;
        None
    };
    Ok(Stored { object: described(operation, head)?, callback_failed })
}

/// The object that an answer to HEAD or GET is about.
pub(super) fn whole(operation: &'static str, head: &Parts) -> Result<StoredObject, Fault> {
    let mut object = described(operation, head)?;
    if object.etag.is_none() {
        return Err(refusal::corrupted(operation, head, &"it has no ETag"));
    }
    object.size = headers::content_length(&head.headers)
        .map_err(|error| refusal::corrupted(operation, head, &error))?;
    Ok(object)
}

/// What the headers say of an object.
fn described(operation: &'static str, head: &Parts) -> Result<StoredObject, Fault> {
    let read = || -> Result<StoredObject, headers::HeaderError> {
        Ok(StoredObject {
            size: None,
            crc64: headers::crc64(&head.headers)?,
            etag: headers::etag(&head.headers)?,
            version_id: headers::version_id(&head.headers)?,
            last_modified: headers::last_modified(&head.headers),
            at: headers::date(&head.headers),
        })
    };
    read().map_err(|error| refusal::corrupted(operation, head, &error))
}

/// An answer without any proof of the operation is somebody else's.
pub(super) fn unproved(operation: &'static str, head: &Parts) -> Fault {
    refusal::corrupted(operation, head, &"it has neither an ETag nor a CRC-64")
}
