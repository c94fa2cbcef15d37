#[cfg(all(feature = "fs", unix))]
mod directory;
#[cfg(feature = "fs")]
mod disk;
#[cfg(all(feature = "fs", unix))]
mod file;
#[cfg(all(feature = "fs", unix))]
mod jobs;
#[cfg(feature = "fs")]
mod journal;
#[cfg(all(feature = "fs", unix))]
mod lock;
mod memory;
#[cfg(all(feature = "fs", unix))]
mod open_file;
#[cfg(all(feature = "fs", unix))]
mod owned_file;
#[cfg(all(test, feature = "fs"))]
mod power_cut;
#[cfg(all(test, feature = "fs"))]
mod simulated_disk;

use std::{io, path::PathBuf};

pub use self::memory::MemoryStore;
#[cfg(all(feature = "fs", unix))]
pub use self::{
    file::FileStore,
    jobs::{JobEntry, Jobs},
};
use crate::{Checkpoint, Inconsistent, Job, Record, UploadId, format, replay::Unusable};

/// Keeps journals. Blocking; hands out at most one slot for a job at a time, across processes.
pub trait CheckpointStore: Send + Sync {
    /// Takes the slot of a job, and with it the lock. It is held until the slot is dropped.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another run has it, else what keeps the store from working.
    fn claim(&self, job: &Job) -> Result<Box<dyn Slot>, StoreError>;

    /// Unfinished uploads of the same object that journals of other jobs have: from another source, perhaps by a run
    /// that is under way. A store that does not know says none.
    fn taken_by_others(&self, job: &Job) -> Vec<UploadId> {
        let _ = job;
        Vec::new()
    }
}

/// The journal of one job; claimed until dropped, so nothing can be written without the lock.
pub trait Slot: Send {
    /// Reads the journal. Writes nothing: a torn tail is cut by the first append.
    ///
    /// A journal that is damaged beyond use is set aside and reported, and the checkpoint is then empty.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] and [`StoreError::Newer`] leave the file untouched.
    fn open(&mut self) -> Result<Opened, StoreError>;

    /// Appends records, all or none; the first call creates the journal and reserves room for the whole plan.
    ///
    /// # Errors
    /// [`StoreError::Io`]; the journal then ends where it ended before. [`StoreError::Locked`] and
    /// [`StoreError::Overtaken`] if the lock was lost meanwhile; nothing was written then.
    fn append(&mut self, records: &[Record], durability: Durability) -> Result<(), StoreError>;

    /// Removes the journal. The lock stays until the slot is dropped.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    fn retire(&mut self) -> Result<(), StoreError>;
}

/// What has to survive when an append has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Durability {
    /// The end of this process, also by kill -9.
    Written,
    /// Loss of power: this append and all before it.
    Flushed,
}

/// What opening a journal found.
#[derive(Debug, Default)]
pub struct Opened {
    /// All good records taken together; empty if there is no journal.
    pub checkpoint: Checkpoint,
    /// What was not as it should be, in words for the user.
    pub findings: Vec<Finding>,
}

/// Something in a journal that is not as it should be, and was survived.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The last write did not get through.
    #[error("the journal's last {bytes} bytes were torn and are dropped")]
    TornTail {
        /// How many bytes.
        bytes: u64,
    },
    /// Good records behind a bad stretch: they are kept, the server knows the rest.
    #[error("{bytes} bytes of the journal at offset {offset} are damaged and are passed over")]
    Damaged {
        /// Where the bad stretch begins.
        offset: u64,
        /// Its length.
        bytes: u64,
    },
    /// A record whose bytes are good and whose meaning is not.
    #[error("the journal's record at offset {offset} makes no sense: {why}")]
    Senseless {
        /// Where it stands.
        offset: u64,
        /// Why.
        why: Inconsistent,
    },
    /// The journal could not be used at all and has another name now.
    #[error("the journal is damaged and was set aside as {path}: {why}", path = path.display())]
    SetAside {
        /// Where it is now.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// Who has the lock: a message only, never used to decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// Host name.
    pub host: String,
    /// Local wall clock when it was taken, seconds since 1970.
    pub since: i64,
}

/// Why a store cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another run has the job.
    #[error("another run has this upload")]
    Locked {
        /// Who, if it said so.
        holder: Option<Holder>,
    },
    /// The file system does not know locks.
    #[error("{path} is on a file system without locks", path = path.display())]
    NoLocks {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not a journal of this job.
    #[error("{path} is not a journal of this upload: {why}", path = path.display())]
    Foreign {
        /// Which file; left untouched.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// A journal that is only looked at, not claimed, is damaged beyond use.
    #[error("{path} is damaged: {why}", path = path.display())]
    Damaged {
        /// Which file; left untouched.
        path: PathBuf,
        /// Where and how.
        why: String,
    },
    /// The journal was written by a newer version of this program.
    #[error("{path} has journal version {version}, and this program reads up to {known}", path = path.display())]
    Newer {
        /// Which file; left untouched.
        path: PathBuf,
        /// Its version.
        version: u16,
        /// The newest version that is known here.
        known: u16,
    },
    /// Another run has had the job meanwhile: somebody removed the lock under this one, or locks are not taken. What it
    /// wrote is left as it is, and nothing more can be written through this slot before the journal is opened again.
    #[error("another run has written to {path} since this one has read it", path = path.display())]
    Overtaken {
        /// Which journal.
        path: PathBuf,
    },
    /// A record that cannot be stored; nothing was written.
    #[error("{path} cannot take a record: {why}", path = path.display())]
    Record {
        /// Which journal.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The operating system refused.
    #[error("cannot {what} {path}", path = path.display())]
    Io {
        /// What was tried, as a verb.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a record is not taken.
const OTHER_UPLOAD: &str = "it begins another upload";
const NO_BEGINNING: &str = "a journal begins with the beginning of an upload";
const TOO_LONG: &str = "it is longer than 64 KiB";

impl Unusable {
    /// For a journal that stays where it is.
    fn into_error(self, path: PathBuf) -> StoreError {
        match self {
            Self::Foreign(why) => StoreError::Foreign { path, why },
            Self::Newer(version) => StoreError::Newer { path, version, known: format::VERSION },
            Self::Damaged(why) => StoreError::Damaged { path, why },
        }
    }
}
