//! What a server refuses, each by its name and with the codes of the documentation; and what it must accept although
//! no signer of ours writes it so.

#![expect(clippy::unwrap_used, reason = "the functions beside the tests are tests, too")]

use std::time::Duration;

use http::Request;
use http::header::{AUTHORIZATION, DATE, HeaderName, HeaderValue};
use http::request::Parts;
use oss_sign::{
    Credentials, Form, Product, Refusal, Region, Resource, SecurityToken, SignatureVersion, Signer,
    SigningTime, Verified, Verifier,
};

const OBJECT: Resource<'_> = Resource::Object { bucket: "b", key: "k" };
const NOW: i64 = 1_735_787_045;

fn time(unix: i64) -> SigningTime {
    SigningTime::from_unix(unix).unwrap()
}

fn region() -> Region {
    Region::new("cn-hangzhou").unwrap()
}

fn lookup(id: &str) -> Option<Credentials> {
    let pair = Credentials::new(id, "sk").unwrap();
    match id {
        "ak" | "a/k" => Some(pair),
        "sts" => Some(pair.with_security_token(SecurityToken::new("token").unwrap())),
        _ => None,
    }
}

fn unsigned() -> Parts {
    let request = Request::put("https://b.oss-cn-hangzhou.aliyuncs.com/k?partNumber=1&uploadId=U");
    request.header("content-type", "text/plain").header("range", "bytes=0-1").body(()).unwrap().into_parts().0
}

fn signed_by(id: &str) -> Parts {
    let mut head = unsigned();
    Signer::new(region()).sign(&mut head, OBJECT, &lookup(id).unwrap(), time(NOW)).unwrap();
    head
}

fn presigned_by(id: &str) -> Parts {
    let mut head = unsigned();
    let hour = Duration::from_hours(1);
    Signer::new(region()).presign(&mut head, OBJECT, &lookup(id).unwrap(), time(NOW), hour).unwrap();
    head
}

fn verify_at(head: &Parts, unix: i64) -> Result<Verified, Refusal> {
    Verifier::new(region()).verify(head, OBJECT, &lookup, time(unix))
}

/// The one door: a head is refused with this name and these codes.
#[track_caller]
fn refused(head: &Parts, unix: i64, name: &str, status: u16, code: &str, ec: Option<&str>) {
    let refusal = verify_at(head, unix).unwrap_err();
    let shown = format!("{refusal:?}");
    let variant = shown.split([' ', '(']).next().unwrap();
    assert_eq!(
        (variant, refusal.status().as_u16(), refusal.code(), refusal.ec()),
        (name, status, code, ec),
        "{shown}"
    );
}

fn with_authorization(from: &str, to: &str) -> Parts {
    let mut head = signed_by("ak");
    let text = head.headers[AUTHORIZATION].to_str().unwrap().to_owned();
    assert!(text.contains(from), "{text}");
    head.headers.insert(AUTHORIZATION, text.replace(from, to).parse().unwrap());
    head
}

fn with_query(from: &str, to: &str) -> Parts {
    let mut head = presigned_by("ak");
    let text = head.uri.to_string();
    assert!(text.contains(from), "{text}");
    head.uri = text.replace(from, to).parse().unwrap();
    head
}

fn with_header(mut head: Parts, name: &'static str, value: Option<&'static str>) -> Parts {
    match value {
        Some(value) => head.headers.insert(name, HeaderValue::from_static(value)),
        None => head.headers.remove(name),
    };
    head
}

