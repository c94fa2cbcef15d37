use std::fmt;

use crate::InvalidName;

/// What OSS calls an unfinished multipart upload: opaque, usually 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(String);

impl UploadId {
    /// Longest id that is taken, in bytes; real ones have 32.
    pub const MAX_LEN: usize = 1024;

    /// The only door.
    ///
    /// # Errors
    /// [`InvalidName`] if it is empty, longer than [`Self::MAX_LEN`] or holds anything but visible ASCII.
    pub fn new(id: impl Into<String>) -> Result<Self, InvalidName> {
        let id = id.into();
        if id.is_empty() || id.len() > Self::MAX_LEN || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidName::new("upload id", &id, "1 to 1024 visible ASCII characters"));
        }
        Ok(Self(id))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
