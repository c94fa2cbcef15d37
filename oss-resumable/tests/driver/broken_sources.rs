//! Sources that fail, go stale, or change without a word.

use std::{
    io,
    num::NonZeroU16,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use oss_checkpoint::{ByteCount, FileIdentity, SourceStamp};
use oss_resumable::{
    Failure, OnChange,
    driver::{Source, SourceReader, UploadError},
};
use oss_transport::{Fate, Faulty};

use crate::{
    fake_oss::FakeOss,
    sockets::over_hyper,
    support::{On, PART, content, on_part, stored, upload, uploader},
};

/// Parts of every source here.
const PARTS: u64 = 4;
/// In the middle of the third part.
const AMID: u64 = 2 * PART + 12_345;

/// A source that does what a test says; clones are one.
#[derive(Clone)]
struct Puppet(Arc<Mutex<Strings>>);

struct Strings {
    bytes: Vec<u8>,
    stamp: SourceStamp,
    /// What happens to the reads that get to an offset, the next one first.
    happenings: Vec<(u64, Happening)>,
    /// What is open goes stale before it is looked at the next time.
    stale_at_look: bool,
    /// How often it was opened.
    opened: usize,
    /// Bytes that were read.
    read: u64,
}

enum Happening {
    Fails(io::ErrorKind),
    Changes(fn(&mut Strings)),
    Panics,
}

impl Puppet {
    /// Last changed at that time, in nanoseconds since 1970.
    fn changed_at(time_ns: i64) -> Self {
        let bytes = content(PARTS * PART).to_vec();
        let identity = Some(FileIdentity { ctime_ns: time_ns, device: 1, inode: 1 });
        let stamp = SourceStamp { len: ByteCount::new(bytes.len() as u64), mtime_ns: time_ns, identity };
        Self(Arc::new(Mutex::new(Strings {
            bytes,
            stamp,
            happenings: Vec::new(),
            stale_at_look: false,
            opened: 0,
            read: 0,
        })))
    }

    /// At rest since 1970.
    fn at_rest() -> Self {
        Self::changed_at(0)
    }

    /// So young that its stamp proves nothing, however long the test takes.
    fn young() -> Self {
        Self::changed_at(i64::MAX)
    }

    fn with(self, happenings: impl IntoIterator<Item = (u64, Happening)>) -> Self {
        self.strings().happenings = happenings.into_iter().collect();
        self
    }

    fn strings(&self) -> MutexGuard<'_, Strings> {
        self.0.lock().unwrap()
    }

    fn bytes(&self) -> Bytes {
        self.strings().bytes.clone().into()
    }
}

impl Strings {
    /// Other bytes everywhere, and nothing that tells.
    fn rewrite(&mut self) {
        self.bytes.fill(9);
    }

    /// Another file of the same length.
    fn replace(&mut self) {
        self.rewrite();
        self.stamp.identity = Some(FileIdentity { ctime_ns: 0, device: 1, inode: 2 });
    }

    fn touch(&mut self) {
        self.stamp.mtime_ns += 1;
    }
}

impl Source for Puppet {
    fn inspect(&self) -> io::Result<SourceStamp> {
        Ok(self.strings().stamp)
    }

    fn open(&self) -> io::Result<Box<dyn SourceReader>> {
        self.strings().opened += 1;
        Ok(Box::new(self.clone()))
    }
}

impl SourceReader for Puppet {
    fn stamp(&self) -> io::Result<SourceStamp> {
        if std::mem::take(&mut self.strings().stale_at_look) {
            return Err(io::ErrorKind::StaleNetworkFileHandle.into());
        }
        self.inspect()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut strings = self.strings();
        let panics = strings
            .happenings
            .first()
            .is_some_and(|(at, what)| *at == offset && matches!(what, Happening::Panics));
        if panics {
            strings.happenings.remove(0);
            // Others go on with what is shared.
            drop(strings);
            panic!("what a bug");
        }
        let mut end = (strings.bytes.len() as u64).min(offset + buffer.len() as u64);
        match strings.happenings.first() {
            Some((at, _)) if *at == offset => match strings.happenings.remove(0).1 {
                Happening::Fails(kind) => return Err(kind.into()),
                Happening::Changes(change) => change(&mut strings),
                Happening::Panics => unreachable!("it has been seen to"),
            },
            Some((at, _)) if (offset..end).contains(at) => end = *at,
            _ => {}
        }
        let read = &strings.bytes[offset as usize..end as usize];
        buffer[..read.len()].copy_from_slice(read);
        let len = read.len();
        strings.read += len as u64;
        Ok(len)
    }
}

