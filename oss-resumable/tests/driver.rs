//! The driver against a service in memory, over a transport that fails by script.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on has failed"
)]

#[path = "driver/fake_oss.rs"]
mod fake_oss;
#[path = "driver/server.rs"]
mod server;

#[allow(dead_code, unreachable_pub, reason = "an example, of which all but its main function is tested here")]
#[path = "../examples/blocking.rs"]
mod blocking;
#[allow(dead_code, unreachable_pub, reason = "an example, of which all but its main function is tested here")]
#[path = "../examples/embed.rs"]
mod embed;

use std::{
    num::NonZeroU16,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use fake_oss::FakeOss;
use http::Request;
use oss_checkpoint::{BucketName, ByteCount, MemoryStore, ObjectKey};
use oss_resumable::{
    Action, Event, Failure, FaultClass, Moment, OnChange,
    driver::{
        BytesSource, CredentialsError, Handle, Observer, ProvideCredentials, Receipt, ReceiptProof, Source,
        UploadBuilder, UploadError, Uploader,
    },
    wire::{Endpoint, EndpointSettings},
};
use oss_sign::Credentials;
use oss_transport::{Body, Fate, Faulty, Transport};

const PART: u64 = 100 * 1024;

fn endpoint() -> Endpoint {
    let settings = EndpointSettings {
        endpoint: Some("http://127.0.0.1:9".to_owned()),
        region: Some("cn-hangzhou".to_owned()),
        ..EndpointSettings::default()
    };
    Endpoint::resolve(&settings).unwrap()
}

fn uploader(transport: impl Transport + 'static) -> Uploader {
    uploader_with(transport, Credentials::new("old", "secret").unwrap())
}

fn uploader_with(
    transport: impl Transport + 'static,
    credentials: impl ProvideCredentials + 'static,
) -> Uploader {
    Uploader::builder(endpoint())
        .transport(Arc::new(transport))
        .credentials(credentials)
        .store(Arc::new(MemoryStore::new()))
        .build()
        .unwrap()
}

fn content(len: u64) -> Bytes {
    (0..len).map(|n| (n % 251) as u8 ^ (n >> 16) as u8).collect::<Vec<_>>().into()
}

/// An upload in parts of 100 KiB where the source has at least one.
fn upload(uploader: &Uploader, source: impl Source + 'static) -> UploadBuilder {
    let (bucket, key) = (BucketName::new("demo-bucket").unwrap(), ObjectKey::new("some/key").unwrap());
    let part = ByteCount::new(PART);
    uploader.upload(Arc::new(source), "source", bucket, key).part_size(part).threshold(part)
}

fn stored(oss: &FakeOss) -> Option<Bytes> {
    oss.state().objects.get("some/key").cloned()
}

fn is_part(request: &Request<Body>, number: u16) -> bool {
    request.uri().query().is_some_and(|query| query.contains(&format!("partNumber={number}&")))
        || request.uri().query().is_some_and(|query| query.ends_with(&format!("partNumber={number}")))
}

#[expect(clippy::disallowed_methods, reason = "the file that is uploaded")]
fn write(file: &std::path::Path, bytes: &[u8]) {
    std::fs::write(file, bytes).unwrap();
}

/// Gives requests for part `number` these fates, one after the other.
fn on_part(
    number: u16,
    fates: impl IntoIterator<Item = Fate>,
) -> impl FnMut(usize, &Request<Body>) -> Fate + Send {
    let mut fates = fates.into_iter().collect::<Vec<_>>().into_iter();
    move |_, request| {
        if is_part(request, number) { fates.next().unwrap_or(Fate::Pass) } else { Fate::Pass }
    }
}

/// What a progress callback was told.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<Call>>>);

type Call = (u64, Option<u64>);

impl Calls {
    fn callback(&self) -> impl FnMut(u64, Option<u64>) + Send + 'static {
        let calls = Arc::clone(&self.0);
        move |consumed, total| calls.lock().unwrap().push((consumed, total))
    }

    fn check(&self, total: u64) {
        let calls = self.0.lock().unwrap();
        assert_eq!(calls.last(), Some(&(total, Some(total))), "{calls:?}");
        assert!(calls.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{calls:?}");
    }
}

#[tokio::test]
async fn a_source_of_many_parts_arrives_as_it_is_and_is_proved() {
    let (oss, calls) = (FakeOss::default(), Calls::default());
    let bytes = content(5 * PART + 17);
    let builder = upload(&uploader(oss.clone()), BytesSource::new(bytes.clone()));
    let receipt = builder.progress(calls.callback()).run().await.unwrap();
    assert_eq!(stored(&oss), Some(bytes.clone()));
    assert_eq!(oss.state().count("UploadPart"), 6);
    let crc64 = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Xz, &bytes).to_string();
    assert_eq!((receipt.size, receipt.crc64.as_str()), (bytes.len() as u64, crc64.as_str()));
    assert_eq!((receipt.proof, receipt.parts.len()), (ReceiptProof::PartsAndObject, 6));
    assert_eq!(receipt.upload_id.as_deref(), Some("UPLOAD1"));
    assert_eq!(receipt.request_ids.keys().collect::<Vec<_>>(), ["complete", "initiate"]);
    calls.check(bytes.len() as u64);
}

