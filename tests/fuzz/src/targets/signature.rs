//! Signatures: what a server reads of them, and the text that is signed.

use std::time::Duration;

use http::{
    header::{AUTHORIZATION, RANGE},
    request::Parts,
};
use oss_sign::{
    Credentials, Form, Region, Resource, SecurityToken, Signer, SigningTime, Verifier,
    encode::{decode, encode_component, encode_path},
};

use crate::{
    input::{line, request},
    second_reading::{canonical_request, decoded, encoded},
};

/// The bytes are a line of choices and a key, and a request.
pub(crate) fn signature(data: &[u8]) {
    let (first, rest) = line(data);
    let choices = first.first().copied().unwrap_or_default();
    let key = String::from_utf8_lossy(first.get(1..).unwrap_or_default()).into_owned();
    percent(&key);
    times(&key);
    let Some((head, _)) = request(rest) else { return };

    let region = Region::new("cn-hangzhou").expect("a region");
    let mut credentials = Credentials::new("ak", "sk").expect("a key pair");
    if choices & 1 != 0 {
        credentials = credentials.with_security_token(SecurityToken::new("token").expect("a token"));
    }
    let resource = Resource::Object { bucket: "demo", key: &key };
    let now = SigningTime::from_unix(1_800_000_000).expect("a time");
    let verifier = Verifier::new(region.clone());
    let verify =
        |head: &Parts, resource| verifier.verify(head, resource, &|_| Some(credentials.clone()), now);

    // Nobody has signed this.
    let refusal = verify(&head, resource).expect_err("a signature out of nothing");
    assert!(refusal.status().is_client_error() && !refusal.code().is_empty(), "{refusal:?}");
    assert!(!format!("{refusal}").chars().any(|character| character == '\u{1b}'), "{refusal}");

    // One that is empty is not named.
    let has_range = head.headers.get(RANGE).is_some_and(|range| !range.is_empty());
    let additional: &[&str] = if choices & 2 != 0 && has_range { &["range"] } else { &[] };
    let signer = Signer::new(region).with_additional_headers((choices & 2 != 0).then_some(RANGE));

    let mut outgoing = head.clone();
    let traced = match choices & 4 {
        0 => signer.sign_traced(&mut outgoing, resource, &credentials, now),
        _ => signer.presign_traced(&mut outgoing, resource, &credentials, now, Duration::from_mins(10)),
    };
    let Ok(trace) = traced else {
        assert_eq!(
            format!("{outgoing:?}"),
            format!("{head:?}"),
            "a request is changed only when signing has succeeded"
        );
        return;
    };
    let left_out = (choices & 4 != 0).then_some("x-oss-signature");
    let expected = canonical_request(&outgoing, "demo", &key, additional, left_out);
    assert_eq!(trace.canonical_request().as_bytes(), expected, "{outgoing:?}");
    if came_with_another(&head, choices & 4 == 0) {
        assert!(verify(&outgoing, resource).is_err(), "two signatures, and one is none");
        return;
    }
    let proved = verify(&outgoing, resource).expect("what is signed is verified");
    assert_eq!(proved.form, if choices & 4 == 0 { Form::Header } else { Form::Query });
    let other = Resource::Object { bucket: "demo", key: &format!("{key}x") };
    assert!(verify(&outgoing, other).is_err(), "the signature is of another key");
}

/// Whether the request had a signature of the other form already, or a piece of one.
fn came_with_another(head: &Parts, in_query: bool) -> bool {
    if !in_query {
        return head.headers.contains_key(AUTHORIZATION);
    }
    let names = head
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .map(|pair| pair.split('=').next().unwrap_or_default());
    let names: Vec<Vec<u8>> = names.map(|name| decoded(name.as_bytes())).collect();
    let has = |name: &str| names.iter().any(|other| other == name.as_bytes());
    has("x-oss-signature-version")
        || has("x-oss-signature")
        || has("x-oss-credential")
        || (has("OSSAccessKeyId") && has("Signature"))
}

fn percent(text: &str) {
    let component = encode_component(text);
    assert_eq!(component.as_bytes(), encoded(text.as_bytes(), b""));
    assert_eq!(encode_path(text).as_bytes(), encoded(text.as_bytes(), b"/"));
    assert_eq!(decode(&component), text.as_bytes());
    assert_eq!(decode(text), decoded(text.as_bytes()), "{text:?}");
}

fn times(text: &str) {
    if let Some(time) = SigningTime::parse_basic_iso(text) {
        assert_eq!(time.to_basic_iso(), text);
    }
    if let Some(time) = SigningTime::parse_http_date(text) {
        assert_eq!(SigningTime::parse_http_date(&time.to_http_date()), Some(time), "{text}");
        assert_eq!(SigningTime::parse_basic_iso(&time.to_basic_iso()), Some(time), "{text}");
    }
}
