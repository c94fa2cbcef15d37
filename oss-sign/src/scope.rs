//! Where and when a signature holds: `20250102/cn-hangzhou/oss/aliyun_v4_request`.

use crate::credentials::AccessKeyId;
use crate::region::{Product, Region};
use crate::utc::SigningTime;

/// The scheme of V4, in the header `Authorization` and in the string to sign.
pub(crate) const ALGORITHM: &str = "OSS4-HMAC-SHA256";
/// The last item of every V4 scope.
pub(crate) const TERMINATOR: &str = "aliyun_v4_request";

/// Day, region and product of a signature. The day is the UTC day of the signing time.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) time: SigningTime,
    pub(crate) region: &'a Region,
    pub(crate) product: Product,
}

impl Scope<'_> {
    /// The day as the scope spells it: `20250102`.
    pub(crate) fn with_day<T>(&self, use_day: impl FnOnce(&str) -> T) -> T {
        use_day(&self.time.basic_iso().as_str()[..8])
    }

    pub(crate) fn write(&self, out: &mut String) {
        self.with_day(|day| out.push_str(day));
        for item in [self.region.as_str(), self.product.as_str(), TERMINATOR] {
            out.push('/');
            out.push_str(item);
        }
    }

    /// The access key id and this scope, as `Credential` and `x-oss-credential` hold them.
    pub(crate) fn write_credential(&self, id: &AccessKeyId, out: &mut String) {
        out.push_str(id.as_str());
        out.push('/');
        self.write(out);
    }

    /// `OSS4-HMAC-SHA256`, the timestamp, this scope and the digest of the canonical request, a line each.
    ///
    /// The timestamp is a text of its own, since a server must take the one that the client wrote.
    pub(crate) fn string_to_sign(&self, timestamp: &str, digest_hex: &str) -> String {
        let mut out = String::with_capacity(192);
        out.push_str(ALGORITHM);
        out.push('\n');
        out.push_str(timestamp);
        out.push('\n');
        self.write(&mut out);
        out.push('\n');
        out.push_str(digest_hex);
        out
    }
}
