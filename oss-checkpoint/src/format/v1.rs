//! Payloads of version 1: postcard of types that live only here.
//!
//! The position of a variant is its tag, and the order of the fields is their order on disk: nothing here is ever
//! reordered, changed or taken out. Something new is a new variant at the end, under a new version of the journal.

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

use super::RecordTooLong;
use crate::{
    BucketName, ByteCount, Crc64, ETag, FileIdentity, Job, ObjectFacts, ObjectKey, ObjectOptions, PartNumber,
    PartReceipt, Proof, Record, ServerTime, ServiceName, SourceStamp, Stage, UploadId,
};

/// Adds the payload of a record to `out`; takes it off again if it is longer than `limit`.
pub(super) fn encode(record: &Record, out: &mut Vec<u8>, limit: usize) -> Result<(), RecordTooLong> {
    let before = out.len();
    let most = before.saturating_add(limit);
    let encoded = postcard::serialize_with_flavor(&StoredRecord::from(record), Appended { out, most });
    encoded.map_err(|_| {
        out.truncate(before);
        RecordTooLong
    })
}

/// The record of a payload; `None` unless all of the bytes are exactly one record that can be.
pub(super) fn decode(payload: &[u8]) -> Option<Record> {
    let (stored, rest) = postcard::take_from_bytes::<StoredRecord<'_>>(payload).ok()?;
    if !rest.is_empty() {
        return None;
    }
    Record::try_from(stored).ok()
}

/// Whether a payload can begin with this byte, the tag of its variant.
pub(super) fn may_begin_with(tag: u8) -> bool {
    tag <= 6
}

/// Writes behind what is there already, up to a limit.
struct Appended<'a> {
    out: &'a mut Vec<u8>,
    most: usize,
}

impl Flavor for Appended<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        if bytes.len() > self.most.saturating_sub(self.out.len()) {
            return Err(postcard::Error::SerializeBufferFull);
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
enum StoredRecord<'a> {
    #[serde(borrow)]
    Begun(StoredBegun<'a>),
    Initiated {
        upload_id: &'a str,
        at: Option<i64>,
    },
    PartUploaded {
        number: u16,
        size: u64,
        /// Little-endian.
        crc64: [u8; 8],
        #[serde(borrow)]
        etag: StoredTag<'a>,
        at_rest: bool,
    },
    StampRenewed(StoredStamp),
    Entered(StoredStage),
    Abandoned,
    #[serde(borrow)]
    Done(StoredFacts<'a>),
}

#[derive(Serialize, Deserialize)]
struct StoredBegun<'a> {
    service: &'a str,
    bucket: &'a str,
    key: &'a str,
    source: &'a [u8],
    endpoint: &'a str,
    stamp: StoredStamp,
    part_size: u64,
    content_type: Option<&'a str>,
    #[serde(borrow)]
    headers: Vec<(&'a str, &'a str)>,
    acl: Option<&'a str>,
    forbid_overwrite: bool,
    at: i64,
}

#[derive(Serialize, Deserialize)]
struct StoredStamp {
    len: u64,
    mtime_ns: i64,
    identity: Option<StoredIdentity>,
}

#[derive(Serialize, Deserialize)]
struct StoredIdentity {
    ctime_ns: i64,
    device: u64,
    inode: u64,
}

#[derive(Serialize, Deserialize)]
enum StoredStage {
    Uploading,
    Completing,
    Aborting,
}

/// Most tags are 32 hexadecimal digits of one case and take 16 bytes.
#[derive(Serialize, Deserialize)]
enum StoredTag<'a> {
    UpperHex([u8; 16]),
    LowerHex([u8; 16]),
    Text(&'a str),
}

#[derive(Serialize, Deserialize)]
struct StoredFacts<'a> {
    size: u64,
    /// Little-endian.
    crc64: [u8; 8],
    #[serde(borrow)]
    etag: Option<StoredTag<'a>>,
    version_id: Option<&'a str>,
    proof: StoredProof,
    settled: bool,
    finished: Option<i64>,
}

#[derive(Serialize, Deserialize)]
enum StoredProof {
    PartsAndObject,
    Object,
    None,
}

/// A payload that no record has.
struct NotARecord;