#[track_caller]
fn failure_of<T: std::fmt::Debug>(ended: Result<T, UploadError>) -> Failure {
    match ended {
        Err(UploadError::Failed(failure)) => *failure,
        other => panic!("{other:?}"),
    }
}

// Rows: 109
#[tokio::test]
async fn a_read_that_fails_is_told_with_its_offset_and_what_is_there_is_kept() {
    let puppet = Puppet::at_rest().with([(AMID, Happening::Fails(io::ErrorKind::PermissionDenied))]);
    let oss = FakeOss::default();
    let uploader = uploader(oss.clone());
    let first = upload(&uploader, puppet.clone()).parallel(NonZeroU16::MIN).run().await;
    let failure = failure_of(first);
    assert!(matches!(failure, Failure::Local(_)), "{failure:?}");
    assert!(failure.to_string().contains(&format!("at offset {AMID}: permission denied")), "{failure}");
    assert_eq!((stored(&oss), oss.state().count("UploadPart")), (None, 2));

    upload(&uploader, puppet.clone()).run().await.unwrap();
    assert_eq!(stored(&oss), Some(puppet.bytes()));
    assert_eq!(oss.state().count("UploadPart"), 4, "two, and the two that were missing");
}

// Rows: 149
#[tokio::test]
async fn a_source_that_panics_ends_the_run_as_a_defect_and_the_next_one_goes_on() {
    for at in [0, AMID] {
        let puppet = Puppet::at_rest().with([(at, Happening::Panics)]);
        let oss = FakeOss::default();
        let uploader = over_hyper(&oss);
        let failure = failure_of(upload(&uploader, puppet.clone()).parallel(NonZeroU16::MIN).run().await);
        assert!(matches!(failure, Failure::Local(_)), "{failure:?}");
        assert!(failure.to_string().contains("panicked: what a bug"), "{failure}");
        assert_eq!(stored(&oss), None);

        upload(&uploader, puppet.clone()).run().await.unwrap();
        assert_eq!(stored(&oss), Some(puppet.bytes()));
        assert_eq!(oss.state().count("UploadPart"), 4, "no part arrived twice");
    }
}

// Rows: 149
#[tokio::test]
async fn a_source_that_panics_when_it_is_read_again_ends_the_run_as_a_defect() {
    let puppet = Puppet::young();
    let panics = |strings: &mut Strings| strings.happenings = vec![(PART, Happening::Panics)];
    let oss = FakeOss::default();
    let uploader = uploader(Faulty::new(oss.clone(), on_part(4, [Fate::Stall])));
    let builder = upload(&uploader, puppet.clone());
    let handle = builder.handle();
    let first = builder.observer(On::part_uploaded(3, move || handle.pause())).run().await;
    assert!(matches!(first, Err(UploadError::Paused)), "{first:?}");
    panics(&mut puppet.strings());
    let failure = failure_of(upload(&uploader, puppet.clone()).run().await);
    assert!(matches!(failure, Failure::Local(_)), "{failure:?}");
    assert!(failure.to_string().contains("panicked"), "{failure}");

    upload(&uploader, puppet.clone()).run().await.unwrap();
    assert_eq!(stored(&oss), Some(puppet.bytes()));
    assert_eq!(oss.state().count("UploadPart"), 4);
}

// Rows: 118
#[tokio::test]
async fn a_handle_that_goes_stale_is_opened_again_once_and_nobody_notices() {
    let at_read = |at| (at, Happening::Fails(io::ErrorKind::StaleNetworkFileHandle));
    let at_look = (AMID, Happening::Changes(|strings| strings.stale_at_look = true));
    for stale in [at_read(0), at_read(1), at_read(AMID), at_read(PARTS * PART - 1), at_look] {
        let at = stale.0;
        let puppet = Puppet::at_rest().with([stale]);
        let oss = FakeOss::default();
        upload(&uploader(oss.clone()), puppet.clone()).parallel(NonZeroU16::MIN).run().await.unwrap();
        assert_eq!(stored(&oss), Some(puppet.bytes()), "{at}");
        assert_eq!(oss.state().count("UploadPart"), 4, "no part went twice");
        assert_eq!(puppet.strings().opened, 5, "once a part, and once again");
    }
}

// Rows: 118
#[tokio::test]
async fn a_handle_that_goes_stale_again_is_told_with_its_offset() {
    let stale = || (AMID, Happening::Fails(io::ErrorKind::StaleNetworkFileHandle));
    let puppet = Puppet::at_rest().with([stale(), stale()]);
    let failure = failure_of(upload(&uploader(FakeOss::default()), puppet).run().await);
    assert!(matches!(failure, Failure::Local(_)), "{failure:?}");
    assert!(failure.to_string().contains(&format!("at offset {AMID}: stale")), "{failure}");
}

