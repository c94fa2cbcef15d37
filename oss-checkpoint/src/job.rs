use std::fmt;

use crate::{BucketName, InvalidName, ObjectKey};

/// Which service holds the bucket, whatever endpoint is used to reach it: `local`, `oss:<region>`, or an authority.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(String);

impl ServiceName {
    /// The only door.
    ///
    /// # Errors
    /// [`InvalidName`] unless it is 1 to 300 visible ASCII characters.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
        let name = name.into();
        if name.is_empty() || name.len() > 300 || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidName::new("service name", &name, "1 to 300 visible ASCII characters"));
        }
        Ok(Self(name))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What makes two runs the same upload: service, bucket, key and source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Job {
    /// Which service.
    pub service: ServiceName,
    /// Which bucket.
    pub bucket: BucketName,
    /// Which object.
    pub key: ObjectKey,
    /// Canonical path of the source, as the bytes that the system uses.
    pub source: Vec<u8>,
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = String::from_utf8_lossy(&self.source);
        write!(
            f,
            "{} -> oss://{}/{} ({})",
            source.escape_debug(),
            self.bucket,
            self.key.as_str().escape_debug(),
            self.service
        )
    }
}