impl From<crate::InvalidName> for NotARecord {
    fn from(_: crate::InvalidName) -> Self {
        Self
    }
}

impl From<crate::OutOfRange> for NotARecord {
    fn from(_: crate::OutOfRange) -> Self {
        Self
    }
}

impl<'a> From<&'a Record> for StoredRecord<'a> {
    fn from(record: &'a Record) -> Self {
        match record {
            Record::Begun(begun) => Self::Begun(StoredBegun::from(begun.as_ref())),
            Record::Initiated { upload_id, at } => {
                Self::Initiated { upload_id: upload_id.as_str(), at: at.map(ServerTime::unix) }
            }
            Record::PartUploaded { receipt, at_rest } => Self::PartUploaded {
                number: receipt.number.get(),
                size: receipt.size.get(),
                crc64: receipt.crc64.get().to_le_bytes(),
                etag: StoredTag::from(&receipt.etag),
                at_rest: *at_rest,
            },
            Record::StampRenewed { stamp } => Self::StampRenewed(StoredStamp::from(stamp)),
            Record::Entered(stage) => Self::Entered(match stage {
                Stage::Uploading => StoredStage::Uploading,
                Stage::Completing => StoredStage::Completing,
                Stage::Aborting => StoredStage::Aborting,
            }),
            Record::Abandoned => Self::Abandoned,
            Record::Done(facts) => Self::Done(StoredFacts::from(facts.as_ref())),
        }
    }
}

impl TryFrom<StoredRecord<'_>> for Record {
    type Error = NotARecord;

    fn try_from(stored: StoredRecord<'_>) -> Result<Self, NotARecord> {
        Ok(match stored {
            StoredRecord::Begun(begun) => Self::Begun(Box::new(begun.try_into()?)),
            StoredRecord::Initiated { upload_id, at } => {
                Self::Initiated { upload_id: UploadId::new(upload_id)?, at: at.map(ServerTime::from_unix) }
            }
            StoredRecord::PartUploaded { number, size, crc64, etag, at_rest } => {
                let receipt = PartReceipt {
                    number: PartNumber::new(number.into())?,
                    size: ByteCount::new(size),
                    crc64: Crc64::new(u64::from_le_bytes(crc64)),
                    etag: etag.try_into()?,
                };
                Self::PartUploaded { receipt, at_rest }
            }
            StoredRecord::StampRenewed(stamp) => Self::StampRenewed { stamp: stamp.into() },
            StoredRecord::Entered(stage) => Self::Entered(match stage {
                StoredStage::Uploading => Stage::Uploading,
                StoredStage::Completing => Stage::Completing,
                StoredStage::Aborting => Stage::Aborting,
            }),
            StoredRecord::Abandoned => Self::Abandoned,
            StoredRecord::Done(facts) => Self::Done(Box::new(facts.try_into()?)),
        })
    }
}

impl<'a> From<&'a crate::Begun> for StoredBegun<'a> {
    fn from(begun: &'a crate::Begun) -> Self {
        let crate::Begun { job, endpoint, stamp, part_size, options, at } = begun;
        let ObjectOptions { content_type, headers, acl, forbid_overwrite } = options;
        Self {
            service: job.service.as_str(),
            bucket: job.bucket.as_str(),
            key: job.key.as_str(),
            source: &job.source,
            endpoint,
            stamp: StoredStamp::from(stamp),
            part_size: part_size.get(),
            content_type: content_type.as_deref(),
            headers: headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            acl: acl.as_deref(),
            forbid_overwrite: *forbid_overwrite,
            at: *at,
        }
    }
}

impl TryFrom<StoredBegun<'_>> for crate::Begun {
    type Error = NotARecord;

    fn try_from(stored: StoredBegun<'_>) -> Result<Self, NotARecord> {
        let job = Job {
            service: ServiceName::new(stored.service)?,
            bucket: BucketName::new(stored.bucket)?,
            key: ObjectKey::new(stored.key)?,
            source: stored.source.to_vec(),
        };
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let options = ObjectOptions {
            content_type: stored.content_type.map(str::to_owned),
            headers: stored.headers.into_iter().map(own).collect(),
            acl: stored.acl.map(str::to_owned),
            forbid_overwrite: stored.forbid_overwrite,
        };
        Ok(Self {
            job,
            endpoint: stored.endpoint.to_owned(),
            stamp: stored.stamp.into(),
            part_size: ByteCount::new(stored.part_size),
            options,
            at: stored.at,
        })
    }
}

