//! Objects and buckets.

use oss_emulator::Settings;

use crate::client::{Ask, Scene, bytes, crc64};

#[test]
fn an_object_is_what_was_put() {
    let scene = Scene::new();
    let body = bytes(1, 300_000);
    let put = Ask::new("PUT", "demo/a/b.txt")
        .header("content-type", "text/plain")
        .header("cache-control", "no-cache")
        .header("content-disposition", "inline")
        .header("expires", "Thu, 02 Jan 2025 03:04:05 GMT")
        .header("x-oss-storage-class", "IA")
        .header("x-oss-object-acl", "private")
        .header("x-oss-meta-a", "1")
        .header("x-oss-unknown", "accepted");
    let answer = scene.client.send(&put.body(&body)).unwrap();
    answer.expect(200);
    assert_eq!(answer.header("x-oss-hash-crc64ecma"), Some(crc64(&body).as_str()));
    let got = scene.get("demo/a/b.txt");
    assert!(got.expect(200).body == body);
    for answer in [got, scene.head("demo/a/b.txt")] {
        let expected = [
            ("content-length", "300000"),
            ("content-type", "text/plain"),
            ("cache-control", "no-cache"),
            ("content-disposition", "inline"),
            ("expires", "Thu, 02 Jan 2025 03:04:05 GMT"),
            ("x-oss-meta-a", "1"),
            ("x-oss-object-type", "Normal"),
            ("x-oss-storage-class", "IA"),
            ("x-oss-object-acl", "private"),
            ("x-oss-hash-crc64ecma", &crc64(&body)),
            ("server", "AliyunOSS"),
        ];
        for (name, value) in expected {
            assert_eq!(answer.header(name), Some(value), "{name}");
        }
        assert!(answer.header("x-oss-unknown").is_none());
        let id = answer.header("x-oss-request-id").unwrap();
        assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert!(answer.header("x-oss-server-time").unwrap().parse::<u64>().is_ok());
        assert!(answer.header("date").unwrap().ends_with(" GMT"));
    }
    let meta = scene.client.send(&Ask::new("HEAD", "demo/a/b.txt?objectMeta")).unwrap();
    assert_eq!(meta.expect(200).header("content-length"), Some("300000"));
    assert!(meta.header("x-oss-meta-a").is_none() && meta.header("x-oss-object-type").is_none());
}

#[test]
fn an_etag_is_the_md5_and_an_empty_object_has_crc_0() {
    let scene = Scene::new();
    let answer = scene.put("demo/empty", b"");
    assert_eq!(answer.expect(200).etag(), "\"D41D8CD98F00B204E9800998ECF8427E\"");
    assert_eq!(answer.header("x-oss-hash-crc64ecma"), Some("0"));
    assert_eq!(answer.header("content-md5"), Some("1B2M2Y8AsgTpgAmY7PhCfg=="));
    assert_eq!(scene.get("demo/empty").expect(200).body, b"");
    assert_eq!(scene.head("demo/empty").header("content-type"), Some("application/octet-stream"));
}

// Rows: 97
#[test]
fn a_key_is_kept_byte_for_byte_and_never_becomes_a_path() {
    let scene = Scene::new();
    let long = "k".repeat(1023);
    let keys = [
        "a//b",
        "../../etc/passwd",
        "a/../b",
        ".",
        "..",
        "a/./b",
        "%2e%2e%2f",
        "a%b",
        "a+b",
        "a b",
        "what?x=1",
        "#x",
        "é/ü",
        "nul\0in",
        "line\nbreak",
        "\u{1}\u{7f}",
        "C:\\con",
        "trailing/",
        "a&b<c>\"'",
        &long,
    ];
    for key in keys {
        scene.client.send(&Ask::of("PUT", "demo", key, "").body(key.as_bytes())).unwrap().expect(200);
    }
    for key in keys {
        let got = scene.client.send(&Ask::of("GET", "demo", key, "")).unwrap();
        assert_eq!(got.expect(200).body, key.as_bytes(), "{key:?}");
    }
    let listed = scene.get("demo?max-keys=1000&encoding-type=url");
    assert_eq!(listed.element("EncodingType").as_deref(), Some("url"));
    let mut expected: Vec<&str> = keys.to_vec();
    expected.sort_unstable();
    let decoded: Vec<Vec<u8>> =
        listed.elements("Key").iter().map(|key| oss_sign::encode::decode(key)).collect();
    assert_eq!(decoded, expected.iter().map(|key| key.as_bytes()).collect::<Vec<_>>());
    for entry in walk(scene.folder.path()) {
        let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
        let ours = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
        assert!(ours && !keys.contains(&name.as_str()), "{name}");
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        }
        found.push(path);
    }
    found
}

