use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{CheckpointStore, Durability, Opened, Slot, StoreError};
use crate::{
    Job, Record,
    format::Image,
    replay::{Replay, Unusable, replay},
};

/// Journals in memory, shared by all clones: for tests, and for programs without a disk. They end with the process.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    shelf: Arc<Mutex<BTreeMap<Job, Entry>>>,
}

#[derive(Debug, Default)]
struct Entry {
    /// `None` if there is no journal.
    image: Option<Image>,
    claimed: bool,
}

impl MemoryStore {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }
}

impl CheckpointStore for MemoryStore {
    fn claim(&self, job: &Job) -> Result<Box<dyn Slot>, StoreError> {
        let mut journals = unpoisoned(&self.shelf);
        let entry = journals.entry(job.clone()).or_default();
        if entry.claimed {
            return Err(StoreError::Locked { holder: None });
        }
        entry.claimed = true;
        Ok(Box::new(MemorySlot { shelf: Arc::clone(&self.shelf), job: job.clone() }))
    }
}

struct MemorySlot {
    shelf: Arc<Mutex<BTreeMap<Job, Entry>>>,
    job: Job,
}

impl Slot for MemorySlot {
    fn open(&mut self) -> Result<Opened, StoreError> {
        let journals = unpoisoned(&self.shelf);
        let Some(image) = journals.get(&self.job).and_then(|entry| entry.image.as_ref()) else {
            return Ok(Opened::default());
        };
        let Replay { checkpoint, findings, .. } = replay(image.bytes()).map_err(in_memory)?;
        Ok(Opened { checkpoint, findings })
    }

    fn append(&mut self, records: &[Record], _durability: Durability) -> Result<(), StoreError> {
        let refused = |why| StoreError::Record { path: path(), why };
        let mut journals = unpoisoned(&self.shelf);
        let entry = journals.entry(self.job.clone()).or_default();
        let another = |record: &Record| matches!(record, Record::Begun(begun) if begun.job != self.job);
        if records.iter().any(another) {
            return Err(refused(super::OTHER_UPLOAD));
        }
        let Some(first) = records.first() else { return Ok(()) };
        if entry.image.is_none() && !matches!(first, Record::Begun(_)) {
            return Err(refused(super::NO_BEGINNING));
        }
        // Nothing leaves this process, so journals need no ids to be told apart.
        let mut image = entry.image.take().unwrap_or_else(|| Image::new([0; 16]));
        let extended = image.extend(records);
        entry.image = (image.has_frames()).then_some(image);
        extended.map_err(|_| refused(super::TOO_LONG))
    }

    fn retire(&mut self) -> Result<(), StoreError> {
        if let Some(entry) = unpoisoned(&self.shelf).get_mut(&self.job) {
            entry.image = None;
        }
        Ok(())
    }
}

impl Drop for MemorySlot {
    fn drop(&mut self) {
        let mut journals = unpoisoned(&self.shelf);
        if let Some(entry) = journals.get_mut(&self.job) {
            entry.claimed = false;
            if entry.image.is_none() {
                journals.remove(&self.job);
            }
        }
    }
}

/// Nothing panics while it changes an entry.
fn unpoisoned(shelf: &Mutex<BTreeMap<Job, Entry>>) -> MutexGuard<'_, BTreeMap<Job, Entry>> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

fn in_memory(unusable: Unusable) -> StoreError {
    unusable.into_error(path())
}

fn path() -> PathBuf {
    PathBuf::from("(memory)")
}
