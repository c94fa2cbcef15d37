use std::fmt;

/// A name that OSS would refuse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a valid {kind}: {rule}")]
pub struct InvalidName {
    kind: &'static str,
    name: String,
    rule: &'static str,
}

impl InvalidName {
    /// Longest piece of the refused text that is kept for the message, in characters.
    const SHOWN: usize = 80;

    pub(crate) fn new(kind: &'static str, name: &str, rule: &'static str) -> Self {
        Self { kind, name: name.chars().take(Self::SHOWN).collect(), rule }
    }
}

/// Name of a bucket: 3 to 63 lower-case letters, digits and hyphens, no hyphen at either end.
/// <https://www.alibabacloud.com/help/en/oss/user-guide/bucket-naming-conventions>
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketName(String);

impl BucketName {
    /// The only door.
    ///
    /// # Errors
    /// [`InvalidName`] if OSS would refuse it.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
        let name = name.into();
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(3..=63).contains(&name.len())
            || !name.bytes().all(fits)
            || name.starts_with('-')
            || name.ends_with('-')
        {
            let rule = "3 to 63 lower-case letters, digits and hyphens, no hyphen at either end";
            return Err(InvalidName::new("bucket name", &name, rule));
        }
        Ok(Self(name))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Name of an object in its bucket: UTF-8, 1 to 1,023 bytes, not beginning with `/` or `\`.
/// Anything else is kept as it is, `//`, `..`, `%` and control characters included.
/// <https://www.alibabacloud.com/help/en/oss/user-guide/object-naming-conventions>
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// Longest key, in bytes.
    pub const MAX_LEN: usize = 1023;

    /// The only door.
    ///
    /// # Errors
    /// [`InvalidName`] if OSS would refuse it.
    pub fn new(key: impl Into<String>) -> Result<Self, InvalidName> {
        let key = key.into();
        if key.is_empty() || key.len() > Self::MAX_LEN || key.starts_with(['/', '\\']) {
            let rule = "1 to 1023 bytes of UTF-8 that do not begin with / or \\";
            return Err(InvalidName::new("object key", &key, rule));
        }
        Ok(Self(key))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_follow_the_rule() {
        for good in ["abc", "a-b", "0bucket9", &"x".repeat(63)] {
            assert!(BucketName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "ab", "-ab", "ab-", "Abc", "a_b", "a.b", &"x".repeat(64)] {
            assert!(BucketName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_are_kept_as_they_are() {
        for good in ["a", "a//b", "../x", "%2e", "\u{1}", "?", "\u{4e2d}", &"k".repeat(1023)] {
            assert_eq!(ObjectKey::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "/a", "\\a", &"k".repeat(1024)] {
            assert!(ObjectKey::new(bad).is_err(), "{bad}");
        }
    }
}
