//! `ListParts`. <https://www.alibabacloud.com/help/doc-detail/31998.htm>

use crate::call::{Call, Stop, held};
use crate::clock::xml_date;
use crate::faults::{Action, Change};
use crate::listing::{Encoding, limit};
use crate::refusal::Refusal;
use crate::reply::{Reply, quoted};
use crate::store::StoredPart;
use crate::xml::Writer;

pub(super) async fn run(call: &mut Call) -> Result<Reply, Stop> {
    let encoding = Encoding::of(&call.query)?;
    let max_parts = limit(&call.query, "max-parts", 1000)?;
    let marker = part_number_marker(call)?;
    let (key, id) = (call.key(), call.upload_id());
    let (asked_key, asked_id) = (key.clone(), id.clone());
    let (upload, mut parts) = call
        .in_bucket(move |bucket| {
            let guard = held(bucket, bucket.lock_shared()?)?;
            let upload = bucket.upload(&asked_key, &asked_id)?;
            let upload = upload.ok_or_else(|| Refusal::no_such_upload("0042-00000002", &asked_id))?;
            let parts = bucket.parts(&guard, &asked_id)?;
            Ok((upload, parts))
        })
        .await?;
    parts.retain(|part| u64::from(part.number) > marker && !is_omitted(call, part));
    let truncated = parts.len() > max_parts;
    parts.truncate(max_parts);

    let mut xml = Writer::document("ListPartsResult");
    encoding.announce(&mut xml);
    xml.text("Bucket", &call.bucket_name())
        .text("Key", &encoding.encode(&key))
        .text("UploadId", &id)
        .text("StorageClass", upload.attributes.storage_class())
        .value("PartNumberMarker", marker)
        .value("NextPartNumberMarker", parts.last().map_or(marker, |part| u64::from(part.number)))
        .value("MaxParts", max_parts)
        .value("IsTruncated", truncated);
    for part in &parts {
        write_part(&mut xml, call, part);
    }
    Ok(Reply::xml(xml.finish()))
}

fn write_part(xml: &mut Writer, call: &Call, part: &StoredPart) {
    let altered = |change: Change| {
        let is_it = |action: &Action| matches!(action, Action::AlterPart { number, change: c } if *number == part.number && *c == change);
        call.mischief.actions.iter().any(is_it)
    };
    let wrong_crc = altered(Change::Crc) || call.mischief.actions.contains(&Action::CorruptCrc);
    let etag = if altered(Change::Etag) { "0".repeat(32) } else { part.etag.clone() };
    xml.open("Part")
        .value("PartNumber", part.number)
        .text("LastModified", &xml_date(part.modified()))
        .text("ETag", &quoted(&etag));
    if !altered(Change::WithoutCrc) {
        xml.value("HashCrc64ecma", if wrong_crc { !part.crc64 } else { part.crc64 });
    }
    xml.value("Size", if altered(Change::Size) { part.size + 1 } else { part.size }).close();
}

fn is_omitted(call: &Call, part: &StoredPart) -> bool {
    call.mischief.actions.contains(&Action::OmitPart { number: part.number })
}

fn part_number_marker(call: &Call) -> Result<u64, Refusal> {
    let Some(text) = call.query.text("part-number-marker") else { return Ok(0) };
    text.parse().map_err(|_| {
        let message = "Argument part-number-marker must be a number.";
        Refusal::invalid_argument("0017-00000226", "part-number-marker", text, message)
    })
}
