use bytes::Bytes;
use http::{Method, Request, StatusCode, response::Parts};
use oss_checkpoint::{BucketName, ObjectKey};

use super::{Operation, Target, headers, refusal, stored, target};
use crate::{Fault, Refusal, StoredObject};

/// HeadObject.
/// <https://www.alibabacloud.com/help/en/oss/developer-reference/headobject>
#[derive(Clone, Copy, Debug)]
pub struct HeadObject<'a> {
    /// The object.
    pub target: &'a Target,
}

/// HeadObject, for those to whom an object that is not there is a refusal: what the service said of it is kept.
#[derive(Clone, Copy, Debug)]
pub struct StatObject<'a> {
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
            StatusCode::NOT_FOUND => absent(Self::NAME, head, body).map(|_| None),
            _ => Err(refusal::fault(Self::NAME, head, body)),
        }
    }
}

impl Operation for StatObject<'_> {
    type Reply = StoredObject;

    const NAME: &'static str = HeadObject::NAME;

    fn bucket(&self) -> Option<&BucketName> {
        Some(&self.target.bucket)
    }

    fn key(&self) -> Option<&ObjectKey> {
        Some(&self.target.key)
    }

    fn request(&self) -> Result<Request<Bytes>, Fault> {
        HeadObject { target: self.target }.request()
    }

    /// # Errors
    /// That there is no such object comes with the code `NoSuchKey`, also where the answer has only its status.
    fn reply(&self, head: &Parts, body: &[u8]) -> Result<StoredObject, Fault> {
        match head.status {
            StatusCode::OK => stored::whole(Self::NAME, head),
            StatusCode::NOT_FOUND => Err(absent(Self::NAME, head, body)?),
            _ => Err(refusal::fault(Self::NAME, head, body)),
        }
    }
}

/// What the service said of an object that is not there, by its own word.
///
/// # Errors
/// The fault that the answer means instead.
fn absent(operation: &'static str, head: &Parts, body: &[u8]) -> Result<Fault, Fault> {
    let fault = refusal::fault(operation, head, body);
    let refusal = fault.refusal.as_deref().cloned().unwrap_or_default();
    match refusal.code.as_str() {
        "NoSuchKey" => Ok(fault),
        "" if headers::request_id(head).is_some() => {
            let refusal = Refusal { code: "NoSuchKey".to_owned(), ..refusal };
            Ok(Fault { refusal: Some(refusal.into()), ..fault })
        }
        // Somebody on the way may say so as well, who does not know.
        "" => Err(refusal::corrupted(operation, head, &"nothing shows that OSS has said so")),
        _ => Err(fault),
    }
}