#[test]
fn names_that_oss_does_not_allow_are_refused() {
    let scene = Scene::new();
    let long = format!("demo/{}", "k".repeat(1024));
    for target in ["demo//k", "demo/\\k", &long] {
        scene.put(target, b"x").refused(400, "InvalidObjectName");
    }
    for bucket in ["De-mo", "ab", "-abc", "a_b_c"] {
        scene.client.send(&Ask::of("PUT", bucket, "", "")).unwrap().refused(400, "InvalidBucketName");
    }
}

#[test]
fn ranges_are_served_as_oss_does() {
    let scene = Scene::new();
    let body = bytes(2, 600_000);
    scene.put("demo/k", &body).expect(200);
    let get = |range: &str, standard: bool| {
        let mut ask = Ask::new("GET", "demo/k").header("range", range);
        if standard {
            ask = ask.header("x-oss-range-behavior", "standard");
        }
        scene.client.send(&ask).unwrap()
    };
    let cases = [
        ("bytes=0-0", 0..1),
        ("bytes=262143-300000", 262_143..300_001),
        ("bytes=599999-", 599_999..600_000),
        ("bytes=-7", 599_993..600_000),
    ];
    for (range, expected) in cases {
        let got = get(range, false);
        assert!(got.expect(206).body == body[expected.clone()], "{range}");
        let content_range = format!("bytes {}-{}/600000", expected.start, expected.end - 1);
        assert_eq!(got.header("content-range"), Some(content_range.as_str()));
        assert_eq!(
            got.header("x-oss-hash-crc64ecma"),
            Some(crc64(&body).as_str()),
            "the CRC is that of the whole object"
        );
    }
    assert!(get("bytes=600000-", false).expect(200).body == body);
    assert!(get("bytes=599999-600000", false).expect(200).body == body);
    assert!(get("bytes=599999-600000", true).expect(206).body == body[599_999..]);
    get("bytes=600000-", true).refused(416, "InvalidRange");
}

#[test]
fn conditions_are_looked_at() {
    let scene = Scene::new();
    let etag = scene.put("demo/k", b"x").etag();
    let ask = |method: &str, name: &str, value: &str| {
        scene.client.send(&Ask::new(method, "demo/k").header(name, value)).unwrap()
    };
    let (past, future) = ("Thu, 02 Jan 2020 03:04:05 GMT", "Fri, 02 Jan 2099 03:04:05 GMT");
    ask("GET", "if-match", &etag).expect(200);
    ask("GET", "if-match", "\"other\"").refused(412, "PreconditionFailed");
    let head = ask("HEAD", "if-match", "\"other\"");
    assert!(head.expect(412).header("x-oss-err").is_some());
    let unchanged = ask("GET", "if-none-match", &etag);
    assert_eq!(unchanged.expect(304).etag(), etag);
    ask("HEAD", "if-none-match", &etag).expect(304);
    ask("GET", "if-modified-since", future).expect(304);
    ask("GET", "if-modified-since", past).expect(200);
    ask("GET", "if-unmodified-since", past).expect(412);
    ask("GET", "if-unmodified-since", future).expect(200);
}

#[test]
fn a_body_must_be_as_its_md5_says() {
    let scene = Scene::new();
    let put = |md5: &str, body: &[u8]| {
        scene.client.send(&Ask::new("PUT", "demo/k").header("content-md5", md5).body(body)).unwrap()
    };
    put("1B2M2Y8AsgTpgAmY7PhCfg==", b"").expect(200);
    put("1B2M2Y8AsgTpgAmY7PhCfg==", b"x").refused(400, "InvalidDigest");
    put("nonsense", b"x").refused(400, "InvalidDigest");
    assert_eq!(scene.get("demo/k").body, b"");
}

#[test]
fn an_object_is_not_overwritten_where_that_is_forbidden() {
    let scene = Scene::new();
    let put = |body: &[u8]| {
        scene
            .client
            .send(&Ask::new("PUT", "demo/k").header("x-oss-forbid-overwrite", "true").body(body))
            .unwrap()
    };
    put(b"first").expect(200);
    put(b"second").refused(409, "FileAlreadyExists");
    assert_eq!(scene.get("demo/k").body, b"first");
    scene.put("demo/k", b"third").expect(200);
    assert_eq!(scene.get("demo/k").body, b"third");
}

#[test]
fn deleting_is_a_success_twice_and_leaves_no_bytes() {
    let scene = Scene::new();
    scene.put("demo/k", &bytes(3, 100_000)).expect(200);
    scene.put("demo/k", &bytes(4, 100_000)).expect(200);
    scene.delete("demo/k").expect(204);
    scene.delete("demo/k").expect(204);
    scene.get("demo/k").refused(404, "NoSuchKey");
    let head = scene.head("demo/k");
    let error = from_base64(head.expect(404).header("x-oss-err").unwrap());
    assert!(error.contains("<Code>NoSuchKey</Code>") && error.contains("<EC>0026-00000001</EC>"), "{error}");
    assert_eq!(head.header("x-oss-ec"), Some("0026-00000001"));
    let blobs = scene.folder.path().join("buckets/demo/blobs");
    assert_eq!(std::fs::read_dir(blobs).unwrap().count(), 0);
}

