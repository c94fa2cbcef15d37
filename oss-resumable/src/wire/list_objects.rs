use bytes::Bytes;
use http::{Method, Request, StatusCode, response::Parts};
use oss_checkpoint::{BucketName, ByteCount, ETag, ObjectKey, ServerTime};

use super::{
    Endpoint, LISTING_LIMIT, Operation, headers, refusal, target,
    xml::{self, Node, XmlError, once},
};
use crate::Fault;

/// A page of ListObjectsV2, of up to 1,000 keys.
/// <https://www.alibabacloud.com/help/en/oss/developer-reference/listobjectsv2>
#[derive(Clone, Copy, Debug)]
pub struct ListObjects<'a> {
    /// Where requests go.
    pub endpoint: &'a Endpoint,
    /// The bucket.
    pub bucket: &'a BucketName,
    /// Only keys that begin like this. No key begins with a slash, so neither does this.
    pub prefix: Option<&'a ObjectKey>,
    /// Keys that have this behind the prefix are told by what they begin with; usually `/`.
    pub delimiter: Option<char>,
    /// Where the page begins; `None` for the first one.
    pub after: Option<&'a ContinuationToken>,
}

/// Where a page of ListObjectsV2 begins: opaque.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContinuationToken(String);

/// One page of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectsPage {
    /// In the order of the server.
    pub objects: Vec<ListedObject>,
    /// What keys with the delimiter begin with.
    pub common_prefixes: Vec<String>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<ContinuationToken>,
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// Its key, as the bucket has it: it need not be one that could be created today.
    pub key: String,
    /// Its length.
    pub size: ByteCount,
    /// Its tag.
    pub etag: Option<ETag>,
    /// When it was last written.
    pub last_modified: Option<ServerTime>,
    /// `Standard`, `IA`, ...
    pub storage_class: Option<String>,
}

impl Operation for ListObjects<'_> {
    type Reply = ObjectsPage;

    const NAME: &'static str = "list_objects";
    const ANSWER_LIMIT: usize = LISTING_LIMIT;

    fn bucket(&self) -> Option<&BucketName> {
        Some(self.bucket)
    }

    fn key(&self) -> Option<&ObjectKey> {
        None
    }

    fn request(&self) -> Result<Request<Bytes>, Fault> {
        let delimiter = self.delimiter.map(String::from);
        let query = target::Query::default()
            .pair("list-type", "2")
            .pair("max-keys", "1000")
            .pair("encoding-type", "url")
            .pair_if("prefix", self.prefix.map(ObjectKey::as_str))
            .pair_if("delimiter", delimiter.as_deref())
            .pair_if("continuation-token", self.after.map(|token| token.0.as_str()));
        let uri = target::uri(self.endpoint, Some(self.bucket), None, &query);
        Ok(target::request(Method::GET, uri, Bytes::new()))
    }

    fn reply(&self, head: &Parts, body: &[u8]) -> Result<ObjectsPage, Fault> {
        refusal::require(Self::NAME, head, body, Self::ANSWER_LIMIT, &[StatusCode::OK])?;
        self.page(body).map_err(|error| refusal::corrupted(Self::NAME, head, &error))
    }
}

/// Longest continuation token that is sent back, in bytes; real ones are a key in base64.
const MAX_TOKEN: usize = 8 * 1024;

impl ListObjects<'_> {
    fn page(&self, body: &[u8]) -> Result<ObjectsPage, XmlError> {
        let mut page = ObjectsPage::default();
        let mut draft = Draft::default();
        let (mut encoding, mut truncated, mut token) = (None, None, None);
        xml::read(body, "ListBucketResult", |path, node| {
            match (path, node) {
                ("EncodingType", Node::Close(text)) => once(&mut encoding, "EncodingType", text.to_owned())?,
                ("IsTruncated", Node::Close(text)) => {
                    once(&mut truncated, "IsTruncated", xml::truth("IsTruncated", text)?)?;
                }
                ("NextContinuationToken", Node::Close(text)) => {
                    once(&mut token, "NextContinuationToken", text.to_owned())?;
                }
                ("CommonPrefixes/Prefix", Node::Close(text)) => page.common_prefixes.push(text.to_owned()),
                ("Contents", Node::Open) => draft = Draft::default(),
                ("Contents", Node::Close(_)) => page.objects.push(std::mem::take(&mut draft).finish()?),
                (path, Node::Close(text)) => draft.take(path, text)?,
                (_, Node::Open) => {}
            }
            Ok(())
        })?;
        if encoding.as_deref() == Some("url") {
            for object in &mut page.objects {
                object.key = decoded("Key", &object.key)?;
            }
            for prefix in &mut page.common_prefixes {
                *prefix = decoded("Prefix", prefix)?;
            }
            token = token.map(|token| decoded("NextContinuationToken", &token)).transpose()?;
        }
        if truncated.ok_or(XmlError::Missing("IsTruncated"))? {
            let name = "NextContinuationToken";
            let token = token.filter(|token| !token.is_empty()).ok_or(XmlError::Missing(name))?;
            if token.len() > MAX_TOKEN {
                return Err(xml::invalid(name, &token, "it is too long"));
            }
            if self.after.is_some_and(|after| after.0 == token) {
                return Err(xml::invalid(name, &token, "it stands still"));
            }
            page.next = Some(ContinuationToken(token));
        }
        Ok(page)
    }
}

fn decoded(name: &'static str, text: &str) -> Result<String, XmlError> {
    String::from_utf8(target::decode(text)).map_err(|error| xml::invalid(name, text, error))
}

#[derive(Default)]
struct Draft {
    key: Option<String>,
    size: Option<ByteCount>,
    etag: Option<ETag>,
    last_modified: Option<String>,
    storage_class: Option<String>,
}

impl Draft {
    fn take(&mut self, path: &str, text: &str) -> Result<(), XmlError> {
        match path {
            "Contents/Key" => once(&mut self.key, "Key", text.to_owned()),
            "Contents/Size" => once(&mut self.size, "Size", ByteCount::new(xml::number("Size", text)?)),
            "Contents/ETag" if text.is_empty() => Ok(()),
            "Contents/ETag" => {
                let etag = ETag::new(text.trim()).map_err(|error| xml::invalid("ETag", text, error))?;
                once(&mut self.etag, "ETag", etag)
            }
            "Contents/LastModified" => once(&mut self.last_modified, "LastModified", text.to_owned()),
            "Contents/StorageClass" => once(&mut self.storage_class, "StorageClass", text.to_owned()),
            _ => Ok(()),
        }
    }

    fn finish(self) -> Result<ListedObject, XmlError> {
        Ok(ListedObject {
            key: self.key.ok_or(XmlError::Missing("Key"))?,
            size: self.size.ok_or(XmlError::Missing("Size"))?,
            etag: self.etag,
            last_modified: self.last_modified.as_deref().and_then(headers::xml_time),
            storage_class: self.storage_class,
        })
    }
}
