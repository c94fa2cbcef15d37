//! Which operation a request asks for.

use http::Method;
use http::request::Parts;

use crate::address::Address;
use crate::query::Query;
use crate::refusal::Refusal;

/// The operations of this server. [`Operation::name`] is what the fault script and the request log call them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    ListBuckets,
    PutBucket,
    DeleteBucket,
    GetBucketInfo,
    GetBucketLocation,
    GetBucketAcl,
    ListObjects,
    ListObjectsV2,
    ListMultipartUploads,
    PutObject,
    HeadObject,
    GetObjectMeta,
    GetObject,
    DeleteObject,
    Initiate,
    UploadPart,
    ListParts,
    Complete,
    Abort,
}

impl Operation {
    pub(crate) const ALL: [Self; 19] = [
        Self::ListBuckets,
        Self::PutBucket,
        Self::DeleteBucket,
        Self::GetBucketInfo,
        Self::GetBucketLocation,
        Self::GetBucketAcl,
        Self::ListObjects,
        Self::ListObjectsV2,
        Self::ListMultipartUploads,
        Self::PutObject,
        Self::HeadObject,
        Self::GetObjectMeta,
        Self::GetObject,
        Self::DeleteObject,
        Self::Initiate,
        Self::UploadPart,
        Self::ListParts,
        Self::Complete,
        Self::Abort,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ListBuckets => "list_buckets",
            Self::PutBucket => "put_bucket",
            Self::DeleteBucket => "delete_bucket",
            Self::GetBucketInfo => "get_bucket_info",
            Self::GetBucketLocation => "get_bucket_location",
            Self::GetBucketAcl => "get_bucket_acl",
            Self::ListObjects => "list_objects",
            Self::ListObjectsV2 => "list_objects_v2",
            Self::ListMultipartUploads => "list_uploads",
            Self::PutObject => "put_object",
            Self::HeadObject => "head_object",
            Self::GetObjectMeta => "get_object_meta",
            Self::GetObject => "get_object",
            Self::DeleteObject => "delete_object",
            Self::Initiate => "initiate",
            Self::UploadPart => "upload_part",
            Self::ListParts => "list_parts",
            Self::Complete => "complete",
            Self::Abort => "abort",
        }
    }

    /// Whether it receives the body of its request itself.
    pub(crate) fn takes_a_body(self) -> bool {
        matches!(self, Self::PutBucket | Self::PutObject | Self::Initiate | Self::UploadPart | Self::Complete)
    }

    /// # Errors
    /// `NotImplemented` for the parts of OSS that are not here, `MethodNotAllowed` for what OSS does not have.
    pub(crate) fn of(parts: &Parts, address: &Address, query: &Query) -> Result<Self, Refusal> {
        if let Some(name) = query.names().find(|name| ELSEWHERE.contains(name)) {
            return Err(Refusal::not_implemented(name));
        }
        let operation = match (&address.bucket, &address.key) {
            (None, _) => of_service(&parts.method),
            (Some(_), None) => of_bucket(&parts.method, query),
            (Some(_), Some(_)) => of_object(parts, query)?,
        };
        operation.ok_or_else(|| {
            let message = "The specified method is not allowed against this resource.";
            Refusal::new(405, "MethodNotAllowed", "0003-00000405", message)
                .with("Method", parts.method.as_str())
        })
    }
}

/// Sub-resources of OSS that this server does not have. Any other unknown parameter is accepted, as OSS does.
const ELSEWHERE: [&str; 28] = [
    "append",
    "callback",
    "comp",
    "cors",
    "cname",
    "delete",
    "encryption",
    "img",
    "inventory",
    "lifecycle",
    "live",
    "logging",
    "policy",
    "qos",
    "referer",
    "replication",
    "requestPayment",
    "resourceGroup",
    "restore",
    "stat",
    "status",
    "style",
    "symlink",
    "tagging",
    "versioning",
    "versions",
    "website",
    "worm",
];

fn of_service(method: &Method) -> Option<Operation> {
    (method == Method::GET).then_some(Operation::ListBuckets)
}

fn of_bucket(method: &Method, query: &Query) -> Option<Operation> {
    Some(match *method {
        Method::PUT if query.has("acl") => return None,
        Method::PUT => Operation::PutBucket,
        Method::DELETE => Operation::DeleteBucket,
        Method::GET if query.has("bucketInfo") => Operation::GetBucketInfo,
        Method::GET if query.has("location") => Operation::GetBucketLocation,
        Method::GET if query.has("acl") => Operation::GetBucketAcl,
        Method::GET if query.has("uploads") => Operation::ListMultipartUploads,
        Method::GET if query.get("list-type") == Some("2") => Operation::ListObjectsV2,
        Method::GET => Operation::ListObjects,
        _ => return None,
    })
}

fn of_object(parts: &Parts, query: &Query) -> Result<Option<Operation>, Refusal> {
    let method = &parts.method;
    if method == Method::PUT && parts.headers.contains_key("x-oss-copy-source") {
        return Err(Refusal::not_implemented("x-oss-copy-source"));
    }
    Ok(Some(match *method {
        _ if query.has("acl") => return Err(Refusal::not_implemented("acl of an object")),
        Method::PUT if query.has("uploadId") || query.has("partNumber") => Operation::UploadPart,
        Method::PUT => Operation::PutObject,
        Method::POST if query.has("uploads") => Operation::Initiate,
        Method::POST if query.has("uploadId") => Operation::Complete,
        Method::DELETE if query.has("uploadId") => Operation::Abort,
        Method::DELETE => Operation::DeleteObject,
        Method::GET if query.has("uploadId") => Operation::ListParts,
        Method::GET | Method::HEAD if query.has("objectMeta") => Operation::GetObjectMeta,
        Method::GET => Operation::GetObject,
        Method::HEAD => Operation::HeadObject,
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_is_one_operation() {
        let cases = [
            ("GET", "/", "list_buckets"),
            ("PUT", "/demo", "put_bucket"),
            ("GET", "/demo/?bucketInfo", "get_bucket_info"),
            ("GET", "/demo/?uploads&prefix=k", "list_uploads"),
            ("GET", "/demo/?list-type=2", "list_objects_v2"),
            ("GET", "/demo/?marker=x", "list_objects"),
            ("PUT", "/demo/k", "put_object"),
            ("PUT", "/demo/k?partNumber=1&uploadId=U", "upload_part"),
            ("POST", "/demo/k?uploads=", "initiate"),
            ("POST", "/demo/k?uploadId=U", "complete"),
            ("DELETE", "/demo/k?uploadId=U", "abort"),
            ("GET", "/demo/k?uploadId=U", "list_parts"),
            ("HEAD", "/demo/k?objectMeta", "get_object_meta"),
            ("HEAD", "/demo/k?x-unknown=1", "head_object"),
            ("POST", "/demo/k?append&position=0", "NotImplemented"),
            ("POST", "/demo/k", "MethodNotAllowed"),
            ("PATCH", "/demo", "MethodNotAllowed"),
        ];
        for (method, uri, expected) in cases {
            let request = http::Request::builder()
                .method(method)
                .uri(uri)
                .header("host", "localhost")
                .body(())
                .unwrap();
            let (parts, ()) = request.into_parts();
            let address = Address::of(&parts, &crate::Settings::new("unused")).unwrap();
            let found = Operation::of(&parts, &address, &Query::parse(parts.uri.query()));
            assert_eq!(
                found.map_or_else(|refusal| refusal.code.clone(), |found| found.name().to_owned()),
                expected,
                "{uri}"
            );
        }
    }
}
