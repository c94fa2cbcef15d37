use std::sync::Arc;

use oss_checkpoint::{Durability, Record, Slot, StoreError};
use tokio::sync::Mutex;

use super::{client::in_full, threads::apart};
use crate::{Fault, FaultClass};

/// The slot of the upload. What only has to be written costs microseconds and is done on the spot; what waits for a
/// disk goes to a thread.
#[derive(Clone)]
pub(crate) struct Journal {
    slot: Arc<Mutex<Box<dyn Slot>>>,
}

impl Journal {
    pub(crate) fn new(slot: Box<dyn Slot>) -> Self {
        Self { slot: Arc::new(Mutex::new(slot)) }
    }

    /// Appends without waiting; `None` if that would take long, since a flush is under way or asked for.
    pub(crate) fn append_at_once(
        &self,
        records: &[Record],
        durability: Durability,
    ) -> Option<Result<(), Fault>> {
        match durability {
            Durability::Flushed => None,
            Durability::Written => {
                let mut slot = self.slot.try_lock().ok()?;
                Some(slot.append(records, durability).map_err(|error| fault_of(&error)))
            }
        }
    }

    pub(crate) async fn append(self, records: Vec<Record>, durability: Durability) -> Result<(), Fault> {
        self.with_slot(move |slot| slot.append(&records, durability)).await
    }

    pub(crate) async fn retire(self) -> Result<(), Fault> {
        self.with_slot(|slot| slot.retire()).await
    }

    async fn with_slot(
        self,
        work: impl FnOnce(&mut dyn Slot) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), Fault> {
        // A write that hangs keeps the slot, and so the lock of the upload, until it is through.
        let mut slot = self.slot.lock_owned().await;
        match apart("oss-journal", move || work(slot.as_mut())).await {
            Ok(done) => done.map_err(|error| fault_of(&error)),
            Err(error) => Err(Fault::new(FaultClass::Local, in_full(&error))),
        }
    }
}

fn fault_of(error: &StoreError) -> Fault {
    Fault::new(FaultClass::Local, in_full(error))
}
