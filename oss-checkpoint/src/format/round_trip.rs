//! Every record that can be is read as it was written.

use proptest::{
    collection::vec,
    option,
    prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest},
};

use super::{Image, MAX_PAYLOAD, v1};
use crate::{
    Begun, BucketName, ByteCount, Crc64, ETag, FileIdentity, Job, ObjectFacts, ObjectKey, ObjectOptions,
    PartNumber, PartReceipt, Proof, Record, ServerTime, ServiceName, SourceStamp, Stage, UploadId,
};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_record_is_read_as_it_was_written(record in record()) {
        let mut payload = b"in front".to_vec();
        v1::encode(&record, &mut payload, MAX_PAYLOAD).unwrap();
        let read = v1::decode(&payload[8..]);
        prop_assert_eq!(read.as_ref(), Some(&record));
        if let (Some(Record::PartUploaded { receipt: read, .. }), Record::PartUploaded { receipt, .. }) = (&read, &record) {
            prop_assert_eq!(read.etag.as_str(), receipt.etag.as_str());
        }
        prop_assert_eq!(v1::decode(&payload[8..payload.len() - 1]), None, "cut short");
        let mut limited = b"x".to_vec();
        prop_assert!(v1::encode(&record, &mut limited, payload.len() - 9).is_err(), "one byte over the limit");
        prop_assert_eq!(&limited, b"x", "nothing of it is left");
        prop_assert!(v1::encode(&record, &mut limited, payload.len() - 8).is_ok(), "as long as it may be");
        payload.push(0);
        prop_assert_eq!(v1::decode(&payload[8..]), None, "with a byte too many");
        prop_assert!(v1::may_begin_with(payload[8]));
    }

    #[test]
    fn any_payload_is_a_record_or_none(payload in vec(any::<u8>(), 0..300)) {
        if let Some(record) = v1::decode(&payload) {
            let mut again = Vec::new();
            v1::encode(&record, &mut again, MAX_PAYLOAD).unwrap();
            prop_assert_eq!(v1::decode(&again), Some(record));
        }
    }

    #[test]
    fn a_record_behind_the_limit_leaves_nothing(record in record(), limit in 0_usize..40) {
        let mut payload = Vec::new();
        let encoded = v1::encode(&record, &mut payload, limit);
        prop_assert!(payload.len() <= limit && encoded.is_ok() != payload.is_empty());
    }
}

#[test]
fn a_part_takes_less_than_its_room() {
    let receipt = PartReceipt {
        number: PartNumber::new(10_000).unwrap(),
        size: ByteCount::gib(5),
        crc64: Crc64::new(u64::MAX),
        etag: ETag::new("5B3C1A2E053D763E1B002CC607C5A0FE").unwrap(),
    };
    let mut image = Image::new([0; 16]);
    let before = image.bytes().len();
    image.extend(&[Record::PartUploaded { receipt, at_rest: true }]).unwrap();
    assert!(image.bytes().len() - before <= 48, "{}", image.bytes().len() - before);
}

fn record() -> impl Strategy<Value = Record> {
    prop_oneof![
        begun().prop_map(|begun| Record::Begun(Box::new(begun))),
        ("[!-~]{1,64}", option::of(time()))
            .prop_map(|(id, at)| Record::Initiated { upload_id: UploadId::new(id).unwrap(), at }),
        (receipt(), any::<bool>()).prop_map(|(receipt, at_rest)| Record::PartUploaded { receipt, at_rest }),
        stamp().prop_map(|stamp| Record::StampRenewed { stamp }),
        prop_oneof![Just(Stage::Uploading), Just(Stage::Completing), Just(Stage::Aborting)]
            .prop_map(Record::Entered),
        Just(Record::Abandoned),
        facts().prop_map(|facts| Record::Done(Box::new(facts))),
    ]
}

fn begun() -> impl Strategy<Value = Begun> {
    (job(), "[!-~]{0,80}", stamp(), any::<u64>(), options(), any::<i64>()).prop_map(
        |(job, endpoint, stamp, part_size, options, at)| Begun {
            job,
            endpoint,
            stamp,
            part_size: ByteCount::new(part_size),
            options,
            at,
        },
    )
}

fn job() -> impl Strategy<Value = Job> {
    ("[!-~]{1,300}", "[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "[^/\\\\].{0,200}", vec(any::<u8>(), 0..300))
        .prop_map(|(service, bucket, key, source)| Job {
            service: ServiceName::new(service).unwrap(),
            bucket: BucketName::new(bucket).unwrap(),
            key: ObjectKey::new(key).unwrap(),
            source,
        })
}

fn options() -> impl Strategy<Value = ObjectOptions> {
    (option::of(".{0,40}"), vec((".{0,20}", ".{0,90}"), 0..5), option::of(".{0,20}"), any::<bool>()).prop_map(
        |(content_type, headers, acl, forbid_overwrite)| ObjectOptions {
            content_type,
            headers,
            acl,
            forbid_overwrite,
        },
    )
}

fn stamp() -> impl Strategy<Value = SourceStamp> {
    let identity = (any::<i64>(), any::<u64>(), any::<u64>());
    let identity = identity.prop_map(|(ctime_ns, device, inode)| FileIdentity { ctime_ns, device, inode });
    (any::<u64>(), any::<i64>(), option::of(identity)).prop_map(|(len, mtime_ns, identity)| SourceStamp {
        len: ByteCount::new(len),
        mtime_ns,
        identity,
    })
}

fn receipt() -> impl Strategy<Value = PartReceipt> {
    (1_u64..=10_000, any::<u64>(), any::<u64>(), tag()).prop_map(|(number, size, crc64, etag)| PartReceipt {
        number: PartNumber::new(number).unwrap(),
        size: ByteCount::new(size),
        crc64: Crc64::new(crc64),
        etag,
    })
}

fn tag() -> impl Strategy<Value = ETag> {
    prop_oneof!["[0-9A-F]{32}", "[0-9a-f]{32}", "[0-9A-Fa-f]{31,33}", "[!#-~]{1,256}"]
        .prop_map(|tag| ETag::new(&tag).unwrap())
}

fn facts() -> impl Strategy<Value = ObjectFacts> {
    let proof = prop_oneof![Just(Proof::PartsAndObject), Just(Proof::Object), Just(Proof::None)];
    let stated = (option::of(tag()), option::of(".{0,80}"), option::of(time()));
    (any::<u64>(), any::<u64>(), proof, any::<bool>(), stated).prop_map(
        |(size, crc64, proof, settled, (etag, version_id, finished))| ObjectFacts {
            size: ByteCount::new(size),
            crc64: Crc64::new(crc64),
            etag,
            version_id,
            proof,
            settled,
            finished,
        },
    )
}

fn time() -> impl Strategy<Value = ServerTime> {
    any::<i64>().prop_map(ServerTime::from_unix)
}
