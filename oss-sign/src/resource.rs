//! What a request is about, as the signature names it.

use crate::encode;

/// What a request is about. It goes into the signature with the bucket for every style of address, so the caller says it:
/// a host name or a path cannot tell a custom domain from a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource<'a> {
    /// The service itself, as for `ListBuckets`.
    Service,
    /// A bucket, as for `ListObjectsV2`.
    Bucket {
        /// Name of the bucket.
        bucket: &'a str,
    },
    /// An object, present or not.
    Object {
        /// Name of the bucket.
        bucket: &'a str,
        /// The key, not percent-encoded. Nothing in it is normalised: `a//b` and `a/../b` are keys of their own.
        key: &'a str,
    },
}

impl Resource<'_> {
    /// Appends the canonical URI: `/`, `/bucket/` or `/bucket/key`, percent-encoded.
    pub(crate) fn write_canonical_uri(self, out: &mut Vec<u8>) {
        out.push(b'/');
        let (bucket, key) = match self {
            Self::Service => return,
            Self::Bucket { bucket } => (bucket, ""),
            Self::Object { bucket, key } => (bucket, key),
        };
        encode::write_path(bucket.as_bytes(), out);
        out.push(b'/');
        encode::write_path(key.as_bytes(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_is_always_in_the_canonical_uri() {
        let cases = [
            (Resource::Service, "/"),
            (Resource::Bucket { bucket: "b" }, "/b/"),
            (Resource::Object { bucket: "b", key: "a b//../c" }, "/b/a%20b//../c"),
            (Resource::Object { bucket: "b", key: "/x" }, "/b//x"),
        ];
        for (resource, expected) in cases {
            let mut out = Vec::new();
            resource.write_canonical_uri(&mut out);
            assert_eq!(out, expected.as_bytes());
        }
    }
}
