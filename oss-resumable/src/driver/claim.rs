use std::fmt;

use oss_checkpoint::{BucketName, ByteCount, Crc64, CrcJoin, ETag, ObjectKey, ServiceName};

use super::receipt::{Receipt, ReceiptProof};
use crate::StoredObject;

/// What a receipt says of its object, read strictly: what can be proved with one look at the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who is to be asked.
    pub service: ServiceName,
    /// Which bucket.
    pub bucket: BucketName,
    /// Which object.
    pub key: ObjectKey,
    /// Its length.
    pub size: ByteCount,
    /// CRC-64/XZ of the bytes that were uploaded.
    pub crc64: Crc64,
    /// The object's tag, where the service had stated it.
    pub etag: Option<ETag>,
    /// Its version in a versioned bucket.
    pub version_id: Option<String>,
}

/// Why a receipt is none that this program wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// Of another version.
    #[error("it has version {0}, and only version 1 is known here")]
    Version(u32),
    /// A field holds what it cannot.
    #[error("{0:?} cannot be what it says")]
    Field(&'static str),
    /// Size and checksum of the parts do not give those of the object.
    #[error("its parts are not those of its object")]
    Parts,
}

/// What a look at the object has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the object of the receipt.
    Same {
        /// [`ReceiptProof::Object`] where its checksum was stated and agrees; [`ReceiptProof::None`] where none was and
        /// all else agrees.
        proof: ReceiptProof,
    },
    /// It is another one.
    Differs(Vec<Difference>),
    /// There is none of that name.
    Gone,
}

/// One thing in which an object is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which: `size`, `crc64`, `etag` or `version_id`.
    pub field: &'static str,
    /// As it should be.
    pub expected: String,
    /// As the service states it, if it does.
    pub found: Option<String>,
}

impl TryFrom<&Receipt> for Claim {
    type Error = ReceiptError;

    fn try_from(receipt: &Receipt) -> Result<Self, ReceiptError> {
        if receipt.v != 1 {
            return Err(ReceiptError::Version(receipt.v));
        }
        let etag = receipt.etag.as_deref().map(ETag::new).transpose();
        let claim = Self {
            service: ServiceName::new(receipt.service.as_str())
                .map_err(|_| ReceiptError::Field("service"))?,
            bucket: BucketName::new(receipt.bucket.as_str()).map_err(|_| ReceiptError::Field("bucket"))?,
            key: ObjectKey::new(receipt.key.as_str()).map_err(|_| ReceiptError::Field("key"))?,
            size: ByteCount::new(receipt.size),
            crc64: decimal(&receipt.crc64).ok_or(ReceiptError::Field("crc64"))?,
            etag: etag.map_err(|_| ReceiptError::Field("etag"))?,
            version_id: receipt.version_id.clone(),
        };
        claim.has_these_parts(receipt)?;
        Ok(claim)
    }
}

impl Claim {
    /// What `found`, the object of that name, means; `None` is that there is none.
    pub fn compare(&self, found: Option<&StoredObject>) -> Verdict {
        let Some(found) = found else { return Verdict::Gone };
        let mut differences = Vec::new();
        let mut compare = |field, expected: String, found: Option<String>| {
            if found.as_ref() != Some(&expected) {
                differences.push(Difference { field, expected, found });
            }
        };
        compare("size", self.size.get().to_string(), found.size.map(|size| size.get().to_string()));
        if found.crc64.is_some() {
            compare("crc64", self.crc64.to_string(), found.crc64.map(|crc64| crc64.to_string()));
        }
        if let Some(etag) = &self.etag {
            compare("etag", etag.to_string(), found.etag.as_ref().map(ETag::to_string));
        }
        if let Some(version) = &self.version_id {
            compare("version_id", version.clone(), found.version_id.clone());
        }
        if !differences.is_empty() {
            return Verdict::Differs(differences);
        }
        Verdict::Same { proof: if found.crc64.is_some() { ReceiptProof::Object } else { ReceiptProof::None } }
    }

    /// A receipt that somebody has put together from two is none.
    fn has_these_parts(&self, receipt: &Receipt) -> Result<(), ReceiptError> {
        let (mut size, mut joined) = (0_u64, Crc64::EMPTY);
        let mut join: Option<(u64, CrcJoin)> = None;
        for part in &receipt.parts {
            let crc64 = decimal(&part.crc64).ok_or(ReceiptError::Field("crc64"))?;
            size = size.checked_add(part.size).ok_or(ReceiptError::Parts)?;
            let operator = match join {
                Some((len, operator)) if len == part.size => operator,
                _ => CrcJoin::new(part.size),
            };
            join = Some((part.size, operator));
            joined = operator.join(joined, crc64);
        }
        let agrees = receipt.parts.is_empty() || (size, joined) == (self.size.get(), self.crc64);
        if agrees { Ok(()) } else { Err(ReceiptError::Parts) }
    }
}

