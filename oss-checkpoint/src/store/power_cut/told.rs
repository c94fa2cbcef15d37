//! What became of each record that was given to a journal, and what may therefore be found in it.

use std::{collections::BTreeMap, fmt::Display};

use super::journal;
use crate::{
    Checkpoint, Finding, Record, Stage,
    store::{Durability, Opened, StoreError, simulated_disk::SimulatedDisk},
};

/// Each record, and what its writer was told.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    records: Vec<(Record, Fate)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Flushed,
    Written,
    /// In a file that somebody removed.
    Removed,
    Failed,
    /// Failed, and certainly not there.
    Never,
}

/// Whether a disk keeps what it says that it has flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Honesty {
    Honest,
    Lying,
}

impl Told {
    /// What was found is on the disk, and so are its records.
    pub(super) fn found(opened: &Opened) -> Self {
        Self { records: opened.checkpoint.history().map(|record| (record, Fate::Flushed)).collect() }
    }

    pub(super) fn take(&mut self, records: &[Record], durability: Durability, taken: bool) {
        let fate = if taken { Fate::Written } else { Fate::Failed };
        self.records.extend(records.iter().map(|record| (record.clone(), fate)));
        if taken && durability == Durability::Flushed {
            self.become_of(Fate::Written, Fate::Flushed);
            self.become_of(Fate::Removed, Fate::Flushed);
        }
    }

    /// No promise holds for a file that somebody removes, until the next flush.
    pub(super) fn vanished(&mut self) {
        self.become_of(Fate::Flushed, Fate::Removed);
        self.become_of(Fate::Written, Fate::Removed);
    }

    fn become_of(&mut self, one: Fate, other: Fate) {
        for (_, fate) in &mut self.records {
            if *fate == one {
                *fate = other;
            }
        }
    }

    pub(super) fn with_written(mut self) -> Self {
        self.become_of(Fate::Written, Fate::Flushed);
        self
    }

    pub(super) fn without_failed(mut self) -> Self {
        self.become_of(Fate::Failed, Fate::Never);
        self
    }

    pub(super) fn with_failed(mut self) -> Self {
        self.become_of(Fate::Never, Fate::Failed);
        self
    }

    pub(super) fn judge(&self, honesty: Honesty) -> Judge<'_> {
        let mut possible = States::of(Checkpoint::new());
        let mut orderly = States::of(Checkpoint::new());
        let mut last = States::of(Checkpoint::new());
        for (record, fate) in &self.records {
            let kept = *fate == Fate::Flushed && honesty == Honesty::Honest;
            match fate {
                Fate::Never => continue,
                _ if kept => possible = possible.all_after(record),
                _ => possible.and_after(record),
            }
            match fate {
                Fate::Failed => last.and_after(record),
                _ => last = last.all_after(record),
            }
            last.all().for_each(|state| orderly.add(state.clone()));
        }
        Judge { told: self, honesty, possible, orderly }
    }
}

/// What a record that was lost made sense of makes none without it.
fn after(state: &Checkpoint, record: &Record) -> Checkpoint {
    let mut state = state.clone();
    let _ = state.apply(record);
    state
}

/// Looks at what is found.
pub(super) struct Judge<'a> {
    told: &'a Told,
    honesty: Honesty,
    /// All that was flushed, and any of the rest, in order.
    possible: States,
    /// A beginning of all that was written: what can be found where nothing is said to be damaged.
    orderly: States,
}

impl Judge<'_> {
    /// Opens the journal, which must hold all that was flushed, may hold any of the rest, in order and nothing else, says
    /// so if something is missing before what it holds, and is not changed by being opened.
    pub(super) fn look(&self, disk: &SimulatedDisk, case: &dyn Display) -> Opened {
        let changes = disk.changes();
        let opened = match journal(disk).open() {
            // Bytes of somebody else where the header should be: left alone, as it says.
            Err(StoreError::Foreign { .. }) if self.honesty == Honesty::Lying => Opened::default(),
            opened => opened.unwrap(),
        };
        let wrong = |why: &str| panic!("{case}: {why}\nfound {opened:?}\ntold {:?}", self.told);
        let mut damaged = false;
        let mut set_aside = false;
        for finding in &opened.findings {
            match finding {
                Finding::TornTail { .. } => {}
                Finding::Damaged { .. } | Finding::Senseless { .. } => damaged = true,
                Finding::SetAside { .. } => set_aside = true,
            }
        }
        if set_aside {
            if self.honesty == Honesty::Honest {
                wrong("what was flushed is damaged");
            }
            if opened.checkpoint != Checkpoint::new() {
                wrong("something is found in a journal that was set aside");
            }
            return opened;
        }
        if disk.changes() != changes {
            wrong("opening it changed the disk");
        }
        if !self.possible.agree(&opened.checkpoint) {
            wrong("this was never so");
        }
        if !damaged && !self.orderly.agree(&opened.checkpoint) {
            wrong("something is missing and nothing is said");
        }
        opened
    }
}

/// Checkpoints, each once.
struct States {
    by_shape: BTreeMap<Shape, Vec<Checkpoint>>,
}

/// What checkpoints are told apart by, quickly and nearly always.
type Shape = (u64, u8, bool, Option<u8>, Option<i64>);

fn shape(checkpoint: &Checkpoint) -> Shape {
    let parts = checkpoint.parts().fold(0, |parts, part| parts | 1 << part.receipt.number.index());
    let stage = match checkpoint.stage() {
        Stage::Uploading => 0,
        Stage::Completing => 1,
        Stage::Aborting => 2,
    };
    let id = checkpoint.upload_id().map(|id| id.as_str().as_bytes()[0]);
    (parts, stage, checkpoint.done().is_some(), id, checkpoint.begun().map(|begun| begun.stamp.mtime_ns))
}

impl States {
    fn of(state: Checkpoint) -> Self {
        let mut states = Self { by_shape: BTreeMap::new() };
        states.add(state);
        states
    }

    fn add(&mut self, state: Checkpoint) {
        let alike = self.by_shape.entry(shape(&state)).or_default();
        if !alike.iter().any(|known| agrees(known, &state) && agrees(&state, known)) {
            alike.push(state);
        }
    }

    fn all(&self) -> impl Iterator<Item = &Checkpoint> {
        self.by_shape.values().flatten()
    }

    fn all_after(&self, record: &Record) -> Self {
        let mut states = Self { by_shape: BTreeMap::new() };
        self.all().for_each(|state| states.add(after(state, record)));
        states
    }

    fn and_after(&mut self, record: &Record) {
        let later: Vec<Checkpoint> = self.all().map(|state| after(state, record)).collect();
        for state in later {
            self.add(state);
        }
    }

    fn agree(&self, found: &Checkpoint) -> bool {
        self.by_shape.get(&shape(found)).is_some_and(|alike| alike.iter().any(|state| agrees(found, state)))
    }
}

/// The same, but that parts may be less certain of the local bytes.
fn agrees(found: &Checkpoint, told: &Checkpoint) -> bool {
    found.begun() == told.begun()
        && (found.upload_id(), found.initiated_at()) == (told.upload_id(), told.initiated_at())
        && (found.stage(), found.done()) == (told.stage(), told.done())
        && found.parts().count() == told.parts().count()
        && found
            .parts()
            .zip(told.parts())
            .all(|(found, told)| found.receipt == told.receipt && (told.pinned || !found.pinned))
}
