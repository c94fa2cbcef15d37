use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is known of a finished object, and how it came to be known: what a receipt file holds.
///
/// Checksums are decimal text, as OSS writes them: they have more digits than a number in JSON may keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Version of this shape: 1.
    pub v: u32,
    /// Which service: `local`, `oss:<region>`, or an authority.
    pub service: String,
    /// Which bucket.
    pub bucket: String,
    /// Which object.
    pub key: String,
    /// Length in bytes.
    pub size: u64,
    /// CRC-64/XZ of the local bytes, decimal.
    pub crc64: String,
    /// The object's tag, where the service stated it, without quotes.
    pub etag: Option<String>,
    /// Its version in a versioned bucket.
    pub version_id: Option<String>,
    /// The multipart upload that made it; none for PutObject.
    pub upload_id: Option<String>,
    /// How far it is proved.
    pub proof: ReceiptProof,
    /// Whether the last answer was lost and the object was found by asking.
    pub settled: bool,
    /// What was uploaded.
    pub source: ReceiptSource,
    /// Its parts, in order; none for PutObject.
    pub parts: Vec<ReceiptPart>,
    /// When this run began, by the local clock (RFC 3339, UTC).
    pub started: String,
    /// When the object was finished, by the server's clock where it said so, else by the local one (RFC 3339, UTC).
    pub finished: String,
    /// Request ids by operation, for those that made the object: `initiate`, `complete`, `put_object`, `head_object`.
    pub request_ids: BTreeMap<String, String>,
    /// Whether an earlier run had finished the object, and this one sent no byte of it. Not in the file.
    #[serde(skip)]
    pub already: bool,
    /// The object is there, but the callback that was asked for failed, for this reason. Not in the file.
    #[serde(skip)]
    pub callback_failed: Option<String>,
}

/// How far an object is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReceiptProof {
    /// The CRC-64 of each part and of the object was stated by the server, and is that of the local bytes.
    #[serde(rename = "parts+object")]
    PartsAndObject,
    /// That of the object was.
    #[serde(rename = "object")]
    Object,
    /// None was.
    #[serde(rename = "none")]
    None,
}

/// The source as it was uploaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptSource {
    /// Canonical path; bytes that are no text are replaced.
    pub path: String,
    /// Last modification, in nanoseconds since 1970.
    pub mtime_ns: Option<i64>,
    /// Last change of anything about it, in nanoseconds since 1970.
    pub ctime_ns: Option<i64>,
    /// Device number.
    pub device: Option<u64>,
    /// Inode number.
    pub inode: Option<u64>,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptPart {
    /// Its number.
    pub number: u16,
    /// Its length in bytes.
    pub size: u64,
    /// CRC-64/XZ of its bytes, decimal.
    pub crc64: String,
    /// What the service called it.
    pub etag: String,
}
