//! A journal goes after success was reported, not before: a run that is killed between the two is told by the next one
//! that the object is complete, and sends nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oss_checkpoint::{
    Checkpoint, CheckpointStore, Durability, Job, Opened, Record, Slot, StoreError, UploadId,
};

/// A store whose slots, when they are retired and let go, wait with lock and journal until [`Waiting::retire`].
pub(crate) struct LateRetire<S> {
    inner: S,
    waiting: Waiting,
    /// What was claimed last.
    last: Mutex<Option<Job>>,
}

/// The slots that wait.
#[derive(Clone, Default)]
pub(crate) struct Waiting(Arc<Mutex<Vec<Box<dyn Slot>>>>);

impl<S> LateRetire<S> {
    /// Around a store; what waits is in `waiting`.
    pub(crate) fn new(inner: S, waiting: Waiting) -> Self {
        Self { inner, waiting, last: Mutex::default() }
    }
}

impl<S: CheckpointStore> LateRetire<S> {
    /// Removes the journal of the job that was claimed last, however its upload stands, and says which upload it knew.
    ///
    /// # Errors
    /// That it cannot be claimed or removed.
    pub(crate) fn forget(&self) -> Result<Option<UploadId>, StoreError> {
        self.waiting.retire()?;
        let Some(job) = self.last().clone() else { return Ok(None) };
        let mut slot = self.inner.claim(&job)?;
        let opened = slot.open()?;
        slot.retire()?;
        Ok(opened.checkpoint.upload_id().cloned())
    }

    /// How the job that was claimed last stands; `None` if nobody can say.
    pub(crate) fn standing(&self) -> Option<Checkpoint> {
        let job = self.last().clone()?;
        let opened = self.inner.claim(&job).ok()?.open().ok()?;
        Some(opened.checkpoint)
    }

    fn last(&self) -> MutexGuard<'_, Option<Job>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Retires all that wait, and frees their jobs.
    ///
    /// # Errors
    /// The last one, if any cannot be retired; the others are.
    pub(crate) fn retire(&self) -> Result<(), StoreError> {
        let slots = self.take();
        let mut retired = Ok(());
        for mut slot in slots {
            retired = slot.retire().and(retired);
        }
        retired
    }

    /// Lets all that wait go with their journals.
    pub(crate) fn leave(&self) {
        drop(self.take());
    }

    fn take(&self) -> Vec<Box<dyn Slot>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn push(&self, slot: Box<dyn Slot>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(slot);
    }
}

impl<S: CheckpointStore> CheckpointStore for LateRetire<S> {
    fn claim(&self, job: &Job) -> Result<Box<dyn Slot>, StoreError> {
        *self.last() = Some(job.clone());
        let inner = Some(self.inner.claim(job)?);
        Ok(Box::new(LateSlot { inner, retired: false, waiting: self.waiting.clone() }))
    }

    fn taken_by_others(&self, job: &Job) -> Vec<UploadId> {
        self.inner.taken_by_others(job)
    }
}

struct LateSlot {
    /// `None` only while it is dropped.
    inner: Option<Box<dyn Slot>>,
    retired: bool,
    waiting: Waiting,
}

impl LateSlot {
    /// The slot underneath, with nothing left undone.
    fn inner(&mut self) -> Result<&mut Box<dyn Slot>, StoreError> {
        let inner = self.inner.as_mut().expect("it is there until the drop");
        if std::mem::take(&mut self.retired) {
            inner.retire()?;
        }
        Ok(inner)
    }
}

impl Slot for LateSlot {
    fn open(&mut self) -> Result<Opened, StoreError> {
        self.inner()?.open()
    }

    fn append(&mut self, records: &[Record], durability: Durability) -> Result<(), StoreError> {
        self.inner()?.append(records, durability)
    }

    fn retire(&mut self) -> Result<(), StoreError> {
        self.retired = true;
        Ok(())
    }
}

