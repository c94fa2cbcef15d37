//! `oss://bucket/key`, as it is typed: nothing in it is decoded, a key may hold any character.

use std::{path::Path, str::FromStr};

use oss_checkpoint::{BucketName, ObjectKey};

/// A bucket and whatever stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OssUrl {
    /// Which bucket.
    pub(crate) bucket: BucketName,
    /// What stands behind `oss://bucket/`: nothing, a key, or the beginning of keys.
    pub(crate) rest: String,
}

impl FromStr for OssUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(behind) = text.strip_prefix("oss://") else {
            return Err(format!("{text:?} is not an object: write oss://bucket/key"));
        };
        let (bucket, rest) = behind.split_once('/').unwrap_or((behind, ""));
        let bucket = BucketName::new(bucket).map_err(|wrong| wrong.to_string())?;
        Ok(Self { bucket, rest: rest.to_owned() })
    }
}

impl OssUrl {
    /// The object that is named; there must be one.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(crate) fn object(&self) -> Result<ObjectKey, String> {
        if self.rest.is_empty() {
            return Err(format!(
                "oss://{} names a bucket and no object: write oss://{}/key",
                self.bucket, self.bucket
            ));
        }
        ObjectKey::new(self.rest.as_str()).map_err(|wrong| wrong.to_string())
    }

    /// The object that a copy of `source` is given: the key that is named, or, where that is empty or ends in `/`, with
    /// the name of the file behind it.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(crate) fn object_for(&self, source: &Path) -> Result<ObjectKey, String> {
        if !self.rest.is_empty() && !self.rest.ends_with('/') {
            return self.object();
        }
        let way_out = format!("write oss://{}/{}KEY", self.bucket, self.rest);
        let Some(name) = source.file_name() else {
            return Err(format!("{} has no name that could end a key: {way_out}", source.display()));
        };
        let Some(name) = name.to_str() else {
            return Err(format!("the name of {} is not UTF-8, as keys are: {way_out}", source.display()));
        };
        ObjectKey::new(format!("{}{name}", self.rest)).map_err(|wrong| wrong.to_string())
    }

    /// The bucket; nothing may stand behind it.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(crate) fn only_bucket(&self) -> Result<&BucketName, String> {
        if self.rest.is_empty() {
            Ok(&self.bucket)
        } else {
            Err(format!(
                "oss://{}/{} names more than a bucket: write oss://{}",
                self.bucket, self.rest, self.bucket
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_as_they_are_typed() {
        let check = |text: &str, key: &str| {
            let url: OssUrl = text.parse().unwrap();
            assert_eq!((url.bucket.as_str(), url.object().unwrap().as_str()), ("demo", key), "{text}");
        };
        check("oss://demo/a", "a");
        check("oss://demo/a//b/../c", "a//b/../c");
        check("oss://demo/a%20b?c#d+e f", "a%20b?c#d+e f");
        check("oss://demo/oss://x/y", "oss://x/y");
    }

    #[test]
    fn a_key_that_ends_in_a_slash_takes_the_name_of_the_file() {
        let check = |text: &str, source: &str, key: &str| {
            let url: OssUrl = text.parse().unwrap();
            assert_eq!(url.object_for(Path::new(source)).unwrap().as_str(), key, "{text} {source}");
        };
        check("oss://demo", "a.iso", "a.iso");
        check("oss://demo/", "dir/a.iso", "a.iso");
        check("oss://demo/x/", "/dir/a.iso", "x/a.iso");
        check("oss://demo/x", "a.iso", "x");
        let url: OssUrl = "oss://demo/".parse().unwrap();
        assert!(url.object_for(Path::new("..")).is_err());
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for text in
            ["", "demo/a", "s3://demo/a", "oss:/demo/a", "oss://", "oss:///a", "oss://De/a", "oss://a_b/c"]
        {
            assert!(text.parse::<OssUrl>().is_err(), "{text}");
        }
        let named = |text: &str| text.parse::<OssUrl>().unwrap().object();
        for text in ["oss://demo", "oss://demo/", "oss://demo//a", "oss://demo/\\a"] {
            assert!(named(text).is_err(), "{text}");
        }
        assert!("oss://demo/x".parse::<OssUrl>().unwrap().only_bucket().is_err());
        assert!("oss://demo/".parse::<OssUrl>().unwrap().only_bucket().is_ok());
    }
}
