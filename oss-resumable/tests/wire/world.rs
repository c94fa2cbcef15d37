//! One target, one upload, and answers made by hand.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, response::Parts};
use oss_checkpoint::{
    BucketName, ByteCount, Crc64, ETag, ObjectKey, ObjectOptions, PartNumber, PartReceipt, UploadId,
};
use oss_resumable::{
    Fault, UploadsMarker,
    wire::{
        Abort, Complete, DeleteObject, Endpoint, EndpointSettings, GetBucketInfo, GetObject, HeadObject,
        Initiate, ListBuckets, ListObjects, ListParts, ListUploads, Operation, PutBucket, PutObject, Target,
        UploadPart,
    },
};

/// What all recorded exchanges are about.
pub(crate) struct World {
    pub(crate) target: Target,
    pub(crate) upload_id: UploadId,
    pub(crate) plain: ObjectOptions,
    pub(crate) rich: ObjectOptions,
    pub(crate) marker: UploadsMarker,
    pub(crate) receipts: Vec<PartReceipt>,
}

/// All operations, as a recording names them.
pub(crate) const OPERATIONS: [&str; 20] = [
    "abort",
    "complete",
    "complete with options",
    "delete_object",
    "get_bucket_info",
    "get_object",
    "head_object",
    "initiate",
    "initiate with options",
    "list_buckets",
    "list_buckets after abc",
    "list_objects",
    "list_objects of a/ by /",
    "list_parts",
    "list_parts after 5",
    "list_uploads",
    "list_uploads after a marker",
    "put_bucket",
    "put_object with options",
    "upload_part",
];

impl World {
    pub(crate) fn new() -> Self {
        let settings = EndpointSettings { region: Some("cn-hangzhou".into()), ..EndpointSettings::default() };
        let endpoint = Endpoint::resolve(&settings).unwrap();
        let bucket = BucketName::new("demo").unwrap();
        let key = ObjectKey::new("a b//+\u{e9}").unwrap();
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let receipt = |number, etag: &str| PartReceipt {
            number: PartNumber::new(number).unwrap(),
            size: ByteCount::new(102_400),
            crc64: Crc64::EMPTY,
            etag: ETag::new(etag).unwrap(),
        };
        Self {
            marker: UploadsMarker { key: key.clone(), upload_id: Some(UploadId::new("0004B1").unwrap()) },
            target: Target { endpoint, bucket, key },
            upload_id: UploadId::new("0004B9894A22E5B1888A1E29F8236E2D").unwrap(),
            plain: ObjectOptions::default(),
            rich: ObjectOptions {
                content_type: Some("text/plain".into()),
                headers: vec![
                    header("x-oss-meta-Color".to_ascii_lowercase().as_str(), " blue "),
                    header("x-oss-storage-class", "IA"),
                    header("x-oss-callback", "eyJ9"),
                ],
                acl: Some("private".into()),
                forbid_overwrite: true,
            },
            receipts: vec![receipt(1, "\"3349DC700140D7F86A07848427805F2E\""), receipt(2, "a&<b>")],
        }
    }

    /// Request and reply of an operation, the reply as text.
    pub(crate) fn exchange(&self, operation: &str, head: &Parts, body: &[u8]) -> Exchange {
        let (target, upload_id) = (&self.target, &self.upload_id);
        let (endpoint, bucket) = (&target.endpoint, &target.bucket);
        let part = |number| PartNumber::new(number).unwrap();
        let prefix = ObjectKey::new("a/").unwrap();
        let behind = BucketName::new("abc").unwrap();
        let complete = |options| Complete::new(target, upload_id, options, &self.receipts);
        let objects = ListObjects { endpoint, bucket, prefix: None, delimiter: None, after: None };
        match operation {
            "abort" => run(&Abort { target, upload_id }, head, body),
            "complete" => run(&complete(&self.plain), head, body),
            "complete with options" => run(&complete(&self.rich), head, body),
            "get_bucket_info" => run(&GetBucketInfo { endpoint, bucket }, head, body),
            "delete_object" => run(&DeleteObject { target }, head, body),
            "get_object" => run(&GetObject { target }, head, body),
            "head_object" => run(&HeadObject { target }, head, body),
            "initiate" => run(&Initiate { target, options: &self.plain }, head, body),
            "initiate with options" => run(&Initiate { target, options: &self.rich }, head, body),
            "list_buckets" => run(&ListBuckets { endpoint, after: None }, head, body),
            "list_buckets after abc" => run(&ListBuckets { endpoint, after: Some(&behind) }, head, body),
            "list_objects" => run(&objects, head, body),
            "list_objects of a/ by /" => {
                run(&ListObjects { prefix: Some(&prefix), delimiter: Some('/'), ..objects }, head, body)
            }
            "list_parts" => run(&ListParts { target, upload_id, after: None }, head, body),
            "list_parts after 5" => run(&ListParts { target, upload_id, after: Some(part(5)) }, head, body),
            "list_uploads" => run(&ListUploads { target, after: None }, head, body),
            "list_uploads after a marker" => {
                run(&ListUploads { target, after: Some(&self.marker) }, head, body)
            }
            "put_bucket" => run(&PutBucket { endpoint, bucket }, head, body),
            "put_object with options" => run(&PutObject { target, options: &self.rich }, head, body),
            "upload_part" => run(&UploadPart { target, upload_id, number: part(3) }, head, body),
            other => panic!("{other} is no operation"),
        }
    }
}

pub(crate) struct Exchange {
    pub(crate) request: Result<http::Request<Bytes>, Fault>,
    pub(crate) reply: Result<String, Fault>,
}

fn run<O: Operation<Reply: std::fmt::Debug>>(operation: &O, head: &Parts, body: &[u8]) -> Exchange {
    let reply = operation.reply(head, body).map(|reply| format!("{reply:?}"));
    Exchange { request: operation.request(), reply }
}

/// The head of an answer.
pub(crate) fn head(status: u16, headers: &[(&str, &str)]) -> Parts {
    let (mut head, ()) = Response::new(()).into_parts();
    head.status = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        head.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    head
}

/// An error document with this code.
pub(crate) fn error_document(code: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n  <Code>{code}</Code>\n  <Message>said so.</Message>\n  \
         <RequestId>5C3D9175B6FC201293AD1234</RequestId>\n  <HostId>demo.oss-cn-hangzhou.aliyuncs.com</HostId>\n  \
         <EC>0042-00000002</EC>\n</Error>\n"
    )
}
