use std::time::Duration;

use oss_checkpoint::{Crc64, ObjectFacts, PartNumber, PlanError, UploadId};

use crate::Fault;

/// How an upload ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The object is there, as far proved as its facts say.
    Completed(Box<Finished>),
    /// Stopped; a later run goes on.
    Paused,
    /// Given up for good; nothing is left on the server.
    Aborted,
    /// It cannot go on.
    Failed(Failure),
}

/// A finished upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// What is known of the object.
    pub facts: ObjectFacts,
    /// Whether an earlier run had finished it: this one sent no byte of it.
    pub already: bool,
}

/// Why an upload cannot go on. Unless said otherwise, journal and uploaded parts are kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The service will not do it.
    #[error("the service refused: {0}")]
    Refused(Fault),
    /// No exchange of this run has reached the service.
    #[error("the service cannot be reached: {0}")]
    Unreachable(Fault),
    /// What the service answers, or what stands in its place, makes no sense, time and again.
    #[error("the service's answers make no sense: {0}")]
    Unintelligible(Fault),
    /// No byte was accepted for so long.
    #[error("no progress for {} s: {last}", idle.as_secs())]
    NoProgress {
        /// For how long.
        idle: Duration,
        /// What failed last.
        last: Fault,
    },
    /// The source changed, and this was to be an error, or it kept changing.
    #[error("{}", changed(*rounds))]
    SourceChanged {
        /// How often.
        rounds: u32,
    },
    /// What the server holds is not what was sent.
    #[error("{what} is not what was read here: CRC-64 {local} here, {} there", server.map_or("none".to_owned(), |crc| crc.to_string()))]
    ProofFailed {
        /// Which.
        what: Unproved,
        /// Of the local bytes.
        local: Crc64,
        /// Of the server's.
        server: Option<Crc64>,
    },
    /// The source cannot be stored as one object.
    #[error("the source cannot be uploaded: {0}")]
    Plan(#[from] PlanError),
    /// Several unfinished uploads of this key, none of them with a journal here, hold parts of the source. Which is meant, the
    /// user has to say ([`crate::Adopt`]); nothing was sent.
    #[error("{} unfinished uploads of this object fit the source: {}", .0.len(), listed(.0))]
    Ambiguous(Vec<UploadId>),
    /// The upload that was to be gone on with ([`crate::Adopt::This`]) is not there, or is cut in another way than the source
    /// can be. Nothing was sent.
    #[error("the unfinished upload {0} is not there, or is none of this source")]
    NotAdopted(UploadId),
    /// This machine will not do it.
    #[error("{0}")]
    Local(Fault),
}

fn listed(uploads: &[UploadId]) -> String {
    uploads.iter().map(UploadId::as_str).collect::<Vec<_>>().join(", ")
}

/// Of one change it is not known whether it came before a resume or after.
fn changed(rounds: u32) -> String {
    match rounds {
        0 | 1 => "the source has changed since its upload began".to_owned(),
        more => format!("the source changed {more} times while it was uploaded"),
    }
}

/// What could not be proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unproved {
    /// A part.
    Part(PartNumber),
    /// The object that our own request made.
    Object,
    /// The object that was found when our request's answer was lost: somebody else's, or a wrong one.
    FoundObject,
}

impl std::fmt::Display for Unproved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Part(number) => write!(f, "part {number} on the server"),
            Self::Object => f.write_str("the object on the server"),
            Self::FoundObject => f.write_str("the object that was found on the server"),
        }
    }
}
