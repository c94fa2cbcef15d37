use bytes::Bytes;
use http::{Method, Request, StatusCode, response::Parts};
use oss_checkpoint::{BucketName, ObjectKey, ServerTime};

use super::{
    Endpoint, Operation, headers, refusal, target,
    xml::{self, Node, XmlError, once},
};
use crate::Fault;

/// GetBucketInfo.
/// <https://www.alibabacloud.com/help/en/oss/developer-reference/getbucketinfo>
#[derive(Clone, Copy, Debug)]
pub struct GetBucketInfo<'a> {
    /// Where requests go.
    pub endpoint: &'a Endpoint,
    /// The bucket.
    pub bucket: &'a BucketName,
}

/// What the service says of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketInfo {
    /// Its name.
    pub name: String,
    /// Where it lies, such as `oss-cn-hangzhou`.
    pub location: Option<String>,
    /// When it was created.
    pub created: Option<ServerTime>,
    /// Its endpoint for everybody.
    pub extranet_endpoint: Option<String>,
    /// Its endpoint inside Alibaba Cloud.
    pub intranet_endpoint: Option<String>,
    /// `Standard`, `IA`, ...
    pub storage_class: Option<String>,
    /// `Enabled` or `Suspended`; absent where versions were never kept.
    pub versioning: Option<String>,
}

impl Operation for GetBucketInfo<'_> {
    type Reply = BucketInfo;

    const NAME: &'static str = "get_bucket_info";

    fn bucket(&self) -> Option<&BucketName> {
        Some(self.bucket)
    }

    fn key(&self) -> Option<&ObjectKey> {
        None
    }

    fn request(&self) -> Result<Request<Bytes>, Fault> {
        let query = target::Query::default().flag("bucketInfo");
        let uri = target::uri(self.endpoint, Some(self.bucket), None, &query);
        Ok(target::request(Method::GET, uri, Bytes::new()))
    }

    fn reply(&self, head: &Parts, body: &[u8]) -> Result<BucketInfo, Fault> {
        refusal::require(Self::NAME, head, body, Self::ANSWER_LIMIT, &[StatusCode::OK])?;
        info(body).map_err(|error| refusal::corrupted(Self::NAME, head, &error))
    }
}

fn info(body: &[u8]) -> Result<BucketInfo, XmlError> {
    let names = [
        "Name",
        "Location",
        "CreationDate",
        "ExtranetEndpoint",
        "IntranetEndpoint",
        "StorageClass",
        "Versioning",
    ];
    let mut fields: [Option<String>; 7] = [const { None }; 7];
    xml::read(body, "BucketInfo", |path, node| {
        if let (Some(name), Node::Close(text)) = (path.strip_prefix("Bucket/"), node)
            && let Some(index) = names.iter().position(|known| *known == name)
        {
            once(&mut fields[index], names[index], text.to_owned())?;
        }
        Ok(())
    })?;
    let [name, location, created, extranet_endpoint, intranet_endpoint, storage_class, versioning] = fields;
    Ok(BucketInfo {
        name: name.ok_or(XmlError::Missing("Name"))?,
        location,
        created: created.as_deref().and_then(headers::xml_time),
        extranet_endpoint,
        intranet_endpoint,
        storage_class,
        versioning,
    })
}
