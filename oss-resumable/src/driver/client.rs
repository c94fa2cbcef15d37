//! One operation: signed anew with the newest credentials, sent once, and its answer read. What the service says about
//! our clock and our credentials is acted on here.

use std::{error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Request;
use oss_checkpoint::ServerTime;
use oss_sign::{Credentials, Product, Region, Resource, SignError, Signer};
use oss_transport::{Answer, AnswerStream, Body, Exchange, Timeouts, Transport, TransportError, Unsent};

use super::{
    clock::{Correction, Signed, SigningClock},
    credentials::ProvideCredentials,
    keyring::Keyring,
    range_reader::ReadError,
    scarcity::is_scarce,
};
use crate::{
    Fault, FaultClass,
    wire::{self, Endpoint, Operation},
};

/// Talks to one endpoint. Cheap to clone; clones share the connection pool, the clock's correction and the credentials.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    patience: Duration,
}

struct Shared {
    endpoint: Endpoint,
    signer: Signer,
    transport: Arc<dyn Transport>,
    keyring: Keyring,
    clock: SigningClock,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Replied<R> {
    /// The answer, read.
    pub reply: R,
    /// The service's name of the request.
    pub request_id: Option<String>,
}

/// What has to be known of an attempt to judge the answer.
struct Attempt {
    signed: Signed,
    credentials: Credentials,
}

impl Client {
    /// For this endpoint.
    ///
    /// # Errors
    /// [`SignError::MalformedRegion`] where the region of the endpoint is none that can be signed for.
    pub fn new(
        endpoint: Endpoint,
        credentials: Arc<dyn ProvideCredentials>,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, SignError> {
        let product = match endpoint.product() {
            wire::Product::Oss => Product::Oss,
            wire::Product::CloudBox => Product::CloudBox,
        };
        let signer = Signer::new(Region::new(endpoint.region())?).with_product(product);
        let (keyring, clock) = (Keyring::new(credentials), SigningClock::default());
        let shared = Arc::new(Shared { endpoint, signer, transport, keyring, clock });
        Ok(Self { shared, patience: Duration::MAX })
    }

    /// The same client for somebody who gives up after `patience` without progress: no clock of an exchange runs longer.
    /// At least one second.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience: patience.max(Duration::from_secs(1)), ..self }
    }

    /// Where it sends to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.shared.endpoint
    }

    /// Signs an operation, sends it once, with the body that it makes itself, and reads the answer.
    ///
    /// # Errors
    /// Why there is no answer, or what it means. [`FaultClass::Skewed`] and [`FaultClass::Unauthorised`] come out only
    /// when the clock was corrected or there are other credentials: the same operation is then worth sending again at
    /// once.
    pub async fn exchange<O: Operation + Sync>(&self, operation: &O) -> Result<Replied<O::Reply>, Fault> {
        let request = operation.request()?.map(in_memory);
        self.send(operation, request, Timeouts::default()).await
    }

    /// As [`Self::exchange`], for operations that do no harm when they arrive twice: sends again when that may help,
    /// three times in all.
    ///
    /// # Errors
    /// That of the last try.
    pub async fn ask<O: Operation + Sync>(&self, operation: &O) -> Result<O::Reply, Fault> {
        const TRIES: u32 = 3;
        const PAUSE: Duration = Duration::from_millis(200);
        let mut tries = 1;
        loop {
            let fault = match self.exchange(operation).await {
                Ok(replied) => return Ok(replied.reply),
                Err(fault) => fault,
            };
            let pause = match fault.class {
                FaultClass::Skewed | FaultClass::Unauthorised => Duration::ZERO,
                FaultClass::Unreachable
                | FaultClass::Unanswered
                | FaultClass::Throttled
                | FaultClass::Scarce
                | FaultClass::Corrupted => PAUSE.saturating_mul(1 << tries),
                FaultClass::Untrusted
                | FaultClass::Vanished
                | FaultClass::Exists
                | FaultClass::PartsRejected
                | FaultClass::Refused
                | FaultClass::SourceMoved
                | FaultClass::Local => return Err(fault),
            };
            if tries == TRIES {
                return Err(fault);
            }
            tries += 1;
            tokio::time::sleep(pause.mul_f64(fastrand::f64()).max(fault.after.unwrap_or_default())).await;
        }
    }

    /// Sends `request`, which is that of `operation`, perhaps with another body.
    pub(crate) async fn send<O: Operation + Sync>(
        &self,
        operation: &O,
        request: Request<Body>,
        timeouts: Timeouts,
    ) -> Result<Replied<O::Reply>, Fault> {
        let (request, attempt) = self.sign(operation, request).await?;
        tracing::trace!(operation = O::NAME, method = %request.method(), uri = %request.uri(), "asking");
        let timeouts = within(timeouts, self.patience);
        let exchange = Exchange { request, timeouts, answer_limit: Some(O::ANSWER_LIMIT) };
        let answer = self.shared.transport.send(exchange).await.map_err(|error| fault_of(&error))?;
        let (head, body) = answer.into_parts();
        let request_id = wire::request_id(&head);
        tracing::trace!(operation = O::NAME, status = head.status.as_u16(), request_id, "answered");
        let body = whole(body, O::ANSWER_LIMIT).await?;
        match operation.reply(&head, &body) {
            Ok(reply) => Ok(Replied { reply, request_id }),
            Err(fault) => {
                let server = wire::server_time(&head, &body);
                Err(self.settle(fault, server, &attempt).await)
            }
        }
    }

