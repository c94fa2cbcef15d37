//! `AbortMultipartUpload`. <https://www.alibabacloud.com/help/doc-detail/31996.htm>

use http::StatusCode;

use crate::call::{Call, Stop, held};
use crate::refusal::Refusal;
use crate::reply::Reply;

pub(super) async fn run(call: &mut Call) -> Result<Reply, Stop> {
    let (key, id) = (call.key(), call.upload_id());
    call.in_bucket(move |bucket| {
        let guard = held(bucket, bucket.lock()?)?;
        if bucket.upload(&key, &id)?.is_none() {
            return Err(Refusal::no_such_upload("0042-00000002", &id));
        }
        Ok(bucket.abort(&guard, &id)?)
    })
    .await?;
    call.entry.applied = true;
    Ok(Reply::new(StatusCode::NO_CONTENT))
}
