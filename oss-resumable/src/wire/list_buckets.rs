use bytes::Bytes;
use http::{Method, Request, StatusCode, response::Parts};
use oss_checkpoint::{BucketName, ObjectKey, ServerTime};

use super::{
    AddressingStyle, Endpoint, Operation, headers, refusal, target,
    xml::{self, Node, XmlError, once},
};
use crate::{Fault, FaultClass};

/// A page of ListBuckets (GetService).
/// <https://www.alibabacloud.com/help/en/oss/developer-reference/listbuckets>
#[derive(Clone, Copy, Debug)]
pub struct ListBuckets<'a> {
    /// Where requests go.
    pub endpoint: &'a Endpoint,
    /// Only buckets behind this one.
    pub after: Option<&'a BucketName>,
}

/// One page of buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketsPage {
    /// In the order of the server.
    pub buckets: Vec<ListedBucket>,
    /// Marker of the next page; `None` on the last one.
    pub next: Option<BucketName>,
}

/// A bucket in a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedBucket {
    /// Its name; old ones need not follow today's rule.
    pub name: String,
    /// Where it lies, such as `oss-cn-hangzhou`.
    pub location: Option<String>,
    /// When it was created.
    pub created: Option<ServerTime>,
    /// `Standard`, `IA`, ...
    pub storage_class: Option<String>,
}

impl Operation for ListBuckets<'_> {
    type Reply = BucketsPage;

    const NAME: &'static str = "list_buckets";

    fn bucket(&self) -> Option<&BucketName> {
        None
    }

    fn key(&self) -> Option<&ObjectKey> {
        None
    }

    fn request(&self) -> Result<Request<Bytes>, Fault> {
        if self.endpoint.style() == AddressingStyle::Cname {
            let message = format!("{} is bound to one bucket and does not list others", self.endpoint);
            return Err(Fault::new(FaultClass::Local, message));
        }
        let query = target::Query::default()
            .pair("max-keys", "1000")
            .pair_if("marker", self.after.map(BucketName::as_str));
        Ok(target::request(Method::GET, target::uri(self.endpoint, None, None, &query), Bytes::new()))
    }

    fn reply(&self, head: &Parts, body: &[u8]) -> Result<BucketsPage, Fault> {
        refusal::require(Self::NAME, head, body, Self::ANSWER_LIMIT, &[StatusCode::OK])?;
        self.page(body).map_err(|error| refusal::corrupted(Self::NAME, head, &error))
    }
}

impl ListBuckets<'_> {
    fn page(&self, body: &[u8]) -> Result<BucketsPage, XmlError> {
        let mut page = BucketsPage::default();
        let mut draft = Draft::default();
        let (mut truncated, mut marker) = (None, None);
        xml::read(body, "ListAllMyBucketsResult", |path, node| {
            match (path, node) {
                ("IsTruncated", Node::Close(text)) => {
                    once(&mut truncated, "IsTruncated", xml::truth("IsTruncated", text)?)?;
                }
                ("NextMarker", Node::Close(text)) => once(&mut marker, "NextMarker", text.to_owned())?,
                ("Buckets/Bucket", Node::Open) => draft = Draft::default(),
                ("Buckets/Bucket", Node::Close(_)) => page.buckets.push(std::mem::take(&mut draft).finish()?),
                ("Buckets/Bucket/Name", Node::Close(text)) => once(&mut draft.name, "Name", text.to_owned())?,
                ("Buckets/Bucket/Location", Node::Close(text)) => {
                    once(&mut draft.location, "Location", text.to_owned())?;
                }
                ("Buckets/Bucket/CreationDate", Node::Close(text)) => {
                    once(&mut draft.created, "CreationDate", text.to_owned())?;
                }
                ("Buckets/Bucket/StorageClass", Node::Close(text)) => {
                    once(&mut draft.storage_class, "StorageClass", text.to_owned())?;
                }
                _ => {}
            }
            Ok(())
        })?;
        // Absent where all buckets fit into one answer.
        if truncated == Some(true) {
            let name = "NextMarker";
            let marker = marker.ok_or(XmlError::Missing(name))?;
            let next =
                BucketName::new(marker.as_str()).map_err(|error| xml::invalid(name, &marker, error))?;
            if self.after == Some(&next) {
                return Err(xml::invalid(name, &marker, "it stands still"));
            }
            page.next = Some(next);
        }
        Ok(page)
    }
}

#[derive(Default)]
struct Draft {
    name: Option<String>,
    location: Option<String>,
    created: Option<String>,
    storage_class: Option<String>,
}

impl Draft {
    fn finish(self) -> Result<ListedBucket, XmlError> {
        Ok(ListedBucket {
            name: self.name.ok_or(XmlError::Missing("Name"))?,
            location: self.location,
            created: self.created.as_deref().and_then(headers::xml_time),
            storage_class: self.storage_class,
        })
    }
}
