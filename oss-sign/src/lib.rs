//! Alibaba Cloud OSS V4 signatures: pure functions of a request head, credentials and a time.

mod canonical;
mod credentials;
pub mod encode;
mod error;
mod key;
mod names;
mod presign;
mod region;
mod resource;
mod scope;
mod sign;
mod trace;
mod utc;
#[cfg(feature = "verify")]
mod verify;

pub use canonical::CanonicalRequest;
pub use credentials::{AccessKeyId, AccessKeySecret, Credentials, SecurityToken};
pub use error::SignError;
pub use presign::MAX_VALIDITY;
pub use region::{Product, Region};
pub use resource::Resource;
pub use sign::Signer;
pub use trace::SigningTrace;
pub use utc::SigningTime;
#[cfg(feature = "verify")]
pub use verify::{Form, MAX_SKEW, Refusal, SignatureMismatch, SignatureVersion, Verified, Verifier};
