//! Why a request is refused, and how OSS says so: status, `Code` and `EC`.
//!
//! `EC` numbers are those of the pages `https://www.alibabacloud.com/help/en/oss/support/<EC>`.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use super::Form;
use crate::canonical::CanonicalRequest;
use crate::utc::SigningTime;

/// Why a request is not served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The request has no signature at all.
    #[error("the request is not signed")]
    Anonymous,
    /// There is an `Authorization` header and a signature in the query.
    #[error("the request is signed in the header and in the query")]
    BothForms,
    /// A signature of another version than V4.
    #[error("signature version {version} is not supported; sign with V4 (OSS4-HMAC-SHA256)")]
    UnsupportedVersion {
        /// The version.
        version: SignatureVersion,
    },
    /// The scheme is none of OSS.
    #[error("the signature scheme is unknown; sign with OSS4-HMAC-SHA256")]
    UnknownScheme,
    /// The header is not a list of the items of V4, each once.
    #[error("the header Authorization is not of the form of V4")]
    MalformedAuthorization,
    /// Something without which there is no V4 signature is missing.
    #[error("{item} is missing in the {form}")]
    MissingItem {
        /// Name of the item or the parameter.
        item: &'static str,
        /// Where it should be.
        form: Form,
    },
    /// A parameter of the signature occurs twice.
    #[error("the parameter {name} occurs more than once")]
    RepeatedParameter {
        /// Its name.
        name: &'static str,
    },
    /// A parameter of the signature is not text.
    #[error("the parameter {name} is not UTF-8")]
    MalformedParameter {
        /// Its name.
        name: &'static str,
    },
    /// The list of additional headers is there and empty.
    #[error("the list of additional headers is empty")]
    EmptyAdditionalHeaders,
    /// The list of additional headers has an empty item.
    #[error("the list of additional headers has an empty item")]
    EmptyAdditionalHeader,
    /// The credential does not have its five items.
    #[error("the credential in the {form} is not <id>/<date>/<region>/<product>/aliyun_v4_request")]
    MalformedCredential {
        /// Where it was.
        form: Form,
    },
    /// The credential does not end in `aliyun_v4_request`.
    #[error("the credential ends in {given:?} instead of aliyun_v4_request")]
    WrongCredentialSuffix {
        /// How it ends.
        given: String,
    },
    /// The date in the credential is not eight digits.
    #[error("the date {given:?} in the credential is not of the form YYYYMMDD")]
    MalformedCredentialDay {
        /// The date.
        given: String,
        /// Where it was.
        form: Form,
    },
    /// The date in the credential is not the day of the signing time.
    #[error("the date {given} in the credential is not the day of {signed_at}")]
    WrongDay {
        /// The date in the credential.
        given: String,
        /// The signing time.
        signed_at: SigningTime,
        /// Where it was.
        form: Form,
    },
    /// Signed for another region.
    #[error("the credential is for region {given:?}, this is {expected}")]
    WrongRegion {
        /// The region of the credential.
        given: String,
        /// The server's region.
        expected: String,
        /// Where it was.
        form: Form,
    },
    /// Signed for another product.
    #[error("the credential is for product {given:?}, this is {expected}")]
    WrongProduct {
        /// The product of the credential.
        given: String,
        /// The server's product.
        expected: &'static str,
    },
    /// Neither `x-oss-date` nor `Date`.
    #[error("the request has neither x-oss-date nor Date")]
    MissingDate,
    /// The time of the signature can't be read.
    #[error("{given:?} is not a signing time such as 20250102T030405Z")]
    MalformedDate {
        /// The text.
        given: String,
    },
    /// The clocks of client and server are too far apart.
    #[error("the request was signed at {request_time}, too far from {server_time}")]
    RequestTimeTooSkewed {
        /// The signing time.
        request_time: SigningTime,
        /// The server's time.
        server_time: SigningTime,
        /// How far they may be apart.
        max_allowed_skew: Duration,
    },
    /// The life of a presigned URL is not a positive number of seconds.
    #[error("{given:?} is not a number of seconds for x-oss-expires")]
    MalformedExpires {
        /// The text.
        given: String,
    },
    /// A presigned URL claims to live for more than seven days.
    #[error("x-oss-expires is {given}, more than 604800 seconds")]
    ExpiresTooLong {
        /// The text.
        given: String,
    },
    /// A presigned URL from the future.
    #[error("the URL is not valid before {valid_from}, it is {server_time}")]
    NotYetValid {
        /// The signing time.
        valid_from: SigningTime,
        /// The server's time.
        server_time: SigningTime,
    },
    /// A presigned URL that has outlived itself.
    #[error("request has expired at {server_time}")]
    Expired {
        /// The server's time.
        server_time: SigningTime,
    },
    /// Nobody has this access key id.
    #[error("the access key id {access_key_id:?} is unknown")]
    UnknownAccessKeyId {
        /// The id.
        access_key_id: String,
    },
    /// A temporary access key pair without its token.
    #[error("the access key id is a temporary one and the security token is missing")]
    MissingSecurityToken,
    /// The token is not that of the access key pair, or the pair has none.
    #[error("the security token is not that of the access key id")]
    WrongSecurityToken,
    /// The signature is not that of this request under this secret.
    #[error("the signature does not match the request")]
    SignatureDoesNotMatch(Box<SignatureMismatch>),
}

