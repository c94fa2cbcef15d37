//! Multipart uploads.

use crate::client::{Scene, bytes, crc64};

#[test]
fn an_upload_of_parts_becomes_their_concatenation() {
    let scene = Scene::new();
    let id = scene.initiate("k");
    let body = bytes(1, 250_000);
    let pieces: Vec<&[u8]> = body.chunks(102_400).collect();
    let mut parts = Vec::new();
    for (number, piece) in (1..).zip(&pieces) {
        let answer = scene.upload_part("k", &id, number, piece);
        assert_eq!(answer.expect(200).header("x-oss-hash-crc64ecma"), Some(crc64(piece).as_str()));
        parts.push((number, answer.etag()));
    }
    let answer = scene.complete("k", &id, &parts);
    assert_eq!(answer.expect(200).header("x-oss-hash-crc64ecma"), Some(crc64(&body).as_str()));
    assert!(answer.etag().ends_with("-3\""));
    let got = scene.get("demo/k");
    assert!(got.body == body);
    assert_eq!(got.header("x-oss-object-type"), Some("Multipart"));
    scene.complete("k", &id, &parts).refused(404, "NoSuchUpload");
}