// Rows: 104, 118
#[tokio::test]
async fn what_is_found_in_place_of_a_stale_handle_must_be_the_same_file() {
    let replaced = || {
        Puppet::at_rest().with([
            (AMID, Happening::Changes(Strings::replace)),
            (AMID + 1, Happening::Fails(io::ErrorKind::StaleNetworkFileHandle)),
        ])
    };
    let oss = FakeOss::default();
    let failing = upload(&uploader(oss.clone()), replaced()).on_change(OnChange::Fail).run().await;
    let failure = failure_of(failing);
    assert!(matches!(failure, Failure::SourceChanged { .. }), "{failure:?}");
    assert_eq!(stored(&oss), None);

    let puppet = replaced();
    upload(&uploader(oss.clone()), puppet.clone()).run().await.unwrap();
    assert_eq!(stored(&oss), Some(puppet.bytes()));
}

/// Sends all parts but the last, stops, lets `change` at the source, and goes on.
async fn changed_between_two_runs(puppet: Puppet, change: impl FnOnce(&mut Strings)) -> (FakeOss, u64) {
    let oss = FakeOss::default();
    let uploader = uploader(Faulty::new(oss.clone(), on_part(4, [Fate::Stall])));
    let builder = upload(&uploader, puppet.clone());
    let handle = builder.handle();
    let first = builder.observer(On::part_uploaded(3, move || handle.pause())).run().await;
    assert!(matches!(first, Err(UploadError::Paused)), "{first:?}");
    change(&mut puppet.strings());
    let before = puppet.strings().read;
    upload(&uploader, puppet.clone()).run().await.unwrap();
    let read = puppet.strings().read - before;
    (oss, read)
}

// Rows: 106
#[tokio::test]
async fn a_stamp_that_was_young_when_it_was_taken_proves_nothing_on_resume() {
    let puppet = Puppet::young();
    let silently = |strings: &mut Strings| strings.bytes[PART as usize + 7] ^= 1;
    let (oss, _) = changed_between_two_runs(puppet.clone(), silently).await;
    assert_eq!(stored(&oss), Some(puppet.bytes()), "no stamp showed the change");
    assert_eq!(oss.state().count("UploadPart"), 5, "three, the one that changed, and the last");

    let (oss, read) = changed_between_two_runs(Puppet::young(), |_| {}).await;
    assert_eq!((oss.state().count("UploadPart"), read), (4, PARTS * PART), "all is read again, not sent");
    let (oss, read) = changed_between_two_runs(Puppet::at_rest(), |_| {}).await;
    assert_eq!((oss.state().count("UploadPart"), read), (4, PART), "a stamp at rest vouches for the rest");
}

// Rows: 107
#[tokio::test]
async fn bytes_that_change_before_their_stamp_does_are_noticed_at_the_end() {
    for on_change in [OnChange::Heal, OnChange::Fail] {
        let puppet = Puppet::at_rest().with([(2 * PART, Happening::Changes(Strings::rewrite))]);
        let oss = FakeOss::default();
        let late = puppet.clone();
        let builder = upload(&uploader(oss.clone()), puppet.clone()).parallel(NonZeroU16::MIN);
        let builder = builder.observer(On::part_uploaded(4, move || late.strings().touch()));
        let ended = builder.on_change(on_change).run().await;
        if on_change == OnChange::Heal {
            ended.unwrap();
            assert_eq!(stored(&oss), Some(puppet.bytes()));
            assert_eq!(oss.state().count("UploadPart"), 6, "four, and the two that had changed behind it");
        } else {
            let failure = failure_of(ended);
            assert!(matches!(failure, Failure::SourceChanged { .. }), "{failure:?}");
            assert_eq!(stored(&oss), None);
        }
    }
}

// Rows: 107
#[tokio::test]
async fn bytes_that_change_and_no_stamp_ever_shows_it_arrive_as_they_were_read() {
    let puppet = Puppet::at_rest().with([(AMID, Happening::Changes(Strings::rewrite))]);
    let oss = FakeOss::default();
    let builder = upload(&uploader(oss.clone()), puppet).parallel(NonZeroU16::MIN);
    let receipt = builder.run().await.unwrap();
    let mut read = content(PARTS * PART).to_vec();
    read[AMID as usize..].fill(9);
    assert_eq!(stored(&oss), Some(read.into()));
    assert_eq!(receipt.parts.len(), 4);
}
