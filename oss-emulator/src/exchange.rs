//! One request from its head to its answer: found out, hurt, verified, carried out, logged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;

use crate::address::{self, Address};
use crate::call::{Call, Stop};
use crate::clock::{Clock, http_date};
use crate::faults::{Action, Mischief, When};
use crate::line::Line;
use crate::operations;
use crate::query::Query;
use crate::refusal::Refusal;
use crate::reply::{Reply, ReplyBody};
use crate::route::Operation;
use crate::server::Server;

/// Bodies up to this size are read even when the answer is an early refusal, to keep the connection.
const DRAINED: u64 = 64 << 10;
/// How long that may take.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is ended without an answer")]
pub(crate) struct NoAnswer;

/// Answers a request.
pub(crate) async fn exchange(
    server: Arc<Server>,
    line: Arc<Line>,
    request: http::Request<Incoming>,
) -> Result<Response<ReplyBody>, NoAnswer> {
    let started = Instant::now();
    line.restore_rates(server.settings.bandwidth);
    let (parts, body) = request.into_parts();
    let request_id = crate::store::unique_id()[..24].to_owned();
    let entry = server.requests.begin(parts.method.as_str(), request_id);
    let query = Query::parse(parts.uri.query());
    let clock = Clock::shifted(server.settings.clock_skew);
    let address = Address { bucket: None, key: None };
    let mischief = Mischief::default();
    let now = clock.now();
    let mut call = Call { server, line, parts, body, address, query, mischief, now, entry };

    let outcome = match find_out(&mut call) {
        Ok(operation) => answer(operation, &mut call).await,
        Err(refusal) => Err(refusal.into()),
    };
    let reply = match outcome {
        Ok(reply) => Some(reply),
        Err(Stop::Refused(refusal)) => Some(refused(&mut call, &refusal).await),
        Err(Stop::Gone) => None,
    };
    let reply = match reply {
        Some(reply) => hurt_answer(&call, dressed(reply, &call, started)).await,
        None => None,
    };
    call.entry.status = reply.as_ref().map(|reply| reply.status.as_u16());
    call.server.requests.end(std::mem::take(&mut call.entry));
    reply.map(response).ok_or(NoAnswer)
}

/// Names the operation, and what goes wrong with it.
fn find_out(call: &mut Call) -> Result<Operation, Refusal> {
    call.address = Address::of(&call.parts, &call.server.settings)?;
    call.entry.bucket.clone_from(&call.address.bucket);
    call.entry.key.clone_from(&call.address.key);
    call.entry.upload_id = call.query.get("uploadId").map(str::to_owned);
    call.entry.part = call.query.get("partNumber").and_then(|number| number.parse().ok());
    let operation = Operation::of(&call.parts, &call.address, &call.query)?;
    operation.name().clone_into(&mut call.entry.operation);
    call.mischief = call.server.rules.fire(operation, call.address.key.as_deref(), call.entry.part);
    call.entry.faults.clone_from(&call.mischief.names);
    if let Some(by) =
        call.mischief.find(|action| if let Action::Skew { by } = action { Some(*by) } else { None })
    {
        call.now = Clock::shifted(call.server.settings.clock_skew.saturating_add(by)).now();
    }
    Ok(operation)
}

async fn answer(operation: Operation, call: &mut Call) -> Result<Reply, Stop> {
    slow_down(call).await;
    if let Some(reply) = made_up(call, When::Early) {
        return reply;
    }
    if call.mischief.actions.contains(&Action::ExpireToken) {
        call.server.gate.expire(&call.parts, &call.address, call.now);
    }
    call.server.gate.check(&call.parts, &call.address, call.now)?;
    operations::meddle(call).await?;
    if call.mischief.find(|action| made_up_when(action).filter(|when| *when == When::AfterBody)).is_some() {
        call.drain().await?;
        if let Some(reply) = made_up(call, When::AfterBody) {
            return reply;
        }
    }
    if !operation.takes_a_body() {
        call.drain().await?;
        call.must_act()?;
    }
    let reply = operations::run(operation, call).await?;
    match made_up(call, When::AfterActing) {
        Some(Ok(made_up)) => Ok(Reply { headers: merged(reply.headers, made_up.headers), ..made_up }),
        Some(Err(stop)) => Err(stop),
        None => Ok(reply),
    }
}

async fn slow_down(call: &Call) {
    for action in &call.mischief.actions {
        match action {
            Action::Delay { pause } => tokio::time::sleep(*pause).await,
            Action::Throttle { rate } => call.line.throttle_reads(*rate),
            Action::Trickle { rate } => call.line.throttle_writes(*rate),
            _ => {}
        }
    }
}

