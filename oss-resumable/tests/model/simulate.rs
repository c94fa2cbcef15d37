//! Runs the machine in a world: carries out its actions as the script has it, restarts it after a crash, and writes
//! down what broke a rule.

mod command;
mod deeds;
mod replies;
mod rules;

use std::{
    collections::{BTreeSet, hash_map::DefaultHasher},
    fmt::Write,
    hash::{Hash, Hasher},
    time::Duration,
};

use oss_checkpoint::{ByteCount, Crc64, PartNumber, ServerTime, Stage};
use oss_resumable::{Action, Event, Failure, Moment, OnChange, Outcome, Step, Stop, StoredObject, Upload};

use self::{command::spec_on_change, deeds::Effect};
use crate::{
    coverage::Coverage,
    script::Fate,
    world::{BLOCK, Setting, World},
};

/// How often a user runs the same command again.
const MAX_RUNS: usize = 60;
/// Far more steps than any upload of eight blocks needs.
const MAX_STEPS: usize = 20_000;

/// Is given lines that are made only if somebody listens.
type Tell<'a> = &'a dyn Fn(&dyn Fn() -> String);

/// What a whole history did.
pub(crate) struct Report {
    pub(crate) world: World,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) runs: usize,
    /// Rules that were broken, each by name.
    pub(crate) broken: Vec<(&'static str, String)>,
    /// Hash of all actions.
    pub(crate) trace: u64,
    /// Uploads that may be left: answers to Initiate that nobody got, aborts that were refused, and what was falsely
    /// said to be gone.
    pub(crate) excused: usize,
    pub(crate) coverage: Coverage,
    /// Whether a request got there after the run that sent it had given it up or was killed.
    pub(crate) landed_late: bool,
    /// Whether unfinished uploads or parts could not be listed at some time.
    pub(crate) listing_denied: bool,
    /// Whether the object could not be looked at at some time.
    pub(crate) head_denied: bool,
}

pub(crate) fn simulate(setting: &Setting, script: &[Fate]) -> Report {
    run(setting, script, &|_| {})
}

/// Tells each action, what befell it, and each event, on stdout.
pub(crate) fn simulate_aloud(setting: &Setting, script: &[Fate]) -> Report {
    run(setting, script, &|line| println!("{}", line()))
}

fn run(setting: &Setting, script: &[Fate], tell: Tell<'_>) -> Report {
    let mut simulation = Simulation {
        world: World::new(setting),
        script: script.iter(),
        tell,
        now: Duration::from_secs(1),
        broken: Vec::new(),
        trace: DefaultHasher::new(),
        in_flight: Vec::new(),
        late: Vec::new(),
        excused: 0,
        coverage: Coverage::default(),
        landed_late: false,
        journal_failed: false,
        list_denied: setting.list_denied,
        find_denied: setting.find_denied,
        head_denied: false,
        held_at_start: Vec::new(),
        sent: BTreeSet::new(),
        calm: false,
        lied: false,
        unsettled: false,
        uninitiated: false,
        maybe_completed: None,
        meddle: None,
        abort_granted: false,
        object_seen: false,
        replies: 0,
    };
    let mut outcome = None;
    let mut runs = 0;
    while runs < MAX_RUNS {
        runs += 1;
        let (first, gone) = (simulation.world.versions.len() - 1, simulation.world.gone > 0);
        match simulation.run() {
            End::Crashed => (simulation.tell)(&|| "killed\n".to_owned()),
            End::Outcome(end) => {
                if std::mem::take(&mut simulation.lied) && matches!(end, Outcome::Completed(_)) {
                    simulation.broke("a_wrong_object_is_never_a_success", format!("{end:?}"));
                }
                // Where the source cannot be looked at, what was sealed before is all that there is.
                if let Outcome::Completed(finished) = &end
                    && !gone
                    && simulation.world.gone == 0
                    && !simulation.world.versions[first..]
                        .iter()
                        .any(|version| version.whole() == finished.facts.crc64)
                {
                    simulation.broke("success_is_of_the_source_as_it_is", format!("{finished:?}"));
                }
                let over = match &end {
                    Outcome::Completed(_) | Outcome::Aborted => true,
                    Outcome::Failed(failure) => simulation.is_final(failure),
                    Outcome::Paused => false,
                };
                outcome = Some(end);
                if over {
                    break;
                }
            }
            End::Stuck => break,
        }
    }
    simulation.land_late(true);
    Report {
        outcome,
        runs,
        broken: simulation.broken,
        trace: simulation.trace.finish(),
        excused: simulation.excused,
        coverage: simulation.coverage,
        landed_late: simulation.landed_late,
        listing_denied: simulation.list_denied || simulation.find_denied,
        head_denied: simulation.head_denied,
        world: simulation.world,
    }
}

