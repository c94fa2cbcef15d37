//! What was computed on the way to a signature.

use std::fmt;

use crate::canonical::CanonicalRequest;

/// The three stages of one signature, for the comparison with what a server computed.
///
/// `Debug` shows neither the security token nor the signature.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningTrace {
    pub(crate) canonical_request: CanonicalRequest,
    pub(crate) string_to_sign: String,
    pub(crate) signature: String,
}

impl SigningTrace {
    /// The text that stands for the request.
    pub fn canonical_request(&self) -> &CanonicalRequest {
        &self.canonical_request
    }

    /// Algorithm, timestamp, scope and the SHA-256 of the canonical request, a line each. Holds no secret.
    pub fn string_to_sign(&self) -> &str {
        &self.string_to_sign
    }

    /// The signature as 64 lower-case hexadecimal digits. Whoever has it can send this very request.
    pub fn signature(&self) -> &str {
        &self.signature
    }
}

impl fmt::Debug for SigningTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningTrace")
            .field("canonical_request", &self.canonical_request)
            .field("string_to_sign", &self.string_to_sign)
            .field("signature", &"***")
            .finish()
    }
}
