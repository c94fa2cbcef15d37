//! Answers that no service would send.

use oss_checkpoint::{BucketName, PartNumber};
use oss_resumable::{
    Fault, FaultClass, PartsPage,
    wire::{ANSWER_LIMIT, ContinuationToken, LISTING_LIMIT, ListBuckets, ListObjects, ListParts, Operation},
};
use proptest::prelude::*;

use crate::world::{OPERATIONS, World, error_document, head};

const LISTING: &str = "<ListPartsResult><UploadId>0004B9894A22E5B1888A1E29F8236E2D</UploadId>\
    <IsTruncated>false</IsTruncated><Part><PartNumber>1</PartNumber><ETag>\"AB\"</ETag><Size>102400</Size>\
    </Part></ListPartsResult>";

fn listed(body: &[u8]) -> Result<PartsPage, Fault> {
    let world = World::new();
    ListParts { target: &world.target, upload_id: &world.upload_id, after: None }.reply(&head(200, &[]), body)
}

fn refused(body: &str, why: &str) {
    let fault = listed(body.as_bytes()).expect_err(why);
    assert_eq!(fault.class, FaultClass::Corrupted, "{}", fault.message);
    assert!(fault.message.contains(why), "{:?} should tell {why:?}", fault.message);
    assert!(fault.message.len() < 600, "{}", fault.message.len());
}

fn with(from: &str, to: &str) -> String {
    assert!(LISTING.contains(from), "{from}");
    LISTING.replacen(from, to, 1)
}

// Rows: 35
#[test]
fn decoration_changes_nothing() {
    let plain = listed(LISTING.as_bytes()).unwrap();
    assert_eq!(plain.parts.len(), 1);
    for body in [
        format!("\u{feff}{LISTING}"),
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n{LISTING}\r\n"),
        format!("\n\n  \t{LISTING}"),
        format!("<!-- a --><?pi?>{LISTING}<!-- b --><?pi?>"),
        with(
            "<ListPartsResult>",
            "<ListPartsResult xmlns=\"http://doc.oss-cn-hangzhou.aliyuncs.com\" a='1'>",
        ),
        LISTING.replace('<', "<o:").replace("<o:/", "</o:"),
        with("<Size>", "<Unknown a=\"1\"><Deep><Size>x</Size></Deep>text-free</Unknown><Size>")
            .replace("text-free", ""),
        with("<Part>", "<Empty/><Part><Empty/>"),
        with("\"AB\"", "&quot;&#65;&#x42;&quot;"),
        with("\"AB\"", "<![CDATA[\"AB\"]]>"),
        with("102400", "102<!-- in between -->400"),
    ] {
        assert_eq!(listed(body.as_bytes()), Ok(plain.clone()), "{body}");
    }
}

