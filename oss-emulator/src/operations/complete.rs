//! `CompleteMultipartUpload`. <https://www.alibabacloud.com/help/doc-detail/31995.htm>

use super::complete_body::{self, NamedPart};
use crate::call::{Call, Stop, held};
use crate::crc64::Joined;
use crate::incoming::receive_xml;
use crate::listing::Encoding;
use crate::refusal::Refusal;
use crate::reply::{Reply, quoted};
use crate::store::{Bucket, Kind, ObjectRecord, StoredPart};
use crate::xml::Writer;

/// Smallest part but the last, in bytes. <https://www.alibabacloud.com/help/doc-detail/31850.htm>
const MIN_PART_SIZE: u64 = 100 << 10;

/// EC of an upload that is not there, as Complete says it.
const EC_NO_SUCH_UPLOAD: &str = "0042-00000210";

pub(super) async fn run(call: &mut Call) -> Result<Reply, Stop> {
    let encoding = Encoding::of(&call.query)?;
    let forbidden = call.says_true("x-oss-forbid-overwrite");
    let all = call.header("x-oss-complete-all").is_some_and(|value| value.eq_ignore_ascii_case("yes"));
    let acl = call.header("x-oss-object-acl").map(str::to_owned);
    let body = receive_xml(call).await?;
    let chosen = chosen(all, &body)?;
    call.must_act()?;
    let (key, id) = (call.key(), call.upload_id());
    let (asked_key, modified_ms) = (key.clone(), call.now.as_millisecond());
    let (etag, crc64) = call
        .in_bucket(move |bucket| {
            let guard = held(bucket, bucket.lock()?)?;
            let upload = bucket.upload(&asked_key, &id)?;
            let mut upload = upload.ok_or_else(|| Refusal::no_such_upload(EC_NO_SUCH_UPLOAD, &id))?;
            let stored = bucket.parts(&guard, &id)?;
            let (parts, others) = match chosen {
                Chosen::All => (stored, Vec::new()),
                Chosen::Named(named) => split(&named, stored, &id)?,
            };
            check_sizes(&parts)?;
            if forbidden && bucket.object(&asked_key)?.is_some() {
                return Err(Refusal::file_already_exists("0042-00000214"));
            }
            if let Some(acl) = acl {
                upload.attributes.set_acl(acl);
            }
            let object = assembled(&upload, &parts, modified_ms);
            let stated = (object.etag.clone(), object.crc64);
            bucket.complete(&guard, upload, object, &parts, &others)?;
            Ok(stated)
        })
        .await?;
    call.entry.applied = true;

    let host = crate::address::host(&call.parts);
    let mut xml = Writer::document("CompleteMultipartUploadResult");
    encoding.announce(&mut xml);
    xml.text("Location", &format!("http://{host}/{}", Encoding::Url.encode(&key)))
        .text("Bucket", &call.bucket_name())
        .text("Key", &encoding.encode(&key))
        .text("ETag", &quoted(&etag));
    Ok(Reply::xml(xml.finish()).etag(&etag).crc64(crc64))
}

/// Which parts the object is made of.
#[derive(Clone, Debug)]
enum Chosen {
    All,
    Named(Vec<NamedPart>),
}

fn chosen(all: bool, body: &[u8]) -> Result<Chosen, Refusal> {
    if all {
        let message = "The request body must be empty when x-oss-complete-all is specified.";
        return match body {
            [] => Ok(Chosen::All),
            _ => Err(Refusal::invalid_argument("0042-00000216", "x-oss-complete-all", "yes", message)),
        };
    }
    let message =
        "The XML you provided was not well-formed or did not validate against our published schema.";
    let named = complete_body::parse(body)
        .ok_or_else(|| Refusal::new(400, "MalformedXML", "0042-00000205", message))?;
    if named.windows(2).any(|pair| pair[0].number >= pair[1].number) {
        let message = "The list of parts was not in ascending order. Parts list must specified in order by part number.";
        return Err(Refusal::new(400, "InvalidPartOrder", "0042-00000209", message));
    }
    Ok(Chosen::Named(named))
}

/// The stored parts that are named, and the others.
fn split(
    named: &[NamedPart],
    stored: Vec<StoredPart>,
    id: &str,
) -> Result<(Vec<StoredPart>, Vec<StoredPart>), Refusal> {
    let mut stored = stored.into_iter().peekable();
    let (mut parts, mut others) = (Vec::new(), Vec::new());
    for wanted in named {
        while let Some(other) = stored.next_if(|part| u64::from(part.number) < wanted.number) {
            others.push(other);
        }
        let is_it = |part: &StoredPart| {
            u64::from(part.number) == wanted.number && part.etag.eq_ignore_ascii_case(&wanted.etag)
        };
        parts.push(stored.next_if(is_it).ok_or_else(|| {
            let message = "One or more of the specified parts could not be found. The part might not have been uploaded, or the specified entity tag might not have matched the part's entity tag.";
            Refusal::new(400, "InvalidPart", "0042-00000208", message)
                .with("ETag", quoted(&wanted.etag))
                .with("PartNumber", wanted.number.to_string())
                .with("UploadId", id)
        })?);
    }
    others.extend(stored);
    Ok((parts, others))
}

fn check_sizes(parts: &[StoredPart]) -> Result<(), Refusal> {
    let Some((_, but_the_last)) = parts.split_last() else {
        let message = "You must specify at least one part.";
        return Err(Refusal::new(400, "MalformedXML", "0042-00000205", message));
    };
    match but_the_last.iter().find(|part| part.size < MIN_PART_SIZE) {
        None => Ok(()),
        Some(part) => {
            let message = "Your proposed upload is smaller than the minimum allowed object size.";
            Err(Refusal::new(400, "EntityTooSmall", "0042-00000213", message)
                .with("ProposedSize", part.size.to_string())
                .with("MinSizeAllowed", MIN_PART_SIZE.to_string())
                .with("PartNumber", part.number.to_string())
                .with("ETag", quoted(&part.etag)))
        }
    }
}

/// The object that the parts make.
pub(super) fn assembled(
    upload: &crate::store::UploadRecord,
    parts: &[StoredPart],
    modified_ms: i64,
) -> ObjectRecord {
    let mut crc = Joined::default();
    let mut etags = String::new();
    for part in parts {
        crc.push(part.crc64, part.size);
        etags.push_str(&part.etag);
    }
    ObjectRecord {
        key: upload.key.clone(),
        size: parts.iter().map(|part| part.size).sum(),
        crc64: crc.crc(),
        etag: format!("{}-{}", crate::store::md5_hex(etags.as_bytes()), parts.len()),
        modified_ms,
        kind: Kind::Multipart,
        attributes: upload.attributes.clone(),
        blob: upload.id.clone(),
    }
}

/// Completes an upload with all that it has, as somebody else would; nothing happens to an upload without parts.
pub(super) fn complete_all(
    bucket: &Bucket<'_>,
    key: &str,
    id: &str,
    modified_ms: i64,
) -> Result<(), Refusal> {
    let guard = held(bucket, bucket.lock()?)?;
    let Some(upload) = bucket.upload(key, id)? else { return Ok(()) };
    let parts = bucket.parts(&guard, id)?;
    if parts.is_empty() {
        return Ok(());
    }
    let object = assembled(&upload, &parts, modified_ms);
    Ok(bucket.complete(&guard, upload, object, &parts, &[])?)
}
