//! From an answer that is no acceptance to a fault: one table from code to class, and the status where there is no code.
//! <https://www.alibabacloud.com/help/en/oss/support/error-codes>

use std::{
    fmt::{Display, Write},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use http::{HeaderValue, StatusCode, header, response::Parts};
use oss_checkpoint::ServerTime;

use super::{headers, xml};
use crate::{
    Fault,
    FaultClass::{
        self, Corrupted, Exists, PartsRejected, Refused, Skewed, Throttled, Unanswered, Unauthorised,
        Vanished,
    },
    Refusal,
};

/// What is done about a code, whatever its status.
const CODES: [(&str, FaultClass); 51] = [
    ("NoSuchUpload", Vanished),
    ("FileAlreadyExists", Exists),
    ("ObjectAlreadyExists", Exists),
    ("InvalidPart", PartsRejected),
    ("FilePartNotExist", PartsRejected),
    ("FilePartStale", PartsRejected),
    ("FilePartInterity", PartsRejected),
    ("FilePartIntegrity", PartsRejected),
    ("RequestTimeTooSkewed", Skewed),
    ("SecurityTokenExpired", Unauthorised),
    ("InvalidSecurityToken", Unauthorised),
    ("InvalidAccessKeyId", Unauthorised),
    ("InvalidDigest", Corrupted),
    ("RequestTimeout", Throttled),
    ("QpsLimitExceeded", Throttled),
    ("TotalQpsLimitExceeded", Throttled),
    ("MetaOperationQpsLimitExceeded", Throttled),
    ("UploadTrafficRateLimitExceeded", Throttled),
    ("DownloadTrafficRateLimitExceeded", Throttled),
    ("ActiveRequestLimitExceeded", Throttled),
    ("CpuLimitExceeded", Throttled),
    ("TooManyRequests", Throttled),
    ("ServiceUnavailable", Throttled),
    ("ServiceBusy", Throttled),
    ("InternalError", Unanswered),
    ("StaleFile", Unanswered),
    ("AccessDenied", Refused),
    ("SignatureDoesNotMatch", Refused),
    ("UserDisable", Refused),
    ("InvalidObjectState", Refused),
    ("InvalidObjectName", Refused),
    ("InvalidBucketName", Refused),
    ("NoSuchBucket", Refused),
    ("NoSuchKey", Refused),
    ("BucketAlreadyExists", Refused),
    ("SecondLevelDomainForbidden", Refused),
    ("PreconditionFailed", Refused),
    ("FileImmutable", Refused),
    ("InvalidArgument", Refused),
    ("InvalidEncryptionAlgorithmError", Refused),
    ("KmsServiceNotEnabled", Refused),
    ("NotImplemented", Refused),
    ("MethodNotAllowed", Refused),
    ("OperationNotSupported", Refused),
    ("CallbackFailed", Refused),
    ("EntityTooSmall", Refused),
    ("EntityTooLarge", Refused),
    ("InvalidPartOrder", Refused),
    ("MalformedXML", Refused),
    ("PartNotSequential", Refused),
    ("MissingContentLength", Refused),
];

/// Codes that a correct uploader never sees.
const OUR_BUGS: [&str; 6] = [
    "EntityTooSmall",
    "EntityTooLarge",
    "InvalidPartOrder",
    "MalformedXML",
    "MissingContentLength",
    "PartNotSequential",
];

/// Longest `Retry-After` that is honoured.
const MAX_AFTER: Duration = Duration::from_mins(5);
/// Largest `x-oss-err` that is decoded, in bytes of base64; error documents have about 700.
const MAX_ERROR_HEADER: usize = 32 * 1024;
/// Longest text of an error document that is kept, in characters.
const MAX_TEXT: usize = 1024;
/// Longest string to sign that is kept, in characters.
const MAX_STRING_TO_SIGN: usize = 8 * 1024;

/// What is done about an error code; `None` if it is not in the table, and the status decides.
fn class_of_code(code: &str) -> Option<FaultClass> {
    CODES.iter().find(|(known, _)| *known == code).map(|(_, class)| *class)
}

/// The server's time for the clock: `ServerTime` of the error document, else the `Date` of the answer.
pub fn server_time(head: &Parts, body: &[u8]) -> Option<ServerTime> {
    let said = Document::of(head, body).and_then(|document| document.server_time);
    said.or_else(|| headers::date(&head.headers))
}

/// The fault that an answer with an unexpected status means, or one whose body is an error document.
pub fn fault(operation: &str, head: &Parts, body: &[u8]) -> Fault {
    let document = Document::of(head, body);
    let request_id = headers::request_id(head);
    let class = document
        .as_ref()
        .and_then(|document| class_of_code(&document.code))
        .unwrap_or_else(|| class_of_status(head.status, document.is_some() || request_id.is_some()));
    let said = document.is_some();
    let document = document.unwrap_or_default();
    let elsewhere = document.endpoint.or_else(|| redirected_to(head));
    let refusal = Refusal {
        status: head.status.as_u16(),
        code: document.code,
        message: document.message,
        ec: document.ec.or_else(|| header_text(head, headers::ERROR_CODE)),
        request_id: document.request_id.or(request_id),
        endpoint: elsewhere,
        string_to_sign: document.string_to_sign,
    };
    let message =
        if said { refused(operation, &refusal) } else { undocumented(operation, head, body, &refusal) };
    Fault {
        class,
        after: retry_after(head),
        read: None,
        message: message.into(),
        refusal: Some(Arc::new(refusal)),
    }
}

/// Takes an answer for one of the operation's own, as far as status and root tell.
///
/// # Errors
/// The fault that it means instead.
pub(super) fn require(
    operation: &'static str,
    head: &Parts,
    body: &[u8],
    limit: usize,
    accepted: &[StatusCode],
) -> Result<(), Fault> {
    readable(operation, head, body, limit)?;
    let is_error = || xml::root(body).as_deref() == Some("Error");
    if accepted.contains(&head.status) && !is_error() {
        return Ok(());
    }
    Err(fault(operation, head, body))
}

/// Refuses a body that is too long, or in an encoding that nobody asked for.
pub(super) fn readable(
    operation: &'static str,
    head: &Parts,
    body: &[u8],
    limit: usize,
) -> Result<(), Fault> {
    if body.len() > limit {
        return Err(corrupted(operation, head, &format!("it has more than {limit} bytes")));
    }
    match head.headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        Some(encoding) if !encoding.eq_ignore_ascii_case(b"identity") => {
            let encoding = shown(&String::from_utf8_lossy(encoding));
            let why = format!("it is in the encoding {encoding}, which was not asked for");
            Err(corrupted(operation, head, &why))
        }
        _ => Ok(()),
    }
}

