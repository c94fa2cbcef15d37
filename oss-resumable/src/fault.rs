use std::{fmt, sync::Arc, time::Duration};

use oss_checkpoint::Crc64;

/// Why a piece of work failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// By what is done about it; the machine looks at nothing else.
    pub class: FaultClass,
    /// Do not come back earlier, the server said (`Retry-After`).
    pub after: Option<Duration>,
    /// CRC-64 of the body, if all of it had been read when the work failed.
    pub read: Option<Crc64>,
    /// What failed, with which value, for a person: lower case, no full stop, no secret.
    pub message: Arc<str>,
    /// What the server said, if it said anything.
    pub refusal: Option<Arc<Refusal>>,
}

/// What is done about a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultClass {
    /// The server saw nothing. Sent again after a pause.
    Unreachable,
    /// The server's certificate was refused, or the address cannot be used: sending again does not help.
    Untrusted,
    /// It may have been done: asked before it is repeated, unless repeating is harmless.
    Unanswered,
    /// Too many requests for the service. Sent again after a pause, fewer at once.
    Throttled,
    /// Too many at once for this machine, which has no further files, ports or threads. Sent again when fewer are on their way.
    Scarce,
    /// Our clock was wrong and has been corrected. Sent again at once.
    Skewed,
    /// The credentials had ended and there are fresh ones. Sent again at once.
    Unauthorised,
    /// What came back cannot be what was asked for, or a checksum differs. Sent again, a few times.
    Corrupted,
    /// NoSuchUpload.
    Vanished,
    /// The object is there and must not be overwritten.
    Exists,
    /// Complete named a part that the server does not have like that: listed again, sent again.
    PartsRejected,
    /// The server will not do it.
    Refused,
    /// The source is not what the plan was made for: shorter, or with another stamp.
    SourceMoved,
    /// This machine will not do it: the source cannot be read, the journal cannot be written.
    Local,
}

/// A refusal by the service, as it said it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// `Code`.
    pub code: String,
    /// `Message`.
    pub message: String,
    /// `EC`, such as 0042-00000104: what the service's support asks for.
    pub ec: Option<String>,
    /// `RequestId`.
    pub request_id: Option<String>,
    /// The endpoint that the service says should be used instead.
    pub endpoint: Option<String>,
    /// What the server computed for the signature, if it said so.
    pub string_to_sign: Option<String>,
}

impl Fault {
    /// A fault with nothing but a class and a message.
    pub fn new(class: FaultClass, message: impl Into<Arc<str>>) -> Self {
        Self { class, after: None, read: None, message: message.into(), refusal: None }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if !self.code.is_empty() {
            write!(f, " {}", self.code)?;
        }
        if !self.message.is_empty() {
            f.write_str(": ")?;
            for character in self.message.chars() {
                match character {
                    '\'' | '"' | '\\' => write!(f, "{character}")?,
                    _ => write!(f, "{}", character.escape_debug())?,
                }
            }
        }
        Ok(())
    }
}
