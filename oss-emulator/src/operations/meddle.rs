//! What rules do to the store behind a client's back, before its request is carried out.

use http::HeaderMap;

use super::complete::complete_all;
use crate::call::{Call, Stop, held};
use crate::faults::Action;
use crate::refusal::Refusal;
use crate::store::{Attributes, Bucket, Kind, ObjectRecord, StoredPart, unique_id};

/// Carries out the actions of this request that change what is stored.
pub(crate) async fn meddle(call: &Call) -> Result<(), Stop> {
    let (key, id, now) = (call.key(), call.upload_id(), call.now.as_millisecond());
    for action in call.mischief.actions.clone() {
        let (key, id) = (key.clone(), id.clone());
        match action {
            Action::ForgetUpload => call.in_bucket(move |bucket| forget(bucket, &key, &id)).await?,
            Action::LosePart { number } => {
                call.in_bucket(move |bucket| lose(bucket, &key, &id, number)).await?;
            }
            Action::CompleteElsewhere => {
                call.in_bucket(move |bucket| complete_all(bucket, &key, &id, now)).await?;
            }
            Action::OverwriteObject { text } => {
                let path = call.server.store.scratch().new_path();
                call.in_bucket(move |bucket| {
                    std::fs::write(&path, &text)?;
                    overwrite(bucket, &key, text.as_bytes(), now, &path)
                })
                .await?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn forget(bucket: &Bucket<'_>, key: &str, id: &str) -> Result<(), Refusal> {
    let guard = held(bucket, bucket.lock()?)?;
    match bucket.upload(key, id)? {
        Some(_) => Ok(bucket.abort(&guard, id)?),
        None => Ok(()),
    }
}

fn lose(bucket: &Bucket<'_>, key: &str, id: &str, number: u16) -> Result<(), Refusal> {
    let guard = held(bucket, bucket.lock()?)?;
    if bucket.upload(key, id)?.is_some() {
        for part in bucket.parts(&guard, id)?.iter().filter(|part| part.number == number) {
            bucket.remove_part(&guard, id, part)?;
        }
    }
    Ok(())
}

fn overwrite(
    bucket: &Bucket<'_>,
    key: &str,
    bytes: &[u8],
    now: i64,
    path: &std::path::Path,
) -> Result<(), Refusal> {
    let mut crc = crc64fast::Digest::new();
    crc.write(bytes);
    let etag = crate::store::md5_hex(bytes);
    let part = StoredPart::of(1, bytes.len() as u64, crc.sum64(), &etag);
    let object = ObjectRecord {
        key: key.to_owned(),
        size: part.size,
        crc64: part.crc64,
        etag,
        modified_ms: now,
        kind: Kind::Normal,
        attributes: Attributes::of(&HeaderMap::new()).unwrap_or_default(),
        blob: unique_id(),
    };
    let guard = held(bucket, bucket.lock()?)?;
    Ok(bucket.put_object(&guard, &object, &part, path)?)
}
