//! `oss stat`: what the service says of an object.

use oss_checkpoint::{BucketName, ByteCount, ObjectKey};
use oss_resumable::{
    Fault,
    wire::{StatObject, Target},
};
use serde_json::json;

use super::{ls::time, single};
use crate::{
    exit::ExitStatus,
    failure::Failure,
    settings::{Global, Service},
};

/// One line with size, CRC-64, tag and time.
///
/// # Errors
/// When there is no such object, the service cannot be asked or refuses, or the result cannot be written.
pub(crate) fn run(
    service: &Service,
    bucket: &BucketName,
    key: &ObjectKey,
    global: Global,
) -> Result<ExitStatus, Failure> {
    let object = single::run(service, Some(bucket), global.deadline, async |client| {
        let target = Target { endpoint: client.endpoint().clone(), bucket: bucket.clone(), key: key.clone() };
        client.ask(&StatObject { target: &target }).await.map_err(|fault| {
            match fault.refusal.as_deref().map(|refusal| refusal.code.as_str()) {
                Some("NoSuchKey") => {
                    Fault { message: format!("there is no object oss://{bucket}/{key}").into(), ..fault }
                }
                _ => fault,
            }
        })
    })?;
    let modified = object.last_modified.map(time);
    global.output.result(
        || {
            let mut line = format!("oss://{bucket}/{key}:");
            if let Some(size) = object.size {
                let exact = size.get();
                line = if exact < 1024 {
                    format!("{line} {size}")
                } else {
                    format!("{line} {size} ({exact} bytes)")
                };
            }
            let mut say = |name: &str, value: Option<String>| {
                if let Some(value) = value {
                    line = format!("{line}, {name} {value}");
                }
            };
            say("CRC-64", object.crc64.map(|crc64| crc64.to_string()));
            say("ETag", object.etag.as_ref().map(ToString::to_string));
            say("modified", modified.clone());
            say("version", object.version_id.clone());
            line
        },
        || {
            json!({
                "v": 1,
                "bucket": bucket.as_str(),
                "key": key.as_str(),
                "size": object.size.map(ByteCount::get),
                "crc64": object.crc64.map(|crc64| crc64.to_string()),
                "etag": object.etag.as_ref().map(ToString::to_string),
                "last_modified": modified,
                "version_id": object.version_id,
            })
        },
    )?;
    Ok(ExitStatus::Done)
}
