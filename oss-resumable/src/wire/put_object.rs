use bytes::Bytes;
use http::{Method, Request, response::Parts};
use oss_checkpoint::{BucketName, ObjectKey, ObjectOptions};

use super::{
    Operation, Stored, Target,
    options::{self, Creates},
    stored, target,
};
use crate::Fault;

/// PutObject.
/// <https://www.alibabacloud.com/help/en/oss/developer-reference/putobject>
#[derive(Clone, Copy, Debug)]
pub struct PutObject<'a> {
    /// The object.
    pub target: &'a Target,
    /// What it is given.
    pub options: &'a ObjectOptions,
}

impl Operation for PutObject<'_> {
    type Reply = Stored;

    const NAME: &'static str = "put_object";

    fn bucket(&self) -> Option<&BucketName> {
        Some(&self.target.bucket)
    }

    fn key(&self) -> Option<&ObjectKey> {
        Some(&self.target.key)
    }

    fn request(&self) -> Result<Request<Bytes>, Fault> {
        let mut request = target::request(Method::PUT, self.target.uri(), Bytes::new());
        options::add(self.options, Creates::Object, Self::NAME, request.headers_mut())?;
        Ok(request)
    }

    fn reply(&self, head: &Parts, body: &[u8]) -> Result<Stored, Fault> {
        let stored = stored::accept(Self::NAME, head, body)?;
        if stored.callback_failed.is_none() && stored.object.etag.is_none() && stored.object.crc64.is_none() {
            return Err(stored::unproved(Self::NAME, head));
        }
        Ok(stored)
    }
}