impl From<&SourceStamp> for StoredStamp {
    fn from(stamp: &SourceStamp) -> Self {
        let identity = stamp.identity.map(|FileIdentity { ctime_ns, device, inode }| StoredIdentity {
            ctime_ns,
            device,
            inode,
        });
        Self { len: stamp.len.get(), mtime_ns: stamp.mtime_ns, identity }
    }
}

impl From<StoredStamp> for SourceStamp {
    fn from(stored: StoredStamp) -> Self {
        let identity = stored.identity.map(|StoredIdentity { ctime_ns, device, inode }| FileIdentity {
            ctime_ns,
            device,
            inode,
        });
        Self { len: ByteCount::new(stored.len), mtime_ns: stored.mtime_ns, identity }
    }
}

impl<'a> From<&'a ETag> for StoredTag<'a> {
    fn from(tag: &'a ETag) -> Self {
        let text = tag.as_str();
        from_hex(text, UPPER_DIGITS)
            .map(Self::UpperHex)
            .or_else(|| from_hex(text, LOWER_DIGITS).map(Self::LowerHex))
            .unwrap_or(Self::Text(text))
    }
}

impl TryFrom<StoredTag<'_>> for ETag {
    type Error = NotARecord;

    fn try_from(stored: StoredTag<'_>) -> Result<Self, NotARecord> {
        Ok(match stored {
            StoredTag::UpperHex(bytes) => tag_of(&to_hex(bytes, UPPER_DIGITS))?,
            StoredTag::LowerHex(bytes) => tag_of(&to_hex(bytes, LOWER_DIGITS))?,
            StoredTag::Text(text) => Self::new(text)?,
        })
    }
}

fn tag_of(text: &[u8]) -> Result<ETag, NotARecord> {
    Ok(ETag::new(std::str::from_utf8(text).map_err(|_| NotARecord)?)?)
}

impl<'a> From<&'a ObjectFacts> for StoredFacts<'a> {
    fn from(facts: &'a ObjectFacts) -> Self {
        let ObjectFacts { size, crc64, etag, version_id, proof, settled, finished } = facts;
        Self {
            size: size.get(),
            crc64: crc64.get().to_le_bytes(),
            etag: etag.as_ref().map(StoredTag::from),
            version_id: version_id.as_deref(),
            proof: match proof {
                Proof::PartsAndObject => StoredProof::PartsAndObject,
                Proof::Object => StoredProof::Object,
                Proof::None => StoredProof::None,
            },
            settled: *settled,
            finished: finished.map(ServerTime::unix),
        }
    }
}

impl TryFrom<StoredFacts<'_>> for ObjectFacts {
    type Error = NotARecord;

    fn try_from(stored: StoredFacts<'_>) -> Result<Self, NotARecord> {
        Ok(Self {
            size: ByteCount::new(stored.size),
            crc64: Crc64::new(u64::from_le_bytes(stored.crc64)),
            etag: stored.etag.map(ETag::try_from).transpose()?,
            version_id: stored.version_id.map(str::to_owned),
            proof: match stored.proof {
                StoredProof::PartsAndObject => Proof::PartsAndObject,
                StoredProof::Object => Proof::Object,
                StoredProof::None => Proof::None,
            },
            settled: stored.settled,
            finished: stored.finished.map(ServerTime::from_unix),
        })
    }
}

const UPPER_DIGITS: &[u8; 16] = b"0123456789ABCDEF";
const LOWER_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The bytes of exactly 32 of these digits.
fn from_hex(text: &str, digits: &[u8; 16]) -> Option<[u8; 16]> {
    let text: &[u8; 32] = text.as_bytes().try_into().ok()?;
    let value =
        |digit: u8| digits.iter().position(|known| *known == digit).and_then(|at| u8::try_from(at).ok());
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

fn to_hex(bytes: [u8; 16], digits: &[u8; 16]) -> [u8; 32] {
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = digits[usize::from(byte >> 4)];
        pair[1] = digits[usize::from(byte & 15)];
    }
    text
}
