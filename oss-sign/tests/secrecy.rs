//! Nothing that can be printed shows a secret.

#![expect(clippy::unwrap_used, reason = "the functions beside the tests are tests, too")]

use std::time::Duration;

use http::Request;
use http::header::AUTHORIZATION;
use http::request::Parts;
use oss_sign::{
    AccessKeyId, AccessKeySecret, Credentials, Region, Resource, SecurityToken, SignError, Signer,
    SigningTime, Verifier,
};

const SECRET: &str = "TheHiddenSecret";
const TOKEN: &str = "TheHiddenToken";
const OBJECT: Resource<'_> = Resource::Object { bucket: "b", key: "k" };

fn credentials() -> Credentials {
    Credentials::new("ak", SECRET).unwrap().with_security_token(SecurityToken::new(TOKEN).unwrap())
}

fn region() -> Region {
    Region::new("cn-hangzhou").unwrap()
}

fn time() -> SigningTime {
    SigningTime::from_unix(1_735_787_045).unwrap()
}

fn head() -> Parts {
    Request::put("https://b.oss-cn-hangzhou.aliyuncs.com/k").body(()).unwrap().into_parts().0
}

#[track_caller]
fn shows_nothing(shown: &str) {
    for hidden in [SECRET, TOKEN] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

// Rows: 89
#[test]
fn credentials_print_stars() {
    let shown = format!("{:?}", credentials());
    shows_nothing(&shown);
    assert_eq!(shown.matches("***").count(), 2, "{shown}");
    assert!(shown.contains("ak"), "{shown}");
    assert_eq!(format!("{:?}", AccessKeySecret::new(SECRET).unwrap()), "AccessKeySecret(***)");
    assert_eq!(format!("{:?}", SecurityToken::new(TOKEN).unwrap()), "SecurityToken(***)");
}

// Rows: 89
#[test]
fn a_signer_and_a_verifier_that_keep_keys_print_none() {
    let (signer, verifier) = (Signer::new(region()), Verifier::new(region()));
    let mut head = head();
    signer.sign(&mut head, OBJECT, &credentials(), time()).unwrap();
    verifier.verify(&head, OBJECT, &|_| Some(credentials()), time()).unwrap();
    for shown in [format!("{signer:?}"), format!("{verifier:#?}")] {
        shows_nothing(&shown);
        assert!(shown.contains("KeyCache(***)"), "{shown}");
    }
}

// Rows: 89, 90
#[test]
fn a_signed_head_prints_neither_token_nor_signature() {
    let mut head = head();
    let trace = Signer::new(region()).sign_traced(&mut head, OBJECT, &credentials(), time()).unwrap();
    assert!(head.headers[AUTHORIZATION].is_sensitive());
    assert!(head.headers["x-oss-security-token"].is_sensitive());
    let shown = format!("{head:?}");
    shows_nothing(&shown);
    assert!(!shown.contains(trace.signature()), "{shown}");
}

// Rows: 89, 90
#[test]
fn a_trace_prints_neither_token_nor_signature() {
    let signer = Signer::new(region());
    let header = signer.sign_traced(&mut head(), OBJECT, &credentials(), time()).unwrap();
    let query =
        signer.presign_traced(&mut head(), OBJECT, &credentials(), time(), Duration::from_mins(1)).unwrap();
    for trace in [header, query] {
        assert!(String::from_utf8_lossy(trace.canonical_request().as_bytes()).contains(TOKEN));
        for shown in [format!("{trace:?}"), format!("{}", trace.canonical_request())] {
            shows_nothing(&shown);
            assert!(!shown.contains(trace.signature()), "{shown}");
        }
    }
}

// Rows: 89, 90
#[test]
fn a_refusal_prints_neither_token_nor_signature() {
    let mut head = head();
    let signer = Signer::new(region());
    let trace = signer.sign_traced(&mut head, OBJECT, &credentials(), time()).unwrap();
    let other = Resource::Bucket { bucket: "b" };
    let refusal = Verifier::new(region()).verify(&head, other, &|_| Some(credentials()), time()).unwrap_err();
    for shown in [format!("{refusal}"), format!("{refusal:?}")] {
        shows_nothing(&shown);
        assert!(!shown.contains(trace.signature()), "{shown}");
    }
}

// Rows: 89
#[test]
fn errors_do_not_quote_what_they_refuse() {
    let given = format!("{SECRET}\n{TOKEN}");
    let errors: [SignError; 3] = [
        AccessKeyId::new(&given).unwrap_err(),
        AccessKeySecret::new(&given).unwrap_err(),
        SecurityToken::new(&given).unwrap_err(),
    ];
    for error in errors {
        shows_nothing(&format!("{error} {error:?}"));
    }
}

#[test]
fn signers_and_credentials_are_shared_by_threads() {
    fn shared<T: Send + Sync + std::panic::UnwindSafe>() {}
    shared::<Signer>();
    shared::<Verifier>();
    shared::<Credentials>();
}
