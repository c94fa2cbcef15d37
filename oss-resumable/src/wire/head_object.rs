use bytes::Bytes;
use http::{Method, Request, StatusCode, response::Parts};
use oss_checkpoint::{BucketName, ObjectKey};

use super::{Operation, Target, headers, refusal, stored, target};
use crate::{Fault, StoredObject};

/// HeadObject.
/// <https://www.alibabacloud.com/help/en/oss/developer-reference/headobject>
#[derive(Clone, Copy, Debug)]
pub struct HeadObject<'a> {
    /// The object.
    pub target: &'a Target,
}

impl Operation for HeadObject<'_> {
    /// `None` if there is no such object, by the word of the service itself.
    type Reply = Option<StoredObject>;

    const NAME: &'static str = "head_object";

    fn bucket(&self) -> Option<&BucketName> {
        Some(&self.target.bucket)
    }

    fn key(&self) -> Option<&ObjectKey> {
        Some(&self.target.key)
    }

    fn request(&self) -> Result<Request<Bytes>, Fault> {
        Ok(target::request(Method::HEAD, self.target.uri(), Bytes::new()))
    }

    fn reply(&self, head: &Parts, body: &[u8]) -> Result<Option<StoredObject>, Fault> {
        match head.status {
            StatusCode::OK => stored::whole(Self::NAME, head).map(Some),
            StatusCode::NOT_FOUND => {
                let fault = refusal::fault(Self::NAME, head, body);
                let code = fault.refusal.as_deref().map_or("", |refusal| refusal.code.as_str());
                match code {
                    "NoSuchKey" => Ok(None),
                    "" if headers::request_id(head).is_some() => Ok(None),
                    // Somebody on the way may say so as well, who does not know.
                    "" => Err(refusal::corrupted(Self::NAME, head, &"nothing shows that OSS has said so")),
                    _ => Err(fault),
                }
            }
            _ => Err(refusal::fault(Self::NAME, head, body)),
        }
    }
}
