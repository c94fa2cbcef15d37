//! Which bucket and key a request is about, from its host and its path.
//!
//! In this order: the host is `BUCKET.` and an endpoint; the host is a custom domain; else the first segment of the path is
//! the bucket. Paths are percent-decoded and nothing in them is normalised.

use std::net::{IpAddr, Ipv4Addr};

use http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::refusal::Refusal;
use crate::settings::Settings;

/// Longest key, in bytes of UTF-8. <https://www.alibabacloud.com/help/doc-detail/31827.htm>
const MAX_KEY_BYTES: usize = 1023;

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// `None`: the service itself.
    pub(crate) bucket: Option<String>,
    /// `None`: the bucket, or the service.
    pub(crate) key: Option<String>,
}

impl Address {
    /// # Errors
    /// `InvalidBucketName`, `InvalidObjectName`, and `AccessDenied` for a stranger's host under `strict_host`.
    pub(crate) fn of(parts: &Parts, settings: &Settings) -> Result<Self, Refusal> {
        let path = parts.uri.path();
        let path = path.strip_prefix('/').unwrap_or(path);
        let address = if let Some(bucket) = bucket_of_host(&host(parts), settings)? {
            Self { bucket: Some(bucket), key: decode_key(path)? }
        } else {
            let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
            let bucket = percent_decode_str(bucket).decode_utf8_lossy().into_owned();
            Self { bucket: Some(bucket).filter(|bucket| !bucket.is_empty()), key: decode_key(key)? }
        };
        address.check()?;
        Ok(address)
    }

    fn check(&self) -> Result<(), Refusal> {
        if let Some(bucket) = self.bucket.as_deref().filter(|bucket| !is_bucket_name(bucket)) {
            let refusal =
                Refusal::new(400, "InvalidBucketName", "0015-00000001", "The specified bucket is not valid.");
            return Err(refusal.with("BucketName", bucket));
        }
        match self.key.as_deref() {
            // A service-level path that begins with `//`.
            Some(key) if self.bucket.is_none() => Err(invalid_key("0016-00000002", key)),
            Some(key) if key.len() > MAX_KEY_BYTES => Err(invalid_key("0016-00000001", key)),
            Some(key) if key.starts_with(['/', '\\']) => Err(invalid_key("0016-00000002", key)),
            _ => Ok(()),
        }
    }
}

/// Lower-case host of a request, without its port.
pub(crate) fn host(parts: &Parts) -> String {
    let header = parts.headers.get(http::header::HOST).and_then(|value| value.to_str().ok());
    let authority =
        header.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str)).unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    host.to_ascii_lowercase()
}

