use oss_checkpoint::ObjectOptions;
use oss_resumable::{
    FaultClass,
    wire::{AddressingStyle, Endpoint, EndpointSettings, Initiate, ListBuckets, Operation, PutObject},
};

use crate::world::World;

#[test]
fn a_header_that_cannot_be_sent_is_refused_before_anything_is() {
    let world = World::new();
    let refused = |name: &str, value: &str, why: &str| {
        let options =
            ObjectOptions { headers: vec![(name.to_owned(), value.to_owned())], ..ObjectOptions::default() };
        for request in [
            Initiate { target: &world.target, options: &options }.request(),
            PutObject { target: &world.target, options: &options }.request(),
        ] {
            let fault = request.expect_err(name);
            assert_eq!(fault.class, FaultClass::Local);
            assert!(fault.message.contains(why) && fault.message.contains(name), "{}", fault.message);
        }
    };
    for name in [
        "host",
        "authorization",
        "content-length",
        "transfer-encoding",
        "x-oss-date",
        "x-oss-copy-source",
        "",
    ] {
        refused(name, "x", "OSS stores no header");
    }
    refused("x-oss-meta-\u{e9}", "x", "no header name");
    refused("x-oss-meta-a b", "x", "no header name");
    for value in ["\u{4e2d}", "a\r\nx-oss-object-acl: public-read", "\u{0}", "a\u{7f}"] {
        refused("x-oss-meta-a", value, "visible ASCII only");
    }
}

#[test]
fn every_header_that_is_stored_with_an_object_is_sent() {
    let world = World::new();
    for name in [
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "expires",
        "x-oss-meta-a",
        "x-oss-server-side-data-encryption",
        "x-oss-server-side-encryption",
        "x-oss-server-side-encryption-key-id",
        "x-oss-storage-class",
        "x-oss-tagging",
    ] {
        let options =
            ObjectOptions { headers: vec![(name.to_owned(), "v".to_owned())], ..ObjectOptions::default() };
        let request = Initiate { target: &world.target, options: &options }.request().unwrap();
        assert_eq!(request.headers()[name], "v");
    }
}

#[test]
fn a_domain_that_is_bound_to_a_bucket_lists_no_buckets() {
    let settings = EndpointSettings {
        endpoint: Some("files.example.com".into()),
        region: Some("cn-hangzhou".into()),
        addressing_style: Some(AddressingStyle::Cname),
        ..EndpointSettings::default()
    };
    let endpoint = Endpoint::resolve(&settings).unwrap();
    let fault = ListBuckets { endpoint: &endpoint, after: None }.request().unwrap_err();
    assert_eq!(fault.class, FaultClass::Local);
    assert!(fault.message.contains("files.example.com"), "{}", fault.message);
}