// Rows: 30
#[test]
fn a_document_with_a_flaw_is_refused_and_named() {
    refused("", "ends early");
    refused("   ", "ends early");
    refused("hello", "not XML");
    refused("{\"Part\":[]}", "not XML");
    refused("<html><head><title>Log in</title></head></html>", "<html> where <ListPartsResult> was due");
    refused(&LISTING.replace("ListPartsResult", "listpartsresult"), "where <ListPartsResult> was due");
    refused(&LISTING.replace("ListPartsResult", "ListPartsResultX"), "where <ListPartsResult> was due");
    refused(&format!("{LISTING}{LISTING}"), "follows its end");
    refused(&format!("{LISTING}x"), "follows its end");
    refused(&format!("{LISTING}&amp;"), "follows its end");
    refused(&format!("{LISTING}<a/>"), "follows its end");
    refused(&format!("x{LISTING}"), "text before its root");
    refused(&format!("{LISTING}</ListPartsResult>"), "not XML");
    refused(&with("</Part>", "</Bart>"), "not XML");
    refused(&format!("<!DOCTYPE ListPartsResult [<!ENTITY a \"b\">]>{LISTING}"), "document type");
    refused(&with("<Part>", "<!DOCTYPE a><Part>"), "document type");
    refused(&with("<Part>", "<?xml version=\"1.0\"?><Part>"), "not XML");
    refused(&with("AB", "&lol;"), "entity");
    refused(&with("AB", "&#0;"), "entity");
    refused(&with("AB", "&#x110000;"), "entity");
    refused(&with("AB", "&#xD800;"), "entity");
    refused(&with("AB", "&amp"), "not XML");
    refused(&with("AB", "A\u{0}B"), "NUL");
    refused(&with("AB", "A B"), "ETag");
    refused(&with("AB", ""), "ETag");
    refused(&with("<Part>", "text<Part>"), "mixes");
    refused(&with("</Part>", "</Part>text"), "mixes");
    refused(&with("<Size>102400</Size>", ""), "<Size> is missing");
    refused(&with("<ETag>\"AB\"</ETag>", ""), "<ETag> is missing");
    refused(&with("<PartNumber>1</PartNumber>", ""), "<PartNumber> is missing");
    refused(&with("<IsTruncated>false</IsTruncated>", ""), "<IsTruncated> is missing");
    refused(&with("<Size>", "<Size>1</Size><Size>"), "<Size> is there twice");
    refused(&with("<ETag>", "<ETag>\"CD\"</ETag><ETag>"), "<ETag> is there twice");
    refused(&with("<PartNumber>", "<PartNumber>2</PartNumber><PartNumber>"), "<PartNumber> is there twice");
    refused(
        &with("<IsTruncated>", "<IsTruncated>false</IsTruncated><IsTruncated>"),
        "<IsTruncated> is there twice",
    );
    refused(&with("<UploadId>", "<UploadId>x</UploadId><UploadId>"), "<UploadId> is there twice");
    refused(&with("false", "False"), "neither true nor false");
    refused(&with("0004B9", "0004B8"), "not the upload that was asked for");
    for size in ["", "-1", "+1", "1.0", "1e3", "0x10", " 1", "18446744073709551616", "\u{661}"] {
        refused(&with("102400", size), "<Size> cannot be");
    }
    for number in ["0", "10001", "65537", "4294967297"] {
        refused(&with("<PartNumber>1<", &format!("<PartNumber>{number}<")), "<PartNumber> cannot be");
    }
    for crc in ["-1", "0x1", "18446744073709551616"] {
        refused(
            &with("<Size>", &format!("<HashCrc64ecma>{crc}</HashCrc64ecma><Size>")),
            "<HashCrc64ecma> cannot be",
        );
    }
    assert_eq!(listed(b"\xff\xfe<\0L\0").unwrap_err().class, FaultClass::Corrupted);
}

// Rows: 8, 30
#[test]
fn a_document_that_is_cut_anywhere_is_refused() {
    for end in 0..LISTING.len() {
        let fault = listed(&LISTING.as_bytes()[..end]).expect_err("cut");
        assert_eq!(fault.class, FaultClass::Corrupted, "cut at {end}");
    }
}

#[test]
fn a_list_whose_items_are_interleaved_is_read() {
    let other = "<Part><PartNumber>7</PartNumber><ETag>\"CD\"</ETag><Size>1</Size></Part>";
    let body =
        with("</Part>", &format!("</Part><MaxParts>1000</MaxParts>{other}<StorageClass>IA</StorageClass>"));
    let numbers: Vec<u16> =
        listed(body.as_bytes()).unwrap().parts.iter().map(|part| part.number.get()).collect();
    assert_eq!(numbers, [1, 7]);
    for (number, why) in [("1", "not in order"), ("0", "cannot be")] {
        let body = with("</Part>", &format!("</Part>{}", other.replace('7', number)));
        refused(&body, why);
    }
}

