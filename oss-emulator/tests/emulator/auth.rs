//! Who may ask.

use std::time::{Duration, SystemTime};

use jiff::SignedDuration;
use oss_emulator::Cname;
use oss_sign::{Region, Signer, SigningTime};

use crate::client::{Ask, Client, Scene};

fn now() -> SigningTime {
    SigningTime::try_from(SystemTime::now()).unwrap()
}

fn later(seconds: i64) -> SigningTime {
    SigningTime::from_unix(now().unix() + seconds).unwrap()
}

#[test]
fn a_request_that_proves_nothing_is_refused() {
    let scene = Scene::new();
    let ask = Ask::new("PUT", "demo/k").body(b"x");
    scene.client.send_unsigned(&ask).unwrap().refused(403, "AccessDenied");
    scene.client.as_key("stranger", "local", None).send(&ask).unwrap().refused(403, "InvalidAccessKeyId");
    let mismatch = scene.client.as_key("local", "wrong", None).send(&ask).unwrap();
    mismatch.refused(403, "SignatureDoesNotMatch");
    assert!(
        mismatch.element("StringToSign").unwrap().starts_with("OSS4-HMAC-SHA256\n"),
        "{}",
        mismatch.text()
    );
    let canonical = mismatch.element("CanonicalRequest").unwrap();
    assert!(canonical.starts_with("PUT\n/demo/k\n"), "{canonical}");
    assert!(
        mismatch.element("SignatureProvided").is_some() && mismatch.element("StringToSignBytes").is_some()
    );
    let mut elsewhere = Client::of(scene.client.address);
    elsewhere.region = "cn-beijing".to_owned();
    let wrong_region = elsewhere.send(&ask).unwrap();
    assert_eq!(wrong_region.refused(400, "InvalidArgument").element("EC").as_deref(), Some("0002-00000228"));
    scene.get("demo/k").refused(404, "NoSuchKey");
}

#[test]
fn other_versions_are_refused_by_name() {
    let scene = Scene::new();
    let send = |ask: Ask| scene.client.send_unsigned(&ask).unwrap();
    let v1 = send(Ask::new("GET", "demo/k").header("authorization", "OSS local:c2ln"));
    assert!(v1.refused(400, "InvalidArgument").element("Message").unwrap().contains("V1"));
    let v1_url = send(Ask::new("GET", "demo/k?OSSAccessKeyId=local&Expires=1&Signature=x"));
    assert!(v1_url.refused(400, "InvalidArgument").element("Message").unwrap().contains("V1"));
    let v2 = send(Ask::new("GET", "demo/k").header("authorization", "OSS2 AccessKeyId:local,Signature:x"));
    assert!(v2.refused(400, "InvalidArgument").element("Message").unwrap().contains("V2"));
    send(Ask::new("GET", "demo/k").header("authorization", "AWS4-HMAC-SHA256 x"))
        .refused(400, "InvalidArgument");
}

#[test]
fn a_clock_that_is_off_is_told_the_servers_time() {
    let scene = Scene::new();
    let ask = Ask::new("GET", "demo/k");
    for seconds in [-16 * 60, 16 * 60] {
        let answer = scene.client.send_at(&ask, later(seconds)).unwrap();
        answer.refused(403, "RequestTimeTooSkewed");
        assert_eq!(answer.element("MaxAllowedSkewMilliseconds").as_deref(), Some("900000"));
        assert_eq!(answer.element("ServerTime").unwrap().get(19..), Some(".000Z"));
    }
    let skewed = Scene::with(|settings| settings.clock_skew = SignedDuration::from_mins(20));
    let answer = skewed.client.send(&ask).unwrap();
    answer.refused(403, "RequestTimeTooSkewed");
    let date = SigningTime::parse_http_date(answer.header("date").unwrap()).unwrap();
    assert!((date.unix() - later(20 * 60).unix()).abs() < 60);
    skewed.client.send_at(&Ask::new("PUT", "demo/k").body(b"x"), date).unwrap().expect(200);
}

