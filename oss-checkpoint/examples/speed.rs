//! What a journal of 10,000 parts costs, on the disk of the temporary directory:
//!
//! ```sh
//! cargo run --release -p oss-checkpoint --features fs --example speed
//! ```

use std::{
    error::Error,
    fs,
    time::{Duration, Instant},
};

use oss_checkpoint::{
    Begun, BucketName, ByteCount, CheckpointStore, Crc64, Durability, ETag, FileStore, Job, ObjectKey,
    ObjectOptions, PartNumber, PartReceipt, Record, ServiceName, SourceStamp, UploadId,
};

const PARTS: u64 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::temp_dir().join(format!("oss-checkpoint-speed-{}", std::process::id()));
    let store = FileStore::new(&directory);
    let job = Job {
        service: ServiceName::new("local")?,
        bucket: BucketName::new("demo")?,
        key: ObjectKey::new("large")?,
        source: b"/data/large".to_vec(),
    };
    let mut slot = store.claim(&job)?;

    let began = Instant::now();
    slot.append(&beginning(&job)?, Durability::Flushed)?;
    println!("begin, flushed          {:>10.1?}", began.elapsed());

    let parts = (1..=PARTS).map(part).collect::<Result<Vec<_>, _>>()?;
    let began = Instant::now();
    for part in &parts {
        slot.append(std::slice::from_ref(part), Durability::Written)?;
    }
    println!("append a part           {:>10.1?}", began.elapsed() / u32::try_from(PARTS)?);
    let began = Instant::now();
    slot.append(&[], Durability::Flushed)?;
    println!("flush all of them       {:>10.1?}", began.elapsed());
    drop(slot);

    let length = fs::metadata(store.journal_path(&job))?.len();
    let mut best = Duration::MAX;
    for _ in 0..50 {
        let began = Instant::now();
        let opened = store.claim(&job)?.open()?;
        best = best.min(began.elapsed());
        assert_eq!(opened.checkpoint.parts().count() as u64, PARTS);
    }
    println!("open, the best of 50    {best:>10.1?}");
    println!("length                  {length:>10} bytes");

    store.claim(&job)?.retire()?;
    fs::remove_dir(directory)?;
    Ok(())
}

fn beginning(job: &Job) -> Result<[Record; 2], Box<dyn Error>> {
    let part_size = ByteCount::mib(10);
    let len = ByteCount::new(PARTS * part_size.get());
    let begun = Begun {
        job: job.clone(),
        endpoint: "127.0.0.1:9".into(),
        stamp: SourceStamp { len, mtime_ns: 0, identity: None },
        part_size,
        options: ObjectOptions::default(),
        at: 0,
    };
    let upload_id = UploadId::new("0004B9894A22E5B1888A1E29F8236E2D")?;
    Ok([Record::Begun(Box::new(begun)), Record::Initiated { upload_id, at: None }])
}

fn part(number: u64) -> Result<Record, Box<dyn Error>> {
    let crc = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let receipt = PartReceipt {
        number: PartNumber::new(number)?,
        size: ByteCount::mib(10),
        crc64: Crc64::new(crc),
        etag: ETag::new(&format!("{crc:016X}{:016X}", !crc))?,
    };
    Ok(Record::PartUploaded { receipt, at_rest: true })
}
