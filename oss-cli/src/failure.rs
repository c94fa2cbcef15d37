//! What the program says when something failed: what, with which value, in whose words, and what to do about it.

use std::sync::Arc;

use oss_checkpoint::{InvalidName, StoreError};
use oss_resumable::{Failure as UploadFailure, Fault, FaultClass, Refusal, Unproved, driver::Difference};
use serde_json::{Map, Value, json};

use crate::{exit::ExitStatus, hint, output::say, progress::Snapshot, resume};

/// The end of a command that did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What the process says.
    pub(crate) status: ExitStatus,
    /// What failed: lower case, no full stop.
    pub(crate) message: String,
    /// What the service said, if it did.
    pub(crate) refusal: Option<Arc<Refusal>>,
    /// Which part it was about.
    pub(crate) part: Option<u16>,
    /// In what an object is not as it should be.
    pub(crate) differs: Vec<Difference>,
    /// What to do.
    pub(crate) hint: Option<String>,
    /// How far the upload is that the same command goes on with.
    pub(crate) kept: Option<Snapshot>,
}

impl Failure {
    /// With nothing but a status and a message.
    pub(crate) fn new(status: ExitStatus, message: impl Into<String>) -> Self {
        let (message, differs) = (message.into(), Vec::new());
        Self { status, message, refusal: None, part: None, differs, hint: None, kept: None }
    }

    /// The command line makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitStatus::Usage, message)
    }

    /// This machine will not do it.
    pub(crate) fn local(message: impl Into<String>) -> Self {
        Self::new(ExitStatus::Local, message)
    }

    /// The same with advice.
    #[must_use]
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, with advice where there is any and none was given yet.
    #[must_use]
    pub(crate) fn advised(mut self, advice: impl FnOnce(&Self) -> Option<String>) -> Self {
        if self.hint.is_none() {
            self.hint = advice(&self);
        }
        self
    }

    /// One request could not be answered well.
    pub(crate) fn of_fault(fault: &Fault) -> Self {
        let refusal = fault.refusal.clone();
        let status = match fault.class {
            _ if refusal.is_some() => ExitStatus::Refused,
            FaultClass::Throttled
            | FaultClass::Skewed
            | FaultClass::Unauthorised
            | FaultClass::Vanished
            | FaultClass::Exists
            | FaultClass::PartsRejected
            | FaultClass::Refused => ExitStatus::Refused,
            FaultClass::Corrupted => ExitStatus::ProofFailed,
            FaultClass::SourceMoved => ExitStatus::SourceChanged,
            FaultClass::Unreachable
            | FaultClass::Untrusted
            | FaultClass::Unanswered
            | FaultClass::Scarce
            | FaultClass::Local => ExitStatus::Local,
        };
        Self { refusal, ..Self::new(status, fault.message.to_string()) }
    }

    /// An upload cannot go on.
    pub(crate) fn of_upload(failure: &UploadFailure) -> Self {
        let message = failure.to_string();
        let about = |status: ExitStatus, fault: &Fault| Self {
            refusal: fault.refusal.clone(),
            ..Self::new(status, message.clone())
        };
        match failure {
            UploadFailure::Refused(fault) => Self::of_fault(fault),
            UploadFailure::Unreachable(fault)
            | UploadFailure::Unintelligible(fault)
            | UploadFailure::Local(fault)
            | UploadFailure::NoProgress { last: fault, .. } => about(ExitStatus::Local, fault),
            UploadFailure::SourceChanged { .. } => Self::new(ExitStatus::SourceChanged, message),
            UploadFailure::ProofFailed { what, .. } => {
                let part = match what {
                    Unproved::Part(number) => Some(number.get()),
                    Unproved::Object | Unproved::FoundObject => None,
                };
                Self { part, ..Self::new(ExitStatus::ProofFailed, message) }
            }
            UploadFailure::Plan(_) => Self::usage(message),
            UploadFailure::Ambiguous(uploads) => {
                let one = uploads.first().map_or("UPLOAD_ID", |upload| upload.as_str());
                Self::usage(message).with_hint(format!(
                    "say which to go on with, such as --adopt {one}, or begin another one with --adopt never; \
                     the others are left alone"
                ))
            }
            UploadFailure::NotAdopted(_) => Self::usage(message).with_hint(
                "without --adopt the one that fits is looked for; --adopt never begins a new one".to_owned(),
            ),
            _ => Self::local(message),
        }
    }

    /// The journal is not to be had.
    pub(crate) fn of_store(error: &StoreError) -> Self {
        let status =
            if matches!(error, StoreError::Locked { .. }) { ExitStatus::Locked } else { ExitStatus::Local };
        let failure = Self::new(status, with_causes(error));
        match hint::for_store(error) {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }

    /// Says it on stderr: what failed, what support asks for, what to do.
    pub(crate) fn tell(&self) {
        say(&format!("error: {}", self.message));
        if let Some(refusal) = &self.refusal {
            let mut facts = Vec::new();
            let mut fact = |name: &str, value: Option<&str>| {
                if let Some(value) = value.filter(|value| !value.is_empty()) {
                    facts.push(format!("{name} {value}"));
                }
            };
            fact("code", Some(&refusal.code));
            fact("EC", refusal.ec.as_deref());
            fact("request id", refusal.request_id.as_deref());
            fact("part", self.part.map(|part| part.to_string()).as_deref());
            if !facts.is_empty() {
                say(&format!("  {}", facts.join(", ")));
            }
        }
        if let Some(hint) = &self.hint {
            say(&format!("hint: {hint}"));
        }
        if let Some(kept) = self.kept {
            say(&format!("{}; go on with:", resume::kept(kept)));
            say(&self.way_on());
        }
    }

    /// The command that goes on with what is kept.
    fn way_on(&self) -> String {
        match self.status {
            ExitStatus::SourceChanged => resume::command_for_a_changed_source(),
            _ => resume::command(),
        }
    }

    /// The same for machines.
    pub(crate) fn to_json(&self) -> Value {
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                object.insert(name.to_owned(), value);
            }
        };
        put("v", json!(1));
        put("outcome", json!(self.status.word()));
        put("exit", json!(self.status.code()));
        put("message", json!(self.message));
        if let Some(refusal) = &self.refusal {
            put("http_status", json!(refusal.status));
            put("code", json!(refusal.code));
            put("ec", json!(refusal.ec));
            put("request_id", json!(refusal.request_id));
        }
        put("part", json!(self.part));
        if !self.differs.is_empty() {
            let difference = |difference: &Difference| {
                json!({
                    "field": difference.field,
                    "expected": difference.expected,
                    "found": difference.found,
                })
            };
            put("differs", self.differs.iter().map(difference).collect());
        }
        put("hint", json!(self.hint));
        put("size", json!(self.kept.map(|kept| kept.total)));
        put("bytes_kept", json!(self.kept.map(|kept| kept.done)));
        put("resume", json!(self.kept.map(|_| self.way_on())));
        Value::Object(object)
    }
}

