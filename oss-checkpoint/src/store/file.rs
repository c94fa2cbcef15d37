use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

use super::{
    CheckpointStore, Durability, Jobs, Opened, Slot, StoreError,
    directory::{Directory, Locks},
    journal::Journal,
    lock::Lock,
    owned_file,
};
use crate::{Job, Record, UploadId};

/// Journals as files of a directory: `<digest>.ossj`, and `<digest>.lock` beside it while somebody has the job.
///
/// Files can be read by their owner only, and so can directories made here. Links are not followed; what is not a
/// regular file of this user is refused by name.
#[derive(Clone, Debug)]
pub struct FileStore {
    directory: Directory,
}

/// What names of journals end with.
pub(super) const SUFFIX: &str = ".ossj";

impl FileStore {
    /// Journals lie directly in this directory. It is made when it is first needed.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: Directory::new(directory.into(), Locks::Taken) }
    }

    /// Takes no locks, for file systems that have none. The caller sees to it that no two runs meet on a job.
    #[must_use]
    pub fn without_locks(self) -> Self {
        Self { directory: self.directory.without_locks() }
    }

    /// The directory that was given.
    pub fn directory(&self) -> &Path {
        self.directory.as_path()
    }

    /// Where the journal of a job is, if there is one.
    pub fn journal_path(&self, job: &Job) -> PathBuf {
        self.directory().join(digest_of(job) + SUFFIX)
    }

    /// All journals of the directory, in no order, read one at a time; none if there is no directory. Takes no job
    /// and changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the directory cannot be read.
    pub fn jobs(&self) -> Result<Jobs, StoreError> {
        Jobs::of(&self.directory)
    }
}

impl CheckpointStore for FileStore {
    fn claim(&self, job: &Job) -> Result<Box<dyn Slot>, StoreError> {
        let directory = self.directory();
        owned_file::create_directory(directory).map_err(owned_file::failed("create", directory))?;
        let digest = digest_of(job);
        let lock = match self.directory.locks() {
            Locks::Taken => Some(Lock::take(&lock_path(directory, &digest))?),
            Locks::Left => None,
        };
        let journal = Journal::new(self.directory.clone(), digest + SUFFIX, job.clone());
        Ok(Box::new(FileSlot { journal, lock }))
    }

    fn taken_by_others(&self, job: &Job) -> Vec<UploadId> {
        let same_object = |other: &Job| {
            (&other.service, &other.bucket, &other.key) == (&job.service, &job.bucket, &job.key)
                && other != job
        };
        let Ok(jobs) = self.jobs() else { return Vec::new() };
        jobs.flatten()
            .filter(|entry| same_object(&entry.job) && entry.checkpoint.done().is_none())
            .filter_map(|entry| entry.checkpoint.upload_id().cloned())
            .collect()
    }
}

struct FileSlot {
    journal: Journal<Directory>,
    /// `None` only without locks.
    lock: Option<Lock>,
}

impl FileSlot {
    /// A cleaner of old files may have removed the lock, and somebody else may have the job now, or have had it.
    fn keep_lock(&mut self) -> Result<(), StoreError> {
        if let Some(lock) = &mut self.lock
            && !lock.is_in_place()
        {
            *lock = Lock::take(lock.path())?;
            self.journal.compare()?;
        }
        Ok(())
    }
}

impl Slot for FileSlot {
    fn open(&mut self) -> Result<Opened, StoreError> {
        self.journal.open()
    }

    fn append(&mut self, records: &[Record], durability: Durability) -> Result<(), StoreError> {
        self.keep_lock()?;
        self.journal.append(records, durability)
    }

    fn retire(&mut self) -> Result<(), StoreError> {
        self.keep_lock()?;
        self.journal.retire()
    }
}

impl Drop for FileSlot {
    /// A lock file without a journal is of no use to anybody.
    fn drop(&mut self) {
        if self.journal.is_absent()
            && let Some(lock) = self.lock.take()
        {
            lock.remove();
        }
    }
}

/// Sixteen bytes of SHA-256 in hexadecimal, over every field of the job with its length in front.
pub(super) fn digest_of(job: &Job) -> String {
    let Job { service, bucket, key, source } = job;
    let mut context = Context::new(&SHA256);
    context.update(b"oss-checkpoint job v1\0");
    for field in [service.as_str().as_bytes(), bucket.as_str().as_bytes(), key.as_str().as_bytes(), source] {
        context.update(&(field.len() as u64).to_le_bytes());
        context.update(field);
    }
    let digit = |value: u8| char::from_digit(u32::from(value), 16);
    context.finish().as_ref()[..16]
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .flatten()
        .collect()
}

pub(super) fn lock_path(directory: &Path, digest: &str) -> PathBuf {
    directory.join(format!("{digest}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BucketName, ObjectKey, ServiceName};

    #[test]
    fn jobs_that_differ_anywhere_have_journals_of_their_own() {
        let job = |service: &str, bucket: &str, key: &str, source: &[u8]| Job {
            service: ServiceName::new(service).unwrap(),
            bucket: BucketName::new(bucket).unwrap(),
            key: ObjectKey::new(key).unwrap(),
            source: source.to_vec(),
        };
        let jobs = [
            job("local", "abc", "k", b"/s"),
            job("locala", "bcd", "k", b"/s"),
            job("local", "abc", "k/", b"s"),
            job("local", "abc", "k/s", b""),
            job("local", "abc", "k", b"/s\0"),
            job("oss:cn-hangzhou", "abc", "k", b"/s"),
        ];
        let mut digests: Vec<String> = jobs.iter().map(digest_of).collect();
        assert_eq!(digests[0], digest_of(&jobs[0].clone()));
        assert!(digests.iter().all(|digest| digest.len() == 32));
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), jobs.len());
    }
}
