//! `UploadPart`. <https://www.alibabacloud.com/help/doc-detail/31993.htm>

use std::fs::File;

use crate::call::{Call, Stop, held};
use crate::incoming::{check_length, receive_data};
use crate::query::Query;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::store::{Bucket, StoredPart};

/// <https://www.alibabacloud.com/help/doc-detail/31850.htm>
const MAX_PART_NUMBER: u16 = 10_000;

pub(super) async fn run(call: &mut Call) -> Result<Reply, Stop> {
    let number = part_number(&call.query)?;
    if call.content_length().is_none() {
        let message = "You must provide the Content-Length HTTP header.";
        return Err(Refusal::new(411, "MissingContentLength", "0017-00000411", message).into());
    }
    check_length(call)?;
    let (key, id) = (call.key(), call.upload_id());
    let (early_key, early_id) = (key.clone(), id.clone());
    call.in_bucket(move |bucket| must_exist(bucket, &early_key, &early_id)).await?;

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

    let part = StoredPart::of(number, received.size, received.crc64, &received.etag);
    call.in_bucket(move |bucket| {
        let guard = held(bucket, bucket.lock_shared()?)?;
        let stored =
            must_exist(bucket, &key, &id).and_then(|()| Ok(bucket.add_part(&guard, &id, &part, &path)?));
        if stored.is_err() {
            let _ = std::fs::remove_file(&path);
        }
        stored
    })
    .await?;
    call.entry.applied = true;
    let reply = Reply::ok().etag(&received.etag).crc64(received.crc64);
    Ok(match &received.content_md5 {
        Some(md5) => reply.header("content-md5", md5),
        None => reply,
    })
}

fn must_exist(bucket: &Bucket<'_>, key: &str, id: &str) -> Result<(), Refusal> {
    match bucket.upload(key, id)? {
        Some(_) => Ok(()),
        None => Err(Refusal::no_such_upload("0042-00000104", id)),
    }
}

fn part_number(query: &Query) -> Result<u16, Refusal> {
    let Some(text) = query.get("partNumber") else {
        let message = "The partNumber is missing.";
        return Err(Refusal::invalid_argument("0017-00000219", "PartNumber", "", message));
    };
    if !query.has("uploadId") {
        let message = "The uploadId is missing.";
        return Err(Refusal::invalid_argument("0017-00000218", "UploadId", "", message));
    }
    let number = text.parse().ok().filter(|number| (1..=MAX_PART_NUMBER).contains(number));
    number.ok_or_else(|| {
        let message = "Part number must be an integer between 1 and 10000, inclusive.";
        Refusal::invalid_argument("0017-00000220", "PartNumber", text, message)
    })
}
