//! The query form: a URL that carries its own signature and is good for a stated time.

use std::time::Duration;

use http::Uri;
use http::request::Parts;
use http::uri::PathAndQuery;

use crate::canonical::Draft;
use crate::credentials::Credentials;
use crate::encode;
use crate::error::SignError;
use crate::names;
use crate::resource::Resource;
use crate::scope::ALGORITHM;
use crate::sign::Signer;
use crate::trace::SigningTrace;
use crate::utc::SigningTime;

/// Longest life of a presigned URL: seven days (EC 0002-00000232 beyond).
pub const MAX_VALIDITY: Duration = Duration::from_hours(7 * 24);
const MIN_VALIDITY: Duration = Duration::from_secs(1);

/// Longest URI of the `http` crate, in bytes.
const MAX_URI: usize = 65_534;

/// Query parameters that presigning replaces, so that a URL can be presigned again.
const REPLACED: [&str; 7] = [
    names::SIGNATURE_VERSION,
    names::DATE,
    names::EXPIRES,
    names::CREDENTIAL,
    names::SECURITY_TOKEN,
    names::ADDITIONAL_HEADERS,
    names::SIGNATURE,
];

impl Signer {
    /// Signs `head` in the query form: appends the parameters of the signature to its URI.
    ///
    /// The URL is good from 15 minutes before `time` until `valid_for` (1 s to 7 days, whole seconds) after it, and never
    /// longer than the security token. Headers of `head` that a signature covers (`content-type`, `content-md5`, `x-oss-*`
    /// and the additional ones) must be sent unchanged by whoever uses the URL. The headers and all other parameters stay
    /// as they are; parameters of an earlier signature are replaced.
    ///
    /// # Errors
    /// [`SignError::ValidityOutOfRange`], [`SignError::NoPath`], [`SignError::UriTooLong`]; the head is then as it was.
    pub fn presign(
        &self,
        head: &mut Parts,
        resource: Resource<'_>,
        credentials: &Credentials,
        time: SigningTime,
        valid_for: Duration,
    ) -> Result<(), SignError> {
        self.presign_traced(head, resource, credentials, time, valid_for).map(drop)
    }

    /// Like [`presign`](Self::presign), and gives what was signed.
    ///
    /// # Errors
    /// Those of [`presign`](Self::presign).
    pub fn presign_traced(
        &self,
        head: &mut Parts,
        resource: Resource<'_>,
        credentials: &Credentials,
        time: SigningTime,
        valid_for: Duration,
    ) -> Result<SigningTrace, SignError> {
        if !(MIN_VALIDITY..=MAX_VALIDITY).contains(&valid_for) {
            return Err(SignError::ValidityOutOfRange { given: valid_for });
        }
        let mut credential = String::with_capacity(96);
        self.scope(time).write_credential(credentials.access_key_id(), &mut credential);
        let (timestamp, expires) = (time.basic_iso(), valid_for.as_secs().to_string());
        let additional = self.present_additional_headers(head, &[]);
        let additional_list = additional.join(";");
        let mut added = vec![
            (names::SIGNATURE_VERSION, ALGORITHM),
            (names::DATE, timestamp.as_str()),
            (names::EXPIRES, expires.as_str()),
            (names::CREDENTIAL, credential.as_str()),
        ];
        added.extend(credentials.security_token().map(|token| (names::SECURITY_TOKEN, token.expose())));
        if !additional.is_empty() {
            added.push((names::ADDITIONAL_HEADERS, &additional_list));
        }
        let canonical_request = Draft {
            method: &head.method,
            resource,
            query: head.uri.query().unwrap_or(""),
            dropped_parameters: &REPLACED,
            added_parameters: &added,
            headers: &head.headers,
            dropped_headers: &[],
            added_headers: &[],
            additional_headers: &additional,
        }
        .canonical_request();
        let trace = self.trace(canonical_request, credentials, time);
        added.push((names::SIGNATURE, &trace.signature));
        head.uri = with_parameters(&head.uri, &added)?;
        Ok(trace)
    }
}

/// `uri` with these parameters at the end of its query, in place of any of an earlier signature.
fn with_parameters(uri: &Uri, added: &[(&str, &str)]) -> Result<Uri, SignError> {
    let no_path = || SignError::NoPath { uri: uri.to_string() };
    if !uri.path().starts_with('/') {
        return Err(no_path());
    }
    let mut text = Vec::with_capacity(uri.path().len() + uri.query().map_or(0, str::len) + 512);
    text.extend_from_slice(uri.path().as_bytes());
    let mut separator = b'?';
    let kept = uri
        .query()
        .unwrap_or("")
        .split('&')
        .filter(|parameter| !parameter.is_empty() && !is_replaced(parameter));
    for parameter in kept {
        text.push(separator);
        text.extend_from_slice(parameter.as_bytes());
        separator = b'&';
    }
    for (name, value) in added {
        text.push(separator);
        text.extend_from_slice(name.as_bytes());
        text.push(b'=');
        encode::write_component(value.as_bytes(), &mut text);
        separator = b'&';
    }
    let origin = uri.scheme_str().map_or(0, |scheme| scheme.len() + 3)
        + uri.authority().map_or(0, |a| a.as_str().len());
    if origin + text.len() > MAX_URI {
        return Err(SignError::UriTooLong { length: origin + text.len() });
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).map_err(|_| no_path())?);
    Uri::from_parts(parts).map_err(|_| no_path())
}

fn is_replaced(parameter: &str) -> bool {
    let name = parameter.split_once('=').map_or(parameter, |(name, _)| name);
    let decoded = encode::decode(name);
    REPLACED.iter().any(|replaced| replaced.as_bytes() == decoded)
}