#[tokio::test]
async fn small_and_empty_sources_go_up_in_one_request() {
    for len in [0, 1, PART - 1] {
        let (oss, calls) = (FakeOss::default(), Calls::default());
        let builder = upload(&uploader(oss.clone()), BytesSource::new(content(len)));
        let receipt = builder.progress(calls.callback()).run().await.unwrap();
        assert_eq!(stored(&oss), Some(content(len)));
        assert_eq!(oss.state().requests, [("PutObject".to_owned(), 200)]);
        assert_eq!((receipt.proof, receipt.upload_id), (ReceiptProof::Object, None));
        calls.check(len);
    }
}

#[tokio::test]
async fn a_receipt_is_json_with_the_documented_names() {
    let receipt =
        upload(&uploader(FakeOss::default()), BytesSource::new(content(2 * PART))).run().await.unwrap();
    let json = serde_json::to_value(&receipt).unwrap();
    let names: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "v",
        "service",
        "bucket",
        "key",
        "size",
        "crc64",
        "etag",
        "version_id",
        "upload_id",
        "proof",
        "settled",
        "source",
        "parts",
        "started",
        "finished",
        "request_ids",
    ];
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(json["proof"], "parts+object");
    assert_eq!(serde_json::from_value::<Receipt>(json).unwrap(), receipt);
}

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
    let uploader = uploader(Faulty::new(oss.clone(), on_part(2, [Fate::Stall])));
    let builder = upload(&uploader, BytesSource::new(content(4 * PART)));
    let handle = builder.handle();
    let ended = builder.observer(On::part_uploaded(3, move || handle.abort())).run().await;
    assert!(matches!(ended, Err(UploadError::Aborted)), "{ended:?}");
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
async fn lost_requests_and_answers_of_parts_are_made_good() {
    use oss_transport::Unsent::Connect;
    let fates = [Fate::LoseRequest, Fate::LoseAnswer, Fate::Refuse(Connect)];
    let (oss, calls) = (FakeOss::default(), Calls::default());
    let uploader = uploader(Faulty::new(oss.clone(), on_part(2, fates)));
    let builder = upload(&uploader, BytesSource::new(content(3 * PART)));
    builder.progress(calls.callback()).run().await.unwrap();
    assert_eq!(stored(&oss), Some(content(3 * PART)));
    calls.check(3 * PART);
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_corrected_once_for_all_requests() {
    let oss = FakeOss::default();
    oss.state().ahead = 20 * 60;
    upload(&uploader(oss.clone()), BytesSource::new(content(4 * PART))).run().await.unwrap();
    let refused = oss.state().requests.iter().filter(|(_, status)| *status == 403).count();
    assert_eq!(refused, 1, "{:?}", oss.state().requests);
}

#[tokio::test]
async fn a_server_time_of_another_year_is_not_believed() {
    let oss = FakeOss::default();
    oss.state().ahead = 365 * 24 * 3600;
    let ended = upload(&uploader(oss.clone()), BytesSource::new(content(1))).run().await;
    assert!(refusal_of(ended).contains("not believed"));
    assert_eq!(oss.state().requests.len(), 1);
}

fn refusal_of(ended: Result<Receipt, UploadError>) -> String {
    match ended {
        Err(UploadError::Failed(failure)) => match *failure {
            Failure::Refused(fault) => fault.to_string(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// Gives other credentials once it was asked for them, if there are any.
#[derive(Clone)]
struct Renewable {
    refreshes: Arc<AtomicUsize>,
    fresh: &'static str,
}

#[async_trait]
impl ProvideCredentials for Renewable {
    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        let id = if self.refreshes.load(Ordering::SeqCst) == 0 { "old" } else { self.fresh };
        Ok(Credentials::new(id, "secret").unwrap())
    }

    async fn refresh(&self) -> Result<Credentials, CredentialsError> {
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.refreshes.fetch_add(1, Ordering::SeqCst);
        self.credentials().await
    }
}

#[tokio::test]
async fn credentials_that_end_are_renewed_once_for_all_parts() {
    let oss = FakeOss::default();
    let renewable = Renewable { refreshes: Arc::default(), fresh: "new" };
    let state = oss.clone();
    // They end when the first part goes out.
    let script = move |_, request: &Request<Body>| {
        if is_part(request, 1) {
            state.state().ended.insert("old".to_owned());
        }
        Fate::Pass
    };
    let uploader = uploader_with(Faulty::new(oss.clone(), script), renewable.clone());
    upload(&uploader, BytesSource::new(content(8 * PART))).run().await.unwrap();
    assert_eq!(renewable.refreshes.load(Ordering::SeqCst), 1);
    assert_eq!(stored(&oss), Some(content(8 * PART)));
}

#[tokio::test]
async fn ended_credentials_without_others_are_a_refusal() {
    let oss = FakeOss::default();
    oss.state().ended.insert("old".to_owned());
    let renewable = Renewable { refreshes: Arc::default(), fresh: "old" };
    let uploader = uploader_with(oss.clone(), renewable.clone());
    let ended = upload(&uploader, BytesSource::new(content(1))).run().await;
    assert!(refusal_of(ended).contains("no other credentials"));
    assert_eq!(renewable.refreshes.load(Ordering::SeqCst), 1);
}

/// Becomes another one of the same length at a certain inspection: those of its open file count too.
struct Shifting {
    looks: Arc<AtomicUsize>,
    shifts_at: usize,
    before: BytesSource,
    after: BytesSource,
}

impl Shifting {
    fn now(&self) -> &BytesSource {
        let look = self.looks.fetch_add(1, Ordering::SeqCst);
        if look < self.shifts_at { &self.before } else { &self.after }
    }
}

impl Source for Shifting {
    fn inspect(&self) -> std::io::Result<oss_checkpoint::SourceStamp> {
        self.now().inspect()
    }

    fn open(&self) -> std::io::Result<Box<dyn oss_resumable::driver::SourceReader>> {
        self.now().open()
    }
}

#[tokio::test]
async fn a_source_that_changes_during_a_put_stores_nothing_of_the_old_one() {
    let (before, after) = (content(PART - 1), Bytes::from(vec![9; PART as usize - 1]));
    // The looks: for the plan, to open it, behind the last byte.
    for shifts_at in [1, 2] {
        let shifting = || Shifting {
            looks: Arc::default(),
            shifts_at,
            before: BytesSource::new(before.clone()),
            after: BytesSource::new(after.clone()),
        };
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

#[tokio::test]
async fn a_source_that_changes_between_parts_is_never_mixed() {
    let (before, after) = (content(4 * PART), Bytes::from(vec![9; 4 * PART as usize]));
    for shifts_at in 1..=12 {
        let oss = FakeOss::default();
        let shifting = Shifting {
            looks: Arc::default(),
            shifts_at,
            before: BytesSource::new(before.clone()),
            after: BytesSource::new(after.clone()),
        };
        upload(&uploader(oss.clone()), shifting).parallel(NonZeroU16::MIN).run().await.unwrap();
        let object = stored(&oss).unwrap();
        assert!(object == before || object == after, "mixed when it changes at look {shifts_at}");
    }
}

#[tokio::test]
async fn memory_is_three_blocks_a_transfer_whatever_the_size() {
    let oss = FakeOss::default();
    let bytes = content(24 << 20);
    let builder = upload(&uploader(oss.clone()), BytesSource::new(bytes.clone()));
    let parallel = NonZeroU16::new(3).unwrap();
    builder.part_size(ByteCount::mib(3)).parallel(parallel).run().await.unwrap();
    assert_eq!(stored(&oss), Some(bytes));
    let blocks = oss.state().blocks.len();
    assert!((3..=9).contains(&blocks), "{blocks}");
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

    fn open(&self) -> std::io::Result<Box<dyn oss_resumable::driver::SourceReader>> {
        unreachable!("it is never inspected")
    }
}

#[tokio::test]
async fn a_pause_does_not_wait_for_a_read_that_hangs() {
    let builder = upload(&uploader(FakeOss::default()), Hanging);
    let handle = builder.handle();
    let before = tokio::time::Instant::now();
    let running = builder.observer(On::inspection(move || handle.pause())).start();
    assert!(matches!(running.wait().await, Err(UploadError::Paused)));
    assert!(before.elapsed() < Duration::from_secs(1));
}

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

#[tokio::test]
async fn faults_keep_what_was_read_and_what_the_server_may_have_done() {
    let seen: Arc<Mutex<Vec<(FaultClass, bool)>>> = Arc::default();
    let oss = FakeOss::default();
    let uploader = uploader(Faulty::new(oss.clone(), on_part(1, [Fate::LoseAnswer, Fate::LoseRequest])));
    let builder = upload(&uploader, BytesSource::new(content(PART)));
    builder.observer(Faults(Arc::clone(&seen))).run().await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [(FaultClass::Unanswered, true), (FaultClass::Unanswered, false)]);
}

struct Faults(Arc<Mutex<Vec<(FaultClass, bool)>>>);

impl Observer for Faults {
    fn event(&mut self, event: &Event, _: Moment) {
        if let Event::Failed { fault, .. } = event {
            self.0.lock().unwrap().push((fault.class, fault.read.is_some()));
        }
    }
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
        assert!(matches!(outcome, oss_resumable::Outcome::Completed(_)), "{outcome:?}");
        assert!(stored(&oss) == Some(content(len)));
    }
}

/// Does something once, when the driver gets that far.
struct On<F> {
    is_it: fn(&Happened<'_>) -> bool,
    left: usize,
    then: Option<F>,
}

enum Happened<'a> {
    Started(&'a Action),
    Heard(&'a Event),
}

impl<F: FnOnce() + Send> On<F> {
    /// When so many parts have been uploaded.
    fn part_uploaded(count: usize, then: F) -> Self {
        let is_it = |happened: &Happened<'_>| matches!(happened, Happened::Heard(Event::PartUploaded { .. }));
        Self { is_it, left: count, then: Some(then) }
    }

    /// When the source is to be inspected.
    fn inspection(then: F) -> Self {
        let is_it =
            |happened: &Happened<'_>| matches!(happened, Happened::Started(Action::InspectSource { .. }));
        Self { is_it, left: 1, then: Some(then) }
    }

    fn see(&mut self, happened: &Happened<'_>) {
        if (self.is_it)(happened) {
            self.left = self.left.saturating_sub(1);
            if let Some(then) = self.then.take_if(|_| self.left == 0) {
                then();
            }
        }
    }
}

impl<F: FnOnce() + Send> Observer for On<F> {
    fn action(&mut self, action: &Action, _: Moment) {
        self.see(&Happened::Started(action));
    }

    fn event(&mut self, event: &Event, _: Moment) {
        self.see(&Happened::Heard(event));
    }
}

#[test]
fn handles_and_futures_go_to_other_threads() {
    fn check<T: Send>(_: &T) {}
    let builder = upload(&uploader(FakeOss::default()), BytesSource::new(content(1)));
    check::<Handle>(&builder.handle());
    check(&builder.run());
}
