//! What can go wrong before a request is signed: all of it is the caller's input.

use std::time::Duration;

/// Why a value or a request could not be signed.
///
/// None of these is cured by trying again. No message shows a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// A credential is the empty text: most often an unset variable.
    #[error("the {what} is empty")]
    EmptyCredential {
        /// Which one: "access key id", "access key secret" or "security token".
        what: &'static str,
    },
    /// A credential holds a character that it cannot hold: most often a pasted line end.
    #[error("the {what} has {problem}")]
    MalformedCredential {
        /// Which one: "access key id", "access key secret" or "security token".
        what: &'static str,
        /// What is wrong with it, without the value.
        problem: &'static str,
    },
    /// Not a region id. Signing needs the bare one: `cn-hangzhou`, not `oss-cn-hangzhou` and not a host name.
    #[error("{given:?} is not a region id such as cn-hangzhou")]
    MalformedRegion {
        /// The text as given.
        given: String,
    },
    /// V4 writes the year in four digits, so the time must lie between 1970 and 9999.
    #[error("the time {unix} (seconds since 1970) is outside 1970 to 9999")]
    TimeOutOfRange {
        /// Seconds since 1970-01-01T00:00:00Z, as given.
        unix: i64,
    },
    /// A presigned URL lives between one second and seven days.
    #[error("a presigned URL is valid for 1 s to 604800 s, not {given:?}")]
    ValidityOutOfRange {
        /// The time as given.
        given: Duration,
    },
    /// The head has so many headers that those of the signature do not fit (32 768 in the `http` crate).
    #[error("no room for the headers of the signature beside {count} others")]
    TooManyHeaders {
        /// Headers that are there.
        count: usize,
    },
    /// The URI is an authority or `*`: nothing that a query can be appended to.
    #[error("{uri:?} has no path, so it cannot be presigned")]
    NoPath {
        /// The URI as given.
        uri: String,
    },
    /// The URL with its signature is longer than a URI may be (65 534 bytes in the `http` crate).
    #[error("the presigned URL would have {length} bytes, more than a URI can hold")]
    UriTooLong {
        /// Length of path and query in bytes.
        length: usize,
    },
}
