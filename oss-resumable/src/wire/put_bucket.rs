use bytes::Bytes;
use http::{Method, Request, StatusCode, response::Parts};
use oss_checkpoint::{BucketName, ObjectKey};

use super::{Endpoint, Operation, refusal, target};
use crate::Fault;

/// PutBucket, with the account's defaults.
/// <https://www.alibabacloud.com/help/en/oss/developer-reference/putbucket>
#[derive(Clone, Copy, Debug)]
pub struct PutBucket<'a> {
    /// Where requests go, and thus where the bucket will lie.
    pub endpoint: &'a Endpoint,
    /// The bucket.
    pub bucket: &'a BucketName,
}

impl Operation for PutBucket<'_> {
    type Reply = ();

    const NAME: &'static str = "put_bucket";

    fn bucket(&self) -> Option<&BucketName> {
        Some(self.bucket)
    }

    fn key(&self) -> Option<&ObjectKey> {
        None
    }

    fn request(&self) -> Result<Request<Bytes>, Fault> {
        let uri = target::uri(self.endpoint, Some(self.bucket), None, &target::Query::default());
        Ok(target::request(Method::PUT, uri, Bytes::new()))
    }

    fn reply(&self, head: &Parts, body: &[u8]) -> Result<(), Fault> {
        refusal::require(Self::NAME, head, body, Self::ANSWER_LIMIT, &[StatusCode::OK])?;
        if super::request_id(head).is_none() {
            return Err(refusal::corrupted(Self::NAME, head, &"nothing shows that OSS has said so"));
        }
        Ok(())
    }
}
