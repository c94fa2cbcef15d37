//! What the tests of the driver have in common.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Request;
use oss_checkpoint::{BucketName, ByteCount, MemoryStore, ObjectKey};
use oss_resumable::{
    Action, Event, Failure, Fault, FaultClass, Moment, StoredObject,
    driver::{Client, Observer, ProvideCredentials, Receipt, Source, UploadBuilder, UploadError, Uploader},
    wire::{Endpoint, EndpointSettings, HeadObject, Target},
};
use oss_transport::{Body, Fate, Transport};

use crate::{canary, fake_oss::FakeOss};

pub(crate) const PART: u64 = 100 * 1024;

pub(crate) fn endpoint(endpoint: &str) -> Endpoint {
    let settings = EndpointSettings {
        endpoint: Some(endpoint.to_owned()),
        region: Some("cn-hangzhou".to_owned()),
        ..EndpointSettings::default()
    };
    Endpoint::resolve(&settings).unwrap()
}

pub(crate) fn uploader(transport: impl Transport + 'static) -> Uploader {
    // No transport of these tests goes there.
    uploader_to("http://127.0.0.1:9", transport, canary::credentials("old"))
}

pub(crate) fn uploader_to(
    address: &str,
    transport: impl Transport + 'static,
    credentials: impl ProvideCredentials + 'static,
) -> Uploader {
    canary::watch_the_log();
    Uploader::builder(endpoint(address))
        .transport(Arc::new(transport))
        .credentials(credentials)
        .store(Arc::new(MemoryStore::new()))
        .build()
        .unwrap()
}

pub(crate) fn content(len: u64) -> Bytes {
    (0..len).map(|n| (n % 251) as u8 ^ (n >> 16) as u8).collect::<Vec<_>>().into()
}

/// An upload in parts of 100 KiB where the source has at least one.
pub(crate) fn upload(uploader: &Uploader, source: impl Source + 'static) -> UploadBuilder {
    let (bucket, key) = (BucketName::new("demo-bucket").unwrap(), ObjectKey::new("some/key").unwrap());
    let part = ByteCount::new(PART);
    uploader.upload(Arc::new(source), "source", bucket, key).part_size(part).threshold(part)
}

/// One request, sent once, and again where its fault says that it is worth that at once.
pub(crate) async fn ask(client: &Client) -> Result<Option<StoredObject>, Fault> {
    let target = Target {
        endpoint: client.endpoint().clone(),
        bucket: BucketName::new("demo-bucket").unwrap(),
        key: ObjectKey::new("some/key").unwrap(),
    };
    let head = HeadObject { target: &target };
    match client.exchange(&head).await {
        Err(fault) if matches!(fault.class, FaultClass::Skewed | FaultClass::Unauthorised) => {
            client.exchange(&head).await.map(|replied| replied.reply)
        }
        replied => replied.map(|replied| replied.reply),
    }
}

/// Why the service refused an upload.
#[track_caller]
pub(crate) fn refusal_of(ended: Result<Receipt, UploadError>) -> Fault {
    match ended {
        Err(UploadError::Failed(failure)) => match *failure {
            Failure::Refused(fault) => fault,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

pub(crate) fn stored(oss: &FakeOss) -> Option<Bytes> {
    oss.state().objects.get("some/key").cloned()
}

pub(crate) fn is_part(request: &Request<Body>, number: u16) -> bool {
    request.uri().query().is_some_and(|query| query.contains(&format!("partNumber={number}&")))
        || request.uri().query().is_some_and(|query| query.ends_with(&format!("partNumber={number}")))
}

#[expect(clippy::disallowed_methods, reason = "the file that is uploaded")]
pub(crate) fn write(file: &std::path::Path, bytes: &[u8]) {
    std::fs::write(file, bytes).unwrap();
}

/// Gives requests for part `number` these fates, one after the other.
pub(crate) fn on_part(
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
pub(crate) struct Calls(pub(crate) Arc<Mutex<Vec<Call>>>);

pub(crate) type Call = (u64, Option<u64>);

impl Calls {
    pub(crate) fn callback(&self) -> impl FnMut(u64, Option<u64>) + Send + 'static {
        let calls = Arc::clone(&self.0);
        move |consumed, total| calls.lock().unwrap().push((consumed, total))
    }

    pub(crate) fn check(&self, total: u64) {
        let calls = self.0.lock().unwrap();
        assert_eq!(calls.last(), Some(&(total, Some(total))), "{calls:?}");
        assert!(calls.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{calls:?}");
    }
}

/// Does something once, when the driver gets that far.
pub(crate) struct On<F> {
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
    pub(crate) fn part_uploaded(count: usize, then: F) -> Self {
        let is_it = |happened: &Happened<'_>| matches!(happened, Happened::Heard(Event::PartUploaded { .. }));
        Self { is_it, left: count, then: Some(then) }
    }

    /// When the source is to be inspected.
    pub(crate) fn inspection(then: F) -> Self {
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
