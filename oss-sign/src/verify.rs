//! The server's side: whether a request was signed by somebody who holds the secret, and if not, why not, by name.

mod claim;
mod refusal;

use std::fmt;
use std::time::Duration;

use http::request::Parts;
use ring::hmac;

pub use refusal::{Refusal, SignatureMismatch, SignatureVersion};

use crate::canonical::Draft;
use crate::credentials::Credentials;
use crate::encode;
use crate::key::{KeyCache, SigningKey};
use crate::names;
use crate::region::{Product, Region};
use crate::resource::Resource;
use crate::scope::Scope;
use crate::utc::SigningTime;
use claim::{Claim, Validity};

/// How far the clocks of client and server may be apart: 15 minutes (EC 0002-00000504 beyond).
pub const MAX_SKEW: Duration = Duration::from_mins(15);

/// Where the signature of a request was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// In the header `Authorization`.
    Header,
    /// In the query: a presigned URL.
    Query,
}

/// What a request has proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whose secret signed it.
    pub access_key_id: String,
    /// Where the signature was.
    pub form: Form,
    /// When it was signed, by the client's clock.
    pub signed_at: SigningTime,
}

/// Verifies V4 signatures for one region. Shareable between threads; keeps the keys that it derived last.
#[derive(Debug)]
pub struct Verifier {
    region: Region,
    product: Product,
    skew: Duration,
    keys: KeyCache,
}

impl Verifier {
    /// A verifier for OSS in `region`, which allows clocks to differ by [`MAX_SKEW`].
    pub fn new(region: Region) -> Self {
        Self { region, product: Product::default(), skew: MAX_SKEW, keys: KeyCache::default() }
    }

    /// Verifies for another product.
    #[must_use]
    pub fn with_product(mut self, product: Product) -> Self {
        self.product = product;
        self
    }

    /// Allows clocks to differ by another time, in whole seconds.
    #[must_use]
    pub fn with_skew(mut self, skew: Duration) -> Self {
        self.skew = skew;
        self
    }

    /// Verifies the signature of `head`, in either form, at `now` by the server's clock.
    ///
    /// `resource` is what the server takes the request to be about; `lookup` gives the credentials of an access key id.
    /// Both forms, V1 and V2 are told apart; of those only V4 is ever accepted. The payload hash that the client states is
    /// covered by the signature, but no body is compared with it.
    ///
    /// # Errors
    /// A [`Refusal`], with the status and the codes to answer. A request without any signature is
    /// [`Refusal::Anonymous`]: whether to serve it is the server's own decision.
    pub fn verify(
        &self,
        head: &Parts,
        resource: Resource<'_>,
        lookup: &dyn Fn(&str) -> Option<Credentials>,
        now: SigningTime,
    ) -> Result<Verified, Refusal> {
        let claim = Claim::of(head)?;
        self.check_scope(&claim)?;
        self.check_time(&claim, now)?;
        let credentials = lookup(&claim.access_key_id)
            .ok_or_else(|| Refusal::UnknownAccessKeyId { access_key_id: claim.access_key_id.clone() })?;
        let scope = Scope { time: claim.signed_at, region: &self.region, product: self.product };
        let key = self.keys.key(credentials.access_key_secret(), &scope);
        check_token(&claim, &credentials, &key)?;
        check_signature(head, resource, &claim, &scope, &key)?;
        Ok(Verified { form: claim.form(), signed_at: claim.signed_at, access_key_id: claim.access_key_id })
    }

    fn check_scope(&self, claim: &Claim) -> Result<(), Refusal> {
        let form = claim.form();
        if claim.day != claim.signed_at.basic_iso().as_str()[..8] {
            return Err(Refusal::WrongDay { given: claim.day.clone(), signed_at: claim.signed_at, form });
        }
        if claim.region != self.region.as_str() {
            let expected = self.region.as_str().to_owned();
            return Err(Refusal::WrongRegion { given: claim.region.clone(), expected, form });
        }
        if claim.product != self.product.as_str() {
            return Err(Refusal::WrongProduct {
                given: claim.product.clone(),
                expected: self.product.as_str(),
            });
        }
        Ok(())
    }

    fn check_time(&self, claim: &Claim, now: SigningTime) -> Result<(), Refusal> {
        let skew = i64::try_from(self.skew.as_secs()).unwrap_or(i64::MAX);
        let age = now.unix() - claim.signed_at.unix();
        match claim.validity {
            Validity::AtOnce if age.saturating_abs() > skew => Err(Refusal::RequestTimeTooSkewed {
                request_time: claim.signed_at,
                server_time: now,
                max_allowed_skew: self.skew,
            }),
            Validity::For { .. } if age.saturating_neg() > skew => {
                Err(Refusal::NotYetValid { valid_from: claim.signed_at, server_time: now })
            }
            Validity::For { seconds } if age > seconds => Err(Refusal::Expired { server_time: now }),
            Validity::AtOnce | Validity::For { .. } => Ok(()),
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header Authorization",
            Self::Query => "query",
        })
    }
}

/// The token must be that of the pair, in a time that says nothing about how much of it was right.
fn check_token(claim: &Claim, credentials: &Credentials, key: &SigningKey) -> Result<(), Refusal> {
    match (credentials.security_token(), &claim.security_token) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(Refusal::MissingSecurityToken),
        (None, Some(_)) => Err(Refusal::WrongSecurityToken),
        (Some(expected), Some(given)) => {
            let expected = hmac::sign(&key.hmac(), expected.expose().as_bytes());
            hmac::verify(&key.hmac(), given, expected.as_ref()).map_err(|_| Refusal::WrongSecurityToken)
        }
    }
}

fn check_signature(
    head: &Parts,
    resource: Resource<'_>,
    claim: &Claim,
    scope: &Scope<'_>,
    key: &SigningKey,
) -> Result<(), Refusal> {
    let additional: Vec<&str> = claim.additional_headers.iter().map(String::as_str).collect();
    let canonical_request = Draft {
        method: &head.method,
        resource,
        query: head.uri.query().unwrap_or(""),
        dropped_parameters: match claim.form() {
            Form::Header => &[],
            Form::Query => &[names::SIGNATURE],
        },
        added_parameters: &[],
        headers: &head.headers,
        dropped_headers: &[],
        added_headers: &[],
        additional_headers: &additional,
    }
    .canonical_request();
    let string_to_sign = scope.string_to_sign(&claim.timestamp, &canonical_request.digest_hex());
    let holds = signature_bytes(&claim.signature)
        .is_some_and(|given| hmac::verify(&key.hmac(), string_to_sign.as_bytes(), &given).is_ok());
    if holds {
        return Ok(());
    }
    Err(Refusal::SignatureDoesNotMatch(Box::new(SignatureMismatch {
        access_key_id: claim.access_key_id.clone(),
        signature_provided: claim.signature.clone(),
        string_to_sign,
        canonical_request,
    })))
}

/// The 32 bytes of 64 lower-case hexadecimal digits.
fn signature_bytes(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 || digits.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = encode::hex_digit(pair[0])? << 4 | encode::hex_digit(pair[1])?;
    }
    Some(bytes)
}
