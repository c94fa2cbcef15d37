use bytes::Bytes;
use http::{Method, Request, StatusCode, response::Parts};
use oss_checkpoint::{BucketName, ObjectKey, ObjectOptions, ServerTime, UploadId};

use super::{
    Operation, Target, headers,
    options::{self, Creates},
    refusal, target,
    xml::{self, Node, XmlError},
};
use crate::Fault;

/// InitiateMultipartUpload. Never repeat it blindly: each success makes another upload.
/// <https://www.alibabacloud.com/help/en/oss/developer-reference/initiatemultipartupload>
#[derive(Clone, Copy, Debug)]
pub struct Initiate<'a> {
    /// The object.
    pub target: &'a Target,
    /// What the object is given.
    pub options: &'a ObjectOptions,
}

/// A new upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initiated {
    /// Its id.
    pub upload_id: UploadId,
    /// When, by the server's clock.
    pub at: Option<ServerTime>,
}

impl Operation for Initiate<'_> {
    type Reply = Initiated;

    const NAME: &'static str = "initiate";

    fn bucket(&self) -> Option<&BucketName> {
        Some(&self.target.bucket)
    }

    fn key(&self) -> Option<&ObjectKey> {
        Some(&self.target.key)
    }

    fn request(&self) -> Result<Request<Bytes>, Fault> {
        let query = target::Query::default().flag("uploads").pair("encoding-type", "url");
        let mut request = target::request(Method::POST, self.target.uri_with(&query), Bytes::new());
        options::add(self.options, Creates::Upload, Self::NAME, request.headers_mut())?;
        Ok(request)
    }

    fn reply(&self, head: &Parts, body: &[u8]) -> Result<Initiated, Fault> {
        refusal::require(Self::NAME, head, body, Self::ANSWER_LIMIT, &[StatusCode::OK])?;
        let upload_id = upload_id(body).map_err(|error| refusal::corrupted(Self::NAME, head, &error))?;
        Ok(Initiated { upload_id, at: headers::date(&head.headers) })
    }
}

fn upload_id(body: &[u8]) -> Result<UploadId, XmlError> {
    let mut found = None;
    xml::read(body, "InitiateMultipartUploadResult", |path, node| {
        if let ("UploadId", Node::Close(text)) = (path, node) {
            let id = UploadId::new(text).map_err(|error| xml::invalid("UploadId", text, error))?;
            xml::once(&mut found, "UploadId", id)?;
        }
        Ok(())
    })?;
    found.ok_or(XmlError::Missing("UploadId"))
}