#[test]
fn whatever_is_wrong_with_the_authorization_header_has_its_name() {
    let malformed = |ec| (400, "InvalidArgument", Some(ec));
    for (from, to, name, (status, code, ec)) in [
        ("OSS4-HMAC-SHA256", "OSS5-HMAC-SHA256", "UnknownScheme", malformed("0002-00000061")),
        ("OSS4-HMAC-SHA256", "Bearer", "UnknownScheme", malformed("0002-00000061")),
        (" Credential=", " credential=", "MalformedAuthorization", malformed("0002-00000202")),
        (",Signature=", ",Signature", "MalformedAuthorization", malformed("0002-00000202")),
        (",Signature=", ",Extra=1,Signature=", "MalformedAuthorization", malformed("0002-00000202")),
        (",Signature=", ",Signature=1,Signature=", "MalformedAuthorization", malformed("0002-00000202")),
        (
            "Credential=ak/20250102/cn-hangzhou/oss/aliyun_v4_request,",
            "",
            "MissingItem",
            malformed("0002-00000202"),
        ),
        ("Credential=ak/", "Credential=", "MalformedCredential", malformed("0002-00000202")),
        ("Credential=ak/", "Credential=/", "MalformedCredential", malformed("0002-00000202")),
        (
            ",Signature=",
            ",AdditionalHeaders=,Signature=",
            "EmptyAdditionalHeaders",
            malformed("0002-00000209"),
        ),
        (
            ",Signature=",
            ",AdditionalHeaders=a;;b,Signature=",
            "EmptyAdditionalHeader",
            malformed("0002-00000210"),
        ),
        ("20250102/", "2025-01-02/", "MalformedCredentialDay", malformed("0002-00000212")),
        ("aliyun_v4_request", "aws4_request", "WrongCredentialSuffix", malformed("0002-00000213")),
        ("cn-hangzhou", "oss-cn-hangzhou", "WrongRegion", malformed("0002-00000228")),
        ("20250102/", "20250103/", "WrongDay", (400, "InvalidArgument", None)),
        ("/oss/", "/oss-cloudbox/", "WrongProduct", (400, "InvalidArgument", None)),
        ("ak/", "nobody/", "UnknownAccessKeyId", (403, "InvalidAccessKeyId", Some("0002-00000902"))),
    ] {
        refused(&with_authorization(from, to), NOW, name, status, code, ec);
    }
    let head = signed_by("ak");
    let text = head.headers[AUTHORIZATION].to_str().unwrap();
    let (before, signature) = text.split_once(",Signature=").unwrap();
    refused(
        &with_authorization(&text[before.len()..], ""),
        NOW,
        "MissingItem",
        400,
        "InvalidArgument",
        Some("0002-00000207"),
    );
    for other in ["", "0", &signature[1..], &signature.to_uppercase(), &"0".repeat(64), &"g".repeat(64)] {
        let head = with_authorization(signature, other);
        let (name, status, code, ec) = match other {
            "" => ("MissingItem", 400, "InvalidArgument", "0002-00000207"),
            _ => ("SignatureDoesNotMatch", 403, "SignatureDoesNotMatch", "0002-00000040"),
        };
        refused(&head, NOW, name, status, code, Some(ec));
    }
    let mut twice = signed_by("ak");
    twice.headers.append(AUTHORIZATION, twice.headers[AUTHORIZATION].clone());
    refused(&twice, NOW, "MalformedAuthorization", 400, "InvalidArgument", Some("0002-00000202"));
}

#[test]
fn whatever_is_wrong_with_the_query_has_its_name() {
    let malformed = |ec| (400, "InvalidArgument", Some(ec));
    let unnumbered = (400, "InvalidArgument", None);
    for (from, to, name, (status, code, ec)) in [
        ("x-oss-signature-version=OSS4-HMAC-SHA256", "a", "MissingItem", unnumbered),
        ("version=OSS4-HMAC-SHA256", "version=OSS5", "UnknownScheme", malformed("0002-00000061")),
        ("x-oss-credential=", "a=", "MissingItem", unnumbered),
        ("x-oss-date=", "a=", "MissingItem", unnumbered),
        ("x-oss-signature=", "a=", "MissingItem", unnumbered),
        ("x-oss-expires=", "a=", "MissingItem", malformed("0002-00000215")),
        ("expires=3600", "expires=604801", "ExpiresTooLong", malformed("0002-00000232")),
        ("expires=3600", "expires=99999999999999999999999", "ExpiresTooLong", malformed("0002-00000232")),
        ("expires=3600", "expires=0", "MalformedExpires", unnumbered),
        ("expires=3600", "expires=-1", "MalformedExpires", unnumbered),
        ("expires=3600", "expires=%2B60", "MalformedExpires", unnumbered),
        ("expires=3600", "expires=", "MalformedExpires", unnumbered),
        ("x-oss-date=2025", "x-oss-date=25", "MalformedDate", (403, "AccessDenied", Some("0002-00000502"))),
        ("ak%2F20250102", "ak%2F2025-01-02", "MalformedCredentialDay", malformed("0002-00000223")),
        ("ak%2F20250102", "ak%2F20250103", "WrongDay", malformed("0002-00000223")),
        ("cn-hangzhou%2F", "cn-beijing%2F", "WrongRegion", malformed("0002-00000226")),
        ("aliyun_v4_request", "request", "WrongCredentialSuffix", malformed("0002-00000213")),
        ("ak%2F", "", "MalformedCredential", unnumbered),
        ("ak%2F", "%FF%2F", "MalformedParameter", unnumbered),
        ("x-oss-date=", "x-oss-expires=1&x-oss-date=", "RepeatedParameter", unnumbered),
        (
            "x-oss-date=",
            "x-oss-additional-headers&x-oss-date=",
            "EmptyAdditionalHeaders",
            malformed("0002-00000209"),
        ),
        (
            "x-oss-date=",
            "x-oss-additional-headers=%3B&x-oss-date=",
            "EmptyAdditionalHeader",
            malformed("0002-00000210"),
        ),
        (
            "expires=3600",
            "expires=3601",
            "SignatureDoesNotMatch",
            (403, "SignatureDoesNotMatch", Some("0002-00000040")),
        ),
    ] {
        refused(&with_query(from, to), NOW, name, status, code, ec);
    }
}

