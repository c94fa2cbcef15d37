use bytes::Bytes;
use http::{Method, Request, StatusCode, response::Parts};
use oss_checkpoint::{BucketName, Crc64, ETag, ObjectKey, PartNumber, UploadId};

use super::{Operation, Target, headers, refusal, stored, target};
use crate::Fault;

/// UploadPart. The same number again replaces the part.
/// <https://www.alibabacloud.com/help/en/oss/developer-reference/uploadpart>
#[derive(Clone, Copy, Debug)]
pub struct UploadPart<'a> {
    /// The object.
    pub target: &'a Target,
    /// The upload.
    pub upload_id: &'a UploadId,
    /// Which part.
    pub number: PartNumber,
}

/// A part, as the server describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartStored {
    /// Its tag, where the server states it; ListParts has it too.
    pub etag: Option<ETag>,
    /// `x-oss-hash-crc64ecma`, where the server states it.
    pub crc64: Option<Crc64>,
}

impl Operation for UploadPart<'_> {
    type Reply = PartStored;

    const NAME: &'static str = "upload_part";

    fn bucket(&self) -> Option<&BucketName> {
        Some(&self.target.bucket)
    }

    fn key(&self) -> Option<&ObjectKey> {
        Some(&self.target.key)
    }

    fn request(&self) -> Result<Request<Bytes>, Fault> {
        let query = target::Query::default()
            .pair("partNumber", &self.number.to_string())
            .pair("uploadId", self.upload_id.as_str());
        Ok(target::request(Method::PUT, self.target.uri_with(&query), Bytes::new()))
    }

    fn reply(&self, head: &Parts, body: &[u8]) -> Result<PartStored, Fault> {
        refusal::require(Self::NAME, head, body, Self::ANSWER_LIMIT, &[StatusCode::OK])?;
        let corrupted = |error| refusal::corrupted(Self::NAME, head, &error);
        let crc64 = headers::crc64(&head.headers).map_err(corrupted)?;
        let etag = headers::etag(&head.headers).map_err(corrupted)?;
        // A proxy that says 200 names no request.
        if etag.is_none() && crc64.is_none() && super::request_id(head).is_none() {
            return Err(stored::unproved(Self::NAME, head));
        }
        Ok(PartStored { etag, crc64 })
    }
}
