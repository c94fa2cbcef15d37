//! The operations, one a file.

mod abort;
mod bucket;
mod complete;
mod complete_body;
mod conditions;
mod delete_object;
mod initiate;
mod list_buckets;
mod list_objects;
mod list_parts;
mod list_uploads;
mod meddle;
mod put_object;
mod range;
mod read_object;
mod upload_part;

use crate::call::{Call, Stop};
use crate::reply::Reply;
use crate::route::Operation;

pub(crate) use complete_body::parse as named_parts;
pub(crate) use meddle::meddle;

/// Carries out the operation of a call.
pub(crate) async fn run(operation: Operation, call: &mut Call) -> Result<Reply, Stop> {
    match operation {
        Operation::ListBuckets => list_buckets::run(call).await,
        Operation::PutBucket => bucket::put(call).await,
        Operation::DeleteBucket => bucket::delete(call).await,
        Operation::GetBucketInfo => bucket::info(call).await,
        Operation::GetBucketLocation => bucket::location(call).await,
        Operation::GetBucketAcl => bucket::acl(call).await,
        Operation::ListObjects => list_objects::run(call).await,
        Operation::ListObjectsV2 => list_objects::run_v2(call).await,
        Operation::ListMultipartUploads => list_uploads::run(call).await,
        Operation::PutObject => put_object::run(call).await,
        Operation::HeadObject => read_object::head(call).await,
        Operation::GetObjectMeta => read_object::meta(call).await,
        Operation::GetObject => read_object::get(call).await,
        Operation::DeleteObject => delete_object::run(call).await,
        Operation::Initiate => initiate::run(call).await,
        Operation::UploadPart => upload_part::run(call).await,
        Operation::ListParts => list_parts::run(call).await,
        Operation::Complete => complete::run(call).await,
        Operation::Abort => abort::run(call).await,
    }
}
