//! OSS as HTTP, pure: every operation is a value that makes its request and reads its reply.
//!
//! ```text
//!   settings ── Endpoint::resolve ── Target ── UploadPart { target, upload_id, number }
//!                                                 │ request()                 ▲ reply(head, body)
//!                                                 ▼                           │
//!                                   signed and sent by somebody else ── what came back, or a Fault
//! ```
//!
//! No signing, no transport, no clock. Requests are unsigned and carry only headers that OSS knows; the transport adds
//! `Host` and `Content-Length`. Replies are read strictly: what cannot be the answer to that operation is
//! [`crate::FaultClass::Corrupted`], and a refusal by the service becomes a class by its code, in one table.

use bytes::Bytes;
use http::{Request, response::Parts};
use oss_checkpoint::{BucketName, ObjectKey};

use crate::Fault;

mod endpoint;
mod target;

mod headers;
mod options;
mod refusal;
mod stored;
mod xml;

mod abort;
mod complete;
mod delete_object;
mod get_bucket_info;
mod get_object;
mod head_object;
mod initiate;
mod list_buckets;
mod list_objects;
mod list_parts;
mod list_uploads;
mod put_bucket;
mod put_object;
mod upload_part;

pub use abort::Abort;
pub use complete::{Complete, PartList};
pub use delete_object::DeleteObject;
pub use endpoint::{AddressingStyle, Endpoint, EndpointError, EndpointSettings, Product};
pub use get_bucket_info::{BucketInfo, GetBucketInfo};
pub use get_object::GetObject;
pub use head_object::{HeadObject, StatObject};
pub use headers::request_id;
pub use initiate::{Initiate, Initiated};
pub use list_buckets::{BucketsPage, ListBuckets, ListedBucket};
pub use list_objects::{ContinuationToken, ListObjects, ListedObject, ObjectsPage};
pub use list_parts::ListParts;
pub use list_uploads::ListUploads;
pub use put_bucket::PutBucket;
pub use put_object::PutObject;
pub use refusal::{fault, server_time};
pub use stored::Stored;
pub use target::Target;
pub use upload_part::{PartStored, UploadPart};

/// Most bytes that the body of most answers may have.
pub const ANSWER_LIMIT: usize = 1024 * 1024;

/// Most bytes of an answer to ListParts: 1,000 parts take about 250 KB, other writers' white space included.
pub const LISTING_LIMIT: usize = 4 * 1024 * 1024;

/// One operation of OSS with all that it needs.
pub trait Operation {
    /// What comes back.
    type Reply;

    /// As messages name it.
    const NAME: &'static str;

    /// Most bytes that the body of its answer may have; for the transport, and checked again by [`Self::reply`].
    const ANSWER_LIMIT: usize = ANSWER_LIMIT;

    /// The bucket that the signature is for; `None` for the service itself.
    fn bucket(&self) -> Option<&BucketName>;

    /// The object that the signature is for; `None` for the bucket itself.
    fn key(&self) -> Option<&ObjectKey>;

    /// The request, unsigned, with an absolute address. The body is all of it, but for UploadPart and PutObject, whose
    /// data the caller puts in place of the empty one.
    ///
    /// # Errors
    /// [`crate::FaultClass::Local`] if what the user wants cannot be said in a request.
    fn request(&self) -> Result<Request<Bytes>, Fault>;

    /// Reads the answer.
    ///
    /// # Errors
    /// A [`Fault`] of the class that says what to do about it.
    fn reply(&self, head: &Parts, body: &[u8]) -> Result<Self::Reply, Fault>;
}
