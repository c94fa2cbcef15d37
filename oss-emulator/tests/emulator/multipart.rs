//! Multipart uploads.

use crate::client::{Answer, Ask, Scene, bytes, crc64, part_list};

/// Smallest part but the last.
const MIN: usize = 102_400;

#[test]
fn an_upload_of_parts_becomes_their_concatenation() {
    let scene = Scene::new();
    let id = scene.initiate("k");
    let body = bytes(1, 2 * MIN + 45_200);
    let pieces: Vec<&[u8]> = body.chunks(MIN).collect();
    let mut parts = Vec::new();
    for number in [3, 1, 2] {
        let piece = pieces[number as usize - 1];
        let answer = scene.upload_part("k", &id, number, piece);
        assert_eq!(answer.expect(200).header("x-oss-hash-crc64ecma"), Some(crc64(piece).as_str()));
        parts.push((number, answer.etag()));
    }
    parts.sort();
    let answer = scene.complete("k", &id, &parts);
    assert_eq!(answer.expect(200).header("x-oss-hash-crc64ecma"), Some(crc64(&body).as_str()));
    let etag = answer.etag();
    assert!(etag.len() == 36 && etag.ends_with("-3\""), "{etag}");
    assert_eq!(answer.element("ETag"), Some(etag.clone()));
    assert_eq!(answer.element("Key").as_deref(), Some("k"));
    let got = scene.get("demo/k");
    assert!(got.body == body);
    assert_eq!((got.etag(), got.header("x-oss-object-type")), (etag, Some("Multipart")));
    let across =
        scene.client.send(&Ask::new("GET", "demo/k").header("range", "bytes=102399-204800")).unwrap();
    assert!(across.expect(206).body == body[102_399..204_801]);
    scene.complete("k", &id, &parts).refused(404, "NoSuchUpload");
    scene.delete("demo/k").expect(204);
    assert_eq!(std::fs::read_dir(scene.folder.path().join("buckets/demo/blobs")).unwrap().count(), 0);
}

#[test]
fn what_initiate_says_of_the_object_is_kept() {
    let scene = Scene::new();
    let initiate = Ask::new("POST", "demo/k?uploads&encoding-type=url")
        .header("content-type", "video/mp4")
        .header("x-oss-meta-who", "me")
        .header("x-oss-storage-class", "IA");
    let id = scene.client.send(&initiate).unwrap().expect(200).element("UploadId").unwrap();
    assert!(
        id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()),
        "{id}"
    );
    scene.upload_part("k", &id, 1, b"x").expect(200);
    let complete = Ask::new("POST", &format!("demo/k?uploadId={id}"))
        .header("x-oss-complete-all", "yes")
        .header("x-oss-object-acl", "private");
    scene.client.send(&complete).unwrap().expect(200);
    let head = scene.head("demo/k");
    let expected = [
        ("content-type", "video/mp4"),
        ("x-oss-meta-who", "me"),
        ("x-oss-storage-class", "IA"),
        ("x-oss-object-acl", "private"),
    ];
    for (name, value) in expected {
        assert_eq!(head.header(name), Some(value), "{name}");
    }
}

#[test]
fn a_part_sent_again_replaces_the_first() {
    let scene = Scene::new();
    let id = scene.initiate("k");
    let old = scene.upload_part("k", &id, 1, b"old").etag();
    let new = scene.upload_part("k", &id, 1, b"new").etag();
    let listed = scene.get(&format!("demo/k?uploadId={id}"));
    assert_eq!(listed.elements("ETag"), std::slice::from_ref(&new));
    scene.complete("k", &id, &[(1, old)]).refused(400, "InvalidPart");
    scene.complete("k", &id, &[(1, new.trim_matches('"').to_lowercase())]).expect(200);
    assert_eq!(scene.get("demo/k").body, b"new");
}

#[test]
fn parts_are_listed_in_pages() {
    let scene = Scene::new();
    let id = scene.initiate("k");
    let none = scene.get(&format!("demo/k?uploadId={id}"));
    assert_eq!(none.expect(200).element("NextPartNumberMarker").as_deref(), Some("0"));
    assert_eq!(none.element("IsTruncated").as_deref(), Some("false"));
    std::thread::scope(|scope| {
        for lane in 0..4 {
            let (scene, id) = (&scene, &id);
            scope.spawn(move || {
                for number in (1..=2500).filter(|number| number % 4 == lane) {
                    scene.upload_part("k", id, number * 4, &number.to_le_bytes()).expect(200);
                }
            });
        }
    });
    let mut marker = "0".to_owned();
    let mut numbers = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let page = scene.get(&format!("demo/k?uploadId={id}&part-number-marker={marker}&max-parts=5000"));
        assert_eq!(
            page.expect(200).element("MaxParts").as_deref(),
            Some("1000"),
            "a page has at most 1000 parts"
        );
        numbers.extend(page.elements("PartNumber").iter().map(|number| number.parse::<u32>().unwrap()));
        sizes.push(page.elements("PartNumber").len());
        marker = page.element("NextPartNumberMarker").unwrap();
        assert_eq!(marker, numbers.last().unwrap().to_string());
        if page.element("IsTruncated").as_deref() == Some("false") {
            break;
        }
    }
    assert_eq!(sizes, [1000, 1000, 500]);
    assert_eq!(numbers, (1..=2500).map(|number| number * 4).collect::<Vec<_>>());
    let one = scene.get(&format!("demo/k?uploadId={id}&part-number-marker=8&max-parts=1"));
    assert_eq!(one.element("HashCrc64ecma"), Some(crc64(&3_u32.to_le_bytes())));
    assert_eq!(one.element("Size").as_deref(), Some("4"));
    assert!(!one.text().contains("xmlns"));
}

