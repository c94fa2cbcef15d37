//! What the process says when it ends.

use std::process::ExitCode;

/// How a run ended, as scripts see it. The numbers are part of the contract; 0 to 5 are those of ossutil 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitStatus {
    /// Everything that was asked for is done.
    Done = 0,
    /// The command line or the environment makes no sense; nothing was tried.
    Usage = 1,
    /// The service refused.
    Refused = 2,
    /// This machine or the network would not do it.
    Local = 3,
    /// Stopped by a signal; the state is kept, the same command goes on.
    Interrupted = 5,
    /// The object is there and proved, and the callback that was asked for failed.
    CallbackFailed = 6,
    /// The source changed, and `--on-change fail` was given or it kept changing; or it changed while it was compared.
    SourceChanged = 10,
    /// What the server holds is not proved to be what was read here, or is not what it should be.
    ProofFailed = 11,
    /// Another run has this upload.
    Locked = 12,
    /// `--deadline` was reached; the state is kept, the same command goes on.
    Deadline = 13,
}

impl ExitStatus {
    /// The number of the process.
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    /// One word for machines.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Usage => "usage",
            Self::Refused => "refused",
            Self::Local => "local",
            Self::Interrupted => "interrupted",
            Self::CallbackFailed => "callback-failed",
            Self::SourceChanged => "source-changed",
            Self::ProofFailed => "proof-failed",
            Self::Locked => "locked",
            Self::Deadline => "deadline",
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}

/// What `oss --help` says about exit codes.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done
  1  usage: the command line makes no sense
  2  the service refused
  3  this machine or the network would not do it
  5  interrupted; the state is kept, the same command goes on
  6  stored and proved, but the callback failed
  10 the source changed
  11 the object is not proved to be the source, or not the one it should be
  12 another run has this upload
  13 the deadline was reached; the same command goes on

Environment:
  OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET, OSS_SESSION_TOKEN   credentials
  OSS_ENDPOINT, OSS_REGION                                      where flags do not say it
  OSS_LOG                                                       a log on stderr, such as debug
  NO_COLOR                                                      no colours";