/// An answer that cannot be one to this operation.
pub(super) fn corrupted(operation: &str, head: &Parts, why: &dyn Display) -> Fault {
    let status = head.status.as_u16();
    Fault::new(Corrupted, format!("the answer {status} to {operation} cannot be taken: {why}"))
}

fn class_of_status(status: StatusCode, from_oss: bool) -> FaultClass {
    match status.as_u16() {
        408 | 429 => Throttled,
        // A gateway says the same when the service may have acted.
        503 if from_oss => Throttled,
        // OSS says what it did not understand; without that, it was another machine, or the request was garbled on its way.
        // 417: a proxy that knows no go-ahead; the next try does not ask for one.
        400 | 417 if !from_oss => Corrupted,
        300..=499 | 501 | 505 => Refused,
        500..=599 => Unanswered,
        // An error document behind an acceptance: an operation that went on after its head was sent.
        200 if from_oss => Unanswered,
        _ => Corrupted,
    }
}

fn refused(operation: &str, refusal: &Refusal) -> String {
    let mut message = format!("{operation} was refused: {refusal}").trim_end_matches('.').to_owned();
    if OUR_BUGS.contains(&refusal.code.as_str()) {
        message.push_str("; this should not happen, please report it");
    }
    if let Some(endpoint) = &refusal.endpoint {
        message.push_str("; the endpoint to use is ");
        message.push_str(endpoint);
    }
    message
}

/// For answers without an error document: those of proxies, portals and gateways, mostly.
fn undocumented(operation: &str, head: &Parts, body: &[u8], refusal: &Refusal) -> String {
    let status = head.status.as_u16();
    let mut message = match head.status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => format!("{operation} was refused by a proxy: {status}"),
        _ => format!("{operation} was answered {status}"),
    };
    if let Some(reason) = head.status.canonical_reason() {
        message.push(' ');
        message.push_str(&reason.to_ascii_lowercase());
    }
    message.push_str(" without an error document");
    if !body.is_empty() {
        let start = String::from_utf8_lossy(&body[..body.len().min(256)]);
        let start: String = start.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(80).collect();
        let _ = write!(message, " ({} bytes: \"{}\")", body.len(), start.escape_debug());
    }
    if let Some(endpoint) = &refusal.endpoint {
        message.push_str("; it names another place, ");
        message.push_str(endpoint);
    }
    message
}