impl From<InvalidName> for Failure {
    fn from(error: InvalidName) -> Self {
        Self::usage(error.to_string())
    }
}

/// An error and its causes, in one line.
pub(crate) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let text = source.to_string();
        // Some errors repeat their cause in their own words.
        if !line.ends_with(&text) {
            line = format!("{line}: {text}");
        }
        cause = source.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use oss_checkpoint::{Crc64, PartNumber, PlanError};

    use super::*;

    fn refusal() -> Fault {
        let refusal = Refusal {
            status: 403,
            code: "AccessDenied".to_owned(),
            ec: Some("0003-00000001".to_owned()),
            request_id: Some("5C3D".to_owned()),
            ..Refusal::default()
        };
        Fault { refusal: Some(refusal.into()), ..Fault::new(FaultClass::Refused, "initiate was refused") }
    }

    #[test]
    fn every_end_of_an_upload_has_its_exit_code() {
        let check = |failure: UploadFailure, status: ExitStatus| {
            assert_eq!(Failure::of_upload(&failure).status, status, "{failure}");
        };
        let fault = |class| Fault::new(class, "no");
        check(UploadFailure::Refused(refusal()), ExitStatus::Refused);
        check(UploadFailure::Unreachable(fault(FaultClass::Unreachable)), ExitStatus::Local);
        check(UploadFailure::Unreachable(fault(FaultClass::Untrusted)), ExitStatus::Local);
        check(UploadFailure::Unintelligible(fault(FaultClass::Corrupted)), ExitStatus::Local);
        let idle = std::time::Duration::from_mins(15);
        check(UploadFailure::NoProgress { idle, last: fault(FaultClass::Unanswered) }, ExitStatus::Local);
        check(UploadFailure::Local(fault(FaultClass::Local)), ExitStatus::Local);
        check(UploadFailure::SourceChanged { rounds: 1 }, ExitStatus::SourceChanged);
        check(UploadFailure::Plan(PlanError::Empty), ExitStatus::Usage);
        let proof = |what| UploadFailure::ProofFailed { what, local: Crc64::EMPTY, server: None };
        check(proof(Unproved::Object), ExitStatus::ProofFailed);
        let of_part = Failure::of_upload(&proof(Unproved::Part(PartNumber::new(7).unwrap())));
        assert_eq!((of_part.status, of_part.part), (ExitStatus::ProofFailed, Some(7)));
        let locked = StoreError::Locked { holder: None };
        assert_eq!(Failure::of_store(&locked).status, ExitStatus::Locked);
    }

    // Rows: 137
    #[test]
    fn a_file_system_without_locks_is_refused_and_the_way_out_is_named() {
        let source = std::io::Error::from(std::io::ErrorKind::Unsupported);
        let refused = Failure::of_store(&StoreError::NoLocks { path: "/nfs/x.lock".into(), source });
        assert_eq!(refused.status, ExitStatus::Local);
        assert!(refused.message.contains("/nfs/x.lock"), "{}", refused.message);
        assert!(refused.hint.unwrap_or_default().contains("--lock none"));
    }

    // Rows: 136
    #[test]
    fn a_journal_that_another_run_has_written_to_is_told_so() {
        let overtaken = Failure::of_store(&StoreError::Overtaken { path: "/x.ossj".into() });
        assert_eq!(overtaken.status, ExitStatus::Local);
        assert_eq!(overtaken.message, "another run has written to /x.ossj since this one has read it");
        assert!(overtaken.hint.unwrap_or_default().contains("nothing was written over"));
    }

    #[test]
    fn machines_get_what_support_asks_for() {
        let failure = Failure { part: Some(3), ..Failure::of_fault(&refusal()).with_hint("ask") };
        assert_eq!(
            failure.to_json(),
            json!({
                "v": 1, "outcome": "refused", "exit": 2, "message": "initiate was refused", "http_status": 403,
                "code": "AccessDenied", "ec": "0003-00000001", "request_id": "5C3D", "part": 3, "hint": "ask",
            })
        );
    }

    #[test]
    fn causes_are_told_once() {
        let store = StoreError::Io {
            what: "write",
            path: "/x".into(),
            source: std::io::Error::other("disk on fire"),
        };
        assert_eq!(with_causes(&store), "cannot write /x: disk on fire");
    }
}
