//! Credentials that end, and sources of credentials that fail.

use std::{
    collections::BTreeMap,
    num::NonZeroU16,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, StatusCode};
use oss_resumable::{
    FaultClass,
    driver::{BytesSource, Client, CredentialsError, ProvideCredentials},
};
use oss_sign::{Credentials, SigningTime};
use oss_transport::{Body, Fate, Faulty, Transport};
use tokio::time::Instant;

use crate::{
    canary,
    fake_oss::FakeOss,
    support::{PART, ask, content, is_part, on_part, refusal_of, stored, upload, uploader_to},
};

/// Where credentials come from; clones are one.
#[derive(Clone, Default)]
struct Vault(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    /// How many sets have gone before the one in force.
    turn: usize,
    /// When it ends, if it says so.
    ends_at: Option<SigningTime>,
    looks: Behaviour,
    refreshes: Behaviour,
    /// No refresh makes another set.
    is_the_last: bool,
    looked: Vec<Instant>,
    refreshed: Vec<Instant>,
}

#[derive(Clone, Copy, Default)]
enum Behaviour {
    #[default]
    Works,
    Takes(Duration),
    Fails,
    Misses,
    Hangs,
}

impl Behaviour {
    async fn act(self) -> Result<(), CredentialsError> {
        match self {
            Self::Works => {}
            Self::Takes(time) => tokio::time::sleep(time).await,
            Self::Fails => return Err(CredentialsError::Unavailable("nobody is in".to_owned())),
            Self::Misses => return Err(CredentialsError::Missing("it is empty".to_owned())),
            Self::Hangs => std::future::pending().await,
        }
        Ok(())
    }
}

impl Vault {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap()
    }

    fn set(&self) -> Credentials {
        let inside = self.inside();
        let set = Credentials::new(format!("set-{}", inside.turn), canary::SECRET).unwrap();
        inside.ends_at.map_or(set.clone(), |end| set.ending_at(end))
    }

    fn client(&self, oss: &FakeOss) -> Client {
        uploader_to("http://127.0.0.1:9", oss.clone(), self.clone()).client().clone()
    }
}

#[async_trait]
impl ProvideCredentials for Vault {
    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        let behaviour = {
            let mut inside = self.inside();
            inside.looked.push(Instant::now());
            inside.looks
        };
        behaviour.act().await?;
        Ok(self.set())
    }

    async fn refresh(&self) -> Result<Credentials, CredentialsError> {
        let behaviour = {
            let mut inside = self.inside();
            inside.refreshed.push(Instant::now());
            inside.refreshes
        };
        behaviour.act().await?;
        let is_the_last = self.inside().is_the_last;
        self.inside().turn += usize::from(!is_the_last);
        Ok(self.set())
    }
}

/// Which set signed the requests for each part, in order.
type Sent = Arc<Mutex<BTreeMap<String, Vec<String>>>>;

/// The service, which ends `set-0` when part `number` arrives for the first time.
fn ending_at_part(oss: &FakeOss, number: u16, sent: &Sent) -> impl Transport + use<> {
    let (state, sent) = (oss.clone(), Arc::clone(sent));
    Faulty::new(oss.clone(), move |_, request: &Request<Body>| {
        if is_part(request, number) {
            state.state().ended.insert("set-0".to_owned());
        }
        let authorization = request.headers()["authorization"].to_str().unwrap();
        let id = authorization.split("Credential=").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
        if let Some(part) = request.uri().query().and_then(|query| query.split("partNumber=").nth(1)) {
            let part = part.split('&').next().unwrap().to_owned();
            sent.lock().unwrap().entry(part).or_default().push(id.to_owned());
        }
        Fate::Pass
    })
}

fn no_part_was_sent_twice_with_what_had_ended(sent: &Sent) {
    for (part, sets) in &*sent.lock().unwrap() {
        assert!(sets.iter().filter(|set| *set == "set-0").count() <= 1, "part {part}: {sets:?}");
        assert!(sets.len() <= 2, "part {part}: {sets:?}");
    }
}

