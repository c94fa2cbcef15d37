use std::fmt::Write;

use bytes::Bytes;
use http::{Method, Request, response::Parts};
use oss_checkpoint::{BucketName, ETag, ObjectKey, ObjectOptions, PartReceipt, UploadId};

use super::{
    Operation, Stored, Target,
    options::{self, Creates},
    refusal, stored, target,
    xml::{self, Node, XmlError},
};
use crate::Fault;

/// CompleteMultipartUpload. After a lost answer ask before repeating: it goes on when the client is gone.
/// <https://www.alibabacloud.com/help/en/oss/developer-reference/completemultipartupload>
#[derive(Clone, Debug)]
pub struct Complete<'a> {
    target: &'a Target,
    upload_id: &'a UploadId,
    options: &'a ObjectOptions,
    parts: Bytes,
}

impl<'a> Complete<'a> {
    /// Seals an upload of these parts, which come in the order of their numbers.
    pub fn new<'p>(
        target: &'a Target,
        upload_id: &'a UploadId,
        options: &'a ObjectOptions,
        parts: impl IntoIterator<Item = &'p PartReceipt>,
    ) -> Self {
        Self::of_list(target, upload_id, options, PartList::new(parts))
    }

    /// The same, of a list that was made before.
    pub fn of_list(
        target: &'a Target,
        upload_id: &'a UploadId,
        options: &'a ObjectOptions,
        parts: PartList,
    ) -> Self {
        Self { target, upload_id, options, parts: parts.0 }
    }
}

/// The parts of an object as CompleteMultipartUpload names them: about 90 bytes a part.
#[derive(Clone, Debug)]
pub struct PartList(Bytes);

impl PartList {
    /// Of these parts, which come in the order of their numbers.
    pub fn new<'p>(parts: impl IntoIterator<Item = &'p PartReceipt>) -> Self {
        Self(document(parts))
    }
}

impl Operation for Complete<'_> {
    type Reply = Stored;

    const NAME: &'static str = "complete";

    fn bucket(&self) -> Option<&BucketName> {
        Some(&self.target.bucket)
    }

    fn key(&self) -> Option<&ObjectKey> {
        Some(&self.target.key)
    }

    fn request(&self) -> Result<Request<Bytes>, Fault> {
        let query =
            target::Query::default().pair("uploadId", self.upload_id.as_str()).pair("encoding-type", "url");
        let mut request = target::request(Method::POST, self.target.uri_with(&query), self.parts.clone());
        options::add(self.options, Creates::ObjectOfParts, Self::NAME, request.headers_mut())?;
        Ok(request)
    }

    /// With a callback the body is the callback's own, and the headers are the proof.
    fn reply(&self, head: &Parts, body: &[u8]) -> Result<Stored, Fault> {
        let mut stored = stored::accept(Self::NAME, head, body)?;
        let is_result = xml::root(body).as_deref() == Some(ROOT);
        if is_result {
            let etag = etag(body).map_err(|error| refusal::corrupted(Self::NAME, head, &error))?;
            stored.object.etag = stored.object.etag.or(etag);
        }
        if !is_result
            && stored.callback_failed.is_none()
            && stored.object.crc64.is_none()
            && stored.object.etag.is_none()
        {
            return Err(stored::unproved(Self::NAME, head));
        }
        Ok(stored)
    }
}

const ROOT: &str = "CompleteMultipartUploadResult";

fn etag(body: &[u8]) -> Result<Option<ETag>, XmlError> {
    let mut found = None;
    xml::read(body, ROOT, |path, node| {
        if let ("ETag", Node::Close(text)) = (path, node) {
            let etag = ETag::new(text.trim()).map_err(|error| xml::invalid("ETag", text, error))?;
            xml::once(&mut found, "ETag", etag)?;
        }
        Ok(())
    })?;
    Ok(found)
}

fn document<'p>(parts: impl IntoIterator<Item = &'p PartReceipt>) -> Bytes {
    let mut xml = String::from("<CompleteMultipartUpload>");
    for part in parts {
        let number = part.number;
        write!(xml, "<Part><PartNumber>{number}</PartNumber><ETag>&quot;").expect("a String takes all text");
        for character in part.etag.as_str().chars() {
            match character {
                '&' => xml.push_str("&amp;"),
                '<' => xml.push_str("&lt;"),
                '>' => xml.push_str("&gt;"),
                character => xml.push(character),
            }
        }
        xml.push_str("&quot;</ETag></Part>");
    }
    xml.push_str("</CompleteMultipartUpload>");
    Bytes::from(xml)
}
