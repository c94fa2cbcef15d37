//! Sources that lie, and sources that are none.

use std::{
    fs, io,
    num::NonZeroU16,
    os::unix::net::UnixListener,
    path::Path,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use oss_resumable::{
    Failure, OnChange,
    driver::{BytesSource, FileSource, Source, SourceReader, UploadError},
};
use oss_transport::{Fate, Faulty};

use crate::{
    fake_oss::FakeOss,
    support::{On, PART, content, on_part, stored, upload, uploader, write},
};

/// Becomes another one of the same length at a certain inspection: those of its open file count too.
pub(crate) struct Shifting {
    looks: AtomicUsize,
    shifts_at: usize,
    before: BytesSource,
    after: BytesSource,
}

impl Shifting {
    pub(crate) fn new(shifts_at: usize, before: Bytes, after: Bytes) -> Self {
        let (before, after) = (BytesSource::new(before), BytesSource::new(after));
        Self { looks: AtomicUsize::new(0), shifts_at, before, after }
    }

    fn now(&self) -> &BytesSource {
        let look = self.looks.fetch_add(1, Ordering::SeqCst);
        if look < self.shifts_at { &self.before } else { &self.after }
    }
}

impl Source for Shifting {
    fn inspect(&self) -> io::Result<oss_checkpoint::SourceStamp> {
        self.now().inspect()
    }

    fn open(&self) -> io::Result<Box<dyn SourceReader>> {
        self.now().open()
    }
}

// Rows: 104
#[tokio::test]
async fn a_source_that_changes_during_a_put_stores_nothing_of_the_old_one() {
    let (before, after) = (content(PART - 1), Bytes::from(vec![9; PART as usize - 1]));
    // The looks: for the plan, to open it, behind the last byte.
    for shifts_at in [1, 2] {
        let shifting = || Shifting::new(shifts_at, before.clone(), after.clone());
        let oss = FakeOss::default();
        let failing = upload(&uploader(oss.clone()), shifting()).on_change(OnChange::Fail).run().await;
        match failing {
            Err(UploadError::Failed(failure)) => {
                assert!(matches!(*failure, Failure::SourceChanged { .. }), "{failure:?}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!((stored(&oss), oss.state().requests.len()), (None, 0), "no whole request went out");

        upload(&uploader(oss.clone()), shifting()).run().await.unwrap();
        assert_eq!(stored(&oss), Some(after.clone()));
        assert_eq!(oss.state().requests.len(), 1);
    }
}

// Rows: 104
#[tokio::test]
async fn a_source_that_changes_between_parts_is_never_mixed() {
    let (before, after) = (content(4 * PART), Bytes::from(vec![9; 4 * PART as usize]));
    for shifts_at in 1..=12 {
        let oss = FakeOss::default();
        let shifting = Shifting::new(shifts_at, before.clone(), after.clone());
        upload(&uploader(oss.clone()), shifting).parallel(NonZeroU16::MIN).run().await.unwrap();
        let object = stored(&oss).unwrap();
        assert!(object == before || object == after, "mixed when it changes at look {shifts_at}");
    }
}

// Rows: 105, 108
#[tokio::test]
async fn only_the_part_that_changed_between_two_runs_is_sent_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let mut bytes = content(4 * PART).to_vec();
    write(&path, &bytes);
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let oss = FakeOss::default();
    let uploader = uploader(Faulty::new(oss.clone(), on_part(4, [Fate::Stall])));
    let builder = upload(&uploader, FileSource::new(&path));
    let handle = builder.handle();
    let first = builder.observer(On::part_uploaded(3, move || handle.pause())).run().await;
    assert!(matches!(first, Err(UploadError::Paused)), "{first:?}");

    // Same length, same modification time.
    bytes[PART as usize + 7] ^= 1;
    write(&path, &bytes);
    set_modified(&path, modified);
    upload(&uploader, FileSource::new(&path)).run().await.unwrap();
    assert_eq!(stored(&oss), Some(bytes.into()));
    assert_eq!(oss.state().count("UploadPart"), 5, "three, the one that changed, and the last");
}

// Rows: 102, 104
#[tokio::test]
async fn a_file_that_is_cut_or_replaced_during_the_upload_is_never_mixed() {
    let cut = |path: &Path| write(path, &content(2 * PART + 1));
    let replace = |path: &Path| {
        let other = path.with_extension("other");
        write(&other, &vec![9; 4 * PART as usize]);
        fs::rename(other, path).unwrap();
    };
    for (change, expected) in [
        (Box::new(cut) as Box<dyn Fn(&Path) + Send>, content(2 * PART + 1)),
        (Box::new(replace), Bytes::from(vec![9; 4 * PART as usize])),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        write(&path, &content(4 * PART));
        let oss = FakeOss::default();
        let builder = upload(&uploader(oss.clone()), FileSource::new(&path)).parallel(NonZeroU16::MIN);
        builder.observer(On::part_uploaded(2, move || change(&path))).run().await.unwrap();
        assert_eq!(stored(&oss), Some(expected));
    }
}

// Rows: 110
#[test]
fn what_is_no_regular_file_is_refused_and_opening_it_does_not_hang() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    let _socket = UnixListener::bind(at("socket")).unwrap();
    for (path, kind) in [
        (directory.path().to_owned(), "a directory"),
        (at("pipe"), "a pipe"),
        (at("socket"), "a socket"),
        ("/dev/null".into(), "a device"),
    ] {
        let source = FileSource::new(&path);
        for error in [source.inspect().unwrap_err(), source.open().err().unwrap()] {
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().contains(kind), "{error}");
        }
    }
    assert_eq!(FileSource::new(at("nothing")).inspect().unwrap_err().kind(), io::ErrorKind::NotFound);
}

// Rows: 104
#[test]
fn a_file_that_was_replaced_is_another_one_than_what_is_open() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    write(&path, b"one");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let source = FileSource::new(&path);
    let open = source.open().unwrap();
    assert_eq!(open.stamp().unwrap(), source.inspect().unwrap());
    let other = directory.path().join("other");
    write(&other, b"two");
    set_modified(&other, modified);
    fs::rename(other, &path).unwrap();
    assert_ne!(open.stamp().unwrap(), source.inspect().unwrap());
    let mut bytes = [0; 3];
    assert_eq!(open.read_at(&mut bytes, 0).unwrap(), 3);
    assert_eq!(&bytes, b"one");
}

// Rows: 109
#[tokio::test]
async fn a_missing_file_is_an_error_of_the_source_and_leaves_no_journal() {
    let directory = tempfile::tempdir().unwrap();
    let (bucket, key) = ("demo-bucket", "some/key");
    let oss = FakeOss::default();
    let ended = uploader(oss.clone())
        .upload_file(
            directory.path().join("file"),
            oss_checkpoint::BucketName::new(bucket).unwrap(),
            oss_checkpoint::ObjectKey::new(key).unwrap(),
        )
        .run()
        .await;
    assert!(matches!(ended, Err(UploadError::Source { .. })), "{ended:?}");
    assert!(oss.state().requests.is_empty());
}

#[expect(clippy::disallowed_types, reason = "the file that is uploaded")]
fn set_modified(path: &Path, time: std::time::SystemTime) {
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}
