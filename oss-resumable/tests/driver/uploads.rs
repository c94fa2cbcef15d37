//! What a run ends in when nothing goes wrong.

use std::{
    num::NonZeroU16,
    sync::{Arc, Mutex},
};

use http::{Method, Request, header};
use oss_checkpoint::ByteCount;
use oss_resumable::{
    Adopt,
    driver::{BytesSource, Handle, Receipt, ReceiptProof, UploadBuilder},
};

use oss_transport::{Body, Fate, Faulty};

use crate::{
    fake_oss::FakeOss,
    support::{Calls, PART, content, stored, upload, uploader},
};

#[tokio::test]
async fn a_source_of_many_parts_arrives_as_it_is_and_is_proved() {
    let (oss, calls) = (FakeOss::default(), Calls::default());
    let bytes = content(5 * PART + 17);
    let builder = upload(&uploader(oss.clone()), BytesSource::new(bytes.clone()));
    let receipt = builder.progress(calls.callback()).run().await.unwrap();
    assert_eq!(stored(&oss), Some(bytes.clone()));
    assert_eq!(oss.state().count("UploadPart"), 6);
    let crc64 = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Xz, &bytes).to_string();
    assert_eq!((receipt.size, receipt.crc64.as_str()), (bytes.len() as u64, crc64.as_str()));
    assert_eq!((receipt.proof, receipt.parts.len()), (ReceiptProof::PartsAndObject, 6));
    assert_eq!(receipt.upload_id.as_deref(), Some("UPLOAD1"));
    assert_eq!(receipt.request_ids.keys().collect::<Vec<_>>(), ["complete", "initiate"]);
    calls.check(bytes.len() as u64);
}

// Rows: 17
#[tokio::test]
async fn only_a_try_behind_one_without_an_answer_asks_for_a_go_ahead() {
    for (bytes, name) in [(content(3 * PART), "partNumber"), (content(PART - 1), "some/key")] {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let mut fates = vec![Fate::LoseRequest, Fate::Pass].into_iter();
        let transport = Faulty::new(FakeOss::default(), move |_, request: &Request<Body>| {
            if request.body().is_empty()
                || !request.uri().to_string().contains(name)
                || request.method() != Method::PUT
            {
                return Fate::Pass;
            }
            seen.lock().unwrap().push(request.headers().contains_key(header::EXPECT));
            fates.next().unwrap_or(Fate::Pass)
        });
        let builder = upload(&uploader(transport), BytesSource::new(bytes.clone()));
        builder.parallel(NonZeroU16::MIN).run().await.unwrap();
        let asked = asked.lock().unwrap();
        assert_eq!(asked.iter().filter(|asks| **asks).count(), 1, "{asked:?}");
        assert!(!asked[0], "the first one has no reason to");
    }
}

// Rows: 112, 113
#[tokio::test]
async fn small_and_empty_sources_go_up_in_one_request() {
    for len in [0, 1, PART - 1] {
        let (oss, calls) = (FakeOss::default(), Calls::default());
        let builder = upload(&uploader(oss.clone()), BytesSource::new(content(len)));
        let receipt = builder.progress(calls.callback()).run().await.unwrap();
        assert_eq!(stored(&oss), Some(content(len)));
        assert_eq!(oss.state().requests, [("PutObject".to_owned(), 200)]);
        assert_eq!((receipt.proof, receipt.upload_id), (ReceiptProof::Object, None));
        calls.check(len);
    }
}

#[tokio::test]
async fn a_receipt_is_json_with_the_documented_names() {
    let receipt =
        upload(&uploader(FakeOss::default()), BytesSource::new(content(2 * PART))).run().await.unwrap();
    let json = serde_json::to_value(&receipt).unwrap();
    let names: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "v",
        "service",
        "bucket",
        "key",
        "size",
        "crc64",
        "etag",
        "version_id",
        "upload_id",
        "proof",
        "settled",
        "source",
        "parts",
        "started",
        "finished",
        "request_ids",
    ];
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(json["proof"], "parts+object");
    assert_eq!(serde_json::from_value::<Receipt>(json).unwrap(), receipt);
}

#[tokio::test]
async fn memory_is_three_blocks_a_transfer_whatever_the_size() {
    let oss = FakeOss::default();
    let bytes = content(24 << 20);
    let builder = upload(&uploader(oss.clone()), BytesSource::new(bytes.clone()));
    let parallel = NonZeroU16::new(3).unwrap();
    builder.part_size(ByteCount::mib(3)).parallel(parallel).run().await.unwrap();
    assert_eq!(stored(&oss), Some(bytes));
    let blocks = oss.state().blocks.len();
    assert!((3..=9).contains(&blocks), "{blocks}");
}

#[tokio::test]
async fn an_upload_without_a_journal_is_adopted_unless_the_caller_gives_the_object_something() {
    let foreign = "FOREIGN".to_owned();
    for (wish, adopted) in [
        (Box::new(|builder| builder) as Box<dyn Fn(UploadBuilder) -> UploadBuilder>, true),
        (Box::new(|builder: UploadBuilder| builder.default_content_type("text/plain")), true),
        (Box::new(|builder: UploadBuilder| builder.forbid_overwrite()), true),
        (Box::new(|builder: UploadBuilder| builder.content_type("text/plain")), false),
        (Box::new(|builder: UploadBuilder| builder.metadata("Author", "me")), false),
        (Box::new(|builder: UploadBuilder| builder.adopt(Adopt::Never)), false),
    ] {
        let oss = FakeOss::default();
        let bytes = content(3 * PART);
        let part = bytes.slice(..PART as usize);
        oss.state().uploads.insert(foreign.clone(), [(1, part)].into());
        let builder = upload(&uploader(oss.clone()), BytesSource::new(bytes.clone()));
        let receipt = wish(builder).run().await.unwrap();
        assert_eq!(stored(&oss), Some(bytes));
        assert_eq!(receipt.upload_id.as_ref() == Some(&foreign), adopted);
        assert_eq!(oss.state().count("UploadPart"), if adopted { 2 } else { 3 });
    }
}

#[test]
fn handles_and_futures_go_to_other_threads() {
    fn check<T: Send>(_: &T) {}
    let builder = upload(&uploader(FakeOss::default()), BytesSource::new(content(1)));
    check::<Handle>(&builder.handle());
    check(&builder.run());
}
