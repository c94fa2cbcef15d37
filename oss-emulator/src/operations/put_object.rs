//! `PutObject`. <https://www.alibabacloud.com/help/doc-detail/31978.htm>

use std::fs::File;

use crate::call::{Call, Stop, held};
use crate::incoming::{check_length, receive_data};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::store::{Attributes, Kind, ObjectRecord, StoredPart, unique_id};

pub(super) async fn run(call: &mut Call) -> Result<Reply, Stop> {
    check_length(call)?;
    let attributes = attributes(call)?;
    let forbidden = call.says_true("x-oss-forbid-overwrite");
    let key = call.key();
    // Refused before the body is read, and looked at again when it has been.
    let early = key.clone();
    call.in_bucket(move |bucket| refuse_overwrite(forbidden && bucket.object(&early)?.is_some())).await?;

    let path = call.server.store.scratch().new_path();
    let file = File::create_new(&path).map_err(Refusal::from)?;
    let sink = (!call.server.settings.discard).then_some(&file);
    let received = receive_data(call, sink).await;
    drop(file);
    let received = match received {
        Ok(received) => received,
        Err(stop) => {
            let _ = std::fs::remove_file(&path);
            return Err(stop);
        }
    };
    call.must_act()?;

    let now = call.now;
    let part = StoredPart::of(1, received.size, received.crc64, &received.etag);
    let object = ObjectRecord {
        key,
        size: received.size,
        crc64: received.crc64,
        etag: received.etag.clone(),
        modified_ms: now.as_millisecond(),
        kind: Kind::Normal,
        attributes,
        blob: unique_id(),
    };
    call.in_bucket(move |bucket| {
        let guard = held(bucket, bucket.lock()?)?;
        refuse_overwrite(forbidden && bucket.object(&object.key)?.is_some())?;
        Ok(bucket.put_object(&guard, &object, &part, &path)?)
    })
    .await?;
    call.entry.applied = true;
    let reply = Reply::ok().etag(&received.etag).crc64(received.crc64);
    Ok(match &received.content_md5 {
        Some(md5) => reply.header("content-md5", md5),
        None => reply,
    })
}

fn refuse_overwrite(overwrites: bool) -> Result<(), Refusal> {
    if overwrites { Err(Refusal::file_already_exists("0026-00000002")) } else { Ok(()) }
}

/// What the headers say of the object.
pub(super) fn attributes(call: &Call) -> Result<Attributes, Refusal> {
    let message = "The user metadata is larger than 8 KB.";
    let too_large = || Refusal::new(400, "InvalidArgument", "0017-00000224", message);
    let attributes = Attributes::of(&call.parts.headers).ok_or_else(too_large)?;
    if let Some(algorithm) = call.header("x-oss-server-side-encryption")
        && !["AES256", "KMS", "SM4"].contains(&algorithm)
    {
        let message = "The encryption request you specified is not valid.";
        return Err(Refusal::new(400, "InvalidEncryptionAlgorithmError", "0017-00000225", message));
    }
    Ok(attributes)
}
