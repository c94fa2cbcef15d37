use bytes::Bytes;
use http::{Method, Request, StatusCode, response::Parts};
use oss_checkpoint::{BucketName, ObjectKey};

use super::{Operation, Target, refusal, stored, target};
use crate::{Fault, StoredObject};

/// GetObject, all of it. The data of an answer 200 is streamed past this codec; an answer with another status is read
/// whole and given to [`Operation::reply`] with its body.
/// <https://www.alibabacloud.com/help/en/oss/developer-reference/getobject>
#[derive(Clone, Copy, Debug)]
pub struct GetObject<'a> {
    /// The object.
    pub target: &'a Target,
}

impl Operation for GetObject<'_> {
    /// The object whose data follows.
    type Reply = StoredObject;

    const NAME: &'static str = "get_object";

    fn bucket(&self) -> Option<&BucketName> {
        Some(&self.target.bucket)
    }

    fn key(&self) -> Option<&ObjectKey> {
        Some(&self.target.key)
    }

    fn request(&self) -> Result<Request<Bytes>, Fault> {
        Ok(target::request(Method::GET, self.target.uri(), Bytes::new()))
    }

    fn reply(&self, head: &Parts, body: &[u8]) -> Result<StoredObject, Fault> {
        if head.status == StatusCode::OK {
            return stored::whole(Self::NAME, head);
        }
        refusal::readable(Self::NAME, head, body, Self::ANSWER_LIMIT)?;
        Err(refusal::fault(Self::NAME, head, body))
    }
}
