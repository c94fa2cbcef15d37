//! How a task ended.

/// What became of a task. An error of the task itself (a program that cannot be started) counts as failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ran, and all that it checks holds.
    Passed,
    /// It ran, and this does not hold.
    Failed(String),
    /// It did not run, for this reason.
    Skipped(String),
}

impl Outcome {
    /// The word for it in a summary.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        }
    }
}
