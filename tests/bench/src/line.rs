//! An upload over a line that is thought up: the machine as it is, in a time that moves only where something is waited for.

use std::time::Duration;

use oss_checkpoint::{
    ByteCount, Checkpoint, CheckpointStore as _, Durability, FileStore, PartPlan, Record, Slot,
};
use oss_resumable::{Action, Limits, Moment, Outcome, Step, Upload, UploadSpec};

use crate::{journal::job, machine::World};

#[derive(Clone, Copy)]
pub(crate) struct Line {
    /// From a request to its answer, without the bytes.
    pub(crate) latency: Duration,
    /// Bytes a second, of one connection and of all together.
    pub(crate) one: u64,
    pub(crate) all: u64,
}

/// How an upload went.
pub(crate) struct Run {
    pub(crate) took: Duration,
    pub(crate) plan: PartPlan,
    pub(crate) requests: u32,
    /// Most parts in flight.
    pub(crate) widest: usize,
    /// When the first part was begun, and after how many requests.
    pub(crate) first_part: (Duration, u32),
    /// Length of the journal when it was done with.
    pub(crate) journal: u64,
}

/// A request on its way.
struct Flight {
    action: Action,
    /// Nanoseconds that its line is silent, and billionths of a byte that then have to go out.
    silent: u64,
    left: u128,
}

const BILLION: u128 = 1_000_000_000;

impl Line {
    /// Uploads so many bytes; `history` is what earlier runs have done.
    pub(crate) fn carry(self, len: ByteCount, history: &[Record], limits: Limits) -> Run {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let mut slot = FileStore::new(folder.path()).claim(&job()).expect("nobody else has it");
        slot.append(history, Durability::Written).expect("there is room");
        let mut checkpoint = Checkpoint::new();
        for record in history {
            checkpoint.apply(record).expect("a history as it is written");
        }
        let world = World::new(len, &checkpoint);
        let spec = UploadSpec::new(job(), "oss.example", 1_800_000_000);
        let mut upload = Upload::resume(checkpoint, spec, limits);
        let mut flights: Vec<Flight> = Vec::new();
        let (mut now, mut requests, mut widest, mut journal) = (0, 0, 0, 0);
        let mut first_part = None;
        loop {
            let moment = Moment::START.plus(Duration::from_nanos(now));
            let until = match upload.poll(moment) {
                Step::Done => break,
                Step::Wait { until } => until.map(|until| nanoseconds(until.since(Moment::START)) - now),
                Step::Act(action) => {
                    if let Action::UploadPart { part, .. } = action {
                        first_part.get_or_insert((Duration::from_nanos(now), requests));
                        let left = u128::from(part.range.len.get()) * BILLION;
                        flights.push(Flight { action, silent: nanoseconds(self.latency), left });
                        widest = widest.max(flights.len());
                        requests += 1;
                    } else if is_local(&action) {
                        match action {
                            Action::Save { upto, .. } => save(&mut *slot, upload.unsaved(upto)),
                            Action::Retire { .. } => journal = written(folder.path()),
                            _ => {}
                        }
                        upload.handle(world.answer(action, &upload), moment);
                    } else {
                        flights.push(Flight { action, silent: nanoseconds(self.latency), left: 0 });
                        requests += 1;
                    }
                    continue;
                }
            };
            let moving = flights.iter().filter(|flight| flight.silent == 0).count() as u64;
            // Bytes a second, which is billionths of a byte a nanosecond.
            let rate = u128::from(self.one.min(self.all / moving.max(1)));
            let next = |flight: &Flight| match flight.silent {
                0 => u64::try_from(flight.left.div_ceil(rate)).expect("less than centuries"),
                silent => silent,
            };
            let wait = flights.iter().map(next).chain(until).min().expect("it waits for something");
            now += wait;
            for flight in &mut flights {
                match flight.silent {
                    0 => flight.left = flight.left.saturating_sub(rate * u128::from(wait)),
                    silent => flight.silent = silent - wait,
                }
            }
            let moment = Moment::START.plus(Duration::from_nanos(now));
            for flight in flights.extract_if(.., |flight| flight.silent == 0 && flight.left == 0) {
                upload.handle(world.answer(flight.action, &upload), moment);
            }
        }
        assert!(matches!(upload.outcome(), Some(Outcome::Completed(_))), "{:?}", upload.outcome());
        Run {
            took: Duration::from_nanos(now),
            plan: upload.plan().expect("it was sent in parts"),
            requests,
            widest,
            first_part: first_part.expect("a part was missing"),
            journal,
        }
    }
}

/// Whether it needs no line.
fn is_local(action: &Action) -> bool {
    matches!(action, Action::InspectSource { .. } | Action::Save { .. } | Action::Retire { .. })
}

fn save(slot: &mut dyn Slot, records: &[Record]) {
    slot.append(records, Durability::Written).expect("there is room");
}

/// The bytes of the journal in this folder.
fn written(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("the folder was just made").flatten();
    let journals = entries.filter(|entry| entry.path().extension().is_some_and(|kind| kind == "ossj"));
    journals.filter_map(|entry| entry.metadata().ok()).map(|found| found.len()).sum()
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).expect("less than centuries")
}
