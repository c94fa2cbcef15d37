//! What the service and the way to it do.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use http::Request;
use oss_resumable::{
    Event, Failure, FaultClass, Moment,
    driver::{BytesSource, CredentialsError, Observer, ProvideCredentials, Receipt, UploadError},
};
use oss_sign::Credentials;
use oss_transport::{Body, Fate, Faulty, Unsent};

use crate::{
    fake_oss::FakeOss,
    support::{Calls, PART, content, is_part, on_part, stored, upload, uploader, uploader_to},
};

#[tokio::test]
async fn lost_requests_and_answers_of_parts_are_made_good() {
    let fates = [Fate::LoseRequest, Fate::LoseAnswer, Fate::Refuse(Unsent::Connect)];
    let (oss, calls) = (FakeOss::default(), Calls::default());
    let uploader = uploader(Faulty::new(oss.clone(), on_part(2, fates)));
    let builder = upload(&uploader, BytesSource::new(content(3 * PART)));
    builder.progress(calls.callback()).run().await.unwrap();
    assert_eq!(stored(&oss), Some(content(3 * PART)));
    calls.check(3 * PART);
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
    let uploader = uploader_to("http://127.0.0.1:9", Faulty::new(oss.clone(), script), renewable.clone());
    upload(&uploader, BytesSource::new(content(8 * PART))).run().await.unwrap();
    assert_eq!(renewable.refreshes.load(Ordering::SeqCst), 1);
    assert_eq!(stored(&oss), Some(content(8 * PART)));
}

#[tokio::test]
async fn ended_credentials_without_others_are_a_refusal() {
    let oss = FakeOss::default();
    oss.state().ended.insert("old".to_owned());
    let renewable = Renewable { refreshes: Arc::default(), fresh: "old" };
    let uploader = uploader_to("http://127.0.0.1:9", oss.clone(), renewable.clone());
    let ended = upload(&uploader, BytesSource::new(content(1))).run().await;
    assert!(refusal_of(ended).contains("no other credentials"));
    assert_eq!(renewable.refreshes.load(Ordering::SeqCst), 1);

    let again = upload(&uploader, BytesSource::new(content(1))).run().await;
    assert!(refusal_of(again).contains("no other credentials"), "they were asked for less than a second ago");
    assert_eq!(renewable.refreshes.load(Ordering::SeqCst), 1);
}
