//! The header form: puts the `Authorization` header, and what it covers, on a request head.

use http::header::{AUTHORIZATION, DATE, HeaderName, HeaderValue};
use http::request::Parts;

use crate::canonical::{CanonicalRequest, Draft, hex, is_always_signed};
use crate::credentials::Credentials;
use crate::error::SignError;
use crate::key::KeyCache;
use crate::names;
use crate::region::{Product, Region};
use crate::resource::Resource;
use crate::scope::{ALGORITHM, Scope};
use crate::trace::SigningTrace;
use crate::utc::SigningTime;

/// Signs requests for one region. Shareable between threads; keeps the keys that it derived for the day.
#[derive(Debug)]
pub struct Signer {
    region: Region,
    product: Product,
    /// Sorted, each once, none that is signed anyway.
    additional_headers: Vec<HeaderName>,
    keys: KeyCache,
}

/// Headers that signing replaces, so that whatever a former attempt left does not count.
const REPLACED: [&str; 5] =
    [names::DATE, "date", names::SECURITY_TOKEN, names::CONTENT_SHA256, "authorization"];

impl Signer {
    /// A signer for OSS in `region`, with no additional headers.
    pub fn new(region: Region) -> Self {
        Self {
            region,
            product: Product::default(),
            additional_headers: Vec::new(),
            keys: KeyCache::default(),
        }
    }

    /// Signs for another product; [`Product::CloudBox`] wants the id of the box as its region.
    #[must_use]
    pub fn with_product(mut self, product: Product) -> Self {
        self.product = product;
        self
    }

    /// Has the signature also cover these headers, in each request that has them with a value.
    ///
    /// `content-type`, `content-md5` and all of `x-oss-*` are covered anyway and are ignored here, as are repeats and
    /// `authorization`. `host` is covered only when the head has it as a header.
    #[must_use]
    pub fn with_additional_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        let wanted = |name: &HeaderName| !is_always_signed(name.as_str()) && *name != AUTHORIZATION;
        self.additional_headers = names.into_iter().filter(wanted).collect();
        self.additional_headers.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        self.additional_headers.dedup();
        self
    }

    /// The region of the scope.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The product of the scope.
    pub fn product(&self) -> Product {
        self.product
    }

    /// Signs `head` in the header form.
    ///
    /// Sets `x-oss-date`, `Date`, `x-oss-content-sha256` (`UNSIGNED-PAYLOAD`), `x-oss-security-token` (or removes it when
    /// the credentials have none) and `Authorization`; token and authorization are marked sensitive. Nothing else is
    /// touched, so a signed head can be signed again for the next attempt. What the signature covers must not change
    /// afterwards: method, resource, query, `content-type`, `content-md5`, `x-oss-*` and the additional headers.
    ///
    /// # Errors
    /// [`SignError::TooManyHeaders`]; the head is then as it was.
    pub fn sign(
        &self,
        head: &mut Parts,
        resource: Resource<'_>,
        credentials: &Credentials,
        time: SigningTime,
    ) -> Result<(), SignError> {
        self.sign_traced(head, resource, credentials, time).map(drop)
    }

    /// Like [`sign`](Self::sign), and gives what was signed: for the comparison with the strings that OSS sends along
    /// with `SignatureDoesNotMatch`.
    ///
    /// # Errors
    /// Those of [`sign`](Self::sign).
    pub fn sign_traced(
        &self,
        head: &mut Parts,
        resource: Resource<'_>,
        credentials: &Credentials,
        time: SigningTime,
    ) -> Result<SigningTrace, SignError> {
        let (timestamp, date) = (time.basic_iso(), time.http_date());
        let token = credentials.security_token();
        let mut added = vec![
            (names::DATE, timestamp.as_str()),
            ("date", date.as_str()),
            (names::CONTENT_SHA256, names::UNSIGNED_PAYLOAD),
        ];
        added.extend(token.map(|token| (names::SECURITY_TOKEN, token.expose())));
        let additional = self.present_additional_headers(head, &added);
        let canonical_request = Draft {
            method: &head.method,
            resource,
            query: head.uri.query().unwrap_or(""),
            dropped_parameters: &[],
            added_parameters: &[],
            headers: &head.headers,
            dropped_headers: &REPLACED,
            added_headers: &added,
            additional_headers: &additional,
        }
        .canonical_request();
        let trace = self.trace(canonical_request, credentials, time);
        let authorization = self.authorization(&trace, credentials, time, &additional);

        let headers = &mut head.headers;
        headers
            .try_reserve(REPLACED.len())
            .map_err(|_| SignError::TooManyHeaders { count: headers.len() })?;
        headers.insert(HeaderName::from_static(names::DATE), value(timestamp.as_str()));
        headers.insert(DATE, value(date.as_str()));
        headers.insert(
            HeaderName::from_static(names::CONTENT_SHA256),
            HeaderValue::from_static(names::UNSIGNED_PAYLOAD),
        );
        match token {
            Some(token) => {
                headers.insert(HeaderName::from_static(names::SECURITY_TOKEN), sensitive(token.expose()))
            }
            None => headers.remove(names::SECURITY_TOKEN),
        };
        headers.insert(AUTHORIZATION, sensitive(&authorization));
        Ok(trace)
    }

    /// The additional headers that `head` has with a value, among them those that signing is about to set.
    pub(crate) fn present_additional_headers(&self, head: &Parts, to_be_set: &[(&str, &str)]) -> Vec<&str> {
        let is_present = |name: &&HeaderName| {
            to_be_set.iter().any(|(added, _)| added == name)
                || head.headers.get(*name).is_some_and(|value| !value.is_empty())
        };
        self.additional_headers.iter().filter(is_present).map(HeaderName::as_str).collect()
    }

    pub(crate) fn scope(&self, time: SigningTime) -> Scope<'_> {
        Scope { time, region: &self.region, product: self.product }
    }

    /// From the canonical request to the signature.
    pub(crate) fn trace(
        &self,
        canonical_request: CanonicalRequest,
        credentials: &Credentials,
        time: SigningTime,
    ) -> SigningTrace {
        let scope = self.scope(time);
        let string_to_sign = scope.string_to_sign(time.basic_iso().as_str(), &canonical_request.digest_hex());
        let key = self.keys.key(credentials.access_key_secret(), &scope);
        let signature = hex(key.sign(&string_to_sign).as_ref());
        SigningTrace { canonical_request, string_to_sign, signature }
    }

    fn authorization(
        &self,
        trace: &SigningTrace,
        credentials: &Credentials,
        time: SigningTime,
        additional: &[&str],
    ) -> String {
        let mut out = String::with_capacity(224);
        out.push_str(ALGORITHM);
        out.push_str(" Credential=");
        self.scope(time).write_credential(credentials.access_key_id(), &mut out);
        if !additional.is_empty() {
            out.push_str(",AdditionalHeaders=");
            out.push_str(&additional.join(";"));
        }
        out.push_str(",Signature=");
        out.push_str(&trace.signature);
        out
    }
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("ids, tokens, names and digits were checked to be visible ASCII")
}

fn sensitive(text: &str) -> HeaderValue {
    let mut value = value(text);
    value.set_sensitive(true);
    value
}