#[test]
fn the_clocks_may_differ_by_fifteen_minutes_and_no_more() {
    let (head, url) = (signed_by("ak"), presigned_by("ak"));
    for apart in [-900, 0, 900] {
        assert!(verify_at(&head, NOW + apart).is_ok(), "{apart}");
    }
    for apart in [-901, 901, -1_000_000, 1_000_000] {
        refused(
            &head,
            NOW + apart,
            "RequestTimeTooSkewed",
            403,
            "RequestTimeTooSkewed",
            Some("0002-00000504"),
        );
    }
    for apart in [-900, 0, 901, 3600] {
        assert!(verify_at(&url, NOW + apart).is_ok(), "{apart}");
    }
    refused(&url, NOW - 901, "NotYetValid", 403, "AccessDenied", Some("0002-00000235"));
    refused(&url, NOW + 3601, "Expired", 403, "AccessDenied", None);
    let strict = Verifier::new(region()).with_skew(Duration::ZERO);
    assert!(strict.verify(&head, OBJECT, &lookup, time(NOW)).is_ok());
    assert!(strict.verify(&head, OBJECT, &lookup, time(NOW + 1)).is_err());
}

#[test]
fn a_request_needs_a_time_that_can_be_read() {
    let bare = with_header(signed_by("ak"), "x-oss-date", None);
    refused(&with_header(bare, "date", None), NOW, "MissingDate", 403, "AccessDenied", Some("0002-00000503"));
    for (name, text) in
        [("x-oss-date", "Thu, 02 Jan 2025 03:04:05 GMT"), ("date", "20250102T030405Z"), ("date", "")]
    {
        let mut head = signed_by("ak");
        head.headers.remove("x-oss-date");
        head.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(text));
        refused(&head, NOW, "MalformedDate", 403, "AccessDenied", Some("0002-00000502"));
    }
}

#[test]
fn a_temporary_pair_needs_its_token_and_a_lasting_one_none() {
    let token = "x-oss-security-token";
    let missing = with_header(signed_by("sts"), token, None);
    refused(&missing, NOW, "MissingSecurityToken", 403, "InvalidAccessKeyId", Some("0002-00000003"));
    for head in [
        with_header(signed_by("sts"), token, Some("tokem")),
        with_header(signed_by("sts"), token, Some("tok")),
        with_header(signed_by("ak"), token, Some("token")),
    ] {
        refused(&head, NOW, "WrongSecurityToken", 403, "InvalidSecurityToken", Some("0002-00000006"));
    }
    assert!(verify_at(&signed_by("sts"), NOW).is_ok());
    assert!(verify_at(&presigned_by("sts"), NOW).is_ok());
}

#[test]
fn other_signature_versions_are_refused_by_name() {
    let headers =
        [("OSS ak:c2ln", SignatureVersion::V1), ("OSS2 AccessKeyId:ak,Signature:c2ln", SignatureVersion::V2)];
    for (authorization, version) in headers {
        let head = with_header(unsigned(), "authorization", Some(authorization));
        assert_eq!(verify_at(&head, NOW), Err(Refusal::UnsupportedVersion { version }));
    }
    let queries = [
        ("OSSAccessKeyId=ak&Expires=1&Signature=c2ln", SignatureVersion::V1),
        ("x-oss-signature-version=OSS2&x-oss-access-key-id=ak&x-oss-signature=c2ln", SignatureVersion::V2),
    ];
    for (query, version) in queries {
        let mut head = unsigned();
        head.uri = format!("https://b.oss-cn-hangzhou.aliyuncs.com/k?{query}").parse().unwrap();
        let refusal = verify_at(&head, NOW).unwrap_err();
        assert_eq!(refusal, Refusal::UnsupportedVersion { version });
        assert_eq!((refusal.status().as_u16(), refusal.code()), (400, "InvalidArgument"));
        assert!(refusal.to_string().contains(&version.to_string()), "{refusal}");
    }
}

