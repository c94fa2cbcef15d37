//! Memory does not grow with the size of parts, nor much with the number of journals.

use std::fs::{self, File};

use oss_checkpoint::{
    Begun, BucketName, ByteCount, CheckpointStore as _, Crc64, Durability, ETag, FileStore, Job, ObjectKey,
    ObjectOptions, PartNumber, PartReceipt, Record, ServiceName, SourceStamp, UploadId,
};

use crate::support::{Oss, Scene, until};

const MIB: u64 = 1 << 20;

/// What is promised for four parts at once, whatever their size.
const MOST: u64 = 64 * MIB;

/// Most memory that a process has had so far, in bytes. (Linux: `VmHWM` of `/proc/PID/status`, in KiB.)
fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says it");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kib * 1024
}

fn sparse(scene: &Scene, length: u64) {
    File::create(scene.path("source")).unwrap().set_len(length).unwrap();
}

fn cp(scene: &Scene) -> Oss {
    scene.oss().args(["cp", "source", "oss://demo/object", "--part-size", "64M", "--parallel", "4"])
}

/// Complete is not answered, so that the process can be looked at when all the work is done.
const COMPLETE_IS_LOST: &str = "[[fault]]\nat = 'complete'\ndo = 'no-act'\n";

// Rows: 116
#[test]
fn four_large_parts_at_once_take_less_than_64_mib() {
    let mut scene = Scene::with("", &["--discard"]);
    sparse(&scene, 256 * MIB + 1);
    let running = scene.start_all_but(5, cp, 5);
    let sending = peak(running.id());
    assert!(running.kill().was_killed());
    assert!(sending < MOST, "{} MiB while sending", sending / MIB);

    // Reading it all again costs no more.
    scene.emulator.restart(COMPLETE_IS_LOST);
    let seen = scene.log().len();
    let running = cp(&scene).args(["--verify", "full"]).start();
    until("Complete goes out", || scene.log().since(seen).count("complete") > 0);
    let reading = peak(running.id());
    scene.emulator.restart("");
    running.wait().expect(0);
    assert!(reading < MOST, "{} MiB while reading again", reading / MIB);
    assert_eq!(scene.log().since(seen).parts_sent(), [5]);
    assert_eq!(scene.back_door().headers("demo", "object")["content-length"], (256 * MIB + 1).to_string());
    scene.expect_nothing_left();
}

// Rows: 116
#[test]
fn one_large_request_takes_less_than_64_mib() {
    let scene = Scene::with("[[fault]]\nat = 'put_object'\ndo = 'lose-answer'\nnth = 1\n", &["--discard"]);
    sparse(&scene, 256 * MIB);
    let mut running = scene
        .oss()
        .args(["cp", "source", "oss://demo/object", "--bigfile-threshold", "1G", "--output-format", "json"])
        .start();
    let mut most = 0;
    until("it has ended", || {
        // Between the look and the reading it may end; then nothing is there to read.
        if let Ok(status) = fs::read_to_string(format!("/proc/{}/status", running.id()))
            && status.contains("VmHWM:")
        {
            most = most.max(peak(running.id()));
        }
        !running.is_alive()
    });
    running.wait().expect(0);
    assert!(0 < most && most < MOST, "{} MiB", most / MIB);
}

// Rows: 150
#[test]
fn a_list_of_very_many_journals_keeps_little_of_each() {
    const COUNT: u32 = 1_500;
    let scene = Scene::new();
    let store = FileStore::new(scene.path("journals"));
    for number in 0..COUNT {
        leave_a_journal(&store, number);
    }
    let list = scene.oss().args(["jobs", "ls", "--checkpoint-dir", "journals"]);
    // In KiB: 16 for each, and their parts alone would take more.
    let ended = list.after("ulimit -d 24000").run().expect(0);
    assert_eq!(ended.stdout.lines().count(), COUNT as usize);
}

/// A journal of an upload with 200 parts.
fn leave_a_journal(store: &FileStore, number: u32) {
    let job = Job {
        service: ServiceName::new("local").unwrap(),
        bucket: BucketName::new("demo").unwrap(),
        key: ObjectKey::new(format!("key-{number}")).unwrap(),
        source: b"/no/such/source".to_vec(),
    };
    let part_size = ByteCount::kib(100);
    let stamp = SourceStamp { len: ByteCount::new(200 * part_size.get()), mtime_ns: 0, identity: None };
    let begun = Begun {
        job: job.clone(),
        endpoint: "oss.example".to_owned(),
        stamp,
        part_size,
        options: ObjectOptions::default(),
        at: 1_700_000_000,
    };
    let mut records = vec![Record::Begun(Box::new(begun))];
    records.push(Record::Initiated { upload_id: UploadId::new("ID").unwrap(), at: None });
    records.extend((1..=200).map(|number| Record::PartUploaded {
        receipt: PartReceipt {
            number: PartNumber::new(number).unwrap(),
            size: part_size,
            crc64: Crc64::new(number),
            etag: ETag::new("0123456789ABCDEF0123456789ABCDEF").unwrap(),
        },
        at_rest: true,
    }));
    store.claim(&job).unwrap().append(&records, Durability::Written).unwrap();
}