// Rows: 56
#[test]
fn paging_leads_on_or_is_refused() {
    let world = World::new();
    let page = |after: Option<u64>, parts: &str, marker: &str| {
        let body =
            format!("<ListPartsResult><IsTruncated>true</IsTruncated>{marker}{parts}</ListPartsResult>");
        let after = after.map(|after| PartNumber::new(after).unwrap());
        let listing = ListParts { target: &world.target, upload_id: &world.upload_id, after };
        listing.reply(&head(200, &[]), body.as_bytes()).map(|page| page.next.map(PartNumber::get))
    };
    let part =
        |number: u16| format!("<Part><PartNumber>{number}</PartNumber><ETag>A</ETag><Size>1</Size></Part>");
    let marker = |number: &str| format!("<NextPartNumberMarker>{number}</NextPartNumberMarker>");
    assert_eq!(page(None, &part(3), &marker("3")), Ok(Some(3)));
    assert_eq!(page(Some(5), &part(6), &marker("9")), Ok(Some(9)));
    assert_eq!(page(Some(5), "", &marker("6")), Ok(Some(6)));
    for (after, parts, marker) in [
        (None, part(3), String::new()),
        (None, part(3), marker("")),
        (None, part(3), marker("0")),
        (None, part(3), marker("2")),
        (None, String::new(), marker("0")),
        (Some(5), String::new(), marker("5")),
        (Some(5), String::new(), marker("4")),
        (Some(5), part(5), marker("6")),
        (Some(5), part(4), marker("6")),
        (Some(5), part(7), marker("6")),
        (None, part(3), marker("10001")),
    ] {
        let fault = page(after, &parts, &marker).expect_err(&marker);
        assert_eq!(fault.class, FaultClass::Corrupted, "{after:?} {parts} {marker}");
    }
}

#[test]
fn paging_through_objects_and_buckets_leads_on_or_is_refused() {
    let world = World::new();
    let (endpoint, bucket) = (&world.target.endpoint, &world.target.bucket);
    let objects = |after: Option<&ContinuationToken>, token: &str| {
        let body = format!(
            "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>\
             </ListBucketResult>"
        );
        let listing = ListObjects { endpoint, bucket, prefix: None, delimiter: None, after };
        listing.reply(&head(200, &[]), body.as_bytes()).map(|page| page.next.unwrap())
    };
    let one = objects(None, "one").unwrap();
    assert!(objects(Some(&one), "two").is_ok_and(|two| two != one));
    assert!(objects(Some(&one), &"x".repeat(8 * 1024)).is_ok());
    for token in [String::new(), "one".to_owned(), "x".repeat(8 * 1024 + 1)] {
        assert_eq!(objects(Some(&one), &token).expect_err(&token).class, FaultClass::Corrupted);
    }
    let listing = ListObjects { endpoint, bucket, prefix: None, delimiter: None, after: Some(&one) };
    assert!(listing.request().unwrap().uri().query().unwrap().ends_with("&continuation-token=one"));

    let demo = BucketName::new("demo").unwrap();
    for (marker, leads_on) in [("demos", true), ("demo", false), ("", false), ("a/b", false)] {
        let body = format!(
            "<ListAllMyBucketsResult><IsTruncated>true</IsTruncated><NextMarker>{marker}</NextMarker>\
             </ListAllMyBucketsResult>"
        );
        let page = ListBuckets { endpoint, after: Some(&demo) }.reply(&head(200, &[]), body.as_bytes());
        assert_eq!(page.is_ok(), leads_on, "{marker}");
    }
}

