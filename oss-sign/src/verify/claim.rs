//! What a request claims about itself, read from the header `Authorization` or from the query, before anything is proved.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::{AUTHORIZATION, DATE};
use http::request::Parts;

use super::Form;
use super::refusal::{Refusal, SignatureVersion};
use crate::canonical::trim;
use crate::encode;
use crate::names;
use crate::presign::MAX_VALIDITY;
use crate::scope::{ALGORITHM, TERMINATOR};
use crate::utc::SigningTime;

/// What a V4 request says: who signed, when, for where, and what the signature is. None of it is proved.
pub(super) struct Claim {
    pub(super) access_key_id: String,
    pub(super) day: String,
    pub(super) region: String,
    pub(super) product: String,
    /// The text that the client signed as its time; an `x-oss-date`, or a `Date` of a client without one.
    pub(super) timestamp: String,
    pub(super) signed_at: SigningTime,
    pub(super) validity: Validity,
    /// Lower case, sorted, each once.
    pub(super) additional_headers: Vec<String>,
    pub(super) signature: String,
    pub(super) security_token: Option<Vec<u8>>,
}

/// How long a signature is good for; which says also where it was.
pub(super) enum Validity {
    /// A signed header: when it arrives.
    AtOnce,
    /// A presigned URL: so many seconds from its time.
    For { seconds: i64 },
}

impl Claim {
    pub(super) fn form(&self) -> Form {
        match self.validity {
            Validity::AtOnce => Form::Header,
            Validity::For { .. } => Form::Query,
        }
    }

    pub(super) fn of(head: &Parts) -> Result<Self, Refusal> {
        let query = Query::of(head);
        let mut authorizations = head.headers.get_all(AUTHORIZATION).iter();
        match (authorizations.next(), query.version()?) {
            (None, None) => Err(Refusal::Anonymous),
            (Some(_), Some(_)) => Err(Refusal::BothForms),
            (Some(authorization), None) => {
                let text = authorization.to_str().map_err(|_| Refusal::MalformedAuthorization)?;
                let items = items_of(text)?;
                if authorizations.next().is_some() {
                    return Err(Refusal::MalformedAuthorization);
                }
                Self::of_header(items, &head.headers)
            }
            (None, Some(SignatureVersion::V4)) => Self::of_query(&query),
            (None, Some(version)) => Err(Refusal::UnsupportedVersion { version }),
        }
    }

    fn of_header(items: &str, headers: &HeaderMap) -> Result<Self, Refusal> {
        let (mut credential, mut additional, mut signature) = (None, None, None);
        for item in items.split(',') {
            let (name, value) = item.trim().split_once('=').ok_or(Refusal::MalformedAuthorization)?;
            let place = match name {
                "Credential" => &mut credential,
                "AdditionalHeaders" => &mut additional,
                "Signature" => &mut signature,
                _ => return Err(Refusal::MalformedAuthorization),
            };
            if place.replace(value).is_some() {
                return Err(Refusal::MalformedAuthorization);
            }
        }
        let form = Form::Header;
        let credential = credential.ok_or(Refusal::MissingItem { item: "Credential", form })?;
        let signature = signature.filter(|text| !text.is_empty());
        let signature = signature.ok_or(Refusal::MissingItem { item: "Signature", form })?;
        let (timestamp, signed_at) = header_time(headers)?;
        let [access_key_id, day, region, product] = credential_items(credential, form)?;
        Ok(Self {
            access_key_id,
            day,
            region,
            product,
            timestamp,
            signed_at,
            validity: Validity::AtOnce,
            additional_headers: additional.map(header_list).transpose()?.unwrap_or_default(),
            signature: signature.to_owned(),
            security_token: headers.get(names::SECURITY_TOKEN).map(|token| trim(token.as_bytes()).to_vec()),
        })
    }

    fn of_query(query: &Query) -> Result<Self, Refusal> {
        let form = Form::Query;
        let required = |item| query.get(item)?.ok_or(Refusal::MissingItem { item, form });
        let credential = required(names::CREDENTIAL)?;
        let timestamp = required(names::DATE)?;
        let expires = required(names::EXPIRES)?;
        let signature = required(names::SIGNATURE)?;
        let signed_at = SigningTime::parse_basic_iso(&timestamp)
            .ok_or_else(|| Refusal::MalformedDate { given: timestamp.to_string() })?;
        let [access_key_id, day, region, product] = credential_items(&credential, form)?;
        let additional_headers =
            query.get(names::ADDITIONAL_HEADERS)?.map(|list| header_list(&list)).transpose()?;
        Ok(Self {
            access_key_id,
            day,
            region,
            product,
            timestamp: timestamp.into_owned(),
            signed_at,
            validity: Validity::For { seconds: expires_seconds(&expires)? },
            additional_headers: additional_headers.unwrap_or_default(),
            signature: signature.into_owned(),
            security_token: query.get(names::SECURITY_TOKEN)?.map(|token| token.into_owned().into_bytes()),
        })
    }
}

