//! The signer and the verifier against stages that official signers computed.

#![expect(clippy::unwrap_used, reason = "the functions beside the tests are tests, too")]

#[path = "../examples/vectors/check.rs"]
mod check;

use http::Request;
use oss_sign::encode::{encode_component, encode_path};
use oss_sign::{Form, Refusal, SigningTime, Verifier};
use serde_json::Value;

const NAMED: &str = include_str!("vectors/v4_signing.json");
const RANDOM: &str = include_str!("vectors/v4_random.json");

#[test]
fn each_named_vector_agrees_at_each_stage() {
    every_vector_agrees(NAMED, 66);
}

#[test]
fn each_random_vector_agrees_at_each_stage() {
    every_vector_agrees(RANDOM, 48);
}

/// The count is stated here, so that a file that lost its vectors does not pass.
fn every_vector_agrees(file: &str, count: usize) {
    let vectors = check::read(file).unwrap();
    assert_eq!(vectors.len(), count);
    let disagreements: Vec<String> = vectors
        .iter()
        .filter_map(|v| check::check(v).err().map(|error| format!("{}: {error}", v.name)))
        .collect();
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}

#[test]
fn a_wrong_expectation_at_any_stage_is_noticed() {
    for field in ["canonical_request", "string_to_sign", "signature", "authorization", "url"] {
        let mut file: Value = serde_json::from_str(NAMED).unwrap();
        let mut broken = 0;
        for vector in file["vectors"].as_array_mut().unwrap() {
            if let Some(text) = vector["expected"][field].as_str() {
                vector["expected"][field] = format!("{text}0").into();
                broken += 1;
            }
        }
        let vectors = check::read(&file.to_string()).unwrap();
        let noticed = vectors.iter().filter(|vector| check::check(vector).is_err()).count();
        assert!(broken > 0 && noticed == broken, "{field}: {noticed} of {broken}");
    }
}

#[test]
fn each_signed_vector_is_verified_and_refused_with_another_secret() {
    for vector in check::read(NAMED).unwrap().iter().chain(&check::read(RANDOM).unwrap()) {
        let (head, _) = check::sign(vector).unwrap();
        let verifier =
            Verifier::new(check::region(vector).unwrap()).with_product(check::product(vector).unwrap());
        let now = SigningTime::from_unix(vector.time_unix).unwrap();
        let credentials = check::credentials(vector).unwrap();
        let outcome = verifier.verify(&head, check::resource(vector), &|_| Some(credentials.clone()), now);
        let proved = outcome.unwrap_or_else(|refusal| panic!("{}: {refusal:?}", vector.name));
        assert_eq!(proved.access_key_id, vector.access_key_id);
        assert_eq!(proved.form == Form::Query, vector.expires.is_some());

        let mut other = oss_sign::Credentials::new(&vector.access_key_id, "another secret").unwrap();
        if let Some(token) = credentials.security_token() {
            other = other.with_security_token(token.clone());
        }
        let refusal =
            verifier.verify(&head, check::resource(vector), &|_| Some(other.clone()), now).unwrap_err();
        let Refusal::SignatureDoesNotMatch(mismatch) = refusal else {
            panic!("{}: {refusal:?}", vector.name)
        };
        assert_eq!(mismatch.string_to_sign, check::sign(vector).unwrap().1.string_to_sign());
    }
}

#[test]
fn urls_of_the_vectors_are_spelled_by_our_encoding() {
    for file in [NAMED, RANDOM] {
        let file: Value = serde_json::from_str(file).unwrap();
        for vector in file["vectors"].as_array().unwrap() {
            let uri = Request::get(vector["url"].as_str().unwrap()).body(()).unwrap().into_parts().0.uri;
            let key = encode_path(vector["key"].as_str().unwrap_or(""));
            let bucket = vector["bucket"].as_str().unwrap_or("");
            assert!(
                [format!("/{key}"), format!("/{bucket}/{key}")].contains(&uri.path().to_owned()),
                "{uri}"
            );
            let parameters: Vec<String> = vector["query"].as_array().unwrap().iter().map(spelled).collect();
            assert_eq!(uri.query().unwrap_or(""), parameters.join("&"));
        }
    }
}

fn spelled(parameter: &Value) -> String {
    let name = encode_component(parameter[0].as_str().unwrap());
    match parameter[1].as_str() {
        None => name,
        Some(value) => format!("{name}={}", encode_component(value)),
    }
}
