//! Alibaba Cloud OSS V4 signatures: pure functions of a request head, credentials and a time.
//!
//! It signs any [`http::request::Parts`], in the header or as a URL, and with the feature `verify` it is also the server's
//! side of that. It never reads a clock, opens a socket, starts a thread or guesses the bucket from a host name.
//!
//! ```
//! use oss_sign::encode::encode_path;
//! use oss_sign::{Credentials, Region, Resource, Signer, SigningTime};
//!
//! let signer = Signer::new(Region::new("cn-hangzhou")?);
//! let credentials = Credentials::new("LTAIexample", "the secret")?;
//!
//! // The caller writes the path; this crate has the encoding, and leaves the path as it is.
//! let key = "photos/1 + 1.jpg";
//! let url = format!("https://examplebucket.oss-cn-hangzhou.aliyuncs.com/{}", encode_path(key));
//! let (mut head, body) = http::Request::put(url).header("content-type", "image/jpeg").body("…")?.into_parts();
//!
//! let resource = Resource::Object { bucket: "examplebucket", key };
//! signer.sign(&mut head, resource, &credentials, SigningTime::from_unix(1_735_787_045)?)?;
//!
//! assert_eq!(head.headers["x-oss-date"], "20250102T030405Z");
//! assert!(head.headers["authorization"].to_str()?.starts_with("OSS4-HMAC-SHA256 Credential=LTAIexample/20250102/"));
//! let request = http::Request::from_parts(head, body);
//! # let _ = request;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The picture
//!
//! ```text
//!   request head ─┐
//!   Resource ─────┼─> CanonicalRequest ── SHA-256 ─┐
//!   additional ───┘   one spelling for             │
//!                     all that are equal           ├─> string to sign ─┐
//!   SigningTime ──────────────────────────────────>│                   │
//!   Region, Product ──────────────────────────────>┘                   ├─ HMAC ─> Authorization header
//!   AccessKeySecret ── four HMACs ─> key of the day (kept) ────────────┘          or x-oss-signature in the URL
//! ```
//!
//! [`Signer::sign`] covers the method, the resource, the whole query, `content-type`, `content-md5`, every `x-oss-*` header
//! and the additional headers that were asked for. It does not cover `host`, `content-length` or the body: OSS proves
//! bodies by CRC-64 and Content-MD5. [`Signer::presign`] covers the same, with the signature in the query.
//!
//! # The contract of the URI
//!
//! - The path is the caller's, already encoded ([`encode::encode_path`]): `//`, `.` and `..` are parts of keys, and no URI
//!   is normalised here. The signature does not look at the path but at the [`Resource`], which holds the key unencoded.
//! - The query may be spelled in any way: it is decoded, encoded again and sorted for the signature only. `uploads` and
//!   `uploads=` are the same; `+` is a plus sign.
//! - [`Signer::presign`] appends its parameters and changes nothing else of the URI.
//!
//! # Secrets
//!
//! Secrets and tokens print as `***` and are wiped when the last copy is dropped, and so are the derived keys that a
//! [`Signer`] keeps (16 at most, by secret, day, region and product). What HMAC holds while it computes is not wiped.
//! [`CanonicalRequest`] and [`SigningTrace`] hide the token and the signature in `Debug`; a presigned URL shows both, since
//! it is made to be handed on.

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

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
