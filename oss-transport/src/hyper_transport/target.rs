use http::{
    HeaderMap, HeaderValue, Method, Uri, header,
    uri::{Authority, PathAndQuery, Scheme},
};

use super::{
    dial::{Refusal, refuse},
    fault::Fault,
};
use crate::{Body, Unsent};

/// Where an exchange goes; connections are shared by exchanges with an equal one.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) is_https: bool,
    pub(super) authority: Authority,
}

impl Target {
    /// # Errors
    /// [`Unsent::Request`] without an authority, with user information in it, or for another scheme.
    pub(super) fn of(uri: &Uri) -> Result<Self, Refusal> {
        let is_https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) => return Err(unsendable(format!("the scheme {scheme} is neither http nor https"))),
            None => return Err(unsendable("the address is not absolute")),
        };
        let authority = uri.authority().ok_or_else(|| unsendable("the address has no host"))?;
        if authority.as_str().contains('@') {
            return Err(unsendable("the address carries user information"));
        }
        Ok(Self { is_https, authority: authority.clone() })
    }

    /// The address of the server's root.
    pub(super) fn uri(&self) -> Uri {
        Uri::builder()
            .scheme(if self.is_https { Scheme::HTTPS } else { Scheme::HTTP })
            .authority(self.authority.clone())
            .path_and_query("/")
            .build()
            .expect("a scheme, an authority and a path make an address")
    }

    /// The host without the brackets of an IPv6 address.
    pub(super) fn host(&self) -> &str {
        bare_host(self.authority.host())
    }

    pub(super) fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.is_https { 443 } else { 80 })
    }
}

/// A host without the brackets of an IPv6 address.
pub(super) fn bare_host(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// What stands in the request line for a server that is reached directly: path and query, byte for byte.
pub(super) fn origin_form(uri: &Uri) -> Uri {
    Uri::from(uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")))
}

/// The headers as they go out: `Host` first, `Content-Length` where there is a body or one is expected, and
/// otherwise only the caller's.
///
/// # Errors
/// [`Unsent::Request`] if the caller's own framing contradicts the body.
pub(super) fn headers(
    method: &Method,
    target: &Target,
    given: &HeaderMap,
    body: &Body,
) -> Result<HeaderMap, Refusal> {
    if given.contains_key(header::TRANSFER_ENCODING) {
        return Err(unsendable("a body of known length has no Transfer-Encoding"));
    }
    let length = HeaderValue::from(body.len());
    if given.get_all(header::CONTENT_LENGTH).iter().any(|stated| stated != length) {
        return Err(unsendable("the stated Content-Length is not the length of the body"));
    }
    let host = match given.get(header::HOST) {
        Some(host) => host.clone(),
        None => HeaderValue::from_str(target.authority.as_str())
            .map_err(|error| refuse(Unsent::Request, error))?,
    };
    let mut headers = HeaderMap::with_capacity(given.len() + 2);
    headers.insert(header::HOST, host);
    for (name, value) in given {
        if name != header::HOST && name != header::CONTENT_LENGTH {
            headers.append(name, value.clone());
        }
    }
    let expects_body = matches!(*method, Method::PUT | Method::POST | Method::PATCH);
    if !body.is_empty() || expects_body || given.contains_key(header::CONTENT_LENGTH) {
        headers.insert(header::CONTENT_LENGTH, length);
    }
    Ok(headers)
}

fn unsendable(why: impl Into<String>) -> Refusal {
    refuse(Unsent::Request, Fault::Words(why.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_those_of_the_address() {
        for (uri, host, port) in [
            ("http://a.example/x", "a.example", 80),
            ("https://a.example/x", "a.example", 443),
            ("https://a.example:8443/x", "a.example", 8443),
            ("http://[::1]:81/", "::1", 81),
            ("http://[fe80::1]/", "fe80::1", 80),
        ] {
            let target = Target::of(&uri.parse().unwrap()).unwrap_or_else(|_| panic!("{uri} is sendable"));
            assert_eq!((target.host(), target.port()), (host, port), "{uri}");
        }
    }
}
