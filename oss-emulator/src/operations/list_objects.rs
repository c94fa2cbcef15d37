//! `ListObjects` and `ListObjectsV2`. <https://www.alibabacloud.com/help/doc-detail/31965.htm>,
//! <https://www.alibabacloud.com/help/doc-detail/187544.htm>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::call::{Call, Stop};
use crate::clock::xml_date;
use crate::listing::{Encoding, Last, Page, Wanted, limit, page};
use crate::refusal::Refusal;
use crate::reply::{Reply, quoted};
use crate::store::{ObjectRecord, from_milliseconds};
use crate::xml::Writer;

/// With `marker`.
pub(super) async fn run(call: &mut Call) -> Result<Reply, Stop> {
    let marker = call.query.get("marker").unwrap_or_default().to_owned();
    let found = find(call, &marker).await?;
    let encoding = found.encoding;
    let mut xml = found.begin(call);
    xml.text("Marker", &encoding.encode(&marker));
    if let Some(next) = found.next() {
        xml.text("NextMarker", &encoding.encode(next));
    }
    contents(&mut xml, &found, Owner::Shown);
    Ok(Reply::xml(xml.finish()))
}

/// With `continuation-token` and `start-after`.
pub(super) async fn run_v2(call: &mut Call) -> Result<Reply, Stop> {
    let start_after = call.query.get("start-after").unwrap_or_default().to_owned();
    let token = call.query.text("continuation-token").map(str::to_owned);
    let marker = match &token {
        None => start_after.clone(),
        Some(token) => read_token(token)?,
    };
    let found = find(call, &marker).await?;
    let encoding = found.encoding;
    let mut xml = found.begin(call);
    xml.text("StartAfter", &encoding.encode(&start_after)).value("KeyCount", found.count());
    if let Some(token) = token {
        xml.text("ContinuationToken", &encoding.encode(&token));
    }
    if let Some(next) = found.next() {
        xml.text("NextContinuationToken", &encoding.encode(&STANDARD.encode(next)));
    }
    let owner = if call.query.get("fetch-owner") == Some("true") { Owner::Shown } else { Owner::Hidden };
    contents(&mut xml, &found, owner);
    Ok(Reply::xml(xml.finish()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Shown,
    Hidden,
}

/// A page and how it was asked for.
struct Found {
    page: Page<ObjectRecord>,
    limit: usize,
    encoding: Encoding,
}

impl Found {
    fn begin(&self, call: &Call) -> Writer {
        let mut xml = Writer::document("ListBucketResult");
        let text = |name| self.encoding.encode(call.query.get(name).unwrap_or_default()).into_owned();
        self.encoding.announce(&mut xml);
        xml.text("Name", &call.bucket_name())
            .text("Prefix", &text("prefix"))
            .text("Delimiter", &text("delimiter"))
            .value("MaxKeys", self.limit)
            .value("IsTruncated", self.page.truncated);
        xml
    }

    fn count(&self) -> usize {
        self.page.items.len() + self.page.common_prefixes.len()
    }

    /// The marker of the next page, if there is one.
    fn next(&self) -> Option<&str> {
        match &self.page.last {
            _ if !self.page.truncated => None,
            Some(Last::Item(object)) => Some(&object.key),
            Some(Last::CommonPrefix(prefix)) => Some(prefix),
            None => None,
        }
    }
}

async fn find(call: &Call, marker: &str) -> Result<Found, Stop> {
    let encoding = Encoding::of(&call.query)?;
    let limit = limit(&call.query, "max-keys", 100)?;
    let objects = call.in_bucket(|bucket| Ok(bucket.objects()?)).await?;
    let wanted = Wanted {
        prefix: call.query.get("prefix").unwrap_or_default(),
        delimiter: call.query.text("delimiter"),
        limit,
    };
    let page = page(objects.into_iter(), |object| &object.key, &wanted, |name, _| name > marker);
    Ok(Found { page, limit, encoding })
}

fn contents(xml: &mut Writer, found: &Found, shown: Owner) {
    for object in &found.page.items {
        xml.open("Contents")
            .text("Key", &found.encoding.encode(&object.key))
            .text("LastModified", &xml_date(from_milliseconds(object.modified_ms)))
            .text("ETag", &quoted(&object.etag))
            .text("Type", object.kind.name())
            .value("Size", object.size)
            .text("StorageClass", object.attributes.storage_class());
        if shown == Owner::Shown {
            super::bucket::owner(xml);
        }
        xml.close();
    }
    for prefix in &found.page.common_prefixes {
        xml.open("CommonPrefixes").text("Prefix", &found.encoding.encode(prefix)).close();
    }
}

fn read_token(token: &str) -> Result<String, Refusal> {
    let marker = STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let message = "The continuation token provided is incorrect.";
    marker.ok_or_else(|| Refusal::invalid_argument("0017-00000223", "continuation-token", token, message))
}
