//! Every way to stop a run.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use oss_resumable::{
    Failure,
    driver::{BytesSource, Source, SourceReader, UploadError},
};
use oss_transport::{Fate, Faulty};

use crate::{
    fake_oss::FakeOss,
    support::{Calls, On, PART, content, on_part, stored, upload, uploader},
};

#[tokio::test]
async fn a_pause_keeps_everything_and_the_next_run_sends_the_rest() {
    let oss = FakeOss::default();
    let uploader = uploader(Faulty::new(oss.clone(), on_part(3, [Fate::Stall])));
    let source = BytesSource::new(content(4 * PART));
    let builder = upload(&uploader, source.clone());
    let handle = builder.handle();
    let before = tokio::time::Instant::now();
    let running = builder.observer(On::part_uploaded(3, move || handle.pause())).start();
    assert!(matches!(running.wait().await, Err(UploadError::Paused)));
    assert!(before.elapsed() < Duration::from_secs(1), "{:?}", before.elapsed());
    assert_eq!(oss.exchanges.load(Ordering::SeqCst), 0, "nothing is under way any more");
    assert_eq!(oss.state().count("UploadPart"), 3);

    let calls = Calls::default();
    upload(&uploader, source).progress(calls.callback()).run().await.unwrap();
    assert_eq!(stored(&oss), Some(content(4 * PART)));
    assert_eq!(oss.state().count("UploadPart"), 4, "only what was missing");
    calls.check(4 * PART);
}

#[tokio::test]
async fn an_abort_leaves_nothing_on_the_server() {
    let oss = FakeOss::default();
    oss.state().never_answers = Some("partNumber=2");
    let builder = upload(&uploader(oss.clone()), BytesSource::new(content(4 * PART)));
    let handle = builder.handle();
    let ended = builder.observer(On::part_uploaded(3, move || handle.abort())).run().await;
    assert!(matches!(ended, Err(UploadError::Aborted)), "{ended:?}");
    assert_eq!(oss.state().under_way_at_abort, Some(0), "what is cancelled is dropped at once");
    assert_eq!(oss.exchanges.load(Ordering::SeqCst), 0);
    assert!(oss.state().uploads.is_empty());
    assert_eq!(stored(&oss), None);
}

#[tokio::test]
async fn what_is_wanted_before_the_run_counts_too() {
    let oss = FakeOss::default();
    let builder = upload(&uploader(oss.clone()), BytesSource::new(content(4 * PART)));
    builder.handle().pause();
    assert!(matches!(builder.run().await, Err(UploadError::Paused)));
    assert_eq!(stored(&oss), None);
}

#[tokio::test]
async fn nothing_outlives_a_run_that_is_dropped() {
    let oss = FakeOss::default();
    let uploader = uploader(Faulty::new(oss.clone(), on_part(4, [Fate::Stall])));
    let reached = Arc::new(tokio::sync::Notify::new());
    let notify = Arc::clone(&reached);
    let builder = upload(&uploader, BytesSource::new(content(40 * PART)));
    let running = builder.observer(On::part_uploaded(5, move || notify.notify_one())).start();
    reached.notified().await;
    drop(running);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(oss.exchanges.load(Ordering::SeqCst), 0);
    let before = oss.state().requests.len();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(oss.state().requests.len(), before);
    upload(&uploader, BytesSource::new(content(40 * PART))).run().await.expect("its lock is free again");
}

// Rows: 134
#[tokio::test]
async fn two_runs_of_one_upload_do_not_meet() {
    let oss = FakeOss::default();
    let uploader = uploader(Faulty::new(oss.clone(), on_part(1, [Fate::Stall])));
    let source = BytesSource::new(content(2 * PART));
    let reached = Arc::new(tokio::sync::Notify::new());
    let notify = Arc::clone(&reached);
    let builder = upload(&uploader, source.clone());
    let running = builder.observer(On::part_uploaded(1, move || notify.notify_one())).start();
    reached.notified().await;
    let second = upload(&uploader, source).run().await;
    assert!(matches!(second, Err(UploadError::Locked { .. })), "{second:?}");
    drop(running);
}

/// A source that never answers.
struct Hanging;

impl Source for Hanging {
    fn inspect(&self) -> std::io::Result<oss_checkpoint::SourceStamp> {
        loop {
            std::thread::park();
        }
    }

    fn open(&self) -> std::io::Result<Box<dyn SourceReader>> {
        unreachable!("it is never inspected")
    }
}

// Rows: 117
#[tokio::test]
async fn a_pause_does_not_wait_for_a_read_that_hangs() {
    let builder = upload(&uploader(FakeOss::default()), Hanging);
    let handle = builder.handle();
    let before = tokio::time::Instant::now();
    let running = builder.observer(On::inspection(move || handle.pause())).start();
    assert!(matches!(running.wait().await, Err(UploadError::Paused)));
    assert!(before.elapsed() < Duration::from_secs(1));
}

// Rows: 117
#[tokio::test]
async fn a_read_that_hangs_is_given_up_like_everything_that_does_not_move() {
    let builder = upload(&uploader(FakeOss::default()), Hanging).give_up_after(Duration::from_millis(300));
    let before = tokio::time::Instant::now();
    match builder.run().await {
        Err(UploadError::Failed(failure)) => assert!(matches!(*failure, Failure::Local(_)), "{failure:?}"),
        other => panic!("{other:?}"),
    }
    assert!(before.elapsed() >= Duration::from_millis(300));
}
