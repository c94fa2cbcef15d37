//! An object that an upload has made and that is not what was read: it is left as evidence, or removed where that was
//! asked for.

use oss_checkpoint::{BucketName, Crc64, ObjectKey};
use oss_resumable::{
    Failure as UploadFailure, Unproved,
    driver::{Client, Removal, UploadError},
    wire::Target,
};

/// Advice where it was left.
pub(crate) const KEPT: &str = "do not use this object, which was left as it is, as was the journal; \
     --on-mismatch delete removes such an object; run the same command again, and if it fails again suspect memory, disk \
     or what lies between here and the service";

/// An object that is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrongObject {
    /// What the service states of it.
    stated: Crc64,
    /// What was read here.
    read: Crc64,
}

/// The wrong object that this run itself has made; `None` of any other failure, also where somebody else's object was
/// found.
pub(crate) fn of(error: &UploadError) -> Option<WrongObject> {
    let UploadError::Failed(failure) = error else { return None };
    match **failure {
        UploadFailure::ProofFailed { what: Unproved::Object, local, server } => {
            server.map(|stated| WrongObject { stated, read: local })
        }
        _ => None,
    }
}

/// Removes it if it still is that one, and says in words what became of it.
pub(crate) async fn remove(
    client: &Client,
    bucket: &BucketName,
    key: &ObjectKey,
    wrong: WrongObject,
) -> String {
    let target = Target { endpoint: client.endpoint().clone(), bucket: bucket.clone(), key: key.clone() };
    match client.remove_if_still(&target, wrong.stated).await {
        Ok(Removal::Removed) => "this object was removed, as --on-mismatch delete says".to_owned(),
        Ok(Removal::Gone) => "it is gone already".to_owned(),
        Ok(Removal::Another(now)) if now.crc64 == Some(wrong.read) => {
            "what is there now has the right one all the same, and was left alone".to_owned()
        }
        Ok(Removal::Another(now)) => {
            let states = now.crc64.map_or("none".to_owned(), |crc64| crc64.to_string());
            format!("what is there now has the CRC-64 {states}, and was left alone")
        }
        Err(fault) => format!("it could not be removed and may still be there: {fault}"),
    }
}
