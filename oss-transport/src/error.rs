#[cfg(any(feature = "fault", feature = "hyper"))]
use http::Uri;
use http::uri::Authority;

/// Any cause, kept for `source()`.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why an exchange did not end in a response.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The server cannot have seen the request: always safe to send again.
    #[error("could not reach {authority}: {reason}")]
    NotSent {
        /// Where it was to go.
        authority: Authority,
        /// Which step failed; a caller advises by it.
        reason: Unsent,
        /// What failed underneath.
        source: BoxError,
    },
    /// It may have been carried out: the caller must find out before it repeats anything that is not idempotent.
    #[error("no answer from {authority}")]
    Unanswered {
        /// Where it went.
        authority: Authority,
        /// What failed underneath.
        source: BoxError,
    },
    /// The request's own body could not be made; the connection was closed before it was complete, so the server
    /// has no whole request.
    #[error("the request body failed")]
    Body {
        /// What the body said.
        source: BoxError,
    },
}

/// Which step of reaching a server failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsent {
    /// The name has no address.
    #[error("the name does not resolve")]
    Resolve,
    /// No address took the connection.
    #[error("the connection failed")]
    Connect,
    /// The certificate is unknown, expired or for another name. Sending again does not help.
    #[error("the certificate was refused")]
    Certificate,
    /// TLS failed in another way; the peer may not speak TLS at all.
    #[error("the TLS handshake failed")]
    Tls,
    /// A proxy refused.
    #[error("the proxy refused")]
    Proxy,
    /// Resolve, connect and TLS together took too long.
    #[error("connecting took too long")]
    Timeout,
    /// The connection ended before the first byte of the request was written.
    #[error("the connection closed before the request was written")]
    Closed,
    /// The request itself cannot be sent: no authority, a scheme other than http and https, or certificates to trust
    /// that cannot be loaded.
    #[error("the request cannot be sent")]
    Request,
}

/// The authority of `uri` as errors name it: without user information, which may be a password.
#[cfg(any(feature = "fault", feature = "hyper"))]
pub(crate) fn authority_of(uri: &Uri) -> Authority {
    let named = uri.authority().and_then(|authority| match authority.as_str().rsplit_once('@') {
        None => Some(authority.clone()),
        Some((_, bare)) => bare.parse().ok(),
    });
    named.unwrap_or_else(|| Authority::from_static("nowhere"))
}