#[test]
fn no_signature_and_two_signatures_are_told_apart() {
    refused(&unsigned(), NOW, "Anonymous", 403, "AccessDenied", None);
    let mut both = presigned_by("ak");
    both.headers = signed_by("ak").headers;
    refused(&both, NOW, "BothForms", 400, "InvalidArgument", None);
}

#[test]
fn another_product_has_another_signature() {
    let credentials = lookup("ak").unwrap();
    let region = Region::new("cb-f8z7yvzgwfkl9q0h").unwrap();
    let mut head = unsigned();
    let signer = Signer::new(region.clone()).with_product(Product::CloudBox);
    signer.sign(&mut head, OBJECT, &credentials, time(NOW)).unwrap();
    let verifier = Verifier::new(region).with_product(Product::CloudBox);
    assert!(verifier.verify(&head, OBJECT, &lookup, time(NOW)).is_ok());
}

/// The header form does not cover the id itself: whoever has the same secret under two ids may use either. The id may have
/// slashes, since the credential is read from its end.
#[test]
fn an_access_key_id_may_have_slashes() {
    assert_eq!(verify_at(&with_authorization("ak/", "a/k/"), NOW).unwrap().access_key_id, "a/k");
}

#[test]
fn the_items_of_the_header_may_be_in_any_order_with_or_without_spaces() {
    let signer = Signer::new(region()).with_additional_headers([HeaderName::from_static("range")]);
    let mut head = unsigned();
    signer.sign(&mut head, OBJECT, &lookup("ak").unwrap(), time(NOW)).unwrap();
    let text = head.headers[AUTHORIZATION].to_str().unwrap().to_owned();
    let items: Vec<&str> = text.strip_prefix("OSS4-HMAC-SHA256 ").unwrap().split(',').collect();
    let [credential, additional, signature] = items[..] else { panic!("{text}") };
    for order in [
        [credential, additional, signature],
        [credential, signature, additional],
        [additional, signature, credential],
        [signature, credential, additional],
    ] {
        for separator in [",", ", ", " , "] {
            let items = order.join(separator);
            head.headers.insert(AUTHORIZATION, format!("OSS4-HMAC-SHA256 {items}").parse().unwrap());
            assert_eq!(verify_at(&head, NOW).unwrap().form, Form::Header, "{items}");
        }
    }
    let shouted = format!("OSS4-HMAC-SHA256 {credential},AdditionalHeaders=RANGE;range,{signature}");
    head.headers.insert(AUTHORIZATION, shouted.parse().unwrap());
    assert!(verify_at(&head, NOW).is_ok());
}

#[test]
fn a_client_without_a_date_header_is_served() {
    assert!(verify_at(&with_header(signed_by("ak"), "date", None), NOW).is_ok());
}

/// A client that knows no `x-oss-date` signs the text of its `Date`; the value is computed by hand here.
#[test]
fn a_client_without_x_oss_date_signs_its_date() {
    let mut head = unsigned();
    head.headers.insert(DATE, HeaderValue::from_static("Thu, 02 Jan 2025 03:04:05 GMT"));
    head.headers.insert(
        AUTHORIZATION,
        HeaderValue::from_static(
            "OSS4-HMAC-SHA256 Credential=ak/20250102/cn-hangzhou/oss/aliyun_v4_request,Signature=0",
        ),
    );
    let Err(Refusal::SignatureDoesNotMatch(mismatch)) = verify_at(&head, NOW) else {
        panic!("must be refused")
    };
    let canonical = "PUT\n/b/k\npartNumber=1&uploadId=U\ncontent-type:text/plain\n\n\nUNSIGNED-PAYLOAD";
    assert_eq!(mismatch.canonical_request.as_bytes(), canonical.as_bytes());
    assert_eq!(mismatch.string_to_sign.lines().nth(1), Some("Thu, 02 Jan 2025 03:04:05 GMT"));
    assert_eq!(mismatch.access_key_id, "ak");
    assert_eq!(mismatch.signature_provided, "0");

    let signature = GO_STYLE_SIGNATURE;
    let authorization = format!(
        "OSS4-HMAC-SHA256 Credential=ak/20250102/cn-hangzhou/oss/aliyun_v4_request, Signature={signature}"
    );
    head.headers.insert(AUTHORIZATION, authorization.parse().unwrap());
    assert_eq!(verify_at(&head, NOW).unwrap().signed_at, time(NOW));
}

/// HMAC-SHA256 of the string to sign of the test above, computed with another implementation.
const GO_STYLE_SIGNATURE: &str = "78e9ec1cf4b25efcd777f105c496f701f2e411fe295d55b68dbd9440f2f92b93";
