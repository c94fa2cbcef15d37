//! What the service and the way to it do.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use http::{Method, Response};
use oss_resumable::{
    Event, FaultClass, Moment,
    driver::{BytesSource, Observer},
};
use oss_transport::{Answer, Exchange, Fate, Faulty, Transport, TransportError, Unsent};

use crate::{
    fake_oss::FakeOss,
    support::{Calls, PART, ask, content, on_part, refusal_of, stored, upload, uploader},
};

// Rows: 47
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

/// Carries Complete out, and lets its answer come behind every limit.
struct SlowComplete {
    oss: Faulty<FakeOss>,
    limits: Arc<Mutex<Vec<Duration>>>,
}

#[async_trait]
impl Transport for SlowComplete {
    async fn send(&self, exchange: Exchange) -> Result<Response<Answer>, TransportError> {
        let query = exchange.request.uri().query().unwrap_or_default();
        let completes = exchange.request.method() == Method::POST && query.starts_with("uploadId");
        let limit = exchange.timeouts.answer;
        let answered = self.oss.send(exchange).await;
        if completes {
            self.limits.lock().unwrap().push(limit);
            tokio::time::sleep(limit).await;
        }
        answered
    }
}

// Rows: 53
#[tokio::test(start_paused = true)]
async fn a_complete_that_takes_longer_than_ten_minutes_is_asked_about_and_not_repeated() {
    let (oss, limits) = (FakeOss::default(), Arc::default());
    let lost = |_, request: &http::Request<_>| {
        let completes =
            request.method() == Method::POST && !request.uri().query().unwrap_or("").contains("uploads");
        if completes { Fate::LoseAnswer } else { Fate::Pass }
    };
    let slow = SlowComplete { oss: Faulty::new(oss.clone(), lost), limits: Arc::clone(&limits) };
    let receipt = upload(&uploader(slow), BytesSource::new(content(2 * PART))).run().await.unwrap();
    assert!(receipt.settled);
    assert_eq!(*limits.lock().unwrap(), [Duration::from_mins(10)]);
    assert_eq!(oss.state().count("CompleteMultipartUpload"), 1);
    assert_eq!(stored(&oss), Some(content(2 * PART)));
}

struct Faults(Arc<Mutex<Vec<(FaultClass, bool)>>>);

impl Observer for Faults {
    fn event(&mut self, event: &Event, _: Moment) {
        if let Event::Failed { fault, .. } = event {
            self.0.lock().unwrap().push((fault.class, fault.read.is_some()));
        }
    }
}

// Rows: 86
#[tokio::test]
async fn a_clock_that_is_wrong_is_corrected_once_for_all_requests() {
    let oss = FakeOss::default();
    oss.state().ahead = 20 * 60;
    upload(&uploader(oss.clone()), BytesSource::new(content(4 * PART))).run().await.unwrap();
    let refused = oss.state().requests.iter().filter(|(_, status)| *status == 403).count();
    assert_eq!(refused, 1, "{:?}", oss.state().requests);
}

// Rows: 88
#[tokio::test]
async fn a_server_time_of_another_year_is_not_believed() {
    let oss = FakeOss::default();
    oss.state().ahead = 365 * 24 * 3600;
    let ended = upload(&uploader(oss.clone()), BytesSource::new(content(1))).run().await;
    assert!(refusal_of(ended).message.contains("not believed"));
    assert_eq!(oss.state().requests.len(), 1);
}

// Rows: 87
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_during_a_run_is_corrected_again_after_a_minute() {
    let oss = FakeOss::default();
    let uploader = uploader(oss.clone());
    let refusals = |oss: &FakeOss| oss.state().requests.iter().filter(|(_, status)| *status == 403).count();
    let mut seen = 0;
    for ahead in [0, 3600, 0, -3600] {
        oss.state().ahead = ahead;
        tokio::time::advance(Duration::from_secs(61)).await;
        ask(uploader.client()).await.unwrap();
        seen += usize::from(ahead != 0 || seen > 0);
        assert_eq!(refusals(&oss), seen, "{ahead}");
        ask(uploader.client()).await.unwrap();
        assert_eq!(refusals(&oss), seen, "what follows is right at once");
    }

    oss.state().ahead = 3600;
    let fault = ask(uploader.client()).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Refused, "{fault}: not twice within a minute");
}
