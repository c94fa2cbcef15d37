//! The journal, on the file system of the folder for temporary files.

use std::hint::black_box;

use oss_checkpoint::{
    Begun, BucketName, ByteCount, CheckpointStore as _, Crc64, Durability, FileStore, Job, ObjectKey,
    ObjectOptions, PartNumber, PartReceipt, Record, ServiceName, SourceStamp, UploadId,
};

use crate::parts::etag;

const PART: ByteCount = ByteCount::mib(8);

pub(crate) fn job() -> Job {
    Job {
        service: ServiceName::new("oss-cn-hangzhou").expect("a name"),
        bucket: BucketName::new("examplebucket").expect("a name"),
        key: ObjectKey::new("backups/2026/11/disk image.bin").expect("a key"),
        source: b"/var/backups/disk image.bin".to_vec(),
    }
}

/// What a journal says of an upload in so many parts of that size, all of them sent.
pub(crate) fn records(count: u16, part_size: ByteCount) -> Vec<Record> {
    let len = ByteCount::new(u64::from(count) * part_size.get());
    let stamp = SourceStamp { len, mtime_ns: 0, identity: None };
    let begun = Begun {
        job: job(),
        endpoint: "oss.example".to_owned(),
        stamp,
        part_size,
        options: ObjectOptions::default(),
        at: 1_800_000_000,
    };
    let upload_id = UploadId::new("0004B9895DBBB6EC98E36FAKEUPLOADID").expect("an id");
    let mut records = vec![Record::Begun(Box::new(begun)), Record::Initiated { upload_id, at: None }];
    records.extend((1..=count).map(|number| {
        let number = PartNumber::new(number.into()).expect("at most 10,000");
        let crc64 = Crc64::new(number.get().into());
        let receipt = PartReceipt { number, size: part_size, crc64, etag: etag(number) };
        Record::PartUploaded { receipt, at_rest: true }
    }));
    records
}

fn write(store: &FileStore, records: &[Record], at_once: usize) {
    let mut slot = store.claim(&job()).expect("nobody else has it");
    slot.open().expect("it is empty");
    for some in records.chunks(at_once) {
        slot.append(some, Durability::Written).expect("there is room");
    }
}

pub(crate) fn append(count: u16) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    write(&FileStore::new(folder.path()), &records(count, PART), 1);
}

pub(crate) fn open(count: u16) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let store = FileStore::new(folder.path());
    write(&store, &records(count, PART), usize::MAX);
    let opened = store.claim(&job()).expect("nobody else has it").open().expect("it was just written");
    assert_eq!(opened.checkpoint.parts().count(), usize::from(count));
    black_box(opened);
}
