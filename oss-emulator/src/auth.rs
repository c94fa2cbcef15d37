//! Who may ask: signatures are verified by `oss-sign`, and its verdicts become the service's errors.

use std::collections::HashSet;
use std::sync::Mutex;

use http::request::Parts;
use http::uri::PathAndQuery;
use jiff::Timestamp;
use oss_sign::{Credentials, Region, Resource, SecurityToken, SigningTime, Verifier};

use crate::address::Address;
use crate::error::StartError;
use crate::refusal::Refusal;
use crate::settings::{AccessKey, Settings};

/// EC of what has none in the documentation.
const EC_UNKNOWN: &str = "0002-00000001";

/// Verifies requests against the key pairs of a server.
#[derive(Debug)]
pub(crate) struct Gate {
    verifier: Verifier,
    keys: Vec<Credentials>,
    /// Places in `keys` whose token has expired, by script.
    expired: Mutex<HashSet<usize>>,
    open: bool,
}

impl Gate {
    pub(crate) fn new(settings: &Settings) -> Result<Self, StartError> {
        let region = Region::new(&settings.region);
        let region = region.map_err(|_| StartError::MalformedRegion { region: settings.region.clone() })?;
        let local = [AccessKey::local()];
        let keys = if settings.access_keys.is_empty() { &local[..] } else { &settings.access_keys };
        Ok(Self {
            verifier: Verifier::new(region),
            keys: keys.iter().map(credentials).collect::<Result<_, _>>()?,
            expired: Mutex::default(),
            open: settings.no_verify,
        })
    }

    /// # Errors
    /// What the service answers to a request that proves nothing.
    pub(crate) fn check(&self, parts: &Parts, address: &Address, now: Timestamp) -> Result<(), Refusal> {
        if self.open {
            return Ok(());
        }
        let place = self.verify(parts, address, now)?;
        let expired = self.expired.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if expired.contains(&place) {
            let message = "The security token you provided has expired.";
            return Err(Refusal::new(403, "SecurityTokenExpired", "0002-00000008", message));
        }
        Ok(())
    }

    /// From now on the key pair that signed this request is taken for expired.
    pub(crate) fn expire(&self, parts: &Parts, address: &Address, now: Timestamp) {
        if let Ok(place) = self.verify(parts, address, now) {
            self.expired.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(place);
        }
    }

    /// The place of the key pair that signed.
    fn verify(&self, parts: &Parts, address: &Address, now: Timestamp) -> Result<usize, Refusal> {
        let now = SigningTime::from_unix(now.as_second()).map_err(|_| {
            Refusal::new(403, "RequestTimeTooSkewed", "0002-00000504", "The server's clock is before 1970.")
        })?;
        let result = self.verify_with_each_key(parts, address, now);
        // Some HTTP libraries write a space in the query as `+`, where it was signed as `%20`.
        match (result, with_spaces_escaped(parts)) {
            (Err(oss_sign::Refusal::SignatureDoesNotMatch(_)), Some(parts)) => {
                self.verify_with_each_key(&parts, address, now)
            }
            (result, _) => result,
        }
        .map_err(refusal)
    }

    /// One id may have had several tokens, so each key pair of that id has its turn.
    fn verify_with_each_key(
        &self,
        parts: &Parts,
        address: &Address,
        now: SigningTime,
    ) -> Result<usize, oss_sign::Refusal> {
        let resource = match (&address.bucket, &address.key) {
            (Some(bucket), Some(key)) => Resource::Object { bucket, key },
            (Some(bucket), None) => Resource::Bucket { bucket },
            (None, _) => Resource::Service,
        };
        let mut turn = 0;
        loop {
            let chosen = std::cell::Cell::new(None);
            let lookup = |id: &str| {
                let mut of_that_id =
                    self.keys.iter().enumerate().filter(|(_, key)| key.access_key_id().as_str() == id);
                let (place, key) = of_that_id.nth(turn)?;
                chosen.set(Some((place, of_that_id.next().is_some())));
                Some(key.clone())
            };
            let result = self.verifier.verify(parts, resource, &lookup, now);
            match (result, chosen.get()) {
                (Ok(_), Some((place, _))) => return Ok(place),
                (Err(_), Some((_, true))) => turn += 1,
                (Err(refusal), _) => return Err(refusal),
                (Ok(verified), None) => {
                    return Err(oss_sign::Refusal::UnknownAccessKeyId {
                        access_key_id: verified.access_key_id,
                    });
                }
            }
        }
    }
}

fn credentials(key: &AccessKey) -> Result<Credentials, StartError> {
    let malformed = |_| StartError::MalformedAccessKey;
    let pair = Credentials::new(key.id.as_str(), key.secret.as_str()).map_err(malformed)?;
    match &key.token {
        Some(token) => Ok(pair.with_security_token(SecurityToken::new(token.as_str()).map_err(malformed)?)),
        None => Ok(pair),
    }
}

fn with_spaces_escaped(parts: &Parts) -> Option<Parts> {
    let query = parts.uri.query().filter(|query| query.contains('+'))?;
    let escaped = format!("{}?{}", parts.uri.path(), query.replace('+', "%20"));
    let mut uri = parts.uri.clone().into_parts();
    uri.path_and_query = Some(PathAndQuery::try_from(escaped).ok()?);
    let mut parts = parts.clone();
    parts.uri = http::Uri::from_parts(uri).ok()?;
    Some(parts)
}

/// The words of the service for a verdict.
fn refusal(verdict: oss_sign::Refusal) -> Refusal {
    let ec = verdict.ec().unwrap_or(EC_UNKNOWN);
    let refusal = Refusal::new(verdict.status().as_u16(), verdict.code(), ec, sentence(&verdict.to_string()));
    match verdict {
        oss_sign::Refusal::SignatureDoesNotMatch(mismatch) => {
            let bytes: Vec<String> =
                mismatch.string_to_sign.bytes().map(|byte| format!("{byte:02X}")).collect();
            refusal
                .with("OSSAccessKeyId", mismatch.access_key_id.as_str())
                .with("SignatureProvided", mismatch.signature_provided.as_str())
                .with("StringToSignBytes", bytes.join(" "))
                .with("StringToSign", mismatch.string_to_sign.as_str())
                .with("CanonicalRequest", mismatch.canonical_request.to_string())
        }
        oss_sign::Refusal::RequestTimeTooSkewed { request_time, server_time, max_allowed_skew } => refusal
            .with("RequestTime", xml_time(request_time))
            .with("ServerTime", xml_time(server_time))
            .with("MaxAllowedSkewMilliseconds", max_allowed_skew.as_millis().to_string()),
        oss_sign::Refusal::UnknownAccessKeyId { access_key_id } => {
            refusal.with("OSSAccessKeyId", access_key_id)
        }
        oss_sign::Refusal::UnsupportedVersion { version } => {
            refusal.with("ArgumentName", "Authorization").with("ArgumentValue", version.to_string())
        }
        _ => refusal,
    }
}

fn xml_time(time: SigningTime) -> String {
    crate::clock::xml_date(Timestamp::from_second(time.unix()).unwrap_or(Timestamp::UNIX_EPOCH))
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).chain(['.']).collect()
}
