//! What an answer says in its headers.

use http::{HeaderMap, header, response::Parts};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use oss_checkpoint::{ByteCount, Crc64, ETag, ServerTime};

/// CRC-64 of a part, or of the whole object.
pub(super) const CRC64: &str = "x-oss-hash-crc64ecma";
/// Version that a request made or read.
pub(super) const VERSION_ID: &str = "x-oss-version-id";
/// Id of the request at the service.
pub(super) const REQUEST_ID: &str = "x-oss-request-id";
/// Error document of an answer without a body, in base64.
pub(super) const ERROR_DOCUMENT: &str = "x-oss-err";
/// Code that the service's support asks for.
pub(super) const ERROR_CODE: &str = "x-oss-ec";

/// Why a header was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum HeaderError {
    #[error("the header {0} is there twice and contradicts itself")]
    Contradiction(&'static str),
    #[error("the header {name} cannot be {:?}: {rule}", value.chars().take(80).collect::<String>())]
    Value { name: &'static str, value: String, rule: &'static str },
}

/// The service's name of a request, from its answer; support asks for it.
pub fn request_id(head: &Parts) -> Option<String> {
    let id = single(&head.headers, REQUEST_ID).ok().flatten()?;
    let fits = id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| id.into_owned())
}

/// The one value of a header. The same value twice counts as one; bytes that are not UTF-8 are replaced.
pub(super) fn single<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> Result<Option<std::borrow::Cow<'a, str>>, HeaderError> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else {
        return Ok(None);
    };
    if values.any(|value| value.as_bytes().trim_ascii() != first.as_bytes().trim_ascii()) {
        return Err(HeaderError::Contradiction(name));
    }
    Ok(Some(String::from_utf8_lossy(first.as_bytes().trim_ascii())))
}

pub(super) fn etag(headers: &HeaderMap) -> Result<Option<ETag>, HeaderError> {
    parsed(headers, "etag", "1 to 256 visible ASCII characters", |text| ETag::new(text).ok())
}

pub(super) fn crc64(headers: &HeaderMap) -> Result<Option<Crc64>, HeaderError> {
    parsed(headers, CRC64, "an unsigned decimal number of 64 bits", |text| decimal(text).map(Crc64::new))
}

pub(super) fn content_length(headers: &HeaderMap) -> Result<Option<ByteCount>, HeaderError> {
    parsed(headers, "content-length", "a decimal number of bytes", |text| decimal(text).map(ByteCount::new))
}

pub(super) fn version_id(headers: &HeaderMap) -> Result<Option<String>, HeaderError> {
    parsed(headers, VERSION_ID, "1 to 1024 visible ASCII characters", |text| {
        let fits = (1..=1024).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| text.to_owned())
    })
}

/// When the answer was made, by the server's clock. Nothing depends on it alone, so what cannot be read is no fault.
pub(super) fn date(headers: &HeaderMap) -> Option<ServerTime> {
    http_date(&single(headers, header::DATE.as_str()).ok().flatten()?)
}

pub(super) fn last_modified(headers: &HeaderMap) -> Option<ServerTime> {
    http_date(&single(headers, "last-modified").ok().flatten()?)
}

/// A date as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) fn http_date(text: &str) -> Option<ServerTime> {
    static PARSER: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);
    PARSER.parse_timestamp(text).ok().map(|at| ServerTime::from_unix(at.as_second()))
}

/// A time as XML writes it: `2012-02-23T07:01:34.000Z`.
pub(super) fn xml_time(text: &str) -> Option<ServerTime> {
    text.parse::<Timestamp>().ok().map(|at| ServerTime::from_unix(at.as_second()))
}

/// Digits only: no sign, no blank.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn parsed<T>(
    headers: &HeaderMap,
    name: &'static str,
    rule: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, HeaderError> {
    let Some(text) = single(headers, name)? else {
        return Ok(None);
    };
    let value =
        parse(&text).ok_or_else(|| HeaderError::Value { name, value: text.clone().into_owned(), rule })?;
    Ok(Some(value))
}