// Rows: 81, 82, 84
#[tokio::test]
async fn sixty_four_transfers_that_meet_the_end_at_once_cost_one_refresh() {
    let (oss, vault, sent) = (FakeOss::default(), Vault::default(), Sent::default());
    vault.inside().refreshes = Behaviour::Takes(Duration::from_millis(50));
    let uploader = uploader_to("http://127.0.0.1:9", ending_at_part(&oss, 3, &sent), vault.clone());
    let builder = upload(&uploader, BytesSource::new(content(80 * PART)));
    builder.parallel(NonZeroU16::new(64).unwrap()).run().await.unwrap();
    assert_eq!(stored(&oss), Some(content(80 * PART)));
    assert_eq!(vault.inside().refreshed.len(), 1);
    no_part_was_sent_twice_with_what_had_ended(&sent);
    let refused = oss.state().requests.iter().filter(|(_, status)| *status == 403).count();
    assert!((1..=64).contains(&refused), "{refused}");
}

// Rows: 83
#[tokio::test(start_paused = true)]
async fn a_source_that_fails_or_hangs_is_done_without_while_the_old_ones_last() {
    for behaviour in [Behaviour::Fails, Behaviour::Misses, Behaviour::Hangs] {
        let (oss, vault) = (FakeOss::default(), Vault::default());
        let client = vault.client(&oss);
        ask(&client).await.unwrap();
        vault.inside().looks = behaviour;
        for _ in 0..20 {
            tokio::time::advance(Duration::from_secs(2)).await;
            let before = Instant::now();
            ask(&client).await.unwrap();
            assert_eq!(before.elapsed(), Duration::ZERO, "nobody waits for it");
        }
        let asked = vault.inside().looked.len();
        // One that hangs is given up after 15 s, and asked anew.
        let expected = if matches!(behaviour, Behaviour::Hangs) { 3..=5 } else { 21..=21 };
        assert!(expected.contains(&asked), "{asked}");

        vault.inside().looks = Behaviour::Works;
        vault.inside().turn = 1;
        oss.state().ended.insert("set-0".to_owned());
        tokio::time::advance(Duration::from_secs(16)).await;
        ask(&client).await.unwrap();
        assert_eq!(vault.inside().refreshed.len(), 0, "it has others by itself");
    }
}

// Rows: 83
#[tokio::test(start_paused = true)]
async fn who_waits_for_a_source_that_hangs_waits_15_s_and_all_wait_together() {
    for looks in [Behaviour::Hangs, Behaviour::Works] {
        let (oss, vault) = (FakeOss::default(), Vault::default());
        let client = vault.client(&oss);
        if matches!(looks, Behaviour::Works) {
            ask(&client).await.unwrap();
            oss.state().ended.insert("set-0".to_owned());
        }
        vault.inside().looks = looks;
        vault.inside().refreshes = Behaviour::Hangs;
        let before = Instant::now();
        let asks: Vec<_> = (0..64)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { ask(&client).await })
            })
            .collect();
        for ask in asks {
            let fault = ask.await.unwrap().unwrap_err();
            assert_eq!(fault.class, FaultClass::Unreachable, "{fault}");
        }
        assert_eq!(before.elapsed(), Duration::from_secs(15));
    }
}

// Rows: 83
#[tokio::test]
async fn parts_pause_while_the_source_fails_and_go_on_when_it_works_again() {
    let (oss, vault, sent) = (FakeOss::default(), Vault::default(), Sent::default());
    vault.inside().refreshes = Behaviour::Fails;
    let uploader = uploader_to("http://127.0.0.1:9", ending_at_part(&oss, 3, &sent), vault.clone());
    let running = upload(&uploader, BytesSource::new(content(8 * PART))).start();
    while vault.inside().refreshed.len() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    vault.inside().refreshes = Behaviour::Works;
    running.wait().await.unwrap();
    assert_eq!(stored(&oss), Some(content(8 * PART)));
    no_part_was_sent_twice_with_what_had_ended(&sent);
    let asked = vault.inside().refreshed.clone();
    assert_eq!(asked.len(), 3);
    let apart = |pair: &[Instant]| pair[1] - pair[0] >= Duration::from_secs(1);
    assert!(asked.windows(2).all(apart), "{asked:?}");
}

