//! Which branches the schedules have reached: each fault of each action, each reply, each way to end, each note.

use std::{collections::BTreeMap, fmt::Write as _};

use oss_resumable::{Action, Failure, FaultClass, Note, Outcome};

/// All classes, in the order of their declaration.
pub(crate) const CLASSES: [FaultClass; 14] = [
    FaultClass::Unreachable,
    FaultClass::Untrusted,
    FaultClass::Unanswered,
    FaultClass::Throttled,
    FaultClass::Scarce,
    FaultClass::Skewed,
    FaultClass::Unauthorised,
    FaultClass::Corrupted,
    FaultClass::Vanished,
    FaultClass::Exists,
    FaultClass::PartsRejected,
    FaultClass::Refused,
    FaultClass::SourceMoved,
    FaultClass::Local,
];

/// All actions that are owed a reply.
const ACTIONS: [&str; 12] = [
    "InspectSource",
    "PutObject",
    "FindUploads",
    "Initiate",
    "ListParts",
    "ChecksumPart",
    "UploadPart",
    "Complete",
    "InspectObject",
    "Abort",
    "Save",
    "Retire",
];

/// All but a source that no plan fits, which is larger than any of the model (`tests/contract.rs` has one).
const OUTCOMES: [&str; 13] = [
    "Completed",
    "Completed (already)",
    "Paused",
    "Aborted",
    "Refused",
    "Unreachable",
    "Unintelligible",
    "NoProgress",
    "SourceChanged",
    "ProofFailed",
    "Ambiguous",
    "NotAdopted",
    "Local",
];

const NOTES: [&str; 13] = [
    "SourceChanged",
    "PartDiffers",
    "StartedOver",
    "UploadVanished",
    "Adopted",
    "Candidates",
    "FindDenied",
    "ListDenied",
    "ConfirmDenied",
    "JournalFailing",
    "Unproved",
    "Settled",
    "AbortFailed",
];

/// How often each was reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    reached: BTreeMap<(&'static str, &'static str), u64>,
}

impl Coverage {
    /// A fault of this action was handed in and was no stray.
    pub(crate) fn fault(&mut self, action: Action, class: FaultClass) {
        self.count(name_of_action(action), name_of_class(class));
    }

    /// A reply to this action was handed in.
    pub(crate) fn reply(&mut self, action: Action) {
        self.count(name_of_action(action), "reply");
    }

    pub(crate) fn outcome(&mut self, outcome: &Outcome) {
        self.count("outcome", name_of_outcome(outcome));
    }

    pub(crate) fn note(&mut self, note: &Note) {
        self.count("note", name_of_note(note));
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (cell, times) in &other.reached {
            *self.reached.entry(*cell).or_default() += times;
        }
    }

    fn count(&mut self, row: &'static str, column: &'static str) {
        *self.reached.entry((row, column)).or_default() += 1;
    }

    /// How often an action was answered, or failed in one way.
    #[cfg(test)]
    pub(crate) fn times(&self, action: &'static str, how: &'static str) -> u64 {
        self.reached.get(&(action, how)).copied().unwrap_or_default()
    }

    /// What was not reached.
    pub(crate) fn missing(&self) -> Vec<(&'static str, &'static str)> {
        Self::cells().filter(|cell| !self.reached.contains_key(cell)).collect()
    }

    /// How many branches there are.
    pub(crate) fn branches() -> usize {
        Self::cells().count()
    }

    /// Faults by action, as a table.
    pub(crate) fn table(&self) -> String {
        let mut table = format!("{:<14}", "");
        for column in CLASSES.map(name_of_class).into_iter().chain(["reply"]) {
            let _ = write!(table, "{column:>14}");
        }
        for row in ACTIONS {
            let _ = write!(table, "\n{row:<14}");
            for column in CLASSES.map(name_of_class).into_iter().chain(["reply"]) {
                let _ = write!(table, "{:>14}", self.reached.get(&(row, column)).unwrap_or(&0));
            }
        }
        for row in ["outcome", "note"] {
            let _ = write!(table, "\n{row}s:");
            for ((_, column), times) in self.reached.range((row, "")..).take_while(|(cell, _)| cell.0 == row)
            {
                let _ = write!(table, " {column} {times},");
            }
        }
        table.trim_end_matches(',').to_owned()
    }

