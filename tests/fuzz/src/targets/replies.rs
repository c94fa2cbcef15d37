//! Answers to requests about one object, and refusals of any request.

use std::time::Duration;

use http::response::Parts;
use oss_checkpoint::{BucketName, ETag, ObjectKey, ObjectOptions, PartNumber, UploadId};
use oss_resumable::{
    Fault, FaultClass,
    wire::{
        self, Abort, Complete, DeleteObject, Endpoint, EndpointSettings, GetObject, HeadObject, Initiate,
        Operation, PutBucket, PutObject, StatObject, Target, UploadPart,
    },
};

use crate::input::answer;

/// What all answers are about.
pub(super) struct World {
    pub(super) target: Target,
    pub(super) upload_id: UploadId,
    pub(super) options: ObjectOptions,
}

impl World {
    pub(super) fn new() -> Self {
        let settings = EndpointSettings { region: Some("cn-hangzhou".into()), ..EndpointSettings::default() };
        Self {
            target: Target {
                endpoint: Endpoint::resolve(&settings).expect("a region is enough"),
                bucket: BucketName::new("demo").expect("a bucket"),
                key: ObjectKey::new("a b//+\u{e9}").expect("a key"),
            },
            upload_id: UploadId::new("0004B9894A22E5B1888A1E29F8236E2D").expect("an id"),
            options: ObjectOptions::default(),
        }
    }
}

/// A fault that was made of an answer: short, printable, of a class that an answer can have.
pub(super) fn plausible(fault: &Fault) {
    let message = &fault.message;
    assert!(message.len() <= 16 << 10, "{} bytes", message.len());
    assert!(!message.chars().any(char::is_control), "{message:?}");
    assert!(
        !matches!(
            fault.class,
            FaultClass::Unreachable | FaultClass::Untrusted | FaultClass::SourceMoved | FaultClass::Local
        ),
        "{fault:?}"
    );
    assert!(fault.after.is_none_or(|after| after <= Duration::from_mins(5)), "{fault:?}");
    assert_eq!(fault.read, None, "nothing is known here of what was sent");
    let Some(refusal) = &fault.refusal else { return };
    let shown = refusal.to_string();
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    let texts = [
        Some(&refusal.code),
        Some(&refusal.message),
        refusal.ec.as_ref(),
        refusal.request_id.as_ref(),
        refusal.endpoint.as_ref(),
        refusal.string_to_sign.as_ref(),
    ];
    for text in texts.into_iter().flatten() {
        assert!(text.len() <= 40 << 10, "{} bytes", text.len());
    }
}

/// Takes an answer for one of that operation, twice, and says what was read.
pub(super) fn read<O>(operation: &O, head: &Parts, body: &[u8]) -> Option<O::Reply>
where
    O: Operation<Reply: PartialEq + std::fmt::Debug>,
{
    let reply = operation.reply(head, body);
    assert_eq!(reply, operation.reply(head, body), "the same bytes are read in the same way");
    match reply {
        Ok(reply) => {
            assert!(head.status.is_success(), "{} is taken as {reply:?}", head.status);
            Some(reply)
        }
        Err(fault) => {
            plausible(&fault);
            None
        }
    }
}

/// A refusal of anything.
pub(crate) fn error_reply(data: &[u8]) {
    let (head, body) = answer(data);
    let fault = wire::fault("upload_part", &head, body);
    plausible(&fault);
    assert_eq!(fault, wire::fault("upload_part", &head, body));
    if let Some(id) = wire::request_id(&head) {
        assert!((1..=128).contains(&id.len()) || id.is_empty(), "{id}");
        assert!(id.bytes().all(|byte| byte.is_ascii_graphic()), "{id}");
    }
    // Any second of the calendar, and none outside of it.
    if let Some(time) = wire::server_time(&head, body) {
        assert!((-400_000_000_000..400_000_000_000).contains(&time.unix()), "{time:?}");
    }
    let refusal = fault.refusal.as_deref().expect("an answer is a refusal");
    assert_eq!(refusal.status, head.status.as_u16());
}

/// Answers whose headers say what there is to say.
pub(crate) fn object_replies(data: &[u8]) {
    let (head, body) = answer(data);
    let World { target, upload_id, options } = &World::new();
    if let Some(stored) = read(&PutObject { target, options }, &head, body) {
        assert!(
            stored.object.crc64.is_some() || stored.object.etag.is_some() || stored.callback_failed.is_some()
        );
    }
    let number = PartNumber::new(3).expect("a part");
    if let Some(part) = read(&UploadPart { target, upload_id, number }, &head, body) {
        assert!(part.etag.is_none_or(|etag| ETag::new(etag.as_str()) == Ok(etag)));
    }
    let _ = HeadObject { target }.reply(&head, body).map_err(|fault| plausible(&fault));
    // What is gone already counts as removed.
    let _ = Abort { target, upload_id }.reply(&head, body).map_err(|fault| plausible(&fault));
    let _ = DeleteObject { target }.reply(&head, body).map_err(|fault| plausible(&fault));
    let _ = StatObject { target }.reply(&head, body).map_err(|fault| plausible(&fault));
    let _ = GetObject { target }.reply(&head, body).map_err(|fault| plausible(&fault));
    let (endpoint, bucket) = (&target.endpoint, &target.bucket);
    let _ = PutBucket { endpoint, bucket }.reply(&head, body).map_err(|fault| plausible(&fault));
}

/// The answer to Initiate.
pub(crate) fn initiate(data: &[u8]) {
    let (head, body) = answer(data);
    let World { target, options, .. } = &World::new();
    if let Some(initiated) = read(&Initiate { target, options }, &head, body) {
        let id = initiated.upload_id;
        assert_eq!(UploadId::new(id.as_str()).as_ref(), Ok(&id));
        let written = format!(
            "<InitiateMultipartUploadResult><UploadId>{}</UploadId></InitiateMultipartUploadResult>",
            escaped(id.as_str())
        );
        let again =
            read(&Initiate { target, options }, &head, written.as_bytes()).expect("it was taken once");
        assert_eq!(again.upload_id, id);
    }
}

/// The answer to Complete.
pub(crate) fn complete(data: &[u8]) {
    let (head, body) = answer(data);
    let World { target, upload_id, options } = &World::new();
    if let Some(stored) = read(&Complete::new(target, upload_id, options, []), &head, body) {
        let proof = stored.object.crc64.is_some() || stored.object.etag.is_some();
        let root = String::from_utf8_lossy(body).contains("CompleteMultipartUploadResult");
        assert!(
            proof || root || stored.callback_failed.is_some(),
            "taken without a proof of its own: {stored:?}"
        );
    }
}

/// As text of an XML element.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
