//! Uploads to keep journals of.

use oss_checkpoint::{
    Begun, BucketName, ByteCount, Crc64, ETag, FileIdentity, Job, ObjectFacts, ObjectKey, ObjectOptions,
    PartNumber, PartPlan, PartReceipt, Proof, Record, ServerTime, ServiceName, SourceStamp, Stage, UploadId,
};

pub(crate) const PART_SIZE: ByteCount = ByteCount::mib(10);

pub(crate) fn job(key: &str) -> Job {
    Job {
        service: ServiceName::new("oss:cn-hangzhou").unwrap(),
        bucket: BucketName::new("archive").unwrap(),
        key: ObjectKey::new(key).unwrap(),
        source: b"/data/genome.bam".to_vec(),
    }
}

pub(crate) fn stamp(parts: u64) -> SourceStamp {
    SourceStamp {
        len: ByteCount::new(parts * PART_SIZE.get() - 5),
        mtime_ns: 1_760_000_000_123_456_789,
        identity: Some(FileIdentity {
            ctime_ns: 1_760_000_000_123_456_790,
            device: 65_026,
            inode: 12_345_678,
        }),
    }
}

pub(crate) fn begun(job: &Job, parts: u64) -> Record {
    let options = ObjectOptions {
        content_type: Some("application/octet-stream".into()),
        headers: vec![("x-oss-meta-run".into(), "17".into())],
        acl: Some("private".into()),
        forbid_overwrite: true,
    };
    Record::Begun(Box::new(Begun {
        job: job.clone(),
        endpoint: "oss-cn-hangzhou.aliyuncs.com".into(),
        stamp: stamp(parts),
        part_size: PART_SIZE,
        options,
        at: 1_760_000_100,
    }))
}

pub(crate) fn initiated(id: &str) -> Record {
    Record::Initiated {
        upload_id: UploadId::new(id).unwrap(),
        at: Some(ServerTime::from_unix(1_760_000_101)),
    }
}

/// Part `number` of an upload of `parts` parts.
pub(crate) fn part(number: u64, parts: u64) -> Record {
    let number = PartNumber::new(number).unwrap();
    let plan = PartPlan::new(stamp(parts).len, PART_SIZE).unwrap();
    let crc = u64::from(number.get()).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let receipt = PartReceipt {
        number,
        size: plan.range_of(number).unwrap().len,
        crc64: Crc64::new(crc),
        etag: ETag::new(&format!("{crc:016X}{:016X}", !crc)).unwrap(),
    };
    Record::PartUploaded { receipt, at_rest: true }
}

pub(crate) fn done(parts: u64) -> Record {
    Record::Done(Box::new(ObjectFacts {
        size: stamp(parts).len,
        crc64: Crc64::new(0x1234_5678_9ABC_DEF0),
        etag: Some(ETag::new(&format!("5B3C1A2E053D763E1B002CC607C5A0FE-{parts}")).unwrap()),
        version_id: Some("CAEQHxiBgIDAj".into()),
        proof: Proof::PartsAndObject,
        settled: false,
        finished: Some(ServerTime::from_unix(1_760_000_999)),
    }))
}

/// Begun, initiated, and the first `uploaded` of `parts` parts.
pub(crate) fn under_way(job: &Job, uploaded: u64, parts: u64) -> Vec<Record> {
    let mut records = vec![begun(job, parts), initiated("0004B9894A22E5B1888A1E29F8236E2D")];
    records.extend((1..=uploaded).map(|number| part(number, parts)));
    records
}

/// Every kind of record, in an order that makes sense.
pub(crate) fn of_every_kind(job: &Job) -> Vec<Record> {
    let mut renewed = stamp(3);
    renewed.mtime_ns += 1;
    renewed.identity = None;
    let mut records = under_way(job, 1, 2);
    records.push(Record::Entered(Stage::Aborting));
    records.push(Record::Abandoned);
    records.extend(under_way(job, 3, 3));
    records.push(Record::StampRenewed { stamp: renewed });
    records.push(part(2, 3));
    records.push(Record::Entered(Stage::Completing));
    records.push(Record::Entered(Stage::Uploading));
    records.push(Record::Entered(Stage::Completing));
    records.push(done(3));
    records
}