#[test]
fn a_token_belongs_to_its_key() {
    let scene = Scene::with(|settings| {
        settings.access_keys = ["STS.a:canary-s:canary-t1", "STS.a:canary-s:canary-t2", "plain:canary-p"]
            .map(|key| key.parse().unwrap())
            .to_vec();
    });
    let ask = Ask::new("PUT", "demo/k").body(b"x");
    scene.client.as_key("STS.a", "canary-s", Some("canary-t1")).send(&ask).unwrap().expect(200);
    scene.client.as_key("STS.a", "canary-s", Some("canary-t2")).send(&ask).unwrap().expect(200);
    scene.client.as_key("plain", "canary-p", None).send(&ask).unwrap().expect(200);
    scene.client.as_key("STS.a", "canary-s", None).send(&ask).unwrap().refused(403, "InvalidAccessKeyId");
    scene
        .client
        .as_key("STS.a", "canary-s", Some("canary-x"))
        .send(&ask)
        .unwrap()
        .refused(403, "InvalidSecurityToken");
    scene.client.send(&ask).unwrap().refused(403, "InvalidAccessKeyId");
    let log = std::fs::read_to_string(scene.folder.path().join("requests.jsonl")).unwrap();
    assert!(log.lines().count() == 6 && !log.contains("canary"), "{log}");
}

#[test]
fn a_presigned_url_opens_until_it_expires() {
    let scene = Scene::new();
    scene.put("demo/a b", b"x").expect(200);
    let url = |signed: SigningTime| {
        let ask = Ask::new("GET", "demo/a b?response-content-type=text%2Fx");
        let mut parts =
            http::Request::builder().method("GET").uri(ask.uri()).body(()).unwrap().into_parts().0;
        let signer = Signer::new(Region::new("cn-hangzhou").unwrap());
        let valid_for = Duration::from_mins(1);
        signer.presign(&mut parts, ask.resource(), &scene.client.credentials, signed, valid_for).unwrap();
        let head = format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", parts.uri, scene.client.host);
        scene.client.send_raw(head.as_bytes(), false).unwrap()
    };
    let good = url(now());
    assert_eq!((good.expect(200).text().as_str(), good.header("content-type")), ("x", Some("text/x")));
    url(later(-120)).refused(403, "AccessDenied");
    url(later(16 * 60)).refused(403, "AccessDenied");
}

#[test]
fn virtual_hosts_and_custom_domains_are_verified_with_their_bucket() {
    let scene = Scene::with(|settings| {
        settings.cnames.push(Cname { host: "media.example.com".to_owned(), bucket: "demo".to_owned() });
    });
    scene.put("demo/dir/k", b"x").expect(200);
    for host in ["demo.oss-cn-hangzhou.aliyuncs.com", "demo.localhost:1", "media.example.com"] {
        // Signed for the bucket and the key, sent without the bucket in its path.
        let head = scene.client.head(&Ask::new("GET", "demo/dir/k"), now());
        let head = head.replace("GET /demo/dir/k", "GET /dir/k");
        let head = head.replace(&format!("Host: {}", scene.client.host), &format!("Host: {host}"));
        assert_eq!(scene.client.send_raw(head.as_bytes(), false).unwrap().expect(200).body, b"x", "{host}");
        let unbound = head.replace("GET /dir/k", "GET /dir/other");
        scene.client.send_raw(unbound.as_bytes(), false).unwrap().refused(403, "SignatureDoesNotMatch");
    }
}

#[test]
fn a_space_in_the_query_may_be_a_plus() {
    let scene = Scene::new();
    scene.put("demo/a b", b"x").expect(200);
    let head = scene.client.head(&Ask::new("GET", "demo?prefix=a%20b"), now()).replace("a%20b", "a+b");
    let answer = scene.client.send_raw(head.as_bytes(), false).unwrap();
    assert_eq!(answer.expect(200).elements("Key"), ["a b"]);
}

#[test]
fn nothing_is_verified_where_that_is_asked_for() {
    let scene = Scene::with(|settings| settings.no_verify = true);
    scene.client.send_unsigned(&Ask::new("PUT", "demo/k").body(b"x")).unwrap().expect(200);
    let v1 = Ask::new("GET", "demo/k").header("authorization", "OSS a:b");
    assert_eq!(scene.client.send_unsigned(&v1).unwrap().expect(200).body, b"x");
}
