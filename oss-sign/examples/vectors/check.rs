//! One staged vector: what is signed, what an official signer made of it, and whether ours makes the same.

use std::fmt::Debug;
use std::time::Duration;

use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use oss_sign::encode::decode;
use oss_sign::{Credentials, Product, Region, Resource, SecurityToken, Signer, SigningTime, SigningTrace};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    vectors: Vec<Vector>,
}

/// A request to sign and the expected stages.
#[derive(Deserialize)]
pub(crate) struct Vector {
    /// What the case is about.
    pub(crate) name: String,
    /// `header` or `query`.
    pub(crate) form: String,
    /// The method.
    pub(crate) method: String,
    /// Bucket, unless the service is asked.
    pub(crate) bucket: Option<String>,
    /// Object key, unless the service or a bucket is asked.
    pub(crate) key: Option<String>,
    /// The URL as sent, before signing.
    pub(crate) url: String,
    /// The headers before signing.
    pub(crate) headers: Vec<(String, String)>,
    /// Names of headers to sign, too.
    pub(crate) additional_headers: Vec<String>,
    /// Access key id.
    pub(crate) access_key_id: String,
    /// Its secret.
    pub(crate) access_key_secret: String,
    /// The token of a temporary pair.
    pub(crate) security_token: Option<String>,
    /// Region, or id of a cloud box.
    pub(crate) region: String,
    /// `oss` or `oss-cloudbox`.
    pub(crate) product: String,
    /// The signing time.
    pub(crate) time_unix: i64,
    /// Seconds that a presigned URL lives.
    pub(crate) expires: Option<u64>,
    /// What the official signer made of it.
    pub(crate) expected: Expected,
}

/// The stages.
#[derive(Deserialize)]
pub(crate) struct Expected {
    canonical_request: String,
    string_to_sign: String,
    signature: String,
    additional_headers: Option<Vec<String>>,
    authorization: Option<String>,
    added_headers: Option<Vec<(String, String)>>,
    added_query: Option<Vec<(String, String)>>,
    url: Option<String>,
}

/// The vectors of a file.
///
/// # Errors
/// What is not of the shape.
pub(crate) fn read(text: &str) -> Result<Vec<Vector>, serde_json::Error> {
    Ok(serde_json::from_str::<File>(text)?.vectors)
}

/// Whether our signer agrees with the vector at each stage.
///
/// # Errors
/// The first stage that differs, with both values.
pub(crate) fn check(vector: &Vector) -> Result<(), String> {
    let (_, trace) = sign(vector)?;
    let expected = &vector.expected;
    let canonical_request = String::from_utf8_lossy(trace.canonical_request().as_bytes());
    same("canonical request", &*canonical_request, expected.canonical_request.as_str())?;
    same("string to sign", trace.string_to_sign(), expected.string_to_sign.as_str())?;
    same("signature", trace.signature(), expected.signature.as_str())?;
    match vector.form.as_str() {
        "header" => check_headers(vector),
        "query" => check_url(vector),
        other => Err(format!("unknown form {other:?}")),
    }
}

/// The signed head and the stages behind it.
///
/// # Errors
/// What the vector holds that cannot be signed.
pub(crate) fn sign(vector: &Vector) -> Result<(Parts, SigningTrace), String> {
    let mut head = head(vector)?;
    let mut signer = Signer::new(region(vector)?).with_product(product(vector)?);
    let names = vector.additional_headers.iter().map(|name| parse(name.parse::<HeaderName>()));
    signer = signer.with_additional_headers(names.collect::<Result<Vec<_>, _>>()?);
    let time = parse(SigningTime::from_unix(vector.time_unix))?;
    let (resource, credentials) = (resource(vector), credentials(vector)?);
    let trace = match vector.expires {
        None => signer.sign_traced(&mut head, resource, &credentials, time),
        Some(seconds) => {
            let valid_for = Duration::from_secs(seconds);
            signer.presign_traced(&mut head, resource, &credentials, time, valid_for)
        }
    };
    Ok((head, parse(trace)?))
}

/// What the vector's request is about.
pub(crate) fn resource(vector: &Vector) -> Resource<'_> {
    match (&vector.bucket, &vector.key) {
        (None, _) => Resource::Service,
        (Some(bucket), None) => Resource::Bucket { bucket },
        (Some(bucket), Some(key)) => Resource::Object { bucket, key },
    }
}

/// The vector's credentials.
///
/// # Errors
/// Those of [`Credentials::new`].
pub(crate) fn credentials(vector: &Vector) -> Result<Credentials, String> {
    let pair = parse(Credentials::new(&vector.access_key_id, &vector.access_key_secret))?;
    match vector.security_token.as_deref() {
        None | Some("") => Ok(pair),
        Some(token) => Ok(pair.with_security_token(parse(SecurityToken::new(token))?)),
    }
}

