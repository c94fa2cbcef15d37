use bytes::Bytes;
use http::{Method, Request, StatusCode, response::Parts};
use oss_checkpoint::{BucketName, ObjectKey, UploadId};

use super::{
    LISTING_LIMIT, Operation, Target, headers, refusal, target,
    xml::{self, Node, XmlError, once},
};
use crate::{Fault, FoundUpload, UploadsMarker, UploadsPage};

/// A page of ListMultipartUploads, of which only the uploads of exactly this key are kept.
/// <https://www.alibabacloud.com/help/en/oss/developer-reference/listmultipartuploads>
#[derive(Clone, Copy, Debug)]
pub struct ListUploads<'a> {
    /// The object.
    pub target: &'a Target,
    /// Where the page begins; `None` for the first one.
    pub after: Option<&'a UploadsMarker>,
}

impl Operation for ListUploads<'_> {
    type Reply = UploadsPage;

    const NAME: &'static str = "list_multipart_uploads";
    const ANSWER_LIMIT: usize = LISTING_LIMIT;

    fn bucket(&self) -> Option<&BucketName> {
        Some(&self.target.bucket)
    }

    fn key(&self) -> Option<&ObjectKey> {
        None
    }

    fn request(&self) -> Result<Request<Bytes>, Fault> {
        let mut query = target::Query::default()
            .flag("uploads")
            .pair("prefix", self.target.key.as_str())
            .pair("max-uploads", "1000")
            .pair("encoding-type", "url");
        if let Some(after) = self.after {
            query = query.pair("key-marker", after.key.as_str());
            query = query.pair_if("upload-id-marker", after.upload_id.as_ref().map(UploadId::as_str));
        }
        let uri = target::uri(&self.target.endpoint, self.bucket(), None, &query);
        Ok(target::request(Method::GET, uri, Bytes::new()))
    }

    fn reply(&self, head: &Parts, body: &[u8]) -> Result<UploadsPage, Fault> {
        refusal::require(Self::NAME, head, body, Self::ANSWER_LIMIT, &[StatusCode::OK])?;
        let mut page = self.page(body).map_err(|error| refusal::corrupted(Self::NAME, head, &error))?;
        page.at = headers::date(&head.headers);
        Ok(page)
    }
}

impl ListUploads<'_> {
    fn page(&self, body: &[u8]) -> Result<UploadsPage, XmlError> {
        let mut drafts: Vec<Draft> = Vec::new();
        let (mut encoding, mut truncated, mut next_key, mut next_id) = (None, None, None, None);
        let mut draft = Draft::default();
        xml::read(body, "ListMultipartUploadsResult", |path, node| {
            match (path, node) {
                ("EncodingType", Node::Close(text)) => once(&mut encoding, "EncodingType", text.to_owned())?,
                ("IsTruncated", Node::Close(text)) => {
                    once(&mut truncated, "IsTruncated", xml::truth("IsTruncated", text)?)?;
                }
                ("NextKeyMarker", Node::Close(text)) => {
                    once(&mut next_key, "NextKeyMarker", text.to_owned())?;
                }
                ("NextUploadIdMarker", Node::Close(text)) => {
                    once(&mut next_id, "NextUploadIdMarker", text.to_owned())?;
                }
                ("Upload", Node::Open) => draft = Draft::default(),
                ("Upload", Node::Close(_)) => drafts.push(std::mem::take(&mut draft)),
                ("Upload/Key", Node::Close(text)) => once(&mut draft.key, "Key", text.to_owned())?,
                ("Upload/UploadId", Node::Close(text)) => {
                    once(&mut draft.upload_id, "UploadId", text.to_owned())?;
                }
                ("Upload/Initiated", Node::Close(text)) => {
                    once(&mut draft.initiated, "Initiated", text.to_owned())?;
                }
                _ => {}
            }
            Ok(())
        })?;
        let url = encoding.as_deref() == Some("url");
        let decoded = |text: &str| if url { target::decode(text) } else { text.as_bytes().to_vec() };
        let mut uploads = Vec::new();
        for draft in drafts {
            let key = draft.key.ok_or(XmlError::Missing("Key"))?;
            let id = draft.upload_id.ok_or(XmlError::Missing("UploadId"))?;
            if decoded(&key) == self.target.key.as_str().as_bytes() {
                uploads.push(FoundUpload {
                    upload_id: upload_id("UploadId", &id)?,
                    initiated: draft.initiated.as_deref().and_then(headers::xml_time),
                });
            }
        }
        let mut next = None;
        if truncated.ok_or(XmlError::Missing("IsTruncated"))? {
            let key = next_key.filter(|key| !key.is_empty()).ok_or(XmlError::Missing("NextKeyMarker"))?;
            let id = next_id.filter(|id| !id.is_empty());
            next = self.next(&decoded(&key), id.as_deref())?;
        }
        Ok(UploadsPage { uploads, next, at: None })
    }

    /// Keys come in order and ours is the first that has itself as a prefix: behind it there is nothing to be found.
    fn next(&self, key: &[u8], id: Option<&str>) -> Result<Option<UploadsMarker>, XmlError> {
        let name = "NextKeyMarker";
        let shown = String::from_utf8_lossy(key);
        if key > self.target.key.as_str().as_bytes() {
            return Ok(None);
        }
        let text = String::from_utf8(key.to_vec()).map_err(|error| xml::invalid(name, &shown, error))?;
        let key = ObjectKey::new(text).map_err(|error| xml::invalid(name, &shown, error))?;
        let next =
            UploadsMarker { key, upload_id: id.map(|id| upload_id("NextUploadIdMarker", id)).transpose()? };
        if self.after == Some(&next) {
            return Err(xml::invalid(name, &shown, "it stands still"));
        }
        Ok(Some(next))
    }
}

#[derive(Default)]
struct Draft {
    key: Option<String>,
    upload_id: Option<String>,
    initiated: Option<String>,
}

fn upload_id(name: &'static str, text: &str) -> Result<UploadId, XmlError> {
    UploadId::new(text).map_err(|error| xml::invalid(name, text, error))
}
