use bytes::Bytes;
use http::{Method, Request, StatusCode, response::Parts};
use oss_checkpoint::{BucketName, ObjectKey, UploadId};

use super::{Operation, Target, refusal, target};
use crate::{Fault, FaultClass};

/// AbortMultipartUpload. Parts that are still in flight may survive it: abort again once they have ended.
/// <https://www.alibabacloud.com/help/en/oss/developer-reference/abortmultipartupload>
#[derive(Clone, Copy, Debug)]
pub struct Abort<'a> {
    /// The object.
    pub target: &'a Target,
    /// The upload.
    pub upload_id: &'a UploadId,
}

impl Operation for Abort<'_> {
    /// Nothing is left, or nothing was there.
    type Reply = ();

    const NAME: &'static str = "abort";

    fn bucket(&self) -> Option<&BucketName> {
        Some(&self.target.bucket)
    }

    fn key(&self) -> Option<&ObjectKey> {
        Some(&self.target.key)
    }

    fn request(&self) -> Result<Request<Bytes>, Fault> {
        let query = target::Query::default().pair("uploadId", self.upload_id.as_str());
        Ok(target::request(Method::DELETE, self.target.uri_with(&query), Bytes::new()))
    }

    fn reply(&self, head: &Parts, body: &[u8]) -> Result<(), Fault> {
        match refusal::require(Self::NAME, head, body, Self::ANSWER_LIMIT, &[StatusCode::NO_CONTENT]) {
            Err(fault) if fault.class != FaultClass::Vanished => Err(fault),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