fn from_base64(text: &str) -> String {
    use base64::Engine;
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(text).unwrap()).unwrap()
}

#[test]
fn a_bucket_must_exist_and_be_empty_to_go() {
    let scene = Scene::with(|settings: &mut Settings| settings.create_buckets = false);
    scene.put("new-bucket/k", b"x").refused(404, "NoSuchBucket");
    scene.put("new-bucket", b"").expect(200);
    scene.put("new-bucket", b"").refused(409, "BucketAlreadyExists");
    scene.put("new-bucket/k", b"x").expect(200);
    scene.delete("new-bucket").refused(409, "BucketNotEmpty");
    scene.delete("new-bucket/k").expect(204);
    let id = scene.post("new-bucket/k?uploads", "").element("UploadId").unwrap();
    scene.delete("new-bucket").refused(409, "BucketNotEmpty");
    scene.delete(&format!("new-bucket/k?uploadId={id}")).expect(204);
    scene.delete("new-bucket").expect(204);
    scene.delete("new-bucket").refused(404, "NoSuchBucket");
}

#[test]
fn buckets_are_described_and_listed() {
    let scene = Scene::new();
    let class = b"<CreateBucketConfiguration><StorageClass>IA</StorageClass></CreateBucketConfiguration>";
    scene
        .client
        .send(&Ask::new("PUT", "bbb").header("x-oss-acl", "public-read").body(class))
        .unwrap()
        .expect(200);
    for bucket in ["ccc", "aaa"] {
        scene.put(bucket, b"").expect(200);
    }
    let info = scene.get("bbb?bucketInfo");
    assert_eq!(info.expect(200).element("Location").as_deref(), Some("oss-cn-hangzhou"));
    assert_eq!(info.element("Grant").as_deref(), Some("public-read"));
    assert_eq!(info.element("StorageClass").as_deref(), Some("IA"));
    assert!(!info.text().contains("xmlns"));
    assert_eq!(scene.get("bbb?location").element("LocationConstraint").as_deref(), Some("oss-cn-hangzhou"));
    assert_eq!(scene.get("bbb?acl").element("Grant").as_deref(), Some("public-read"));
    let first = scene.client.send(&Ask::of("GET", "", "", "max-keys=2")).unwrap();
    assert_eq!(first.expect(200).elements("Name"), ["aaa", "bbb"]);
    assert_eq!(first.element("IsTruncated").as_deref(), Some("true"));
    let marker = first.element("NextMarker").unwrap();
    let second = scene.client.send(&Ask::of("GET", "", "", &format!("max-keys=2&marker={marker}"))).unwrap();
    assert_eq!(second.elements("Name"), ["ccc"]);
    let prefixed = scene.client.send(&Ask::of("GET", "", "", "prefix=c")).unwrap();
    assert_eq!(prefixed.elements("Name"), ["ccc"]);
}

#[test]
fn both_listings_show_each_object_once() {
    let scene = Scene::new();
    for key in ["a", "b/1", "b/2", "c/1", "c+d e", "z"] {
        scene.client.send(&Ask::of("PUT", "demo", key, "").body(b"x")).unwrap().expect(200);
    }
    let mut marker = String::new();
    let mut seen = Vec::new();
    loop {
        let query =
            format!("delimiter=%2F&max-keys=2&marker={}", oss_sign::encode::encode_component(&marker));
        let page = scene.client.send(&Ask::of("GET", "demo", "", &query)).unwrap();
        seen.extend(page.expect(200).elements("Key"));
        seen.extend(page.elements("CommonPrefixes"));
        match page.element("NextMarker") {
            Some(next) => marker = next,
            None => break,
        }
    }
    assert_eq!(seen, ["a", "<Prefix>b/</Prefix>", "c+d e", "<Prefix>c/</Prefix>", "z"]);

    let mut token = String::new();
    let mut keys = Vec::new();
    loop {
        let query = format!("list-type=2&encoding-type=url&max-keys=4{token}");
        let page = scene.client.send(&Ask::of("GET", "demo", "", &query)).unwrap();
        keys.extend(page.expect(200).elements("Key"));
        let next = page.element("NextContinuationToken");
        assert_eq!(
            page.element("IsTruncated").as_deref(),
            Some(if next.is_some() { "true" } else { "false" })
        );
        match next {
            Some(next) => token = format!("&continuation-token={next}"),
            None => break,
        }
    }
    assert_eq!(keys, ["a", "b%2F1", "b%2F2", "c%2Bd%20e", "c%2F1", "z"]);
    let after = scene.get("demo?list-type=2&start-after=b%2F2&prefix=c");
    assert_eq!(after.elements("Key"), ["c+d e", "c/1"]);
    scene.get("demo?list-type=2&continuation-token=!").refused(400, "InvalidArgument");
    scene.get("demo?max-keys=many").refused(400, "InvalidArgument");
    scene.get("demo?encoding-type=rot13").refused(400, "InvalidArgument");
}
