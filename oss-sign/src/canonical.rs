//! The canonical request: the text that stands for a request whichever way it was spelled on the wire.
//!
//! Method, canonical URI, canonical query, canonical headers, additional headers and payload, with a line feed between
//! them. <https://www.alibabacloud.com/help/oss/developer-reference/recommend-to-use-signature-version-4>

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use http::{HeaderMap, Method};
use ring::digest;

use crate::encode;
use crate::names::{CONTENT_SHA256, SECURITY_TOKEN, UNSIGNED_PAYLOAD};
use crate::resource::Resource;

/// The text whose SHA-256 is signed.
///
/// It holds the security token when the request has one, so `Debug` and `Display` show the token as `***`; the bytes
/// themselves come from [`as_bytes`](Self::as_bytes).
#[derive(Clone, PartialEq, Eq)]
pub struct CanonicalRequest(Vec<u8>);

impl CanonicalRequest {
    /// The exact bytes, security token included. Header values need not be UTF-8, so these need not be either.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn digest_hex(&self) -> String {
        hex(digest::digest(&digest::SHA256, &self.0).as_ref())
    }

    fn redacted(&self) -> String {
        let text = String::from_utf8_lossy(&self.0);
        let lines: Vec<Cow<'_, str>> = text
            .split('\n')
            .enumerate()
            .map(|(number, line)| match line.split_once(':') {
                Some((name, _)) if name == SECURITY_TOKEN => Cow::Owned(format!("{name}:***")),
                _ if number == QUERY_LINE => Cow::Owned(redact_query(line)),
                _ => Cow::Borrowed(line),
            })
            .collect();
        lines.join("\n")
    }
}

/// Position of the canonical query among the lines.
const QUERY_LINE: usize = 2;

fn redact_query(line: &str) -> String {
    let parameters: Vec<Cow<'_, str>> = line
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((name, _)) if name == SECURITY_TOKEN => Cow::Owned(format!("{name}=***")),
            _ => Cow::Borrowed(parameter),
        })
        .collect();
    parameters.join("&")
}

impl fmt::Display for CanonicalRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl fmt::Debug for CanonicalRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CanonicalRequest").field(&self.redacted()).finish()
    }
}

/// A request as it will be once signed: what is there, less what is replaced, with what is added.
pub(crate) struct Draft<'a> {
    pub(crate) method: &'a Method,
    pub(crate) resource: Resource<'a>,
    /// The query as it is in the URI.
    pub(crate) query: &'a str,
    /// Names of parameters of `query` that do not count.
    pub(crate) dropped_parameters: &'a [&'a str],
    /// Parameters to come, not encoded.
    pub(crate) added_parameters: &'a [(&'a str, &'a str)],
    pub(crate) headers: &'a HeaderMap,
    /// Names of headers of `headers` that do not count.
    pub(crate) dropped_headers: &'a [&'a str],
    /// Headers to come.
    pub(crate) added_headers: &'a [(&'a str, &'a str)],
    /// Names of the headers that are signed although they need not be: lower case, sorted, each once.
    pub(crate) additional_headers: &'a [&'a str],
}

impl Draft<'_> {
    pub(crate) fn canonical_request(&self) -> CanonicalRequest {
        let mut out = Vec::with_capacity(512 + self.query.len());
        out.extend(self.method.as_str().bytes().map(|byte| byte.to_ascii_uppercase()));
        out.push(b'\n');
        self.resource.write_canonical_uri(&mut out);
        out.push(b'\n');
        self.write_query(&mut out);
        out.push(b'\n');
        let headers = self.signed_headers();
        write_headers(&headers, &mut out);
        out.push(b'\n');
        write_joined(self.additional_headers, &mut out);
        out.push(b'\n');
        let payload = headers.iter().find(|(name, _)| *name == CONTENT_SHA256);
        out.extend_from_slice(payload.map_or(UNSIGNED_PAYLOAD.as_bytes(), |(_, value)| value));
        CanonicalRequest(out)
    }

    /// Sorted by encoded name, then by encoded value; a parameter with an empty value is its bare name.
    fn write_query(&self, out: &mut Vec<u8>) {
        let mut encoded = Vec::with_capacity(self.query.len() + 256);
        let mut parameters: Vec<Parameter> = Vec::with_capacity(self.added_parameters.len() + 8);
        for parameter in self.query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let start = encoded.len();
            encode::rewrite_component(name, &mut encoded);
            let middle = encoded.len();
            if self.dropped_parameters.iter().any(|dropped| dropped.as_bytes() == &encoded[start..middle]) {
                encoded.truncate(start);
                continue;
            }
            encode::rewrite_component(value, &mut encoded);
            parameters.push(Parameter { name: start..middle, value: middle..encoded.len() });
        }
        for (name, value) in self.added_parameters {
            let start = encoded.len();
            encode::write_component(name.as_bytes(), &mut encoded);
            let middle = encoded.len();
            encode::write_component(value.as_bytes(), &mut encoded);
            parameters.push(Parameter { name: start..middle, value: middle..encoded.len() });
        }
        parameters.sort_unstable_by(|one, other| one.texts(&encoded).cmp(&other.texts(&encoded)));
        for (position, parameter) in parameters.iter().enumerate() {
            let (name, value) = parameter.texts(&encoded);
            if position > 0 {
                out.push(b'&');
            }
            out.extend_from_slice(name);
            if !value.is_empty() {
                out.push(b'=');
                out.extend_from_slice(value);
            }
        }
    }

    /// The headers that the signature covers, by name, with trimmed values.
    fn signed_headers(&self) -> Vec<(&str, &[u8])> {
        let there = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .filter(|(name, _)| !self.dropped_headers.contains(name));
        let added = self.added_headers.iter().map(|(name, value)| (*name, value.as_bytes()));
        let mut signed = Vec::with_capacity(16);
        signed.extend(
            there
                .chain(added)
                .filter(|(name, _)| is_always_signed(name) || self.additional_headers.contains(name))
                .map(|(name, value)| (name, trim(value))),
        );
        // Stable, so that the values of a repeated header stay in their order.
        signed.sort_by_key(|(name, _)| *name);
        signed
    }
}