impl fmt::Display for Difference {
    /// `size 5, and not 6`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.field {
            "crc64" => "CRC-64",
            "etag" => "ETag",
            "version_id" => "version",
            other => other,
        };
        let found = self.found.as_deref().unwrap_or("none");
        write!(f, "{name} {found}, and not {}", self.expected)
    }
}

/// Digits only.
fn decimal(text: &str) -> Option<Crc64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().map(Crc64::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::receipt::{ReceiptPart, ReceiptSource};

    /// Of an object of 3 bytes in two parts.
    fn receipt() -> Receipt {
        let crc64 = |bytes: &[u8]| crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Xz, bytes).to_string();
        let part = |number, bytes: &[u8]| ReceiptPart {
            number,
            size: bytes.len() as u64,
            crc64: crc64(bytes),
            etag: "P".to_owned(),
        };
        Receipt {
            v: 1,
            service: "oss:cn-hangzhou".to_owned(),
            bucket: "demo".to_owned(),
            key: "a".to_owned(),
            size: 3,
            crc64: crc64(b"abc"),
            etag: Some("T".to_owned()),
            version_id: Some("V".to_owned()),
            upload_id: Some("U".to_owned()),
            proof: ReceiptProof::PartsAndObject,
            settled: false,
            source: ReceiptSource::default(),
            parts: vec![part(1, b"ab"), part(2, b"c")],
            started: "2026-01-02T03:04:05Z".to_owned(),
            finished: "2026-01-02T03:04:06Z".to_owned(),
            request_ids: [].into(),
            already: false,
            callback_failed: None,
        }
    }

    /// The object of it.
    fn object() -> StoredObject {
        let claim = Claim::try_from(&receipt()).unwrap();
        StoredObject {
            size: Some(claim.size),
            crc64: Some(claim.crc64),
            etag: claim.etag,
            version_id: claim.version_id,
            ..StoredObject::default()
        }
    }

    #[test]
    fn a_receipt_that_cannot_be_one_is_refused_by_what_is_wrong() {
        let check = |change: &dyn Fn(&mut Receipt), error: ReceiptError| {
            let mut receipt = receipt();
            change(&mut receipt);
            assert_eq!(Claim::try_from(&receipt), Err(error));
        };
        check(&|receipt| receipt.v = 2, ReceiptError::Version(2));
        check(&|receipt| receipt.service.clear(), ReceiptError::Field("service"));
        check(&|receipt| receipt.bucket = "De".to_owned(), ReceiptError::Field("bucket"));
        check(&|receipt| receipt.key.clear(), ReceiptError::Field("key"));
        for crc64 in ["", "-1", "+1", "1.0", "0x1", " 1", "18446744073709551616"] {
            check(&|receipt| crc64.clone_into(&mut receipt.crc64), ReceiptError::Field("crc64"));
            check(&|receipt| crc64.clone_into(&mut receipt.parts[1].crc64), ReceiptError::Field("crc64"));
        }
        check(&|receipt| receipt.etag = Some("a b".to_owned()), ReceiptError::Field("etag"));
        check(&|receipt| receipt.size = 4, ReceiptError::Parts);
        check(&|receipt| receipt.crc64 = "17".to_owned(), ReceiptError::Parts);
        check(&|receipt| receipt.parts.reverse(), ReceiptError::Parts);
        check(&|receipt| receipt.parts[0].size = u64::MAX, ReceiptError::Parts);
        let of_one_request = Receipt { parts: Vec::new(), etag: None, version_id: None, ..receipt() };
        assert!(Claim::try_from(&of_one_request).is_ok());
    }

    #[test]
    fn the_object_of_a_receipt_is_that_and_no_other() {
        let claim = Claim::try_from(&receipt()).unwrap();
        assert_eq!(claim.compare(None), Verdict::Gone);
        assert_eq!(claim.compare(Some(&object())), Verdict::Same { proof: ReceiptProof::Object });
        let unstated = StoredObject { crc64: None, ..object() };
        assert_eq!(claim.compare(Some(&unstated)), Verdict::Same { proof: ReceiptProof::None });
        let bare = Claim { etag: None, version_id: None, ..claim.clone() };
        assert_eq!(bare.compare(Some(&object())), Verdict::Same { proof: ReceiptProof::Object });

        let check = |found: StoredObject, said: &str| match claim.compare(Some(&found)) {
            Verdict::Differs(differences) => {
                let words: Vec<_> = differences.iter().map(Difference::to_string).collect();
                assert_eq!(words.join("; "), said);
            }
            other => panic!("{said}: {other:?}"),
        };
        check(StoredObject { size: Some(ByteCount::new(4)), ..object() }, "size 4, and not 3");
        check(StoredObject { size: None, ..object() }, "size none, and not 3");
        let crc64 = format!("CRC-64 17, and not {}", claim.crc64);
        check(StoredObject { crc64: Some(Crc64::new(17)), ..object() }, &crc64);
        check(StoredObject { etag: ETag::new("S").ok(), ..object() }, "ETag S, and not T");
        let both = StoredObject { etag: None, version_id: None, ..object() };
        check(both, "ETag none, and not T; version none, and not V");
    }
}
