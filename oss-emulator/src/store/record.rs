//! The small JSON files.

use std::fs;
use std::io;
use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What is known of a bucket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BucketRecord {
    pub(crate) name: String,
    pub(crate) created_ms: i64,
    pub(crate) acl: String,
    pub(crate) storage_class: String,
}

impl BucketRecord {
    /// A private bucket made now.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            created_ms: jiff::Timestamp::now().as_millisecond(),
            acl: "private".to_owned(),
            storage_class: "Standard".to_owned(),
        }
    }
}

/// What is known of an object, its bytes aside.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ObjectRecord {
    pub(crate) key: String,
    pub(crate) size: u64,
    pub(crate) crc64: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) modified_ms: i64,
    pub(crate) kind: Kind,
    pub(crate) attributes: Attributes,
    /// Folder of its bytes.
    pub(crate) blob: String,
}

/// How an object came to be (`x-oss-object-type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Normal,
    Multipart,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Multipart => "Multipart",
        }
    }
}

/// What is known of an unfinished upload, its parts aside.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    pub(crate) key: String,
    /// Also the name of the blob.
    pub(crate) id: String,
    pub(crate) initiated_ms: i64,
    pub(crate) attributes: Attributes,
}

/// The headers that are kept with an object and given back with it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Attributes {
    /// Lower-case names; values with one character a byte.
    headers: Vec<(String, String)>,
}

/// Kept as they are; those that begin with `x-oss-meta-` as well.
const KEPT: [&str; 11] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-oss-object-acl",
    "x-oss-server-side-data-encryption",
    "x-oss-server-side-encryption",
    "x-oss-server-side-encryption-key-id",
    "x-oss-storage-class",
];

/// User metadata in all, in bytes. <https://www.alibabacloud.com/help/doc-detail/31978.htm>
const MAX_METADATA: usize = 8 * 1024;

impl Attributes {
    /// What a request that makes an object says of it. `None`: more user metadata than OSS takes.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut kept: Vec<(String, String)> = headers
            .iter()
            .filter(|(name, _)| KEPT.contains(&name.as_str()) || name.as_str().starts_with("x-oss-meta-"))
            .map(|(name, value)| {
                (name.as_str().to_owned(), value.as_bytes().iter().copied().map(char::from).collect())
            })
            .collect();
        let metadata = kept.iter().filter(|(name, _)| name.starts_with("x-oss-meta-"));
        if metadata.map(|(name, value)| name.len() + value.chars().count()).sum::<usize>() > MAX_METADATA {
            return None;
        }
        for (name, default) in
            [("content-type", "application/octet-stream"), ("x-oss-storage-class", "Standard")]
        {
            if !kept.iter().any(|(known, value)| known == name && !value.is_empty()) {
                kept.retain(|(known, _)| known != name);
                kept.push((name.to_owned(), default.to_owned()));
            }
        }
        Some(Self { headers: kept })
    }

    pub(crate) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        self.headers.iter().filter_map(|(name, value)| {
            let bytes: Vec<u8> = value.chars().filter_map(|character| u8::try_from(character).ok()).collect();
            Some((HeaderName::try_from(name).ok()?, HeaderValue::from_bytes(&bytes).ok()?))
        })
    }

    /// Complete, not Initiate, brings the ACL of a multipart object.
    pub(crate) fn set_acl(&mut self, acl: String) {
        self.headers.retain(|(name, _)| name != "x-oss-object-acl");
        self.headers.push(("x-oss-object-acl".to_owned(), acl));
    }

    pub(crate) fn storage_class(&self) -> &str {
        self.headers
            .iter()
            .find(|(name, _)| name == "x-oss-storage-class")
            .map_or("Standard", |(_, value)| value)
    }
}

/// Reads a record; `None` if there is none.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::from),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

pub(super) fn to_json<T: Serialize>(record: &T) -> io::Result<Vec<u8>> {
    serde_json::to_vec(record).map_err(io::Error::from)
}
