//! Answers that are lists. What was read of one is written again, in the service's words, and must be read alike.

use std::fmt::Write as _;

use http::response::Parts;
use oss_checkpoint::{BucketName, PartNumber, UploadId};
use oss_resumable::{
    UploadsMarker,
    wire::{GetBucketInfo, ListBuckets, ListObjects, ListParts, ListUploads, Operation},
};

use super::replies::{World, escaped, plausible, read};
use crate::{input::answer, second_reading::encoded};

/// Shortest element of a list, in bytes: what an entry takes at least.
const SHORTEST: usize = 7;

/// The answer to ListParts.
pub(crate) fn list_parts(data: &[u8]) {
    let (head, body) = answer(data);
    let World { target, upload_id, .. } = &World::new();
    for after in [None, PartNumber::new(5).ok()] {
        let operation = ListParts { target, upload_id, after };
        let Some(page) = read(&operation, &head, body) else { continue };
        assert!(page.parts.len() <= body.len() / SHORTEST, "{} parts of nothing", page.parts.len());
        assert!(page.parts.iter().all(|part| Some(part.number) > after), "{page:?}");
        assert!(page.parts.is_sorted_by(|one, other| one.number < other.number), "{page:?}");
        assert!(page.next.is_none_or(|next| page.parts.iter().all(|part| part.number <= next)), "{page:?}");
        assert!(page.next.is_none() || page.next > after, "paging stands still: {page:?}");

        let mut xml = format!("<ListPartsResult><IsTruncated>{}</IsTruncated>", page.next.is_some());
        if let Some(next) = page.next {
            let _ = write!(xml, "<NextPartNumberMarker>{next}</NextPartNumberMarker>");
        }
        for part in &page.parts {
            let crc = part
                .crc64
                .map_or(String::new(), |crc| format!("<HashCrc64ecma>{}</HashCrc64ecma>", crc.get()));
            let (number, size, etag) = (part.number, part.size.get(), escaped(part.etag.as_str()));
            let _ = write!(
                xml,
                "<Part><PartNumber>{number}</PartNumber><Size>{size}</Size><ETag>\"{etag}\"</ETag>{crc}</Part>"
            );
        }
        xml.push_str("</ListPartsResult>");
        assert_eq!(read(&operation, &head, xml.as_bytes()), Some(page));
    }
}

/// The answer to ListMultipartUploads.
pub(crate) fn list_uploads(data: &[u8]) {
    let (head, body) = answer(data);
    let World { target, .. } = &World::new();
    let marker = UploadsMarker { key: target.key.clone(), upload_id: UploadId::new("0004B1").ok() };
    for after in [None, Some(&marker)] {
        let operation = ListUploads { target, after };
        let Some(page) = read(&operation, &head, body) else { continue };
        assert!(page.uploads.len() <= body.len() / SHORTEST, "{} uploads of nothing", page.uploads.len());
        assert!(page.next.is_none() || page.next.as_ref() != after, "paging stands still: {page:?}");
        assert!(page.next.as_ref().is_none_or(|next| next.key <= target.key), "past the key: {page:?}");

        let mut xml = format!(
            "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>{}</IsTruncated>",
            page.next.is_some()
        );
        if let Some(next) = &page.next {
            let id = next.upload_id.as_ref().map_or("", UploadId::as_str);
            let _ = write!(xml, "<NextKeyMarker>{}</NextKeyMarker>", url(next.key.as_str()));
            let _ = write!(xml, "<NextUploadIdMarker>{}</NextUploadIdMarker>", escaped(id));
        }
        for upload in &page.uploads {
            let (key, id) = (url(target.key.as_str()), escaped(upload.upload_id.as_str()));
            let _ = write!(xml, "<Upload><Key>{key}</Key><UploadId>{id}</UploadId></Upload>");
        }
        xml.push_str("</ListMultipartUploadsResult>");
        let mut again = read(&operation, &head, xml.as_bytes()).expect("it was taken once");
        for (upload, first) in again.uploads.iter_mut().zip(&page.uploads) {
            upload.initiated = first.initiated;
        }
        assert_eq!(again, page);
    }
}

/// The answer to ListObjectsV2.
pub(crate) fn list_objects(data: &[u8]) {
    let (head, body) = answer(data);
    let World { target, .. } = &World::new();
    let (endpoint, bucket) = (&target.endpoint, &target.bucket);
    let operation = ListObjects { endpoint, bucket, prefix: None, delimiter: None, after: None };
    let Some(page) = read(&operation, &head, body) else { return };
    let entries = page.objects.len() + page.common_prefixes.len();
    assert!(entries <= body.len() / SHORTEST, "{entries} entries of nothing");
    if let Some(token) = &page.next {
        let next = ListObjects { after: Some(token), ..operation };
        assert!(next.request().is_ok(), "{token:?}");
        assert!(next.reply(&head, body).is_err(), "paging stands still: {token:?}");
    }

    let mut xml =
        String::from("<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>");
    for object in &page.objects {
        let _ = write!(
            xml,
            "<Contents><Key>{}</Key><Size>{}</Size></Contents>",
            url(&object.key),
            object.size.get()
        );
    }
    for prefix in &page.common_prefixes {
        let _ = write!(xml, "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", url(prefix));
    }
    xml.push_str("</ListBucketResult>");
    let again = read(&operation, &head, xml.as_bytes()).expect("it was taken once");
    assert!(
        again
            .objects
            .iter()
            .map(|object| (&object.key, object.size))
            .eq(page.objects.iter().map(|object| (&object.key, object.size)))
    );
    assert_eq!(again.common_prefixes, page.common_prefixes);
}

/// The answers to ListBuckets and GetBucketInfo.
pub(crate) fn list_buckets(data: &[u8]) {
    let (head, body) = answer(data);
    let World { target, .. } = &World::new();
    let (endpoint, bucket) = (&target.endpoint, &target.bucket);
    let behind = BucketName::new("abc").ok();
    for after in [None, behind.as_ref()] {
        let operation = ListBuckets { endpoint, after };
        let Some(page) = read(&operation, &head, body) else { continue };
        assert!(page.buckets.len() <= body.len() / SHORTEST, "{} buckets of nothing", page.buckets.len());
        assert!(page.next.is_none() || page.next.as_ref() != after, "paging stands still: {page:?}");
    }
    bucket_info(&GetBucketInfo { endpoint, bucket }, &head, body);
}

fn bucket_info(operation: &GetBucketInfo<'_>, head: &Parts, body: &[u8]) {
    match operation.reply(head, body) {
        Ok(info) => assert!(info.name.len() <= body.len()),
        Err(fault) => plausible(&fault),
    }
}

fn url(text: &str) -> String {
    String::from_utf8(encoded(text.as_bytes(), b"")).expect("encoded text is ASCII")
}

#[cfg(test)]
mod tests {
    use oss_checkpoint::ObjectKey;

    use super::*;

    #[test]
    fn a_key_that_oss_would_take_survives_its_encoding() {
        let key = ObjectKey::new("a b//+\u{e9}%41").unwrap();
        assert_eq!(url(key.as_str()), "a%20b%2F%2F%2B%C3%A9%2541");
    }
}