// Rows: 30
#[test]
fn depth_size_and_text_are_bounded() {
    let levels = 1_000_000;
    let deep =
        format!("<ListPartsResult>{}{}</ListPartsResult>", "<a>".repeat(levels), "</a>".repeat(levels));
    refused(&deep, &format!("more than {LISTING_LIMIT} bytes"));
    let levels = 500_000;
    refused(&format!("<ListPartsResult>{}", "<a>".repeat(levels)), "deeper than 8 levels");
    refused(&"<ListPartsResult>".repeat(9), "deeper than 8 levels");
    refused(&with("AB", &"A".repeat(50_000_000)), &format!("more than {LISTING_LIMIT} bytes"));
    refused(&with("AB", &"A".repeat(LISTING_LIMIT - 1000)), "ETag");
    refused(&with("<Part>", &format!("<{}>", "p".repeat(LISTING_LIMIT - 1000))), "not XML");
    let attributes = with("<Part>", &format!("<Part {}>", "a='1' ".repeat(100_000)));
    assert!(listed(attributes.as_bytes()).is_ok());
    let entities = with("AB", &"&amp;".repeat(200_000));
    refused(&entities, "ETag");

    let world = World::new();
    let body = vec![b' '; ANSWER_LIMIT + 1];
    for operation in OPERATIONS {
        if operation.starts_with("list_")
            && operation != "list_buckets"
            && operation != "list_buckets after abc"
        {
            continue;
        }
        if ["head_object", "get_object"].contains(&operation) {
            continue;
        }
        let fault =
            world.exchange(operation, &head(200, &[("etag", "A")]), &body).reply.expect_err(operation);
        assert_eq!(fault.class, FaultClass::Corrupted, "{operation}: {}", fault.message);
        assert!(fault.message.contains("more than 1048576 bytes"), "{operation}: {}", fault.message);
    }
}

// Rows: 29
#[test]
fn the_page_of_a_captive_portal_is_no_success() {
    let world = World::new();
    let portal = b"<html><head><title>Log in</title></head><body>Welcome</body></html>";
    for operation in OPERATIONS {
        for (status, headers) in
            [(200, &[("content-type", "text/html")][..]), (200, &[]), (204, &[("content-type", "text/html")])]
        {
            if ["abort", "delete_object"].contains(&operation) && status == 204 {
                continue;
            }
            let fault = world.exchange(operation, &head(status, headers), portal).reply.expect_err(operation);
            assert_eq!(fault.class, FaultClass::Corrupted, "{operation} {status}: {}", fault.message);
        }
        let fault =
            world.exchange(operation, &head(302, &[("location", "http://portal.example/")]), portal).reply;
        assert_eq!(fault.expect_err(operation).class, FaultClass::Refused, "{operation}");
    }
}

#[test]
fn a_missing_object_is_one_only_by_the_word_of_the_service() {
    let world = World::new();
    let reply = |headers: &[(&str, &str)]| world.exchange("head_object", &head(404, headers), b"").reply;
    assert_eq!(reply(&[]).unwrap_err().class, FaultClass::Corrupted);
    assert_eq!(reply(&[("server", "nginx")]).unwrap_err().class, FaultClass::Corrupted);
    assert_eq!(reply(&[("x-oss-request-id", "5C3D9175B6FC201293AD1234")]), Ok("None".to_owned()));
}

// Rows: 31
#[test]
fn an_encoding_that_was_not_asked_for_is_named() {
    let world = World::new();
    for operation in OPERATIONS {
        let reply = |encoding| {
            let answer = head(200, &[("content-encoding", encoding), ("etag", "A")]);
            world.exchange(operation, &answer, LISTING.as_bytes()).reply
        };
        if ["head_object", "get_object"].contains(&operation) {
            // There it describes the object.
            assert!(reply("gzip").is_ok());
            continue;
        }
        let fault = reply("gzip").expect_err(operation);
        assert!(fault.class == FaultClass::Corrupted && fault.message.contains("gzip"), "{}", fault.message);
        assert!(!reply("identity").is_err_and(|fault| fault.message.contains("encoding")), "{operation}");
    }
}

