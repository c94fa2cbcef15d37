//! From names to addresses: percent-encoded once, normalised never.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};
use oss_checkpoint::{BucketName, ObjectKey};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{AddressingStyle, Endpoint};

/// An object, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where requests go.
    pub endpoint: Endpoint,
    /// Which bucket.
    pub bucket: BucketName,
    /// Which object.
    pub key: ObjectKey,
}

impl Target {
    /// The address of the object, without a query. Decoding its path gives the key back, byte by byte.
    pub fn uri(&self) -> Uri {
        self.uri_with(&Query::default())
    }

    pub(super) fn uri_with(&self, query: &Query) -> Uri {
        uri(&self.endpoint, Some(&self.bucket), Some(&self.key), query)
    }
}

/// Unreserved characters of RFC 3986 stay, all else becomes `%XX`.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// As [`COMPONENT`], and slashes stay.
const PATH: &AsciiSet = &COMPONENT.remove(b'/');

/// A query in the making.
#[derive(Debug, Default)]
pub(super) struct Query(String);

impl Query {
    /// A name without a value.
    pub(super) fn flag(mut self, name: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(name);
        self
    }

    pub(super) fn pair(self, name: &str, value: &str) -> Self {
        let mut query = self.flag(name);
        query.0.push('=');
        query.0.extend(utf8_percent_encode(value, COMPONENT));
        query
    }

    pub(super) fn pair_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.pair(name, value),
            None => self,
        }
    }
}

/// The address of an object, a bucket or the service.
pub(super) fn uri(
    endpoint: &Endpoint,
    bucket: Option<&BucketName>,
    key: Option<&ObjectKey>,
    query: &Query,
) -> Uri {
    let mut authority = String::new();
    let mut path = String::from("/");
    if let Some(bucket) = bucket {
        match endpoint.style() {
            AddressingStyle::VirtualHost => {
                authority.push_str(bucket.as_str());
                authority.push('.');
            }
            AddressingStyle::Path => {
                path.push_str(bucket.as_str());
                path.push('/');
            }
            AddressingStyle::Cname => {}
        }
    }
    authority.push_str(endpoint.authority());
    if let Some(key) = key {
        path.extend(utf8_percent_encode(key.as_str(), PATH));
    }
    if !query.0.is_empty() {
        path.push('?');
        path.push_str(&query.0);
    }
    Uri::builder()
        .scheme(endpoint.scheme().clone())
        .authority(authority)
        .path_and_query(path)
        .build()
        .expect("a checked host and a percent-encoded path make an address")
}

/// A request head that says no more than it must.
pub(super) fn request(method: Method, uri: Uri, body: Bytes) -> Request<Bytes> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    // A compressed answer is one that cannot be read here.
    request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    request
}

/// Undoes `encoding-type=url`. A plus sign is a plus sign: the service writes a space as `%20`.
pub(super) fn decode(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}