/// An upload with three parts, the second of them short, and its id.
fn three_parts(scene: &Scene) -> (String, Vec<(u32, String)>) {
    let id = scene.initiate("k");
    let etags: Vec<_> = [(1, MIN), (2, 10), (3, MIN)]
        .into_iter()
        .map(|(number, size)| {
            (number, scene.upload_part("k", &id, number, &bytes(number.into(), size)).etag())
        })
        .collect();
    (id, etags)
}

#[test]
fn a_list_of_parts_that_is_wrong_is_refused_and_the_upload_stays() {
    let scene = Scene::new();
    let (id, parts) = three_parts(&scene);
    let complete = |parts: &[(u32, String)]| scene.complete("k", &id, parts);
    complete(&parts).refused(400, "EntityTooSmall");
    complete(&[]).refused(400, "MalformedXML");
    scene.post(&format!("demo/k?uploadId={id}"), "not xml").refused(400, "MalformedXML");
    scene.post(&format!("demo/k?uploadId={id}"), "").refused(400, "MalformedXML");
    let (one, three) = (parts[0].clone(), parts[2].clone());
    complete(&[three.clone(), one.clone()]).refused(400, "InvalidPartOrder");
    complete(&[one.clone(), one.clone()]).refused(400, "InvalidPartOrder");
    let missing = complete(&[one.clone(), (7, "\"X\"".to_owned())]);
    assert_eq!(missing.refused(400, "InvalidPart").element("PartNumber").as_deref(), Some("7"));
    assert_eq!(missing.element("UploadId"), Some(id.clone()));
    complete(&[(1, "\"0000\"".to_owned())]).refused(400, "InvalidPart");
    let both = Ask::new("POST", &format!("demo/k?uploadId={id}")).header("x-oss-complete-all", "yes");
    scene.client.send(&both.body(part_list(&parts).as_bytes())).unwrap().refused(400, "InvalidArgument");
    scene.get("demo/k").refused(404, "NoSuchKey");
    complete(&[one, three]).expect(200);
    assert_eq!(
        scene.head("demo/k").header("content-length"),
        Some("204800"),
        "parts that are not named are dropped"
    );
    assert_eq!(std::fs::read_dir(blob(&scene)).unwrap().count(), 3);
}

fn blob(scene: &Scene) -> std::path::PathBuf {
    std::fs::read_dir(scene.folder.path().join("buckets/demo/blobs")).unwrap().next().unwrap().unwrap().path()
}

#[test]
fn complete_all_takes_what_there_is_but_not_nothing() {
    let scene = Scene::new();
    let id = scene.initiate("k");
    let complete = Ask::new("POST", &format!("demo/k?uploadId={id}")).header("x-oss-complete-all", "yes");
    assert_eq!(scene.client.send(&complete).unwrap().status, 400);
    scene.upload_part("k", &id, 5, &bytes(1, MIN)).expect(200);
    scene.upload_part("k", &id, 9, b"end").expect(200);
    scene.client.send(&complete).unwrap().expect(200);
    assert!(scene.get("demo/k").body == [&bytes(1, MIN)[..], b"end"].concat());
}

#[test]
fn an_object_is_not_overwritten_by_an_upload_where_that_is_forbidden() {
    let scene = Scene::new();
    let early = scene.initiate("k");
    let etag = scene.upload_part("k", &early, 1, b"new").etag();
    scene.put("demo/k", b"old").expect(200);
    let forbid = |ask: Ask| scene.client.send(&ask.header("x-oss-forbid-overwrite", "true")).unwrap();
    forbid(Ask::new("POST", "demo/k?uploads")).refused(409, "FileAlreadyExists");
    let complete = Ask::new("POST", &format!("demo/k?uploadId={early}"));
    let complete = complete.body(part_list(&[(1, etag.clone())]).as_bytes());
    assert_eq!(
        forbid(complete).refused(409, "FileAlreadyExists").element("EC").as_deref(),
        Some("0042-00000214")
    );
    assert_eq!(scene.get("demo/k").body, b"old");
    scene.complete("k", &early, &[(1, etag)]).expect(200);
    assert_eq!(scene.get("demo/k").body, b"new");
}