/// The vector's region.
///
/// # Errors
/// Those of [`Region::new`].
pub(crate) fn region(vector: &Vector) -> Result<Region, String> {
    parse(Region::new(&vector.region))
}

/// The vector's product.
///
/// # Errors
/// The name when it is none.
pub(crate) fn product(vector: &Vector) -> Result<Product, String> {
    let products = [Product::Oss, Product::CloudBox];
    let found = products.into_iter().find(|product| product.as_str() == vector.product);
    found.ok_or_else(|| format!("unknown product {:?}", vector.product))
}

fn head(vector: &Vector) -> Result<Parts, String> {
    let mut request = http::Request::builder().method(vector.method.as_str()).uri(vector.url.as_str());
    for (name, value) in &vector.headers {
        request = request.header(name.as_str(), parse(HeaderValue::from_bytes(value.as_bytes()))?);
    }
    Ok(parse(request.body(()))?.into_parts().0)
}

/// The signed head has the headers from before and those of the signature, and no other.
fn check_headers(vector: &Vector) -> Result<(), String> {
    let (head, _) = sign(vector)?;
    let expected = &vector.expected;
    let mut left = head.headers.clone();
    for (name, value) in expected.added_headers.iter().flatten() {
        let ours = left.remove(name.as_str()).ok_or_else(|| format!("header {name} is missing"))?;
        same(&format!("header {name}"), ours.as_bytes(), value.as_bytes())?;
    }
    if let Some(authorization) = &expected.authorization {
        let ours = head.headers.get(http::header::AUTHORIZATION).map(HeaderValue::as_bytes);
        same("authorization", &ours, &Some(authorization.as_bytes()))?;
    }
    if let Some(additional) = &expected.additional_headers {
        let ours = head.headers[http::header::AUTHORIZATION].to_str().unwrap_or("");
        let list = ours.split(',').find_map(|item| item.strip_prefix("AdditionalHeaders=")).unwrap_or("");
        same("additional headers", list, additional.join(";").as_str())?;
    }
    for (name, value) in &vector.headers {
        let is_added =
            expected.added_headers.iter().flatten().any(|(added, _)| added.eq_ignore_ascii_case(name));
        let is_kept =
            head.headers.get_all(name.as_str()).iter().any(|ours| ours.as_bytes() == value.as_bytes());
        if !is_added && !is_kept {
            return Err(format!("header {name} was changed"));
        }
        left.remove(name.as_str());
    }
    same("further headers", &left.keys().collect::<Vec<_>>(), &Vec::new())
}

/// The URL is the one from before with the parameters of the signature. `k=` and `k` are the same parameter, and the order
/// of the parameters means nothing.
fn check_url(vector: &Vector) -> Result<(), String> {
    let (head, _) = sign(vector)?;
    let ours = head.uri.to_string();
    for (name, value) in vector.expected.added_query.iter().flatten() {
        let found =
            parameters(&ours).into_iter().find_map(|(there, value)| (there == name).then(|| decode(value)));
        same(&format!("parameter {name}"), &found.as_deref(), &Some(value.as_bytes()))?;
    }
    if let Some(additional) = &vector.expected.additional_headers {
        let found = parameters(&ours).into_iter().find(|(name, _)| *name == "x-oss-additional-headers");
        let list = found.map(|(_, value)| decode(value)).unwrap_or_default();
        same("additional headers", list.as_slice(), additional.join(";").as_bytes())?;
    }
    if let Some(expected) = &vector.expected.url {
        let (before, expected_before) = (ours.split('?').next(), expected.split('?').next());
        same("URL before its query", &before, &expected_before)?;
        same("parameters of the URL", &parameters(&ours), &parameters(expected))?;
    }
    Ok(())
}

/// The parameters of a URL as they are spelled, sorted.
fn parameters(url: &str) -> Vec<(&str, &str)> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let parts = query.split('&').filter(|parameter| !parameter.is_empty());
    let mut parameters: Vec<_> =
        parts.map(|parameter| parameter.split_once('=').unwrap_or((parameter, ""))).collect();
    parameters.sort_unstable();
    parameters
}

fn parse<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

fn same<T: PartialEq + Debug + ?Sized>(stage: &str, ours: &T, expected: &T) -> Result<(), String> {
    if ours == expected {
        return Ok(());
    }
    Err(format!("{stage} differs\n    ours:     {ours:?}\n    expected: {expected:?}"))
}