    fn cells() -> impl Iterator<Item = (&'static str, &'static str)> {
        let faults = ACTIONS.into_iter().flat_map(|row| {
            CLASSES.map(name_of_class).into_iter().chain(["reply"]).map(move |column| (row, column))
        });
        let outcomes = OUTCOMES.into_iter().map(|column| ("outcome", column));
        faults.chain(outcomes).chain(NOTES.into_iter().map(|column| ("note", column)))
    }
}

fn name_of_action(action: Action) -> &'static str {
    match action {
        Action::InspectSource { .. } => "InspectSource",
        Action::PutObject { .. } => "PutObject",
        Action::FindUploads { .. } => "FindUploads",
        Action::Initiate { .. } => "Initiate",
        Action::ListParts { .. } => "ListParts",
        Action::ChecksumPart { .. } => "ChecksumPart",
        Action::UploadPart { .. } => "UploadPart",
        Action::Complete { .. } => "Complete",
        Action::InspectObject { .. } => "InspectObject",
        Action::Abort { .. } => "Abort",
        Action::Save { .. } => "Save",
        Action::Retire { .. } => "Retire",
        Action::Cancel { .. } => "Cancel",
    }
}

fn name_of_class(class: FaultClass) -> &'static str {
    match class {
        FaultClass::Unreachable => "Unreachable",
        FaultClass::Untrusted => "Untrusted",
        FaultClass::Unanswered => "Unanswered",
        FaultClass::Throttled => "Throttled",
        FaultClass::Scarce => "Scarce",
        FaultClass::Skewed => "Skewed",
        FaultClass::Unauthorised => "Unauthorised",
        FaultClass::Corrupted => "Corrupted",
        FaultClass::Vanished => "Vanished",
        FaultClass::Exists => "Exists",
        FaultClass::PartsRejected => "PartsRejected",
        FaultClass::Refused => "Refused",
        FaultClass::SourceMoved => "SourceMoved",
        FaultClass::Local => "Local",
    }
}

fn name_of_outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Completed(finished) if finished.already => "Completed (already)",
        Outcome::Completed(_) => "Completed",
        Outcome::Paused => "Paused",
        Outcome::Aborted => "Aborted",
        Outcome::Failed(failure) => match failure {
            Failure::Refused(_) => "Refused",
            Failure::Unreachable(_) => "Unreachable",
            Failure::Unintelligible(_) => "Unintelligible",
            Failure::NoProgress { .. } => "NoProgress",
            Failure::SourceChanged { .. } => "SourceChanged",
            Failure::ProofFailed { .. } => "ProofFailed",
            Failure::Plan(_) => "Plan",
            Failure::Ambiguous(_) => "Ambiguous",
            Failure::NotAdopted(_) => "NotAdopted",
            Failure::Local(_) => "Local",
            _ => "unheard of",
        },
    }
}

fn name_of_note(note: &Note) -> &'static str {
    match note {
        Note::SourceChanged => "SourceChanged",
        Note::PartDiffers(_) => "PartDiffers",
        Note::StartedOver => "StartedOver",
        Note::UploadVanished { .. } => "UploadVanished",
        Note::Adopted { .. } => "Adopted",
        Note::Candidates(_) => "Candidates",
        Note::FindDenied(_) => "FindDenied",
        Note::ListDenied(_) => "ListDenied",
        Note::ConfirmDenied(_) => "ConfirmDenied",
        Note::JournalFailing(_) => "JournalFailing",
        Note::Unproved => "Unproved",
        Note::Settled => "Settled",
        Note::AbortFailed { .. } => "AbortFailed",
        _ => "unheard of",
    }
}
