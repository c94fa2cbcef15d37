use oss_checkpoint::{ByteCount, Job, ObjectOptions, UploadId};

use crate::PartSize;

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadSpec {
    /// Source and target.
    pub job: Job,
    /// Authority of the endpoint in use; kept in the journal so that going on needs no flags.
    pub endpoint: String,
    /// What the object is given.
    pub options: ObjectOptions,
    /// Sources of at least this length go up in parts, smaller ones with PutObject. Default 10 MiB.
    pub threshold: ByteCount,
    /// How large the parts of a new upload are. Default: chosen from its length.
    pub part_size: PartSize,
    /// What to do about a source that changed.
    pub on_change: OnChange,
    /// What to read again.
    pub verify: Verify,
    /// Whether to look for uploads without a journal.
    pub adopt: Adopt,
    /// Unfinished uploads of this key that other journals of this machine have: never adopted. Default none.
    pub taken: Vec<UploadId>,
    /// Local wall clock, seconds since 1970.
    pub started: i64,
}

/// What to do about a source that changed before a resume or during the upload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnChange {
    /// Find the parts that differ and send them again.
    #[default]
    Heal,
    /// End with [`crate::Failure::SourceChanged`]; everything is kept.
    Fail,
    /// Give the upload up and begin another.
    Restart,
}

/// What is read again of parts that the server already holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Verify {
    /// What the stamp of the source does not vouch for.
    #[default]
    Auto,
    /// All of it.
    Full,
    /// Nothing: what the stamp does not vouch for is sent again.
    None,
}

/// Whether an unfinished upload that has no journal here is taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Adopt {
    /// When exactly one fits: it has parts, and all of them are those of the local file. Several that fit are
    /// [`crate::Failure::Ambiguous`].
    #[default]
    Auto,
    /// Never.
    Never,
    /// This one, as far as its parts are those of the local file; those that differ are sent again. An upload of our own that
    /// was begun meanwhile is aborted.
    This(UploadId),
}

impl UploadSpec {
    /// From this length on a source goes up in parts, in bytes, as with `oss2.resumable_upload`.
    pub const DEFAULT_THRESHOLD: ByteCount = ByteCount::mib(10);

    /// All defaults.
    pub fn new(job: Job, endpoint: impl Into<String>, started: i64) -> Self {
        Self {
            job,
            endpoint: endpoint.into(),
            options: ObjectOptions::default(),
            threshold: Self::DEFAULT_THRESHOLD,
            part_size: PartSize::default(),
            on_change: OnChange::default(),
            verify: Verify::default(),
            adopt: Adopt::default(),
            taken: Vec::new(),
            started,
        }
    }
}
