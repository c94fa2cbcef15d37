//! `HeadObject`, `GetObjectMeta`, `GetObject`. <https://www.alibabacloud.com/help/doc-detail/31984.htm>,
//! <https://www.alibabacloud.com/help/doc-detail/31985.htm>, <https://www.alibabacloud.com/help/doc-detail/31980.htm>

use http::{Method, StatusCode};

use super::conditions::{self, Verdict};
use super::range::{Behavior, Selected, select};
use crate::call::{Call, Stop};
use crate::clock::http_date;
use crate::faults::Action;
use crate::refusal::Refusal;
use crate::reply::{Reply, ReplyBody};
use crate::store::{ObjectReader, ObjectRecord, from_milliseconds};

/// Times that an object is looked up anew when it was replaced between its record and its bytes.
const TRIES: usize = 5;

pub(super) async fn head(call: &mut Call) -> Result<Reply, Stop> {
    let object = find(call).await?;
    match conditions::check(&call.parts.headers, &object.etag, from_milliseconds(object.modified_ms)) {
        Verdict::Holds => Ok(described(&object).header("content-length", object.size.to_string())),
        verdict => unmet(verdict, &object),
    }
}

/// The small set: no user metadata, no type.
pub(super) async fn meta(call: &mut Call) -> Result<Reply, Stop> {
    let object = find(call).await?;
    let modified = http_date(from_milliseconds(object.modified_ms));
    let reply = Reply::ok().etag(&object.etag).crc64(object.crc64).header("last-modified", modified);
    Ok(reply.header(
        "content-length",
        if call.parts.method == Method::HEAD { object.size } else { 0 }.to_string(),
    ))
}

pub(super) async fn get(call: &mut Call) -> Result<Reply, Stop> {
    if call.server.settings.discard {
        return Err(Refusal::not_implemented("GetObject of discarded bytes").into());
    }
    let range = call.header("range").map(str::to_owned);
    let standard =
        call.header("x-oss-range-behavior").is_some_and(|value| value.eq_ignore_ascii_case("standard"));
    let behavior = if standard { Behavior::Standard } else { Behavior::Lenient };
    let key = call.key();
    let headers = call.parts.headers.clone();
    let opened = call.in_bucket(move |bucket| {
        let mut tries = 0;
        loop {
            tries += 1;
            let object = bucket.object(&key)?.ok_or_else(|| Refusal::no_such_key(&key))?;
            let verdict = conditions::check(&headers, &object.etag, from_milliseconds(object.modified_ms));
            if verdict != Verdict::Holds {
                return Ok(Opened::Unmet(object, verdict));
            }
            let selected = select(range.as_deref(), behavior, object.size);
            let (start, length) = match selected {
                Selected::Whole => (0, object.size),
                Selected::Part { start, length } => (start, length),
                Selected::Unsatisfiable => return Ok(Opened::Unsatisfiable(object)),
            };
            match bucket.open(&object, start, length) {
                Ok(reader) => return Ok(Opened::Reader(object, selected, reader)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && tries < TRIES => {}
                Err(error) => return Err(error.into()),
            }
        }
    });
    let (object, selected, reader) = match opened.await? {
        Opened::Reader(object, selected, reader) => (object, selected, reader),
        Opened::Unmet(object, verdict) => return unmet(verdict, &object),
        Opened::Unsatisfiable(object) => {
            let message = "The requested range cannot be satisfied.";
            return Err(Refusal::new(416, "InvalidRange", "0026-00000416", message)
                .header("content-range", format!("bytes */{}", object.size))
                .into());
        }
    };
    let mut reply = overridden(described(&object), call);
    if let Selected::Part { start, length } = selected {
        reply.status = StatusCode::PARTIAL_CONTENT;
        reply.set("content-range", format!("bytes {start}-{}/{}", start + length - 1, object.size));
    }
    reply.set("content-length", reader.remaining().to_string());
    reply.body = ReplyBody::object(reader);
    let length = Some(reply.body.length());
    let flip = |action: &Action| {
        if let Action::CorruptBody { after } = action { Some(after.in_body(length)) } else { None }
    };
    if let Some(at) = call.mischief.find(flip) {
        reply.body.flip(at);
    }
    Ok(reply)
}

/// What a look at the disk has found.
enum Opened {
    Reader(ObjectRecord, Selected, ObjectReader),
    Unmet(ObjectRecord, Verdict),
    Unsatisfiable(ObjectRecord),
}

async fn find(call: &Call) -> Result<ObjectRecord, Stop> {
    let key = call.key();
    call.in_bucket(move |bucket| bucket.object(&key)?.ok_or_else(|| Refusal::no_such_key(&key))).await
}

/// With all headers of an object but its length.
fn described(object: &ObjectRecord) -> Reply {
    let mut reply = Reply::ok();
    for (name, value) in object.attributes.headers() {
        reply.headers.append(name, value);
    }
    reply
        .etag(&object.etag)
        .crc64(object.crc64)
        .header("last-modified", http_date(from_milliseconds(object.modified_ms)))
        .header("x-oss-object-type", object.kind.name())
        .header("accept-ranges", "bytes")
}

fn unmet(verdict: Verdict, object: &ObjectRecord) -> Result<Reply, Stop> {
    if verdict == Verdict::NotModified {
        let mut reply = described(object);
        reply.status = StatusCode::NOT_MODIFIED;
        return Ok(reply);
    }
    let message = "At least one of the pre-conditions you specified did not hold.";
    Err(Refusal::new(412, "PreconditionFailed", "0026-00000412", message).into())
}

/// A signed request can say which headers it wants to see.
fn overridden(mut reply: Reply, call: &Call) -> Reply {
    const NAMES: [(&str, &str); 6] = [
        ("response-content-type", "content-type"),
        ("response-content-disposition", "content-disposition"),
        ("response-content-encoding", "content-encoding"),
        ("response-content-language", "content-language"),
        ("response-cache-control", "cache-control"),
        ("response-expires", "expires"),
    ];
    for (parameter, header) in NAMES {
        if let Some(value) = call.query.text(parameter) {
            reply.set(header, value);
        }
    }
    reply
}