impl Drop for LateSlot {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take()
            && self.retired
        {
            self.waiting.push(inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use oss_checkpoint::{
        Begun, BucketName, ByteCount, MemoryStore, ObjectKey, ObjectOptions, ServiceName, SourceStamp,
    };

    use super::*;

    /// A store that outlives the run.
    struct Shared(Arc<MemoryStore>);

    impl CheckpointStore for Shared {
        fn claim(&self, job: &Job) -> Result<Box<dyn Slot>, StoreError> {
            self.0.claim(job)
        }
    }

    fn begun() -> Record {
        Record::Begun(Box::new(Begun {
            job: job(),
            endpoint: "localhost".to_owned(),
            stamp: SourceStamp { len: ByteCount::mib(1), mtime_ns: 0, identity: None },
            part_size: ByteCount::mib(1),
            options: ObjectOptions::default(),
            at: 0,
        }))
    }

    fn job() -> Job {
        Job {
            service: ServiceName::new("local").unwrap(),
            bucket: BucketName::new("demo").unwrap(),
            key: ObjectKey::new("a").unwrap(),
            source: b"/a".to_vec(),
        }
    }

    fn store() -> (LateRetire<MemoryStore>, Waiting) {
        let waiting = Waiting::default();
        (LateRetire::new(MemoryStore::new(), waiting.clone()), waiting)
    }

    #[test]
    fn a_retired_journal_and_its_lock_wait_until_they_are_told() {
        let (store, waiting) = store();
        let mut slot = store.claim(&job()).unwrap();
        slot.append(&[begun()], Durability::Flushed).unwrap();
        slot.retire().unwrap();
        drop(slot);
        assert!(matches!(store.claim(&job()), Err(StoreError::Locked { .. })));
        waiting.retire().unwrap();
        let opened = store.claim(&job()).unwrap().open().unwrap();
        assert!(opened.checkpoint.begun().is_none());
    }

    #[test]
    fn what_is_forgotten_is_named_and_gone() {
        let (store, _waiting) = store();
        assert_eq!(store.forget().unwrap(), None);
        let mut slot = store.claim(&job()).unwrap();
        let upload_id = UploadId::new("U1").unwrap();
        let initiated = Record::Initiated { upload_id: upload_id.clone(), at: None };
        slot.append(&[begun(), initiated], Durability::Flushed).unwrap();
        assert!(matches!(store.forget(), Err(StoreError::Locked { .. })), "not while it is in use");
        assert!(store.standing().is_none());
        drop(slot);
        assert_eq!(store.standing().unwrap().upload_id(), Some(&upload_id));
        assert_eq!(store.forget().unwrap(), Some(upload_id));
        assert!(store.claim(&job()).unwrap().open().unwrap().checkpoint.begun().is_none());
    }

    #[test]
    fn a_run_that_ends_before_leaves_the_journal() {
        let inner = Arc::new(MemoryStore::new());
        let store = LateRetire::new(Shared(Arc::clone(&inner)), Waiting::default());
        let mut slot = store.claim(&job()).unwrap();
        slot.append(&[begun()], Durability::Flushed).unwrap();
        slot.retire().unwrap();
        drop((slot, store));
        assert!(inner.claim(&job()).unwrap().open().unwrap().checkpoint.begun().is_some());
    }

    #[test]
    fn a_journal_that_is_left_is_free_and_whole() {
        let (store, waiting) = store();
        let mut slot = store.claim(&job()).unwrap();
        slot.append(&[begun()], Durability::Flushed).unwrap();
        slot.retire().unwrap();
        drop(slot);
        waiting.leave();
        waiting.retire().unwrap();
        assert!(store.claim(&job()).unwrap().open().unwrap().checkpoint.begun().is_some());
    }

    #[test]
    fn what_is_appended_behind_a_retirement_begins_a_new_journal() {
        let (store, waiting) = store();
        let mut slot = store.claim(&job()).unwrap();
        slot.append(&[begun()], Durability::Flushed).unwrap();
        slot.retire().unwrap();
        slot.append(&[begun()], Durability::Flushed).unwrap();
        assert_eq!(slot.open().unwrap().checkpoint.records(), 1);
        drop(slot);
        waiting.retire().unwrap();
        assert!(store.claim(&job()).unwrap().open().unwrap().checkpoint.begun().is_some());
    }
}
