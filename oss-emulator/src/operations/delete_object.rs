//! `DeleteObject`. <https://www.alibabacloud.com/help/doc-detail/31982.htm>

use http::StatusCode;

use crate::call::{Call, Stop, held};
use crate::reply::Reply;

/// Also a success when there is no such object.
pub(super) async fn run(call: &mut Call) -> Result<Reply, Stop> {
    let key = call.key();
    call.in_bucket(move |bucket| {
        let guard = held(bucket, bucket.lock()?)?;
        Ok(bucket.delete_object(&guard, &key)?)
    })
    .await?;
    call.entry.applied = true;
    Ok(Reply::new(StatusCode::NO_CONTENT))
}