// Rows: 83
#[tokio::test]
async fn without_any_credentials_for_too_long_an_upload_ends_and_keeps_everything() {
    let (oss, vault, sent) = (FakeOss::default(), Vault::default(), Sent::default());
    vault.inside().refreshes = Behaviour::Fails;
    let uploader = uploader_to("http://127.0.0.1:9", ending_at_part(&oss, 5, &sent), vault.clone());
    let source = BytesSource::new(content(8 * PART));
    let builder = upload(&uploader, source.clone()).parallel(NonZeroU16::MIN);
    let ended = builder.give_up_after(Duration::from_millis(1500)).run().await;
    let message = format!("{:?}", ended.unwrap_err());
    assert!(message.contains("NoProgress") && message.contains("nobody is in"), "{message}");
    let before = oss.state().count("UploadPart");
    vault.inside().refreshes = Behaviour::Works;
    upload(&uploader, source).run().await.unwrap();
    assert_eq!(stored(&oss), Some(content(8 * PART)));
    assert_eq!(oss.state().count("UploadPart") - before, 4, "the four before the end were kept");
}

// Rows: 85
#[tokio::test]
async fn a_source_that_gives_the_same_again_has_no_others_and_that_is_the_end() {
    for refreshes in [Behaviour::Works, Behaviour::Misses] {
        let (oss, vault, sent) = (FakeOss::default(), Vault::default(), Sent::default());
        vault.inside().is_the_last = true;
        vault.inside().refreshes = refreshes;
        let uploader = uploader_to("http://127.0.0.1:9", ending_at_part(&oss, 6, &sent), vault.clone());
        let source = BytesSource::new(content(8 * PART));
        let before = Instant::now();
        let fault = refusal_of(upload(&uploader, source.clone()).run().await);
        assert!(before.elapsed() < Duration::from_secs(1), "at once");
        assert!(fault.refusal.is_some_and(|refusal| refusal.code == "SecurityTokenExpired"));
        assert_eq!(vault.inside().refreshed.len(), 1);
        no_part_was_sent_twice_with_what_had_ended(&sent);
        assert_eq!(oss.state().uploads.len(), 1, "nothing was aborted");
        let kept = oss.state().uploads.values().map(BTreeMap::len).sum::<usize>();
        assert!(kept >= 2, "those that had to be through before the sixth: {kept}");

        vault.inside().turn = 1;
        let sent_before = oss.state().count("UploadPart");
        upload(&uploader, source).run().await.unwrap();
        assert_eq!(stored(&oss), Some(content(8 * PART)));
        assert_eq!(oss.state().count("UploadPart") - sent_before, 8 - kept);
    }
}

// Rows: 85
#[tokio::test(start_paused = true)]
async fn what_was_refused_without_others_is_tried_again_later_if_the_source_still_means_it() {
    let (oss, vault) = (FakeOss::default(), Vault::default());
    vault.inside().is_the_last = true;
    let client = vault.client(&oss);
    oss.state().ended.insert("set-0".to_owned());
    for _ in 0..3 {
        let fault = ask(&client).await.unwrap_err();
        assert!(fault.message.contains("no other credentials"), "{fault}");
    }
    assert_eq!((vault.inside().refreshed.len(), oss.state().requests.len()), (1, 1), "within a second");
    // As a key does that is known everywhere only after a while.
    oss.state().ended.clear();
    tokio::time::advance(Duration::from_secs(1)).await;
    ask(&client).await.unwrap();
}

