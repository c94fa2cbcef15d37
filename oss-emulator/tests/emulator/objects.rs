//! Objects and buckets.

use crate::client::{Ask, Scene, bytes, crc64};

#[test]
fn an_object_is_what_was_put() {
    let scene = Scene::new();
    let body = bytes(1, 300_000);
    let answer = scene
        .client
        .send(
            &Ask::new("PUT", "demo/a/b.txt")
                .header("content-type", "text/plain")
                .header("x-oss-meta-a", "1")
                .body(&body),
        )
        .unwrap();
    answer.expect(200);
    assert_eq!(answer.header("x-oss-hash-crc64ecma"), Some(crc64(&body).as_str()));
    let got = scene.get("demo/a/b.txt");
    got.expect(200);
    assert!(got.body == body);
    for answer in [got, scene.head("demo/a/b.txt")] {
        assert_eq!(answer.header("content-length"), Some("300000"));
        assert_eq!(answer.header("content-type"), Some("text/plain"));
        assert_eq!(answer.header("x-oss-meta-a"), Some("1"));
        assert_eq!(answer.header("x-oss-object-type"), Some("Normal"));
        assert_eq!(answer.header("x-oss-storage-class"), Some("Standard"));
        assert_eq!(answer.header("x-oss-hash-crc64ecma"), Some(crc64(&body).as_str()));
        assert_eq!(answer.header("server"), Some("AliyunOSS"));
        assert_eq!(answer.header("x-oss-request-id").map(str::len), Some(24));
    }
}