// Rows: 35
#[test]
fn headers_that_contradict_themselves_are_refused() {
    let world = World::new();
    let check = |headers: &[(&str, &str)], fine: bool| {
        for operation in ["upload_part", "head_object", "put_object with options"] {
            let reply = world.exchange(operation, &head(200, headers), b"").reply;
            match reply {
                Ok(_) => assert!(fine, "{operation} {headers:?}"),
                Err(fault) => {
                    assert!(!fine && fault.class == FaultClass::Corrupted, "{operation} {}", fault.message);
                }
            }
        }
    };
    let crc = "x-oss-hash-crc64ecma";
    check(&[("ETag", "\"A\"")], true);
    check(&[("etag", "\"A\""), ("ETAG", "\"A\"")], true);
    check(&[("etag", "\"A\""), ("etag", "\"B\"")], false);
    check(&[("etag", "\"A\""), (crc, "18446744073709551615"), (crc, "18446744073709551615")], true);
    check(&[("etag", "\"A\""), (crc, "1"), (crc, "2")], false);
    for bad in ["", "-1", "+1", "0x1", "1,1", "18446744073709551616", "1 2"] {
        check(&[("etag", "\"A\""), (crc, bad)], false);
    }
    check(&[("etag", "\"\"")], false);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    // Rows: 30
    #[test]
    fn every_answer_is_read_without_a_panic(
        status in 100_u16..1000,
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300).boxed(),
            soup().prop_map(String::into_bytes).boxed(),
        ],
        header in "[ -~]{0,40}",
    ) {
        let world = World::new();
        let headers = ["etag", "x-oss-hash-crc64ecma", "retry-after", "date", "x-oss-err", "location", "content-length",
            "content-encoding", "last-modified", "x-oss-request-id"];
        let chosen = usize::from(status) % (headers.len() + 1);
        let headers: Vec<(&str, &str)> = headers.iter().skip(chosen).take(2).map(|name| (*name, header.as_str())).collect();
        let head = head(status, &headers);
        for operation in OPERATIONS {
            let _ = world.exchange(operation, &head, &body);
        }
        let _ = oss_resumable::wire::server_time(&head, &body);
        let _ = oss_resumable::wire::request_id(&head);
    }

    #[test]
    fn a_flipped_byte_never_makes_another_refusal_of_nothing(at in 0_usize..400, with in any::<u8>()) {
        let mut document = error_document("NoSuchUpload").into_bytes();
        let at = at % document.len();
        document[at] = with;
        let fault = oss_resumable::wire::fault("list_parts", &head(404, &[]), &document);
        // Either it still says so, or it says nothing: a class that throws an upload away needs the exact code.
        let code = fault.refusal.as_deref().map_or("", |refusal| refusal.code.as_str());
        prop_assert_eq!(fault.class == FaultClass::Vanished, code == "NoSuchUpload");
    }
}

/// Pieces of the documents that are expected, in any order.
fn soup() -> impl Strategy<Value = String> {
    let inner = prop::collection::vec(prop::sample::select(PIECES), 0..20).prop_map(|pieces| pieces.concat());
    (prop::sample::select(ROOTS), inner, any::<bool>()).prop_map(|(root, inner, closed)| {
        if closed { format!("<{root}>{inner}</{root}>") } else { format!("<{root}>{inner}") }
    })
}

const ROOTS: &[&str] = &[
    "ListPartsResult",
    "Error",
    "InitiateMultipartUploadResult",
    "CompleteMultipartUploadResult",
    "ListMultipartUploadsResult",
    "ListBucketResult",
    "ListAllMyBucketsResult",
    "BucketInfo",
];

const PIECES: &[&str] = &[
    "<Part>",
    "</Part>",
    "<PartNumber>",
    "</PartNumber>",
    "<ETag>",
    "</ETag>",
    "<Size>",
    "</Size>",
    "<Upload>",
    "</Upload>",
    "<Key>",
    "</Key>",
    "<UploadId>",
    "</UploadId>",
    "<IsTruncated>",
    "</IsTruncated>",
    "true",
    "false",
    "1",
    "18446744073709551616",
    "a%20b",
    "%zz",
    "&amp;",
    "&#1;",
    "&#",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?x",
    "?>",
    "<Code>NoSuchUpload</Code>",
    "<Contents>",
    "</Contents>",
    "<EncodingType>url</EncodingType>",
    "\u{e9}",
    "<a/>",
    "<NextKeyMarker>a</NextKeyMarker>",
    "<ServerTime>2026-11-22T12:00:00.000Z</ServerTime>",
    "\"",
    "'",
    "=",
    "<",
    ">",
];
