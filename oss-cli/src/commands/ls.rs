//! `oss ls`: the buckets of an account, or the objects of a bucket.

use jiff::Timestamp;
use oss_checkpoint::{BucketName, ObjectKey, ServerTime};
use oss_resumable::wire::{ListBuckets, ListObjects, ListedBucket, ListedObject};
use serde_json::json;

use super::single;
use crate::{
    exit::ExitStatus,
    failure::Failure,
    output::Output,
    settings::{Global, Service},
};

/// One line for each bucket.
///
/// # Errors
/// When the service cannot be asked or refuses, or the list cannot be written.
pub(crate) fn buckets(service: &Service, global: Global) -> Result<ExitStatus, Failure> {
    single::run(service, None, global.deadline, async |client| {
        let mut after = None;
        loop {
            let page =
                client.ask(&ListBuckets { endpoint: client.endpoint(), after: after.as_ref() }).await?;
            let told = page.buckets.iter().try_for_each(|bucket| tell_bucket(bucket, global.output));
            after = page.next;
            if after.is_none() || told.is_err() {
                return Ok(told);
            }
        }
    })??;
    Ok(ExitStatus::Done)
}

/// One line for each object whose key begins with `prefix`.
///
/// # Errors
/// When the prefix can begin no key, the service cannot be asked or refuses, or the list cannot be written.
pub(crate) fn objects(
    service: &Service,
    bucket: &BucketName,
    prefix: &str,
    global: Global,
) -> Result<ExitStatus, Failure> {
    let prefix = if prefix.is_empty() { None } else { Some(ObjectKey::new(prefix)?) };
    single::run(service, Some(bucket), global.deadline, async |client| {
        let mut after = None;
        loop {
            let list = ListObjects {
                endpoint: client.endpoint(),
                bucket,
                prefix: prefix.as_ref(),
                delimiter: None,
                after: after.as_ref(),
            };
            let page = client.ask(&list).await?;
            let told = page.objects.iter().try_for_each(|object| tell_object(bucket, object, global.output));
            after = page.next;
            if after.is_none() || told.is_err() {
                return Ok(told);
            }
        }
    })??;
    Ok(ExitStatus::Done)
}

fn tell_bucket(bucket: &ListedBucket, output: Output) -> Result<(), Failure> {
    let created = bucket.created.map(time);
    output.result(
        || {
            let (created, location) =
                (created.as_deref().unwrap_or("-"), bucket.location.as_deref().unwrap_or("-"));
            format!("{created:20}  {location:24}  oss://{}", bucket.name)
        },
        || {
            json!({
                "v": 1,
                "bucket": bucket.name,
                "location": bucket.location,
                "created": created,
                "storage_class": bucket.storage_class,
            })
        },
    )
}

fn tell_object(bucket: &BucketName, object: &ListedObject, output: Output) -> Result<(), Failure> {
    let modified = object.last_modified.map(time);
    output.result(
        || {
            let (modified, class) =
                (modified.as_deref().unwrap_or("-"), object.storage_class.as_deref().unwrap_or("-"));
            format!("{modified:20}  {:>15}  {class:12}  oss://{bucket}/{}", object.size.get(), object.key)
        },
        || {
            json!({
                "v": 1,
                "bucket": bucket.as_str(),
                "key": object.key,
                "size": object.size.get(),
                "etag": object.etag.as_ref().map(ToString::to_string),
                "last_modified": modified,
                "storage_class": object.storage_class,
            })
        },
    )
}

/// RFC 3339, UTC.
pub(super) fn time(at: ServerTime) -> String {
    Timestamp::from_second(at.unix()).map_or_else(|_| at.unix().to_string(), |at| at.to_string())
}
