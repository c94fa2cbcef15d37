//! Where a signature holds: the region and the product that its scope names.

use std::fmt;

use crate::error::SignError;

/// The id of a region, such as `cn-hangzhou`; with [`Product::CloudBox`] the id of the cloud box.
///
/// It is the bare id, and it can't be guessed for custom domains, accelerated endpoints and addresses.
/// <https://www.alibabacloud.com/help/oss/user-guide/regions-and-endpoints>
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Region(Box<str>);

impl Region {
    /// Takes an id of lower-case letters, digits and hyphens.
    ///
    /// # Errors
    /// [`SignError::MalformedRegion`] for anything else, and for `oss-cn-hangzhou`, which is a location and not a
    /// region id: a signature for it never holds.
    pub fn new(id: impl AsRef<str>) -> Result<Self, SignError> {
        let id = id.as_ref();
        let bare = id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if id.is_empty() || !bare || id.starts_with("oss-") {
            return Err(SignError::MalformedRegion { given: id.to_owned() });
        }
        Ok(Self(id.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Region {
    type Err = SignError;

    fn from_str(id: &str) -> Result<Self, SignError> {
        Self::new(id)
    }
}

/// Which service the scope names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Product {
    /// OSS in a region: `oss`.
    #[default]
    Oss,
    /// OSS on a cloud box: `oss-cloudbox`. The region is then the id of the box.
    CloudBox,
}

impl Product {
    /// The product as the scope spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oss => "oss",
            Self::CloudBox => "oss-cloudbox",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_region_ids_pass() {
        for id in ["cn-hangzhou", "us-west-1", "cb-f8z7yvzgwfkl9q0h"] {
            assert_eq!(Region::new(id).unwrap().as_str(), id);
        }
        for id in
            ["", "oss-cn-hangzhou", "CN-hangzhou", "cn_hangzhou", "oss-cn-hangzhou.aliyuncs.com", "a/b", "a "]
        {
            assert_eq!(Region::new(id), Err(SignError::MalformedRegion { given: id.to_owned() }));
        }
    }
}