/// Whether the signature covers this header, given in lower case, without being asked to.
pub(crate) fn is_always_signed(name: &str) -> bool {
    name.starts_with("x-oss-") || name == "content-type" || name == "content-md5"
}

/// Lower-case hexadecimal text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len() * 2);
    encode::write_hex(bytes, &mut out);
    String::from_utf8(out).expect("hexadecimal digits are ASCII")
}

/// A line a name; the values of a repeated header are joined with commas, as HTTP allows any hop to do.
fn write_headers(headers: &[(&str, &[u8])], out: &mut Vec<u8>) {
    for same_name in headers.chunk_by(|(one, _), (other, _)| one == other) {
        for (position, (name, value)) in same_name.iter().enumerate() {
            if position == 0 {
                out.extend_from_slice(name.as_bytes());
                out.push(b':');
            } else {
                out.push(b',');
            }
            out.extend_from_slice(value);
        }
        out.push(b'\n');
    }
}

fn write_joined(names: &[&str], out: &mut Vec<u8>) {
    for (position, name) in names.iter().enumerate() {
        if position > 0 {
            out.push(b';');
        }
        out.extend_from_slice(name.as_bytes());
    }
}

/// Without the spaces and tabs at both ends: they are no part of a value on the wire (RFC 9110 section 5.5).
pub(crate) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Where a parameter lies in the buffer of encoded text.
struct Parameter {
    name: Range<usize>,
    value: Range<usize>,
}

impl Parameter {
    fn texts<'a>(&self, encoded: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        (&encoded[self.name.clone()], &encoded[self.value.clone()])
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn draft<'a>(query: &'a str, headers: &'a HeaderMap, additional_headers: &'a [&'a str]) -> Draft<'a> {
        Draft {
            method: &Method::GET,
            resource: Resource::Service,
            query,
            dropped_parameters: &["gone"],
            added_parameters: &[],
            headers,
            dropped_headers: &[],
            added_headers: &[],
            additional_headers,
        }
    }

    #[test]
    fn one_query_has_one_spelling() {
        let headers = HeaderMap::new();
        for (query, expected) in [
            ("", ""),
            ("uploads=", "uploads"),
            ("b&a=", "a&b"),
            ("a=2&a=1&a", "a&a=1&a=2"),
            ("%7Ca=1&a=2&|a=0", "%7Ca=0&%7Ca=1&a=2"),
            ("a-b=1&a=2&a%25=3", "a=2&a%25=3&a-b=1"),
            ("k=a/b+c%2fd%20e&&", "k=a%2Fb%2Bc%2Fd%20e"),
            ("k=100%&j=%zz", "j=%25zz&k=100%25"),
            ("k=v=w", "k=v%3Dw"),
            ("a=1&gone=x&%67one=y&gone2", "a=1&gone2"),
            ("=v", "=v"),
        ] {
            let mut out = Vec::new();
            draft(query, &headers, &[]).write_query(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{query}");
        }
    }

    #[test]
    fn headers_are_trimmed_joined_sorted_and_chosen() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-oss-meta-b", " \t two  spaces "),
            ("range", "bytes=0-1"),
            ("x-oss-meta-a", "1"),
            ("x-oss-meta-a", " 2"),
            ("content-type", ""),
            ("host", "h"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let request = draft("", &headers, &["range"]).canonical_request();
        let expected = "GET\n/\n\ncontent-type:\nrange:bytes=0-1\nx-oss-meta-a:1,2\nx-oss-meta-b:two  spaces\n\n\
                        range\nUNSIGNED-PAYLOAD";
        assert_eq!(String::from_utf8_lossy(request.as_bytes()), expected);
    }

    #[test]
    fn a_shown_canonical_request_hides_the_token() {
        let mut headers = HeaderMap::new();
        headers.insert("x-oss-security-token", HeaderValue::from_static("hidden"));
        let request = draft("a=1&x-oss-security-token=hidden&b=2", &headers, &[]).canonical_request();
        for shown in [format!("{request}"), format!("{request:?}")] {
            assert!(!shown.contains("hidden"), "{shown}");
            assert!(shown.contains("a=1&b=2&x-oss-security-token=***"), "{shown}");
            assert!(shown.contains("x-oss-security-token:***"), "{shown}");
        }
        assert!(String::from_utf8_lossy(request.as_bytes()).contains("token:hidden"));
    }
}
