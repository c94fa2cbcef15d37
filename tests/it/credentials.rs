//! Credentials that end while an upload runs, with sockets between: the library over the emulator, which verifies every
//! signature, and a source of credentials that has others.

use std::{
    collections::BTreeMap,
    num::NonZeroU16,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use oss_checkpoint::{BucketName, ByteCount, MemoryStore, ObjectKey};
use oss_emulator::{Emulator, Settings, faults::Script};
use oss_resumable::{
    driver::{CredentialsError, ProvideCredentials, UploadBuilder, Uploader},
    wire::{Endpoint, EndpointSettings},
};
use oss_sign::{Credentials, SecurityToken};
use oss_transport::HyperTransport;

use crate::support::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, BackDoor, PART, contents, write_file};

/// How many sets of temporary credentials there are.
const SETS: usize = 8;

fn token(turn: usize) -> String {
    format!("Token{turn}")
}

/// Gives one set after the other, and takes some time for that.
#[derive(Clone, Default)]
struct Station {
    turn: Arc<AtomicUsize>,
    refreshes: Arc<AtomicUsize>,
    /// There is only the first set.
    has_no_others: bool,
}

#[async_trait]
impl ProvideCredentials for Station {
    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        let token = SecurityToken::new(token(self.turn.load(Ordering::SeqCst))).unwrap();
        Ok(Credentials::new(ACCESS_KEY_ID, ACCESS_KEY_SECRET).unwrap().with_security_token(token))
    }

    async fn refresh(&self) -> Result<Credentials, CredentialsError> {
        self.refreshes.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.turn.fetch_add(usize::from(!self.has_no_others), Ordering::SeqCst);
        self.credentials().await
    }
}

/// A file of so many parts, and a server that misbehaves like that.
struct Stage {
    server: oss_emulator::Running,
    station: Station,
    uploader: Uploader,
    folder: tempfile::TempDir,
    bytes: Vec<u8>,
}

impl Stage {
    fn new(parts: usize, faults: &str, station: Station) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bytes = contents(1, parts * PART);
        write_file(&folder.path().join("source"), &bytes);
        let mut settings = Settings::new(folder.path().join("server"));
        settings.create_buckets = true;
        settings.faults = Script::parse(faults).unwrap();
        settings.access_keys = (0..SETS)
            .map(|turn| format!("{ACCESS_KEY_ID}:{ACCESS_KEY_SECRET}:{}", token(turn)).parse().unwrap())
            .collect();
        let server = Emulator::bind(settings).unwrap().start().unwrap();
        let endpoint = EndpointSettings {
            endpoint: Some(server.endpoint()),
            region: Some("cn-hangzhou".to_owned()),
            ..EndpointSettings::default()
        };
        let uploader = Uploader::builder(Endpoint::resolve(&endpoint).unwrap())
            .transport(Arc::new(HyperTransport::builder().threads(8).no_proxy().build()))
            .credentials(station.clone())
            .store(Arc::new(MemoryStore::new()))
            .build()
            .unwrap();
        Self { server, station, uploader, folder, bytes }
    }

    fn source(&self) -> &Path {
        self.folder.path()
    }

    fn upload(&self, parallel: u16) -> UploadBuilder {
        let (bucket, key) = (BucketName::new("demo").unwrap(), ObjectKey::new("object").unwrap());
        let part = ByteCount::new(PART as u64);
        self.uploader
            .upload_file(self.source().join("source"), bucket, key)
            .part_size(part)
            .threshold(part)
            .parallel(NonZeroU16::new(parallel).unwrap())
    }

    /// Says that the object is the file.
    fn is_stored(&self) {
        let stored = BackDoor::open(&self.folder.path().join("server")).object("demo", "object");
        assert!(stored.as_deref() == Some(&self.bytes[..]), "the object is not the file");
    }

    /// How often each part was refused.
    fn refusals(&self) -> BTreeMap<u16, usize> {
        let mut refusals = BTreeMap::new();
        for request in self.server.requests() {
            if request.code.as_deref() == Some("SecurityTokenExpired") {
                *refusals.entry(request.part.unwrap()).or_default() += 1;
            }
        }
        refusals
    }

    /// How often parts were stored.
    fn parts_stored(&self) -> usize {
        let requests = self.server.requests();
        requests.iter().filter(|request| request.operation == "upload_part" && request.applied).count()
    }
}

// Rows: 81, 82, 84
#[tokio::test]
async fn sixty_four_transfers_whose_token_ends_cost_one_refresh_and_no_failure() {
    let faults = "[[fault]]\nat = 'upload_part'\nnth = 20\ndo = 'expire-token'";
    let stage = Stage::new(100, faults, Station::default());
    stage.upload(64).run().await.unwrap();
    stage.is_stored();
    assert_eq!(stage.station.refreshes.load(Ordering::SeqCst), 1);
    let refusals = stage.refusals();
    assert!(refusals.values().all(|times| *times == 1), "a dead token twice: {refusals:?}");
    assert!((1..=64).contains(&refusals.len()), "{refusals:?}");
    assert_eq!(stage.parts_stored(), 100, "each part was stored once");
}

// Rows: 81
#[tokio::test]
async fn one_set_after_the_other_may_end() {
    let expiries =
        [10, 40, 70].map(|nth| format!("[[fault]]\nat = 'upload_part'\nnth = {nth}\ndo = 'expire-token'\n"));
    let stage = Stage::new(100, &expiries.concat(), Station::default());
    stage.upload(4).run().await.unwrap();
    stage.is_stored();
    assert_eq!(stage.station.refreshes.load(Ordering::SeqCst), 3);
    assert_eq!(stage.parts_stored(), 100);
}

// Rows: 85
#[tokio::test]
async fn without_others_the_run_ends_at_once_and_a_later_one_goes_on() {
    let faults = "[[fault]]\nat = 'upload_part'\nnth = 20\ndo = 'expire-token'";
    let station = Station { has_no_others: true, ..Station::default() };
    let stage = Stage::new(40, faults, station);
    let refused = stage.upload(8).run().await.unwrap_err().to_string();
    assert!(
        refused.contains("SecurityTokenExpired") && refused.contains("no other credentials"),
        "{refused}"
    );
    assert_eq!(stage.station.refreshes.load(Ordering::SeqCst), 1);
    let refusals = stage.refusals();
    assert!(refusals.values().all(|times| *times == 1), "a dead token twice: {refusals:?}");
    let kept = stage.parts_stored();
    assert!(kept >= 12, "{kept}");

    stage.station.turn.store(1, Ordering::SeqCst);
    stage.upload(8).run().await.unwrap();
    stage.is_stored();
    assert_eq!(stage.parts_stored(), 40, "{kept} were kept, and none of them went again");
}
