//! The names and fixed values of V4, as headers and as query parameters.

pub(crate) const DATE: &str = "x-oss-date";
pub(crate) const CONTENT_SHA256: &str = "x-oss-content-sha256";
pub(crate) const SECURITY_TOKEN: &str = "x-oss-security-token";
pub(crate) const SIGNATURE_VERSION: &str = "x-oss-signature-version";
pub(crate) const EXPIRES: &str = "x-oss-expires";
pub(crate) const CREDENTIAL: &str = "x-oss-credential";
pub(crate) const ADDITIONAL_HEADERS: &str = "x-oss-additional-headers";
pub(crate) const SIGNATURE: &str = "x-oss-signature";

/// OSS does not sign bodies: they are proved by CRC-64 and Content-MD5.
pub(crate) const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
