//! The payload of a frame: postcard by hand, field by field as `FORMAT.md` lists them.

#![expect(clippy::option_option, reason = "the outer one says whether the bytes could be read at all")]

use oss_checkpoint::{
    Begun, BucketName, ByteCount, Crc64, ETag, FileIdentity, Job, ObjectFacts, ObjectKey, ObjectOptions,
    PartNumber, PartReceipt, Proof, Record, ServerTime, ServiceName, SourceStamp, Stage, UploadId,
};

/// The record that all of the bytes are; `None` if they are none.
pub(crate) fn record(payload: &[u8]) -> Option<Record> {
    let mut rest = Rest(payload);
    let record = match rest.varint(32)? {
        0 => Record::Begun(Box::new(rest.begun()?)),
        1 => {
            let upload_id = UploadId::new(rest.text()?).ok()?;
            Record::Initiated { upload_id, at: rest.maybe(Rest::time)? }
        }
        2 => {
            let number = PartNumber::new(rest.varint(16)?).ok();
            let (size, crc64, etag) = (rest.bytes_count()?, rest.crc64()?, rest.tag()?);
            let at_rest = rest.flag()?;
            Record::PartUploaded {
                receipt: PartReceipt { number: number?, size, crc64, etag: etag? },
                at_rest,
            }
        }
        3 => Record::StampRenewed { stamp: rest.stamp()? },
        4 => Record::Entered([Stage::Uploading, Stage::Completing, Stage::Aborting][rest.choice(3)?]),
        5 => Record::Abandoned,
        6 => {
            let (size, crc64, etag) = (rest.bytes_count()?, rest.crc64()?, rest.maybe(Rest::tag)?);
            let version_id = rest.maybe(Rest::text)?;
            let proof = [Proof::PartsAndObject, Proof::Object, Proof::None][rest.choice(3)?];
            let (settled, finished) = (rest.flag()?, rest.maybe(Rest::time)?);
            let etag = match etag {
                Some(tag) => Some(tag?),
                None => None,
            };
            Record::Done(Box::new(ObjectFacts { size, crc64, etag, version_id, proof, settled, finished }))
        }
        _ => return None,
    };
    rest.0.is_empty().then_some(record)
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// Seven bits a byte, the lowest first, of a number of so many bits.
    fn varint(&mut self, bits: u32) -> Option<u64> {
        let mut value: u128 = 0;
        for place in 0..bits.div_ceil(7) {
            let byte = self.take(1)?[0];
            value |= u128::from(byte & 0x7F) << (7 * place);
            if byte < 0x80 {
                return u64::try_from(value).ok().filter(|value| bits == 64 || value >> bits == 0);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint(64)?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn flag(&mut self) -> Option<bool> {
        match self.take(1)? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    fn choice(&mut self, of: u64) -> Option<usize> {
        usize::try_from(self.varint(32).filter(|choice| *choice < of)?).ok()
    }

    fn maybe<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.flag()? { read(self).map(Some) } else { Some(None) }
    }

    fn blob(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.varint(64)?).ok()?;
        self.take(length)
    }

    fn text(&mut self) -> Option<String> {
        str::from_utf8(self.blob()?).ok().map(str::to_owned)
    }

    fn bytes_count(&mut self) -> Option<ByteCount> {
        self.varint(64).map(ByteCount::new)
    }

    fn crc64(&mut self) -> Option<Crc64> {
        Some(Crc64::new(u64::from_le_bytes(self.take(8)?.try_into().ok()?)))
    }

    fn time(&mut self) -> Option<ServerTime> {
        self.zigzag().map(ServerTime::from_unix)
    }

    fn sixteen(&mut self) -> Option<u128> {
        Some(u128::from_be_bytes(self.take(16)?.try_into().ok()?))
    }

    /// The inner `None` is a tag that cannot be one, and whose bytes can all the same.
    fn tag(&mut self) -> Option<Option<ETag>> {
        let text = match self.choice(3)? {
            0 => format!("{:032X}", self.sixteen()?),
            1 => format!("{:032x}", self.sixteen()?),
            _ => self.text()?,
        };
        Some(ETag::new(&text).ok())
    }

    fn stamp(&mut self) -> Option<SourceStamp> {
        let (len, mtime_ns) = (self.bytes_count()?, self.zigzag()?);
        let identity = self.maybe(|rest| {
            Some(FileIdentity { ctime_ns: rest.zigzag()?, device: rest.varint(64)?, inode: rest.varint(64)? })
        })?;
        Some(SourceStamp { len, mtime_ns, identity })
    }

    fn begun(&mut self) -> Option<Begun> {
        let (service, bucket, key) = (self.text()?, self.text()?, self.text()?);
        let (source, endpoint, stamp) = (self.blob()?.to_vec(), self.text()?, self.stamp()?);
        let (part_size, content_type) = (self.bytes_count()?, self.maybe(Self::text)?);
        let mut headers = Vec::new();
        for _ in 0..self.varint(64)? {
            headers.push((self.text()?, self.text()?));
        }
        let (acl, forbid_overwrite, at) = (self.maybe(Self::text)?, self.flag()?, self.zigzag()?);
        let job = Job {
            service: ServiceName::new(service).ok()?,
            bucket: BucketName::new(bucket).ok()?,
            key: ObjectKey::new(key).ok()?,
            source,
        };
        let options = ObjectOptions { content_type, headers, acl, forbid_overwrite };
        Some(Begun { job, endpoint, stamp, part_size, options, at })
    }
}
