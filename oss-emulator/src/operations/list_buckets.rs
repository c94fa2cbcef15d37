//! `GetService`. <https://www.alibabacloud.com/help/doc-detail/31957.htm>

use crate::call::{Call, Stop};
use crate::clock::xml_date;
use crate::listing::{Last, Wanted, limit, page};
use crate::reply::Reply;
use crate::store::from_milliseconds;
use crate::xml::Writer;

pub(super) async fn run(call: &mut Call) -> Result<Reply, Stop> {
    let buckets = call.on_disk(|store| Ok(store.buckets()?)).await?;
    let prefix = call.query.get("prefix").unwrap_or_default();
    let marker = call.query.get("marker").unwrap_or_default();
    let wanted = Wanted { prefix, delimiter: None, limit: limit(&call.query, "max-keys", 100)? };
    let page = page(buckets.iter(), |bucket| &bucket.name, &wanted, |name, _| name > marker);
    let region = &call.server.settings.region;
    let mut xml = Writer::document("ListAllMyBucketsResult");
    super::bucket::owner(&mut xml);
    xml.text("Prefix", prefix)
        .text("Marker", marker)
        .value("MaxKeys", wanted.limit)
        .value("IsTruncated", page.truncated);
    if let Some(Last::Item(last)) = page.last.filter(|_| page.truncated) {
        xml.text("NextMarker", &last.name);
    }
    xml.open("Buckets");
    for bucket in page.items {
        xml.open("Bucket")
            .text("CreationDate", &xml_date(from_milliseconds(bucket.created_ms)))
            .text("ExtranetEndpoint", &format!("oss-{region}.aliyuncs.com"))
            .text("IntranetEndpoint", &format!("oss-{region}-internal.aliyuncs.com"))
            .text("Location", &format!("oss-{region}"))
            .text("Name", &bucket.name)
            .text("Region", region)
            .text("StorageClass", &bucket.storage_class)
            .close();
    }
    Ok(Reply::xml(xml.finish()))
}
