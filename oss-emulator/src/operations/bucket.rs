//! Operations on a bucket itself: make, remove, describe.

use http::StatusCode;

use crate::call::{Call, Stop, held};
use crate::clock::xml_date;
use crate::incoming::receive_xml;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::store::{BucketRecord, from_milliseconds};
use crate::xml::Writer;

/// `PutBucket`. <https://www.alibabacloud.com/help/doc-detail/31959.htm>
pub(super) async fn put(call: &mut Call) -> Result<Reply, Stop> {
    let body = receive_xml(call).await?;
    call.must_act()?;
    let name = call.bucket_name();
    let mut record = BucketRecord::new(&name);
    if let Some(acl) = call.header("x-oss-acl") {
        acl.clone_into(&mut record.acl);
    }
    if let Some(class) = storage_class(&body) {
        record.storage_class = class;
    }
    let made = call.on_disk(move |store| Ok(store.create_bucket(&record)?)).await?;
    if !made {
        let message = "The requested bucket name is not available.";
        let refusal = Refusal::new(409, "BucketAlreadyExists", "0015-00000104", message);
        return Err(refusal.with("BucketName", name).into());
    }
    call.entry.applied = true;
    Ok(Reply::ok().header("location", format!("/{}", call.bucket_name())))
}

/// `DeleteBucket`. <https://www.alibabacloud.com/help/doc-detail/31973.htm>
pub(super) async fn delete(call: &mut Call) -> Result<Reply, Stop> {
    let name = call.bucket_name();
    let removed = call
        .on_disk(move |store| {
            let bucket = store.bucket(&name)?.ok_or_else(|| Refusal::no_such_bucket(&name))?;
            let guard = held(&bucket, bucket.lock()?)?;
            Ok(bucket.remove(&guard)?)
        })
        .await?;
    if !removed {
        let message = "The bucket has objects or unfinished multipart uploads. Please delete them first.";
        let refusal = Refusal::new(409, "BucketNotEmpty", "0015-00000301", message);
        return Err(refusal.with("BucketName", call.bucket_name()).into());
    }
    call.entry.applied = true;
    Ok(Reply::new(StatusCode::NO_CONTENT))
}

/// `GetBucketInfo`. <https://www.alibabacloud.com/help/doc-detail/31968.htm>
pub(super) async fn info(call: &mut Call) -> Result<Reply, Stop> {
    let record = record(call).await?;
    let region = &call.server.settings.region;
    let mut xml = Writer::document("BucketInfo");
    xml.open("Bucket")
        .text("AccessMonitor", "Disabled")
        .text("CreationDate", &xml_date(from_milliseconds(record.created_ms)))
        .text("ExtranetEndpoint", &format!("oss-{region}.aliyuncs.com"))
        .text("IntranetEndpoint", &format!("oss-{region}-internal.aliyuncs.com"))
        .text("Location", &format!("oss-{region}"))
        .text("StorageClass", &record.storage_class)
        .text("DataRedundancyType", "LRS")
        .text("Name", &record.name);
    owner(&mut xml);
    xml.open("AccessControlList").text("Grant", &record.acl);
    Ok(Reply::xml(xml.finish()))
}

/// `GetBucketLocation`. <https://www.alibabacloud.com/help/doc-detail/31967.htm>
pub(super) async fn location(call: &mut Call) -> Result<Reply, Stop> {
    record(call).await?;
    let mut xml = format!("oss-{}", call.server.settings.region);
    xml.insert_str(0, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint>");
    xml.push_str("</LocationConstraint>");
    Ok(Reply::xml(xml))
}

/// `GetBucketAcl`, by which an SDK finds out whether a bucket is there. <https://www.alibabacloud.com/help/doc-detail/31966.htm>
pub(super) async fn acl(call: &mut Call) -> Result<Reply, Stop> {
    let record = record(call).await?;
    let mut xml = Writer::document("AccessControlPolicy");
    owner(&mut xml);
    xml.open("AccessControlList").text("Grant", &record.acl);
    Ok(Reply::xml(xml.finish()))
}

/// The one owner of everything here.
pub(super) fn owner(xml: &mut Writer) {
    xml.open("Owner").text("ID", "0000000000000001").text("DisplayName", "0000000000000001").close();
}

async fn record(call: &Call) -> Result<BucketRecord, Stop> {
    call.in_bucket(|bucket| Ok(bucket.record().clone())).await
}

/// `StorageClass` of `CreateBucketConfiguration`; a configuration that cannot be read is none.
fn storage_class(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("<StorageClass>")?;
    let (class, _) = rest.split_once("</StorageClass>")?;
    Some(class.trim().to_owned())
}