// Rows: 71, 85
#[tokio::test]
async fn any_other_refusal_stops_at_once_asks_for_no_others_and_keeps_everything() {
    for code in ["AccessDenied", "SignatureDoesNotMatch", "UserDisable"] {
        let body = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
        let refused = Fate::Answer(StatusCode::FORBIDDEN, Bytes::from(body));
        let (oss, vault) = (FakeOss::default(), Vault::default());
        let transport = Faulty::new(oss.clone(), on_part(5, [refused]));
        let uploader = uploader_to("http://127.0.0.1:9", transport, vault.clone());
        let source = BytesSource::new(content(8 * PART));
        let one = NonZeroU16::MIN;
        let fault = refusal_of(upload(&uploader, source.clone()).parallel(one).run().await);
        assert_eq!(fault.refusal.map(|refusal| refusal.code.clone()).as_deref(), Some(code));
        assert_eq!(vault.inside().refreshed.len(), 0);
        assert_eq!(oss.state().count("UploadPart"), 4, "the end is the end");
        upload(&uploader, source).run().await.unwrap();
        assert_eq!(oss.state().count("UploadPart"), 8, "four were kept");
    }
}

// Rows: 81
#[tokio::test(start_paused = true)]
async fn others_are_asked_for_when_the_time_has_come_and_the_service_never_refuses() {
    let (oss, vault) = (FakeOss::default(), Vault::default());
    let client = vault.client(&oss);
    vault.inside().ends_at = SigningTime::from_unix(1_000_000_000).ok();
    ask(&client).await.unwrap();
    assert_eq!(vault.inside().refreshed.len(), 0, "the word of the source at first");
    vault.inside().refreshes = Behaviour::Fails;
    let fault = ask(&client).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Unreachable, "{fault}");

    vault.inside().refreshes = Behaviour::Works;
    vault.inside().ends_at = SigningTime::from_unix(4_000_000_000).ok();
    ask(&client).await.unwrap();
    ask(&client).await.unwrap();
    assert_eq!(vault.inside().refreshed.len(), 2);
    assert!(oss.state().requests.iter().all(|(_, status)| *status == 404), "{:?}", oss.state().requests);

    // A clock that is wrong here must not stop who gives what is good.
    vault.inside().ends_at = SigningTime::from_unix(1_000_000_000).ok();
    vault.inside().is_the_last = true;
    tokio::time::advance(Duration::from_secs(2)).await;
    for _ in 0..3 {
        ask(&client).await.unwrap();
    }
    let before = Instant::now();
    ask(&client).await.unwrap();
    assert_eq!(before.elapsed(), Duration::ZERO, "asked once, and then believed");
}

// Rows: 81
#[tokio::test(start_paused = true)]
async fn a_refresh_outlives_the_request_that_asked_for_it() {
    let (oss, vault) = (FakeOss::default(), Vault::default());
    let client = vault.client(&oss);
    ask(&client).await.unwrap();
    oss.state().ended.insert("set-0".to_owned());
    vault.inside().refreshes = Behaviour::Takes(Duration::from_secs(5));
    let before = Instant::now();
    assert!(tokio::time::timeout(Duration::from_secs(2), ask(&client)).await.is_err());
    ask(&client).await.unwrap();
    assert_eq!(before.elapsed(), Duration::from_secs(5));
    assert_eq!(vault.inside().refreshed.len(), 1);
}

// Rows: 81
#[tokio::test(start_paused = true)]
async fn what_the_source_has_anew_is_used_within_a_second() {
    let (oss, vault) = (FakeOss::default(), Vault::default());
    let client = vault.client(&oss);
    for turn in 0..5 {
        vault.inside().turn = turn;
        tokio::time::advance(Duration::from_secs(1)).await;
        for _ in 0..10 {
            ask(&client).await.unwrap();
        }
        oss.state().ended.insert(format!("set-{turn}"));
    }
    assert!(oss.state().requests.iter().all(|(_, status)| *status == 404));
    assert_eq!(vault.inside().looked.len(), 5, "asked once a second, however many the requests");
}
