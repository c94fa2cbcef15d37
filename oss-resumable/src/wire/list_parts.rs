use bytes::Bytes;
use http::{Method, Request, StatusCode, response::Parts};
use oss_checkpoint::{BucketName, ByteCount, Crc64, ETag, ObjectKey, PartNumber, UploadId};

use super::{
    LISTING_LIMIT, Operation, Target, refusal, target,
    xml::{self, Node, XmlError, once},
};
use crate::{Fault, ListedPart, PartsPage};

/// A page of ListParts, of up to 1,000 parts.
/// <https://www.alibabacloud.com/help/en/oss/developer-reference/listparts>
#[derive(Clone, Copy, Debug)]
pub struct ListParts<'a> {
    /// The object.
    pub target: &'a Target,
    /// The upload.
    pub upload_id: &'a UploadId,
    /// Only parts behind this one.
    pub after: Option<PartNumber>,
}

impl Operation for ListParts<'_> {
    type Reply = PartsPage;

    const NAME: &'static str = "list_parts";
    const ANSWER_LIMIT: usize = LISTING_LIMIT;

    fn bucket(&self) -> Option<&BucketName> {
        Some(&self.target.bucket)
    }

    fn key(&self) -> Option<&ObjectKey> {
        Some(&self.target.key)
    }

    fn request(&self) -> Result<Request<Bytes>, Fault> {
        let mut query = target::Query::default()
            .pair("uploadId", self.upload_id.as_str())
            .pair("max-parts", "1000")
            .pair("encoding-type", "url");
        if let Some(after) = self.after {
            query = query.pair("part-number-marker", &after.to_string());
        }
        Ok(target::request(Method::GET, self.target.uri_with(&query), Bytes::new()))
    }

    fn reply(&self, head: &Parts, body: &[u8]) -> Result<PartsPage, Fault> {
        refusal::require(Self::NAME, head, body, Self::ANSWER_LIMIT, &[StatusCode::OK])?;
        self.page(body).map_err(|error| refusal::corrupted(Self::NAME, head, &error))
    }
}

impl ListParts<'_> {
    fn page(&self, body: &[u8]) -> Result<PartsPage, XmlError> {
        let mut parts = Vec::new();
        let mut last = self.after;
        let mut part = Draft::default();
        let (mut upload_id, mut truncated, mut marker) = (None, None, None);
        xml::read(body, "ListPartsResult", |path, node| {
            match (path, node) {
                ("UploadId", Node::Close(text)) => once(&mut upload_id, "UploadId", text.to_owned())?,
                ("IsTruncated", Node::Close(text)) => {
                    once(&mut truncated, "IsTruncated", xml::truth("IsTruncated", text)?)?;
                }
                ("NextPartNumberMarker", Node::Close(text)) => {
                    once(&mut marker, "NextPartNumberMarker", text.to_owned())?;
                }
                ("Part", Node::Open) => part = Draft::default(),
                ("Part", Node::Close(_)) => {
                    let part = std::mem::take(&mut part).finish()?;
                    if last.is_some_and(|last| part.number <= last) {
                        return Err(xml::invalid(
                            "PartNumber",
                            &part.number.to_string(),
                            "parts are not in order",
                        ));
                    }
                    last = Some(part.number);
                    parts.push(part);
                }
                (path, Node::Close(text)) => part.take(path, text)?,
                (_, Node::Open) => {}
            }
            Ok(())
        })?;
        if let Some(other) = upload_id.filter(|id| id != self.upload_id.as_str()) {
            return Err(xml::invalid("UploadId", &other, "it is not the upload that was asked for"));
        }
        let next = if truncated.ok_or(XmlError::Missing("IsTruncated"))? {
            let name = "NextPartNumberMarker";
            let marker = marker.ok_or(XmlError::Missing(name))?;
            let next = part_number(name, &marker)?;
            // It has to lead on, or paging would never end.
            if Some(next) <= self.after || Some(next) < last {
                return Err(xml::invalid(name, &marker, "it does not lead on"));
            }
            Some(next)
        } else {
            None
        };
        Ok(PartsPage { parts, next })
    }
}

fn part_number(name: &'static str, text: &str) -> Result<PartNumber, XmlError> {
    PartNumber::new(xml::number(name, text)?).map_err(|error| xml::invalid(name, text, error))
}

#[derive(Default)]
struct Draft {
    number: Option<PartNumber>,
    size: Option<ByteCount>,
    etag: Option<ETag>,
    crc64: Option<Crc64>,
}

impl Draft {
    fn take(&mut self, path: &str, text: &str) -> Result<(), XmlError> {
        match path {
            "Part/PartNumber" => once(&mut self.number, "PartNumber", part_number("PartNumber", text)?),
            "Part/Size" => once(&mut self.size, "Size", ByteCount::new(xml::number("Size", text)?)),
            "Part/ETag" => {
                let etag = ETag::new(text.trim()).map_err(|error| xml::invalid("ETag", text, error))?;
                once(&mut self.etag, "ETag", etag)
            }
            "Part/HashCrc64ecma" if text.is_empty() => Ok(()),
            "Part/HashCrc64ecma" => {
                once(&mut self.crc64, "HashCrc64ecma", Crc64::new(xml::number("HashCrc64ecma", text)?))
            }
            _ => Ok(()),
        }
    }

    fn finish(self) -> Result<ListedPart, XmlError> {
        Ok(ListedPart {
            number: self.number.ok_or(XmlError::Missing("PartNumber"))?,
            size: self.size.ok_or(XmlError::Missing("Size"))?,
            etag: self.etag.ok_or(XmlError::Missing("ETag"))?,
            crc64: self.crc64,
        })
    }
}
