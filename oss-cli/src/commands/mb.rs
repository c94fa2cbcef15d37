//! `oss mb`: a bucket is made.

use oss_checkpoint::BucketName;
use oss_resumable::wire::PutBucket;
use serde_json::json;

use super::single;
use crate::{
    exit::ExitStatus,
    failure::Failure,
    settings::{Global, Service},
};

/// Makes the bucket where the endpoint is.
///
/// # Errors
/// When the service cannot be asked or refuses.
pub(crate) fn run(service: &Service, bucket: &BucketName, global: Global) -> Result<ExitStatus, Failure> {
    let region = single::run(service, Some(bucket), global.deadline, async |client| {
        client.ask(&PutBucket { endpoint: client.endpoint(), bucket }).await?;
        Ok(client.endpoint().region().to_owned())
    })?;
    global.output.done(
        || format!("oss://{bucket} is there, in {region}"),
        || json!({ "v": 1, "bucket": bucket.as_str(), "region": region }),
    );
    Ok(ExitStatus::Done)
}