fn made_up_when(action: &Action) -> Option<When> {
    match action {
        Action::Refuse { when, .. } | Action::Body { when, .. } => Some(*when),
        _ => None,
    }
}

/// The answer that a rule has for this moment.
fn made_up(call: &Call, now: When) -> Option<Result<Reply, Stop>> {
    let action = call.mischief.find(|action| (made_up_when(action) == Some(now)).then_some(action))?;
    match action {
        Action::Refuse { status, code, ec, message, retry_after, .. } => {
            let refusal = Refusal::new(*status, code, ec, message);
            let refusal = match retry_after {
                Some(seconds) => refusal.header("retry-after", seconds),
                None => refusal,
            };
            Some(Err(refusal.into()))
        }
        Action::Body { status, content_type, text, .. } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::OK);
            Some(Ok(Reply::new(status).with_body(content_type, text.clone())))
        }
        _ => None,
    }
}

fn merged(mut headers: http::HeaderMap, over: http::HeaderMap) -> http::HeaderMap {
    headers.remove("content-length");
    for (name, value) in over {
        if let Some(name) = name {
            headers.insert(name, value);
        }
    }
    headers
}

/// The answer of a refusal. What is left of a short body is read first; after a long one the connection ends.
async fn refused(call: &mut Call, refusal: &Refusal) -> Reply {
    call.entry.code = Some(refusal.code.clone());
    call.entry.ec = Some(refusal.ec.clone());
    let host = address::host(&call.parts);
    let xml = refusal.to_xml(&call.entry.request_id, &host);
    let mut reply = Reply::new(refusal.status).header("x-oss-ec", &refusal.ec);
    for (name, value) in &refusal.headers {
        reply.set(name, value);
    }
    if call.parts.method == Method::HEAD {
        reply.set("x-oss-err", STANDARD.encode(&xml));
    } else {
        reply = reply.with_body("application/xml", xml);
    }
    let left = call.content_length().unwrap_or(0).saturating_sub(call.entry.body_bytes);
    let expects = call.parts.headers.contains_key("expect");
    let chunked = call.parts.headers.contains_key("transfer-encoding");
    let drained = left <= DRAINED && !chunked && !(expects && left > 0);
    if !drained || !matches!(tokio::time::timeout(DRAIN_TIME, call.drain()).await, Ok(Ok(()))) {
        reply.set("connection", "close");
    }
    reply
}

/// What rules do to an answer that is ready; `None` when it is lost.
async fn hurt_answer(call: &Call, mut reply: Reply) -> Option<Reply> {
    for action in &call.mischief.actions {
        match action {
            Action::StallAnswer { pause } => tokio::time::sleep(*pause).await,
            Action::LoseAnswer { parting } => {
                call.line.part(*parting);
                return None;
            }
            Action::Header { name, value } => reply.set(name, value),
            Action::WithoutHeader { name } => {
                reply.headers.remove(name.as_str());
            }
            Action::CorruptCrc => {
                let crc = reply.headers.get("x-oss-hash-crc64ecma").and_then(|value| value.to_str().ok());
                if let Some(crc) = crc.and_then(|crc| crc.parse::<u64>().ok()) {
                    reply.set("x-oss-hash-crc64ecma", (!crc).to_string());
                }
            }
            Action::TruncateAnswer { after, parting } => call.line.cut_writes(*after, *parting),
            _ => {}
        }
    }
    Some(reply)
}

/// The answer with what every answer has.
fn dressed(reply: Reply, call: &Call, started: Instant) -> Reply {
    let length = reply.body.length();
    let mut reply = reply
        .header("server", "AliyunOSS")
        .header("date", http_date(call.now))
        .header("x-oss-request-id", &call.entry.request_id)
        .header("x-oss-server-time", started.elapsed().as_millis().to_string());
    if call.parts.method == Method::HEAD {
        reply.body = ReplyBody::empty();
    } else if reply.status != StatusCode::NO_CONTENT && reply.status != StatusCode::NOT_MODIFIED {
        reply.set("content-length", length.to_string());
    }
    reply
}

fn response(reply: Reply) -> Response<ReplyBody> {
    let mut response = Response::new(reply.body);
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    response
}

impl Call {
    /// # Errors
    /// [`Stop::Gone`] when a rule ends the connection now that all has arrived and nothing has been done.
    pub(crate) fn must_act(&self) -> Result<(), Stop> {
        let parting = self.mischief.find(|action| match action {
            Action::NoAct { parting } => Some(*parting),
            _ => None,
        });
        match parting {
            Some(parting) => {
                self.line.part(parting);
                Err(Stop::Gone)
            }
            None => Ok(()),
        }
    }
}