/// Only the host: the rest of a `Location` may hold a signature.
fn redirected_to(head: &Parts) -> Option<String> {
    if !head.status.is_redirection() {
        return None;
    }
    let location = headers::single(&head.headers, "location").ok().flatten()?;
    let host = location.parse::<http::Uri>().ok()?.authority()?.as_str().to_owned();
    let host = host.rsplit('@').next().unwrap_or_default();
    Some(shown(host))
}

fn retry_after(head: &Parts) -> Option<Duration> {
    let said = headers::single(&head.headers, "retry-after").ok().flatten()?;
    let seconds = headers::decimal(&said).or_else(|| {
        let until = headers::http_date(&said)?.unix();
        let now = headers::date(&head.headers)?.unix();
        u64::try_from(until.checked_sub(now)?).ok()
    })?;
    Some(Duration::from_secs(seconds)).filter(|after| *after <= MAX_AFTER)
}

fn header_text(head: &Parts, name: &'static str) -> Option<String> {
    let text = headers::single(&head.headers, name).ok().flatten()?;
    (!text.is_empty()).then(|| shown(&text))
}

/// The error document, as far as anybody needs it.
#[derive(Debug, Default)]
struct Document {
    code: String,
    message: String,
    request_id: Option<String>,
    ec: Option<String>,
    endpoint: Option<String>,
    string_to_sign: Option<String>,
    server_time: Option<ServerTime>,
}

impl Document {
    /// From the body, or from the header that stands in for it.
    fn of(head: &Parts, body: &[u8]) -> Option<Self> {
        if !body.is_empty() {
            return Self::read(body);
        }
        let encoded = head.headers.get(headers::ERROR_DOCUMENT)?.as_bytes().trim_ascii();
        if encoded.len() > MAX_ERROR_HEADER {
            return None;
        }
        Self::read(&BASE64.decode(encoded).ok()?)
    }

    /// `None` for anything but an error document with a code.
    fn read(body: &[u8]) -> Option<Self> {
        let mut fields: [Option<String>; 7] = [const { None }; 7];
        let names = ["Code", "Message", "RequestId", "EC", "Endpoint", "StringToSign", "ServerTime"];
        xml::read(body, "Error", |path, node| {
            if let xml::Node::Close(text) = node
                && let Some(index) = names.iter().position(|name| *name == path)
            {
                xml::once(&mut fields[index], names[index], text.to_owned())?;
            }
            Ok(())
        })
        .ok()?;
        let [code, message, request_id, ec, endpoint, string_to_sign, server_time] = fields;
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        Some(Self {
            code: some(code).map(|code| shown(code.trim()))?,
            message: message.unwrap_or_default().trim().chars().take(MAX_TEXT).collect(),
            request_id: some(request_id).map(|id| shown(&id)),
            ec: some(ec).map(|ec| shown(&ec)),
            endpoint: some(endpoint).map(|endpoint| shown(&endpoint)),
            string_to_sign: some(string_to_sign).map(|text| without_secrets(&text)),
            server_time: server_time.and_then(|text| headers::xml_time(text.trim())),
        })
    }
}

/// Text of the server's that a terminal may be shown.
fn shown(text: &str) -> String {
    text.chars().take(128).flat_map(char::escape_debug).collect()
}

/// Lines stay lines, other control characters are replaced, and a token that was signed is not repeated.
fn without_secrets(text: &str) -> String {
    let text: String = text.chars().take(MAX_STRING_TO_SIGN).collect();
    let line = |line: &str| match line.split_once(':') {
        Some((name, _)) if name.eq_ignore_ascii_case("x-oss-security-token") => format!("{name}:***"),
        _ if line.contains("security-token=") => "***".to_owned(),
        _ => line.chars().map(plain).collect(),
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

fn plain(character: char) -> char {
    if character.is_control() { char::REPLACEMENT_CHARACTER } else { character }
}