    async fn sign<O: Operation>(
        &self,
        operation: &O,
        request: Request<Body>,
    ) -> Result<(Request<Body>, Attempt), Fault> {
        let local = |error: SignError| Fault::new(FaultClass::Local, error.to_string());
        let now = self.shared.clock.sign().map_err(local)?.time;
        let credentials = self.shared.keyring.in_force(now, self.patience).await?;
        // They may have been waited for.
        let signed = self.shared.clock.sign().map_err(local)?;
        let resource = match (operation.bucket(), operation.key()) {
            (None, _) => Resource::Service,
            (Some(bucket), None) => Resource::Bucket { bucket: bucket.as_str() },
            (Some(bucket), Some(key)) => Resource::Object { bucket: bucket.as_str(), key: key.as_str() },
        };
        let (mut head, body) = request.into_parts();
        self.shared.signer.sign(&mut head, resource, &credentials, signed.time).map_err(local)?;
        Ok((Request::from_parts(head, body), Attempt { signed, credentials }))
    }

    /// Acts on what the answer says about clock and credentials; any other fault stays what it is.
    async fn settle(&self, fault: Fault, server: Option<ServerTime>, attempt: &Attempt) -> Fault {
        let refused = |why: String| Fault {
            class: FaultClass::Refused,
            message: format!("{}; {why}", fault.message).into(),
            ..fault.clone()
        };
        match fault.class {
            FaultClass::Skewed => {
                let Some(server) = server else {
                    return refused("the answer does not say what time it is there".to_owned());
                };
                match self.shared.clock.correct(attempt.signed, server) {
                    Correction::Corrected => fault,
                    Correction::TooSoon => {
                        refused("signing with the server's own time does not help".to_owned())
                    }
                    Correction::Absurd(seconds) => refused(format!(
                        "the server's clock is {seconds} s away from this one, which is not believed"
                    )),
                }
            }
            FaultClass::Unauthorised => {
                match self.shared.keyring.renew(&attempt.credentials, &fault, self.patience).await {
                    Ok(()) => fault,
                    Err(instead) => instead,
                }
            }
            _ => fault,
        }
    }
}

/// None of the clocks runs longer than `patience`.
fn within(timeouts: Timeouts, patience: Duration) -> Timeouts {
    let Timeouts { connect, write_idle, answer, head, body } = timeouts;
    Timeouts {
        connect: connect.min(patience),
        write_idle: write_idle.min(patience),
        answer: answer.min(patience),
        head: head.min(patience),
        body: body.min(patience),
    }
}

fn in_memory(body: Bytes) -> Body {
    if body.is_empty() { Body::Empty } else { Body::Bytes(body) }
}

async fn whole(answer: Answer, limit: usize) -> Result<Bytes, Fault> {
    match answer {
        Answer::Whole(bytes) => Ok(bytes),
        Answer::Stream(stream) => collect(stream, limit).await,
    }
}

async fn collect(mut stream: Box<dyn AnswerStream>, limit: usize) -> Result<Bytes, Fault> {
    let mut all = Vec::new();
    while let Some(piece) = stream.next().await.map_err(|error| fault_of(&error))? {
        if all.len() + piece.len() > limit {
            return Err(Fault::new(
                FaultClass::Unanswered,
                format!("the answer is longer than {limit} bytes"),
            ));
        }
        all.extend_from_slice(&piece);
    }
    Ok(all.into())
}

/// The class of a failed exchange: what the server may have seen of it.
fn fault_of(error: &TransportError) -> Fault {
    let class = match error {
        TransportError::NotSent { reason: Unsent::Certificate | Unsent::Request, .. } => {
            FaultClass::Untrusted
        }
        TransportError::NotSent { source, .. } if is_scarce(source.as_ref()) => FaultClass::Scarce,
        TransportError::NotSent { .. } => FaultClass::Unreachable,
        TransportError::Unanswered { .. } => FaultClass::Unanswered,
        TransportError::Body { source } => return body_fault(source.as_ref()),
    };
    Fault::new(class, in_full(error))
}

fn body_fault(error: &(dyn Error + 'static)) -> Fault {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<ReadError>() {
            return error.fault();
        }
        cause = error.source();
    }
    Fault::new(FaultClass::Local, in_full(error))
}

/// An error and what caused it, in one line.
pub(crate) fn in_full(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        // Some wrappers say what they wrap.
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}