enum End {
    Outcome(Outcome),
    Crashed,
    Stuck,
}

#[expect(clippy::struct_excessive_bools, reason = "what has happened, each on its own")]
struct Simulation<'a> {
    world: World,
    script: std::slice::Iter<'a, Fate>,
    tell: Tell<'a>,
    now: Duration,
    broken: Vec<(&'static str, String)>,
    trace: DefaultHasher,
    in_flight: Vec<InFlight>,
    /// Requests whose effect comes after their answer was given up.
    late: Vec<(Duration, Effect)>,
    excused: usize,
    coverage: Coverage,
    landed_late: bool,
    journal_failed: bool,
    list_denied: bool,
    find_denied: bool,
    head_denied: bool,
    /// Parts that the server held when this run began, as they were.
    held_at_start: Vec<(String, u16, Crc64)>,
    /// Parts that this run has sent.
    sent: BTreeSet<(String, u16)>,
    /// Whether nothing goes wrong in this run.
    calm: bool,
    /// Whether the object was stated with another CRC-64 than it has.
    lied: bool,
    /// Whether a Complete went unanswered and nobody has asked yet what became of it.
    unsettled: bool,
    /// Whether an Initiate went unanswered and nobody has looked yet what became of it.
    uninitiated: bool,
    /// The upload whose Complete may have been done, for all that is known.
    maybe_completed: Option<String>,
    /// What else happens when the process dies.
    meddle: Option<Fate>,
    /// An abort was asked for while it could still be granted.
    abort_granted: bool,
    /// This run has put an object in one request, or has seen one.
    object_seen: bool,
    replies: u32,
}

/// An action under way.
struct InFlight {
    action: Action,
    fate: Fate,
    due: Duration,
    effect: Option<Effect>,
    /// What a read has seen so far.
    version: usize,
}

