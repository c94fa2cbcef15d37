//! What is done for each part beside sending it.

use std::{fmt::Write as _, hint::black_box};

use http::{HeaderMap, Response};
use oss_checkpoint::{
    BucketName, ByteCount, Crc64, CrcJoin, ETag, ObjectKey, ObjectOptions, PartNumber, PartReceipt, UploadId,
};
use oss_resumable::wire::{
    Complete, Endpoint, EndpointSettings, ListParts, Operation as _, Target, UploadPart,
};
use oss_sign::{Credentials, Region, Resource, Signer, SigningTime};

const PART: u64 = 8 << 20;

fn target() -> Target {
    let settings = EndpointSettings { region: Some("cn-hangzhou".to_owned()), ..EndpointSettings::default() };
    Target {
        endpoint: Endpoint::resolve(&settings).expect("a region is enough"),
        bucket: BucketName::new("examplebucket").expect("a name"),
        key: ObjectKey::new("backups/2026/11/disk image.bin").expect("a key"),
    }
}

fn upload_id() -> UploadId {
    UploadId::new("0004B9895DBBB6EC98E36FAKEUPLOADID").expect("an id")
}

fn numbers(count: u16) -> impl Iterator<Item = PartNumber> {
    (1..=count).map(|number| PartNumber::new(number.into()).expect("at most 10,000"))
}

/// As OSS answers it: the MD5 of the part, in capitals.
pub(crate) fn etag(number: PartNumber) -> ETag {
    ETag::new(&format!("{:032X}", u128::from(number.get()) * 0x9E37_79B9_7F4A_7C15)).expect("a tag")
}

fn receipts(count: u16) -> Vec<PartReceipt> {
    let receipt = |number: PartNumber| PartReceipt {
        number,
        size: ByteCount::new(PART),
        crc64: Crc64::new(number.get().into()),
        etag: etag(number),
    };
    numbers(count).map(receipt).collect()
}

pub(crate) fn sign(count: u16) {
    let (target, upload_id) = (target(), upload_id());
    let signer = Signer::new(Region::new("cn-hangzhou").expect("a region"));
    let credentials = Credentials::new("LTAI5texample", "TheSecretOfTheExample0123456789").expect("a pair");
    let time = SigningTime::from_unix(1_800_000_000).expect("within the range");
    let resource = Resource::Object { bucket: target.bucket.as_str(), key: target.key.as_str() };
    for number in numbers(count) {
        let operation = UploadPart { target: &target, upload_id: &upload_id, number };
        let (mut head, _) = operation.request().expect("a plain request").into_parts();
        signer.sign(&mut head, resource, &credentials, time).expect("few headers");
        black_box(head);
    }
}

pub(crate) fn join(count: u16) {
    let join = CrcJoin::new(PART);
    let mut whole = Crc64::EMPTY;
    for number in numbers(count) {
        whole = join.join(whole, Crc64::new(number.get().into()));
    }
    black_box(whole);
}

pub(crate) fn complete(count: u16) {
    let (target, upload_id, options) = (target(), upload_id(), ObjectOptions::default());
    let receipts = receipts(count);
    let operation = Complete::new(&target, &upload_id, &options, &receipts);
    black_box(operation.request().expect("plain options are taken"));
}

pub(crate) fn list(count: u16) {
    let (target, upload_id) = (target(), upload_id());
    let mut page = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListPartsResult><Bucket>examplebucket</Bucket>\
         <Key>backups%2F2026%2F11%2Fdisk%20image.bin</Key><UploadId>0004B9895DBBB6EC98E36FAKEUPLOADID</UploadId>\
         <EncodingType>url</EncodingType><MaxParts>1000</MaxParts><IsTruncated>false</IsTruncated>",
    );
    for receipt in receipts(count) {
        write!(
            page,
            "<Part><PartNumber>{}</PartNumber><LastModified>2026-11-26T18:05:45.000Z</LastModified>\
             <ETag>\"{}\"</ETag><HashCrc64ecma>{}</HashCrc64ecma><Size>{}</Size></Part>",
            receipt.number,
            receipt.etag,
            receipt.crc64,
            receipt.size.get()
        )
        .expect("a String takes all text");
    }
    page.push_str("</ListPartsResult>");
    let (mut head, ()) = Response::new(()).into_parts();
    head.headers = HeaderMap::new();
    let operation = ListParts { target: &target, upload_id: &upload_id, after: None };
    let read = operation.reply(&head, page.as_bytes()).expect("a page as OSS sends it");
    assert_eq!(read.parts.len(), usize::from(count));
}
