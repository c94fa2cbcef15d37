//! `ListMultipartUploads`. <https://www.alibabacloud.com/help/doc-detail/31997.htm>

use crate::call::{Call, Stop};
use crate::clock::xml_date;
use crate::listing::{Encoding, Last, Wanted, limit, page};
use crate::reply::Reply;
use crate::store::{UploadRecord, from_milliseconds};
use crate::xml::Writer;

pub(super) async fn run(call: &mut Call) -> Result<Reply, Stop> {
    let encoding = Encoding::of(&call.query)?;
    let text = |name: &str| call.query.get(name).unwrap_or_default();
    let (key_marker, id_marker) = (text("key-marker"), text("upload-id-marker"));
    let wanted = Wanted {
        prefix: text("prefix"),
        delimiter: call.query.text("delimiter"),
        limit: limit(&call.query, "max-uploads", 1000)?,
    };
    let uploads = call.in_bucket(|bucket| Ok(bucket.uploads()?)).await?;
    // Without an id marker every upload of the marked key has been seen; with one, those of later ids have not. An id marker
    // without a key marker means nothing.
    let is_past = |name: &str, upload: Option<&&UploadRecord>| {
        let later_id = upload.is_some_and(|upload| !id_marker.is_empty() && upload.id.as_str() > id_marker);
        name > key_marker || (name == key_marker && later_id)
    };
    let page = page(uploads.iter(), |upload| &upload.key, &wanted, is_past);

    let mut xml = Writer::document("ListMultipartUploadsResult");
    encoding.announce(&mut xml);
    let (next_key, next_id) = match page.last.as_ref().filter(|_| page.truncated) {
        Some(Last::Item(upload)) => (upload.key.as_str(), upload.id.as_str()),
        Some(Last::CommonPrefix(prefix)) => (prefix.as_str(), ""),
        None => ("", ""),
    };
    xml.text("Bucket", &call.bucket_name())
        .text("KeyMarker", &encoding.encode(key_marker))
        .text("UploadIdMarker", id_marker)
        .text("NextKeyMarker", &encoding.encode(next_key))
        .text("NextUploadIdMarker", next_id)
        .text("Delimiter", &encoding.encode(text("delimiter")))
        .text("Prefix", &encoding.encode(wanted.prefix))
        .value("MaxUploads", wanted.limit)
        .value("IsTruncated", page.truncated);
    for upload in page.items {
        xml.open("Upload")
            .text("Key", &encoding.encode(&upload.key))
            .text("UploadId", &upload.id)
            .text("StorageClass", upload.attributes.storage_class())
            .text("Initiated", &xml_date(from_milliseconds(upload.initiated_ms)))
            .close();
    }
    for prefix in &page.common_prefixes {
        xml.open("CommonPrefixes").text("Prefix", &encoding.encode(prefix)).close();
    }
    Ok(Reply::xml(xml.finish()))
}