/// What the server computed, for the client to compare with its own.
///
/// `Debug` shows neither the security token nor the signature.
#[derive(Clone, PartialEq, Eq)]
pub struct SignatureMismatch {
    /// Whose secret was used.
    pub access_key_id: String,
    /// The signature as sent.
    pub signature_provided: String,
    /// What should have been signed.
    pub string_to_sign: String,
    /// The canonical request behind it.
    pub canonical_request: CanonicalRequest,
}

impl fmt::Debug for SignatureMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureMismatch")
            .field("access_key_id", &self.access_key_id)
            .field("signature_provided", &"***")
            .field("string_to_sign", &self.string_to_sign)
            .field("canonical_request", &self.canonical_request)
            .finish()
    }
}

/// The versions of OSS's signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureVersion {
    /// `OSS <id>:<signature>`, or `OSSAccessKeyId`, `Expires` and `Signature` in the query; HMAC-SHA1.
    V1,
    /// `OSS2 AccessKeyId:<id>,…`, or `x-oss-signature-version=OSS2`.
    V2,
    /// `OSS4-HMAC-SHA256 …`, the one that this crate speaks.
    V4,
}

impl fmt::Display for SignatureVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "V1 (OSS)",
            Self::V2 => "V2 (OSS2)",
            Self::V4 => "V4 (OSS4-HMAC-SHA256)",
        })
    }
}

impl Refusal {
    /// The status of the answer: 400 for what is malformed, 403 for what is not proved.
    pub fn status(&self) -> StatusCode {
        self.answer().0
    }

    /// The `Code` of the error document.
    pub fn code(&self) -> &'static str {
        self.answer().1
    }

    /// The `EC` of the error document, where the documentation or a known sample gives one.
    pub fn ec(&self) -> Option<&'static str> {
        self.answer().2
    }

    fn answer(&self) -> (StatusCode, &'static str, Option<&'static str>) {
        let malformed = |ec| (StatusCode::BAD_REQUEST, "InvalidArgument", ec);
        let forbidden = |code, ec| (StatusCode::FORBIDDEN, code, ec);
        match self {
            Self::UnknownScheme => malformed(Some("0002-00000061")),
            Self::MalformedAuthorization | Self::MissingItem { item: "Credential", .. } => {
                malformed(Some("0002-00000202"))
            }
            Self::MalformedCredential { form: Form::Header } => malformed(Some("0002-00000202")),
            Self::MissingItem { item: "Signature", .. } => malformed(Some("0002-00000207")),
            Self::MissingItem { item: "x-oss-expires", .. } => malformed(Some("0002-00000215")),
            Self::EmptyAdditionalHeaders => malformed(Some("0002-00000209")),
            Self::EmptyAdditionalHeader => malformed(Some("0002-00000210")),
            Self::MalformedCredentialDay { form: Form::Header, .. } => malformed(Some("0002-00000212")),
            Self::WrongCredentialSuffix { .. } => malformed(Some("0002-00000213")),
            Self::MalformedCredentialDay { form: Form::Query, .. }
            | Self::WrongDay { form: Form::Query, .. } => malformed(Some("0002-00000223")),
            Self::WrongRegion { form: Form::Query, .. } => malformed(Some("0002-00000226")),
            Self::WrongRegion { form: Form::Header, .. } => malformed(Some("0002-00000228")),
            Self::ExpiresTooLong { .. } => malformed(Some("0002-00000232")),
            Self::BothForms
            | Self::UnsupportedVersion { .. }
            | Self::MissingItem { .. }
            | Self::RepeatedParameter { .. }
            | Self::MalformedParameter { .. }
            | Self::MalformedCredential { form: Form::Query }
            | Self::WrongDay { form: Form::Header, .. }
            | Self::WrongProduct { .. }
            | Self::MalformedExpires { .. } => malformed(None),
            Self::Anonymous | Self::Expired { .. } => forbidden("AccessDenied", None),
            Self::NotYetValid { .. } => forbidden("AccessDenied", Some("0002-00000235")),
            Self::MalformedDate { .. } => forbidden("AccessDenied", Some("0002-00000502")),
            Self::MissingDate => forbidden("AccessDenied", Some("0002-00000503")),
            Self::RequestTimeTooSkewed { .. } => forbidden("RequestTimeTooSkewed", Some("0002-00000504")),
            Self::UnknownAccessKeyId { .. } => forbidden("InvalidAccessKeyId", Some("0002-00000902")),
            Self::MissingSecurityToken => forbidden("InvalidAccessKeyId", Some("0002-00000003")),
            Self::WrongSecurityToken => forbidden("InvalidSecurityToken", Some("0002-00000006")),
            Self::SignatureDoesNotMatch(_) => forbidden("SignatureDoesNotMatch", Some("0002-00000040")),
        }
    }
}
