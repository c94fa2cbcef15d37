//! Files over real connections: the examples, and the transport that the program uses.

use std::{io, thread, time::Duration};

use oss_checkpoint::SourceStamp;
use oss_resumable::{
    Action, Failure, Moment, OnChange, Outcome,
    driver::{BytesSource, Observer, Source, SourceReader, UploadError, Uploader},
};
use oss_transport::HyperTransport;

use crate::{
    blocking, canary, embed,
    fake_oss::FakeOss,
    server,
    sources::Shifting,
    support::{Calls, PART, content, stored, upload, uploader_to, write},
};

pub(crate) fn over_hyper(oss: &FakeOss) -> Uploader {
    let endpoint = server::serve(oss.clone());
    uploader_to(&endpoint, HyperTransport::new(), canary::credentials("ak"))
}

#[tokio::test]
async fn a_source_of_many_parts_goes_over_the_transport_of_the_program() {
    let (oss, calls) = (FakeOss::default(), Calls::default());
    let bytes = content(20 * PART + 3);
    let builder = upload(&over_hyper(&oss), BytesSource::new(bytes.clone()));
    builder.progress(calls.callback()).run().await.unwrap();
    assert!(stored(&oss) == Some(bytes));
    calls.check(20 * PART + 3);
}

// Rows: 104
#[tokio::test]
async fn a_put_whose_source_changes_reaches_no_server_as_a_whole_request() {
    let oss = FakeOss::default();
    let shifting = Shifting::new(2, content(PART - 1), content(PART - 2));
    let ended = upload(&over_hyper(&oss), shifting).on_change(OnChange::Fail).run().await;
    match ended {
        Err(UploadError::Failed(failure)) => {
            assert!(matches!(*failure, Failure::SourceChanged { .. }), "{failure:?}");
        }
        other => panic!("{other:?}"),
    }
    assert!(oss.state().requests.is_empty());
}

/// A source that can be looked at, and never be read.
struct Unreadable(BytesSource);

impl Source for Unreadable {
    fn inspect(&self) -> io::Result<SourceStamp> {
        self.0.inspect()
    }

    fn open(&self) -> io::Result<Box<dyn SourceReader>> {
        Ok(Box::new(Self(self.0.clone())))
    }
}

impl SourceReader for Unreadable {
    fn stamp(&self) -> io::Result<SourceStamp> {
        self.0.inspect()
    }

    fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
        loop {
            thread::park();
        }
    }
}

struct PauseAtParts(oss_resumable::driver::Handle);

impl Observer for PauseAtParts {
    fn action(&mut self, action: &Action, _: Moment) {
        if matches!(action, Action::UploadPart { .. }) {
            self.0.pause();
        }
    }
}

// Rows: 117
#[tokio::test]
async fn a_pause_does_not_wait_for_a_body_that_hangs() {
    let oss = FakeOss::default();
    let builder = upload(&over_hyper(&oss), Unreadable(BytesSource::new(content(4 * PART))));
    let handle = builder.handle();
    let before = tokio::time::Instant::now();
    let ended = builder.observer(PauseAtParts(handle)).run().await;
    assert!(matches!(ended, Err(UploadError::Paused)), "{ended:?}");
    // Half a second of it is the transport's, which waits for its threads when it is dropped.
    assert!(before.elapsed() < Duration::from_millis(1900), "{:?}", before.elapsed());
}

#[tokio::test]
async fn the_example_of_an_embedder_uploads_a_file() {
    let (oss, calls) = (FakeOss::default(), Calls::default());
    let endpoint = server::serve(oss.clone());
    let directory = tempfile::tempdir().unwrap();
    for len in [0, 1, (20 << 20) + 5] {
        let file = directory.path().join("file");
        write(&file, &content(len));
        let journals = directory.path().join("journals");
        let receipt = embed::upload(&endpoint, &file, "demo-bucket", "some/key", &journals, calls.callback());
        assert_eq!(receipt.await.unwrap().size, len);
        assert!(stored(&oss) == Some(content(len)));
        calls.check(len);
        calls.0.lock().unwrap().clear();
    }
}

#[test]
fn the_example_without_a_runtime_uploads_a_file() {
    let oss = FakeOss::default();
    let endpoint = server::serve(oss.clone());
    let directory = tempfile::tempdir().unwrap();
    for len in [0, 1, (20 << 20) + 5] {
        let file = directory.path().join("file");
        write(&file, &content(len));
        let journals = directory.path().join("journals");
        let outcome = blocking::upload(&endpoint, &file, "demo-bucket", "some/key", &journals).unwrap();
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        assert!(stored(&oss) == Some(content(len)));
    }
}
