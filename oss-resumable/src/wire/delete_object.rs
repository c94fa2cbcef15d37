use bytes::Bytes;
use http::{Method, Request, StatusCode, response::Parts};
use oss_checkpoint::{BucketName, ObjectKey};

use super::{Operation, Target, refusal, target};
use crate::Fault;

/// DeleteObject.
/// <https://www.alibabacloud.com/help/en/oss/developer-reference/deleteobject>
#[derive(Clone, Copy, Debug)]
pub struct DeleteObject<'a> {
    /// The object.
    pub target: &'a Target,
}

impl Operation for DeleteObject<'_> {
    /// It is gone, or was not there.
    type Reply = ();

    const NAME: &'static str = "delete_object";

    fn bucket(&self) -> Option<&BucketName> {
        Some(&self.target.bucket)
    }

    fn key(&self) -> Option<&ObjectKey> {
        Some(&self.target.key)
    }

    fn request(&self) -> Result<Request<Bytes>, Fault> {
        Ok(target::request(Method::DELETE, self.target.uri(), Bytes::new()))
    }

    fn reply(&self, head: &Parts, body: &[u8]) -> Result<(), Fault> {
        refusal::require(Self::NAME, head, body, Self::ANSWER_LIMIT, &[StatusCode::NO_CONTENT])
    }
}