#[test]
fn an_upload_that_is_gone_is_gone_for_every_operation() {
    let scene = Scene::new();
    let id = scene.initiate("k");
    scene.upload_part("k", &id, 1, b"x").expect(200);
    let unknown = "0".repeat(32);
    let check = |key: &str, id: &str| {
        let codes = [
            ("PUT", "&partNumber=1", "0042-00000104"),
            ("GET", "", "0042-00000002"),
            ("DELETE", "", "0042-00000002"),
        ];
        for (method, more, ec) in codes {
            let answer =
                scene.client.send(&Ask::new(method, &format!("demo/{key}?uploadId={id}{more}"))).unwrap();
            assert_eq!(answer.refused(404, "NoSuchUpload").element("EC").as_deref(), Some(ec));
        }
        scene.complete(key, id, &[(1, "x".to_owned())]).refused(404, "NoSuchUpload");
    };
    check("k", &unknown);
    check("k", "..%2F..%2Fbucket.json");
    check("k", "");
    check("other-key", &id);
    scene.delete(&format!("demo/k?uploadId={id}")).expect(204);
    check("k", &id);
    assert_eq!(std::fs::read_dir(scene.folder.path().join("buckets/demo/blobs")).unwrap().count(), 0);
}

#[test]
fn part_numbers_and_lengths_are_checked() {
    let scene = Scene::new();
    let id = scene.initiate("k");
    for number in ["0", "10001", "-1", "x", "", "65537"] {
        let answer = scene.put(&format!("demo/k?partNumber={number}&uploadId={id}"), b"x");
        assert_eq!(
            answer.refused(400, "InvalidArgument").element("ArgumentName").as_deref(),
            Some("PartNumber")
        );
    }
    let missing = scene.put(&format!("demo/k?uploadId={id}"), b"x");
    assert_eq!(missing.refused(400, "InvalidArgument").element("EC").as_deref(), Some("0017-00000219"));
    scene.upload_part("k", &id, 10_000, b"x").expect(200);
    let digest = Ask::new("PUT", &format!("demo/k?partNumber=1&uploadId={id}"))
        .header("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==");
    scene.client.send(&digest.body(b"x")).unwrap().refused(400, "InvalidDigest");
    let listed = scene.get(&format!("demo/k?uploadId={id}"));
    assert_eq!(listed.elements("PartNumber"), ["10000"]);
}

#[test]
fn uploads_are_listed_with_both_markers_and_in_groups() {
    let scene = Scene::new();
    let mut expected = Vec::new();
    for key in ["a", "a", "a", "b/1", "b/2", "c"] {
        expected.push((key.to_owned(), scene.initiate(key)));
    }
    expected.sort();
    let list = |query: &str| scene.client.send(&Ask::of("GET", "demo", "", query)).unwrap();
    let entries = |page: &Answer| {
        let keys = page.elements("Key");
        keys.into_iter().zip(page.elements("UploadId")).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    let mut markers = String::new();
    loop {
        let page = list(&format!("uploads&max-uploads=2{markers}"));
        found.extend(entries(page.expect(200)));
        if page.element("IsTruncated").as_deref() == Some("false") {
            break;
        }
        let key = page.element("NextKeyMarker").unwrap();
        markers = format!(
            "&key-marker={}&upload-id-marker={}",
            oss_sign::encode::encode_component(&key),
            page.element("NextUploadIdMarker").unwrap()
        );
    }
    assert_eq!(found, expected);
    assert_eq!(entries(&list("uploads&key-marker=a")), expected[3..]);
    assert_eq!(entries(&list("uploads&prefix=b%2F")), expected[3..5]);
    let grouped = list("uploads&delimiter=%2F&encoding-type=url");
    assert_eq!(grouped.elements("Key"), ["a", "a", "a", "c"]);
    assert_eq!(grouped.elements("CommonPrefixes"), ["<Prefix>b%2F</Prefix>"]);
    let id = &expected[5].1;
    scene.upload_part("c", id, 1, b"x").expect(200);
    scene
        .client
        .send(&Ask::new("POST", &format!("demo/c?uploadId={id}")).header("x-oss-complete-all", "yes"))
        .unwrap();
    assert_eq!(entries(&list("uploads&prefix=c")), []);
}

#[test]
fn many_parts_are_completed_without_copying_them() {
    let scene = Scene::with(|settings| settings.no_verify = true);
    let id = scene.initiate("k");
    let piece = vec![7; MIN];
    for number in 1..=40 {
        scene.upload_part("k", &id, number, &piece).expect(200);
    }
    let before = inodes(&scene);
    scene
        .client
        .send(&Ask::new("POST", &format!("demo/k?uploadId={id}")).header("x-oss-complete-all", "yes"))
        .unwrap()
        .expect(200);
    let after = inodes(&scene);
    assert!(before.len() == 40 && before.iter().all(|inode| after.contains(inode)));
    assert_eq!(scene.head("demo/k").header("x-oss-hash-crc64ecma"), Some(crc64(&vec![7; 40 * MIN]).as_str()));
}

fn inodes(scene: &Scene) -> Vec<u64> {
    use std::os::unix::fs::MetadataExt;
    std::fs::read_dir(blob(scene)).unwrap().map(|entry| entry.unwrap().metadata().unwrap().ino()).collect()
}
