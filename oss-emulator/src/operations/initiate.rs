//! `InitiateMultipartUpload`. <https://www.alibabacloud.com/help/doc-detail/31992.htm>

use super::put_object::attributes;
use crate::call::{Call, Stop, held};
use crate::incoming::receive_xml;
use crate::listing::Encoding;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::store::{UploadRecord, unique_id};
use crate::xml::Writer;

pub(super) async fn run(call: &mut Call) -> Result<Reply, Stop> {
    let encoding = Encoding::of(&call.query)?;
    let forbidden = call.says_true("x-oss-forbid-overwrite");
    let attributes = attributes(call)?;
    receive_xml(call).await?;
    call.must_act()?;
    let key = call.key();
    let id = unique_id();
    let upload = UploadRecord {
        key: key.clone(),
        id: id.clone(),
        initiated_ms: call.now.as_millisecond(),
        attributes,
    };
    call.in_bucket(move |bucket| {
        let guard = held(bucket, bucket.lock()?)?;
        if forbidden && bucket.object(&upload.key)?.is_some() {
            return Err(Refusal::file_already_exists("0026-00000002"));
        }
        Ok(bucket.initiate(&guard, &upload)?)
    })
    .await?;
    call.entry.applied = true;
    call.entry.upload_id = Some(id.clone());
    let mut xml = Writer::document("InitiateMultipartUploadResult");
    encoding.announce(&mut xml);
    xml.text("Bucket", &call.bucket_name()).text("Key", &encoding.encode(&key)).text("UploadId", &id);
    Ok(Reply::xml(xml.finish()))
}