/// 3 to 63 of `a-z`, `0-9` and `-`, the first and the last not `-`.
pub(crate) fn is_bucket_name(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn bucket_of_host(host: &str, settings: &Settings) -> Result<Option<String>, Refusal> {
    if let Some(cname) = settings.cnames.iter().find(|cname| cname.host.eq_ignore_ascii_case(host)) {
        return Ok(Some(cname.bucket.clone()));
    }
    if is_endpoint(host) {
        return Ok(None);
    }
    match host.split_once('.') {
        Some((bucket, endpoint)) if is_endpoint(endpoint) => Ok(Some(bucket.to_owned())),
        _ if settings.strict_host && !host.is_empty() => {
            let message = "The host of the request is none of this server's.";
            Err(Refusal::new(403, "AccessDenied", "0003-00000001", message))
        }
        _ => Ok(None),
    }
}

/// Names under which the service, or this server, is reached without a bucket.
fn is_endpoint(host: &str) -> bool {
    if host == "localhost" || host.parse::<Ipv4Addr>().is_ok() {
        return true;
    }
    if host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .is_some_and(|ip| ip.parse::<IpAddr>().is_ok())
    {
        return true;
    }
    let Some(name) = host.strip_suffix(".aliyuncs.com") else { return false };
    let dual_stack = name.strip_suffix(".oss").is_some_and(|region| !region.contains('.'));
    dual_stack || (name.starts_with("oss-") && !name.contains('.'))
}

fn decode_key(path: &str) -> Result<Option<String>, Refusal> {
    let key = percent_decode_str(path).decode_utf8();
    let key = key.map_err(|_| invalid_key("0016-00000005", &percent_decode_str(path).decode_utf8_lossy()))?;
    Ok(Some(key.into_owned()).filter(|key| !key.is_empty()))
}

fn invalid_key(ec: &str, key: &str) -> Refusal {
    Refusal::new(400, "InvalidObjectName", ec, "The specified object is not valid.").with("ObjectName", key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Cname;

    fn check(host: &str, path: &str) -> Result<(Option<String>, Option<String>), String> {
        let mut settings = Settings::new("unused");
        settings.cnames.push(Cname { host: "media.example.com".to_owned(), bucket: "media".to_owned() });
        let (parts, ()) =
            http::Request::builder().uri(path).header("host", host).body(()).unwrap().into_parts();
        Address::of(&parts, &settings)
            .map(|address| (address.bucket, address.key))
            .map_err(|refusal| refusal.code.clone())
    }

    #[test]
    fn the_bucket_is_found_in_each_style_and_the_key_is_kept_as_it_is() {
        let cases = [
            ("127.0.0.1:8080", "/", None, None),
            ("127.0.0.1:8080", "/demo", Some("demo"), None),
            ("127.0.0.1:8080", "/demo/", Some("demo"), None),
            ("[::1]:8080", "/demo/a%2Fb//../c%20d?x=1", Some("demo"), Some("a/b//../c d")),
            ("demo.oss-cn-hangzhou.aliyuncs.com", "/a+b%2B%25", Some("demo"), Some("a+b+%")),
            ("demo.cn-hangzhou.oss.aliyuncs.com", "/k", Some("demo"), Some("k")),
            ("oss-cn-hangzhou-internal.aliyuncs.com", "/demo/k", Some("demo"), Some("k")),
            ("demo.localhost:80", "/demo/k", Some("demo"), Some("demo/k")),
            ("demo.127.0.0.1:80", "/k", Some("demo"), Some("k")),
            ("MEDIA.example.com", "/k%00%01", Some("media"), Some("k\0\u{1}")),
            ("stranger.example.com", "/demo/k", Some("demo"), Some("k")),
        ];
        for (host, path, bucket, key) in cases {
            assert_eq!(
                check(host, path),
                Ok((bucket.map(str::to_owned), key.map(str::to_owned))),
                "{host} {path}"
            );
        }
    }

    #[test]
    fn names_that_oss_does_not_allow_are_refused_by_name() {
        let long = format!("/demo/{}", "k".repeat(1024));
        let cases = [
            ("/UPPER/k", "InvalidBucketName"),
            ("/ab/k", "InvalidBucketName"),
            ("/-ab/k", "InvalidBucketName"),
            ("/a_b_c/k", "InvalidBucketName"),
            ("/%2e%2e%2e/k", "InvalidBucketName"),
            ("//k", "InvalidObjectName"),
            ("/demo//k", "InvalidObjectName"),
            ("/demo/%5Ck", "InvalidObjectName"),
            ("/demo/%ff", "InvalidObjectName"),
            (long.as_str(), "InvalidObjectName"),
        ];
        for (path, code) in cases {
            assert_eq!(check("localhost", path), Err(code.to_owned()), "{path}");
        }
        assert!(check("localhost", &format!("/demo/{}", "k".repeat(1023))).is_ok());
    }

    // Rows: 99
    #[test]
    fn a_strangers_host_is_refused_when_told_so() {
        let mut settings = Settings::new("unused");
        settings.strict_host = true;
        for (host, good) in [("evil.example.com", false), ("127.0.0.1:1", true), ("a-bucket.localhost", true)]
        {
            let (parts, ()) =
                http::Request::builder().uri("/demo/k").header("host", host).body(()).unwrap().into_parts();
            assert_eq!(Address::of(&parts, &settings).is_ok(), good, "{host}");
        }
    }
}