impl Simulation<'_> {
    fn run(&mut self) -> End {
        self.calm = self.script.len() == 0;
        self.world.gone = if self.calm { 0 } else { self.world.gone.saturating_sub(1) };
        let history = self.world.disk.history();
        self.held_at_start = self
            .world
            .server
            .uploads
            .iter()
            .flat_map(|(id, upload)| {
                upload.parts.iter().map(|(number, part)| (id.clone(), *number, part.crc64))
            })
            .collect();
        self.sent.clear();
        self.unsettled = false;
        self.uninitiated = false;
        self.maybe_completed = None;
        self.abort_granted = false;
        self.object_seen = false;
        self.journal_failed = false;
        let started = self.now;
        let mut upload = Upload::resume(history, self.spec(), self.limits());
        for _ in 0..MAX_STEPS {
            let now = Moment::after_start(self.now.saturating_sub(started));
            match upload.poll(now) {
                Step::Act(Action::Cancel { ticket }) => {
                    self.in_flight.retain(|work| work.action.ticket() != ticket);
                }
                Step::Act(action) => {
                    let _ = write!(HashText(&mut self.trace), "{action:?}");
                    if self.start(&mut upload, action, now) {
                        self.crash(&upload);
                        return End::Crashed;
                    }
                }
                Step::Wait { until } => {
                    if until.is_some_and(|until| until <= now) {
                        self.broke("no_spin", format!("{until:?} at {now}"));
                        return End::Stuck;
                    }
                    let until = until.map(|until| started + until.elapsed());
                    let Some(next) = self.in_flight.iter().map(|work| work.due).chain(until).min() else {
                        self.broke("no_stall", format!("{upload:?}"));
                        return End::Stuck;
                    };
                    self.now = self.now.max(next);
                    self.land_late(false);
                    let at = Moment::after_start(self.now.saturating_sub(started));
                    if let Some(index) = self.in_flight.iter().position(|work| work.due <= self.now) {
                        let work = self.in_flight.swap_remove(index);
                        let (action, fate) = (work.action, work.fate);
                        let event = self.finish(&upload, work);
                        if fate == Fate::CrashAtReply {
                            if matches!(event, Event::Initiated { .. }) {
                                self.excused += 1;
                            }
                            self.crash(&upload);
                            return End::Crashed;
                        }
                        match &event {
                            Event::Failed { fault, .. } => self.coverage.fault(action, fault.class),
                            _ => self.coverage.reply(action),
                        }
                        (self.tell)(&|| format!("{at} {event:?}"));
                        self.object_seen |= matches!(
                            event,
                            Event::ObjectPut { .. } | Event::ObjectInspected { object: Some(_), .. }
                        );
                        upload.handle(event.clone(), at);
                        self.learn(&event);
                        self.repeat(&mut upload, event, at);
                    }
                }
                Step::Done => {
                    self.in_flight.clear();
                    let Some(outcome) = upload.outcome().cloned() else {
                        self.broke("no_stall", "done without an outcome".into());
                        return End::Stuck;
                    };
                    // What turned out to be there is not given up.
                    if self.abort_granted
                        && matches!(&outcome, Outcome::Completed(finished) if !finished.facts.settled)
                    {
                        self.broke("an_abort_that_is_granted_is_the_end", format!("{outcome:?}"));
                    }
                    self.coverage.outcome(&outcome);
                    (self.tell)(&|| format!("the end of a run: {outcome:?}\n"));
                    for note in upload.notes() {
                        self.coverage.note(note);
                    }
                    return End::Outcome(outcome);
                }
            }
        }
        self.broke("bounded_steps", format!("{upload:?}"));
        End::Stuck
    }

    /// Starts one action. Whether the process is killed now.
    fn start(&mut self, upload: &mut Upload, action: Action, now: Moment) -> bool {
        self.check_start(upload, action);
        let fate = self.script.next().copied().unwrap_or(Fate::Done(1));
        (self.tell)(&|| format!("{now} {action:?} <- {fate:?}"));
        let mut latency = 3;
        match fate {
            Fate::Done(tenths) => latency = u64::from(tenths),
            Fate::Rewrite(block) => self.world.change_source(|blocks, _| {
                let at = usize::from(block) % blocks.len();
                blocks[at] = blocks[at].wrapping_mul(31).wrapping_add(7);
            }),
            Fate::Resize(blocks_now) => self.world.change_source(|blocks, _| {
                blocks.resize(usize::from(blocks_now), 77);
            }),
            Fate::Touch => self.world.change_source(|_, _| {}),
            Fate::Gone => self.world.gone = 2,
            Fate::Vanish => {
                if let Some(id) = upload.checkpoint().upload_id() {
                    self.world.server.uploads.remove(id.as_str());
                }
            }
            Fate::CompletedElsewhere => self.complete_elsewhere(upload),
            Fate::LosePart(number) => {
                let id = upload.checkpoint().upload_id().map(|id| id.as_str().to_owned());
                if let Some(lost) = id.and_then(|id| self.world.server.uploads.get_mut(&id)) {
                    lost.parts.remove(&u16::from(number));
                }
            }
            Fate::AlterPart { number, longer } => {
                let id = upload.checkpoint().upload_id().map(|id| id.as_str().to_owned());
                let part = self.world.setting.part_blocks;
                if let (Some(id), Ok(number)) = (id, PartNumber::new(u64::from(number))) {
                    let size = u64::from(part + u8::from(longer)) * BLOCK;
                    self.world.server.upload_part(&id, number, size, Crc64::new(4_711));
                }
            }
            Fate::Pause => upload.handle(Event::StopRequested(Stop::Pause), now),
            Fate::Abort => {
                let begun = upload.checkpoint();
                let may_be_there = begun.stage() == Stage::Completing || begun.done().is_some();
                self.abort_granted |= !may_be_there && !self.object_seen;
                upload.handle(Event::StopRequested(Stop::Abort), now);
            }
            _ => {}
        }
        let effect = Self::effect_of(upload, action);
        let work = InFlight {
            action,
            fate,
            due: self.now + Duration::from_millis(100 * latency),
            effect,
            version: self.world.versions.len() - 1,
        };
        let (done, power) = match fate {
            Fate::Crash { done, power } => (done, power),
            Fate::CrashAndRemove | Fate::CrashAndReplace => (true, false),
            _ => {
                self.in_flight.push(work);
                return false;
            }
        };
        self.crash_during(upload, work, done, power);
        self.meddle = Some(fate);
        true
    }

    /// What happens to the object between two runs.
    fn meddle(&mut self) {
        match self.meddle.take() {
            Some(Fate::CrashAndRemove) => self.world.server.object = None,
            Some(Fate::CrashAndReplace) => {
                // Stored long after everything of ours, so it cannot be taken for an older object.
                let now = 1_000 + i64::try_from(self.now.as_secs()).unwrap();
                self.world.server.object = Some(StoredObject {
                    size: Some(ByteCount::new(6)),
                    crc64: Some(Crc64::new(6)),
                    last_modified: Some(ServerTime::from_unix(now)),
                    ..StoredObject::default()
                });
            }
            _ => {}
        }
    }

    /// The process is killed while this work begins.
    fn crash_during(&mut self, upload: &Upload, mut work: InFlight, done: bool, power: bool) {
        if done {
            match work.action {
                Action::Save { upto, .. } => {
                    // A prefix of what was on its way gets through.
                    let records = upload.unsaved(upto);
                    let count = records.len().div_ceil(2);
                    self.world.disk.records.extend(records[..count].iter().cloned());
                }
                Action::Retire { .. } => self.world.disk = crate::world::Disk::default(),
                _ => {
                    if self.read(upload, &mut work).is_ok()
                        && let Some(effect) = work.effect.take()
                    {
                        self.lose_initiate(&work);
                        let _ = self.apply(effect);
                    }
                }
            }
        }
        if power {
            let kept = usize::from(done);
            self.world.disk.lose_power(kept);
        }
    }

    /// What is in flight when the process dies: every other request gets through.
    fn crash(&mut self, upload: &Upload) {
        for (index, mut work) in std::mem::take(&mut self.in_flight).into_iter().enumerate() {
            if index % 2 == 0
                && self.read(upload, &mut work).is_ok()
                && let Some(effect) = work.effect.take()
            {
                self.lose_initiate(&work);
                if work.due.as_millis() % 400 == 0 {
                    // It gets there when the next run is under way.
                    self.late.push((work.due + Duration::from_millis(1_100), effect));
                } else {
                    let _ = self.apply(effect);
                }
            }
        }
        // An id that was not in the journal yet is as good as an answer that was lost.
        let id = upload.checkpoint().upload_id();
        if id.is_some() && self.world.disk.history().upload_id() != id {
            self.excused += 1;
        }
        // The next run begins a moment later.
        self.now += Duration::from_secs(1);
        self.land_late(false);
        self.meddle();
    }

    fn broke(&mut self, rule: &'static str, how: String) {
        self.broken.push((rule, how));
    }

    /// Whether running the same command again makes no sense.
    fn is_final(&self, failure: &Failure) -> bool {
        self.calm
            && match failure {
                Failure::Refused(_)
                | Failure::ProofFailed { .. }
                | Failure::Plan(_)
                | Failure::Ambiguous(_)
                | Failure::NotAdopted(_) => true,
                Failure::SourceChanged { .. } => {
                    spec_on_change(self.world.setting.on_change) == OnChange::Fail
                }
                _ => false,
            }
    }
}

/// Hashes what is written to it.
struct HashText<'a>(&'a mut DefaultHasher);

impl Write for HashText<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        text.hash(self.0);
        Ok(())
    }
}
