use std::{
    fs::ReadDir,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{
    Finding, Holder, StoreError,
    directory::Directory,
    file::{SUFFIX, digest_of, lock_path},
    journal::MAX_JOURNAL,
    lock::Lock,
    owned_file,
};
use crate::{
    Checkpoint, Job,
    replay::{Unusable, replay},
};

/// A journal, as it is found by looking at a directory.
#[derive(Clone, Debug)]
pub struct JobEntry {
    /// Which upload.
    pub job: Job,
    /// The journal.
    pub path: PathBuf,
    /// All good records taken together. After an upload was abandoned nothing has begun in it.
    pub checkpoint: Checkpoint,
    /// What was not as it should be.
    pub findings: Vec<Finding>,
    /// Last modification by the file system's clock, in seconds since 1970.
    pub modified: i64,
    /// Who is at it right now; all of it is empty if somebody is and did not say who.
    pub holder: Option<Holder>,
}

impl JobEntry {
    /// Authority of the endpoint that was used.
    pub fn endpoint(&self) -> Option<&str> {
        self.checkpoint.begun().map(|begun| begun.endpoint.as_str())
    }
}

/// The journals of a directory: those that cannot be read are errors among the others, files without a record are
/// passed over.
#[derive(Debug)]
pub struct Jobs {
    directory: PathBuf,
    /// `None` if there is no directory, or it could not be read on.
    entries: Option<ReadDir>,
}

impl Jobs {
    pub(super) fn of(directory: &Directory) -> Result<Self, StoreError> {
        let path = directory.as_path();
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => Some(entries),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(owned_file::failed("read", path)(error)),
        };
        Ok(Self { directory: path.to_owned(), entries })
    }
}

impl Iterator for Jobs {
    type Item = Result<JobEntry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let name = match self.entries.as_mut()?.next()? {
                Ok(entry) => entry.file_name(),
                Err(error) => {
                    self.entries = None;
                    return Some(Err(owned_file::failed("read", &self.directory)(error)));
                }
            };
            let Some(digest) = name.to_str().and_then(|name| name.strip_suffix(SUFFIX)) else { continue };
            match entry_of(&self.directory, digest) {
                Ok(Some(entry)) => return Some(Ok(entry)),
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// `None` if the journal is gone meanwhile, or holds no record.
fn entry_of(directory: &Path, digest: &str) -> Result<Option<JobEntry>, StoreError> {
    let path = directory.join(format!("{digest}{SUFFIX}"));
    let Some(file) = owned_file::open(&path)? else { return Ok(None) };
    let mut bytes = Vec::new();
    Read::take(&file, MAX_JOURNAL).read_to_end(&mut bytes).map_err(owned_file::failed("read", &path))?;
    let modified = file.metadata().map_err(owned_file::failed("look at", &path))?.mtime();
    let read = replay(&bytes).map_err(|unusable| unusable.into_error(path.clone()))?;
    let Some((_, job)) = read.identity else { return Ok(None) };
    if digest_of(&job) != digest {
        let why = format!("its name is not that of {job}");
        return Err(Unusable::Foreign(why).into_error(path));
    }
    let holder = Lock::holder_of(&lock_path(directory, digest)).unwrap_or_default();
    let (checkpoint, findings) = (read.checkpoint, read.findings);
    Ok(Some(JobEntry { job, path, checkpoint, findings, modified, holder }))
}
