use http::Uri;
use oss_checkpoint::{BucketName, ObjectKey, UploadId};
use oss_resumable::wire::{AddressingStyle, Endpoint, EndpointSettings, ListParts, Operation, Target};
use percent_encoding::percent_decode_str;
use proptest::prelude::*;

fn target(endpoint: &str, style: Option<AddressingStyle>, key: &str) -> Target {
    let settings = EndpointSettings {
        endpoint: Some(endpoint.to_owned()),
        region: Some("cn-hangzhou".to_owned()),
        internal: false,
        addressing_style: style,
    };
    Target {
        endpoint: Endpoint::resolve(&settings).unwrap(),
        bucket: BucketName::new("demo").unwrap(),
        key: ObjectKey::new(key).unwrap(),
    }
}

#[test]
fn each_style_names_the_bucket_in_its_place() {
    let check = |endpoint, style, key, expected: &str| {
        assert_eq!(target(endpoint, style, key).uri().to_string(), expected);
    };
    check("oss-cn-hangzhou.aliyuncs.com", None, "k", "https://demo.oss-cn-hangzhou.aliyuncs.com/k");
    check("http://localhost:9000", None, "k", "http://localhost:9000/demo/k");
    check("http://[::1]:9000", None, "k", "http://[::1]:9000/demo/k");
    check("files.example.com", Some(AddressingStyle::Cname), "k", "https://files.example.com/k");
}

#[test]
fn a_key_comes_out_byte_by_byte() {
    let check = |key: &str, path: &str| {
        for (endpoint, prefix) in [("oss-cn-hangzhou.aliyuncs.com", "/"), ("http://127.0.0.1", "/demo/")] {
            let uri = target(endpoint, None, key).uri();
            assert_eq!(uri.path(), format!("{prefix}{path}"), "{key:?}");
            assert_eq!(uri.query(), None, "{key:?}");
            // What a transport puts on the request line, and what parsing the address anew would give.
            assert_eq!(uri.path_and_query().unwrap().as_str(), format!("{prefix}{path}"), "{key:?}");
            assert_eq!(uri.to_string().parse::<Uri>().unwrap(), uri, "{key:?}");
        }
    };
    check("a//b", "a//b");
    check("a/../../b/./c", "a/../../b/./c");
    check("..", "..");
    check(".", ".");
    check("*", "%2A");
    check("a/", "a/");
    check("a///", "a///");
    check("100%", "100%25");
    check("%2e%2E", "%252e%252E");
    check("1+1 =2", "1%2B1%20%3D2");
    check("q?a=b#c", "q%3Fa%3Db%23c");
    check("a\\b:c@d;e,f!g'h(i)", "a%5Cb%3Ac%40d%3Be%2Cf%21g%27h%28i%29");
    check("\u{0}\u{1}\r\n\t\u{7f}", "%00%01%0D%0A%09%7F");
    check("\u{4e2d}\u{6587}-._~", "%E4%B8%AD%E6%96%87-._~");
    check("\u{1f980}", "%F0%9F%A6%80");
}

#[test]
fn the_longest_key_and_upload_id_still_make_an_address() {
    let target = target("http://[::1]:9000", None, &"\u{1}".repeat(ObjectKey::MAX_LEN));
    let upload_id = UploadId::new("%".repeat(UploadId::MAX_LEN)).unwrap();
    let request = ListParts { target: &target, upload_id: &upload_id, after: None }.request().unwrap();
    assert!(request.uri().query().unwrap().starts_with("uploadId=%25%25"));
    assert_eq!(request.uri().path().len(), "/demo/".len() + 3 * ObjectKey::MAX_LEN);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn decoding_the_path_gives_the_key_back(key in "[^/\\\\]\\PC{0,100}|[\\x00-\\x2e\\x30-\\x5b]{1,200}|([a-z]?[./%+?#]{1,3}[ -~]?){1,60}") {
        prop_assume!(ObjectKey::new(key.as_str()).is_ok());
        for (endpoint, prefix) in [("oss-cn-hangzhou.aliyuncs.com", "/"), ("http://127.0.0.1", "/demo/")] {
            let uri = target(endpoint, None, &key).uri();
            let path = uri.path().strip_prefix(prefix).unwrap();
            prop_assert_eq!(percent_decode_str(path).collect::<Vec<u8>>(), key.as_bytes());
            prop_assert!(path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte)));
            prop_assert_eq!(uri.to_string().parse::<Uri>().unwrap(), uri);
        }
    }
}
