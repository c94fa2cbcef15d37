use std::fmt;

use crate::InvalidName;

/// What OSS calls a version of a part or an object. Opaque: kept without its quotes, compared without regard to case.
#[derive(Clone, Debug)]
pub struct ETag(Box<str>);

impl ETag {
    /// Longest tag that is taken, in bytes; real ones have 32 to 38.
    pub const MAX_LEN: usize = 256;

    /// The only door; surrounding quotes are taken off.
    ///
    /// # Errors
    /// [`InvalidName`] if nothing is left, more than [`Self::MAX_LEN`] bytes are, or they are not visible ASCII.
    pub fn new(tag: &str) -> Result<Self, InvalidName> {
        let bare = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(tag);
        let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'"';
        if bare.is_empty() || bare.len() > Self::MAX_LEN || !bare.bytes().all(fits) {
            return Err(InvalidName::new("ETag", tag, "1 to 256 visible ASCII characters"));
        }
        Ok(Self(bare.into()))
    }

    /// Without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for ETag {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for ETag {}

impl fmt::Display for ETag {
    /// Without quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_case_make_no_difference() {
        let check = |one: &str, other: &str, equal: bool| {
            assert_eq!(ETag::new(one).unwrap() == ETag::new(other).unwrap(), equal, "{one} {other}");
        };
        check("\"AB12\"", "ab12", true);
        check("AB12", "AB13", false);
        for bad in ["", "\"\"", "\"", "a b", "a\"b", "\u{e9}"] {
            assert!(ETag::new(bad).is_err(), "{bad:?}");
        }
    }
}