/// What follows the scheme of V4. The other schemes of OSS are refused by name.
fn items_of(authorization: &str) -> Result<&str, Refusal> {
    let (scheme, items) = authorization.trim().split_once(' ').unwrap_or((authorization.trim(), ""));
    match scheme {
        ALGORITHM => Ok(items.trim()),
        "OSS" => Err(Refusal::UnsupportedVersion { version: SignatureVersion::V1 }),
        "OSS2" => Err(Refusal::UnsupportedVersion { version: SignatureVersion::V2 }),
        _ => Err(Refusal::UnknownScheme),
    }
}

/// The time that a request in the header form is signed with: `x-oss-date`, else `Date`, as text and parsed.
fn header_time(headers: &HeaderMap) -> Result<(String, SigningTime), Refusal> {
    let (value, parse): (_, fn(&str) -> Option<SigningTime>) =
        match (headers.get(names::DATE), headers.get(DATE)) {
            (Some(value), _) => (value, SigningTime::parse_basic_iso),
            (None, Some(value)) => (value, SigningTime::parse_http_date),
            (None, None) => return Err(Refusal::MissingDate),
        };
    let text = String::from_utf8_lossy(trim(value.as_bytes()));
    match parse(&text) {
        Some(time) => Ok((text.into_owned(), time)),
        None => Err(Refusal::MalformedDate { given: text.into_owned() }),
    }
}

/// Access key id, day, region and product of `<id>/<day>/<region>/<product>/aliyun_v4_request`; the id may have slashes.
fn credential_items(credential: &str, form: Form) -> Result<[String; 4], Refusal> {
    let mut items = credential.rsplitn(5, '/');
    let mut item =
        || items.next().filter(|item| !item.is_empty()).ok_or(Refusal::MalformedCredential { form });
    let (suffix, product, region, day, id) = (item()?, item()?, item()?, item()?, item()?);
    if suffix != TERMINATOR {
        return Err(Refusal::WrongCredentialSuffix { given: suffix.to_owned() });
    }
    if day.len() != 8 || !day.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::MalformedCredentialDay { given: day.to_owned(), form });
    }
    Ok([id, day, region, product].map(str::to_owned))
}

fn header_list(list: &str) -> Result<Vec<String>, Refusal> {
    if list.is_empty() {
        return Err(Refusal::EmptyAdditionalHeaders);
    }
    let mut names: Vec<String> = list.split(';').map(|name| name.trim().to_ascii_lowercase()).collect();
    if names.iter().any(String::is_empty) {
        return Err(Refusal::EmptyAdditionalHeader);
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

fn expires_seconds(text: &str) -> Result<i64, Refusal> {
    let malformed = || Refusal::MalformedExpires { given: text.to_owned() };
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed());
    }
    // More digits than a number holds are too long a time, too.
    let seconds = text.parse::<u64>().unwrap_or(u64::MAX);
    if seconds > MAX_VALIDITY.as_secs() {
        return Err(Refusal::ExpiresTooLong { given: text.to_owned() });
    }
    match i64::try_from(seconds) {
        Ok(seconds @ 1..) => Ok(seconds),
        Ok(_) | Err(_) => Err(malformed()),
    }
}

/// The parameters of a query, decoded.
struct Query<'a>(Vec<(Vec<u8>, &'a str)>);

impl<'a> Query<'a> {
    fn of(head: &'a Parts) -> Self {
        let parameters = head.uri.query().unwrap_or("").split('&').filter(|parameter| !parameter.is_empty());
        Self(
            parameters
                .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
                .map(|(name, value)| (encode::decode(name), value))
                .collect(),
        )
    }

    /// The decoded value of a parameter that may be there once.
    fn get(&self, name: &'static str) -> Result<Option<Cow<'a, str>>, Refusal> {
        let mut values = self.0.iter().filter(|(there, _)| there == name.as_bytes()).map(|(_, value)| *value);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Refusal::RepeatedParameter { name });
        }
        let text =
            String::from_utf8(encode::decode(value)).map_err(|_| Refusal::MalformedParameter { name })?;
        Ok(Some(Cow::Owned(text)))
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(there, _)| there == name.as_bytes())
    }

    /// Which kind of signature the query has, if any.
    fn version(&self) -> Result<Option<SignatureVersion>, Refusal> {
        match self.get(names::SIGNATURE_VERSION)?.as_deref() {
            Some(ALGORITHM) => Ok(Some(SignatureVersion::V4)),
            Some("OSS2") => Ok(Some(SignatureVersion::V2)),
            Some(_) => Err(Refusal::UnknownScheme),
            None if self.has("OSSAccessKeyId") && self.has("Signature") => Ok(Some(SignatureVersion::V1)),
            None if self.has(names::SIGNATURE) || self.has(names::CREDENTIAL) => {
                Err(Refusal::MissingItem { item: names::SIGNATURE_VERSION, form: Form::Query })
            }
            None => Ok(None),
        }
    }
}
