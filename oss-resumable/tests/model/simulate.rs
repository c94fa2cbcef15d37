//! Runs the machine in a world: carries out its actions as the script has it, restarts it after a crash, and writes
//! down what broke a rule.

mod deeds;
mod rules;

use std::{
    collections::{BTreeSet, hash_map::DefaultHasher},
    fmt::Write,
    hash::{Hash, Hasher},
    num::NonZeroU16,
    time::Duration,
};

use oss_checkpoint::{
    BucketName, ByteCount, Crc64, Durability, Job, ObjectKey, ObjectOptions, PartNumber, ServerTime,
    ServiceName, Stage, UploadId,
};
use oss_resumable::{
    Action, Adopt, Event, Failure, Fault, FaultClass, Limits, Moment, OnChange, Outcome, Step, Stop,
    StoredObject, Upload, UploadSpec, UploadedPart, Verify,
};

use self::deeds::{Done, Effect};
use crate::{
    script::Fate,
    world::{BLOCK, Refused, Setting, World},
};

/// How often a user runs the same command again.
const MAX_RUNS: usize = 60;
/// Far more steps than any upload of eight blocks needs.
const MAX_STEPS: usize = 20_000;

/// What a whole history did.
pub(crate) struct Report {
    pub(crate) world: World,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) runs: usize,
    /// Rules that were broken, each by name.
    pub(crate) broken: Vec<(&'static str, String)>,
    /// Hash of all actions.
    pub(crate) trace: u64,
    /// Answers to Initiate that nobody got, and aborts that were refused.
    pub(crate) lost_initiates: usize,
    /// Whether unfinished uploads or parts could not be listed at some time.
    pub(crate) listing_denied: bool,
    /// Whether the object could not be looked at at some time.
    pub(crate) head_denied: bool,
}

pub(crate) fn simulate(setting: &Setting, script: &[Fate]) -> Report {
    let mut simulation = Simulation {
        world: World::new(setting),
        script: script.iter(),
        now: Duration::from_secs(1),
        broken: Vec::new(),
        trace: DefaultHasher::new(),
        in_flight: Vec::new(),
        late: Vec::new(),
        lost_initiates: 0,
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
        replies: 0,
    };
    let mut outcome = None;
    let mut runs = 0;
    while runs < MAX_RUNS {
        runs += 1;
        match simulation.run() {
            End::Crashed => {}
            End::Outcome(end) => {
                if std::mem::take(&mut simulation.lied) && matches!(end, Outcome::Completed(_)) {
                    simulation.broke("a_wrong_object_is_never_a_success", format!("{end:?}"));
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
        lost_initiates: simulation.lost_initiates,
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
    now: Duration,
    broken: Vec<(&'static str, String)>,
    trace: DefaultHasher,
    in_flight: Vec<InFlight>,
    /// Requests whose effect comes after their answer was given up.
    late: Vec<(Duration, Effect)>,
    lost_initiates: usize,
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
                        let event = self.finish(&upload, work);
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
                    if self.abort_granted && matches!(outcome, Outcome::Completed(_)) {
                        self.broke("an_abort_that_is_granted_is_the_end", format!("{outcome:?}"));
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
                // An object in one request may be there already when its journal is retired.
                let may_be_there = begun.stage() == Stage::Completing || begun.done().is_some();
                self.abort_granted |= !may_be_there && !matches!(action, Action::Retire { .. });
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
    /// The time of one action has come.
    fn finish(&mut self, upload: &Upload, mut work: InFlight) -> Event {
        let ticket = work.action.ticket();
        let read = self.read(upload, &mut work);
        let fail = |class, read| {
            let fault = Fault { read, ..Fault::new(class, "scripted") };
            Event::Failed { ticket, fault }
        };
        let remote = !matches!(
            work.action,
            Action::Save { .. }
                | Action::Retire { .. }
                | Action::InspectSource { .. }
                | Action::ChecksumPart { .. }
        );
        match (work.action, work.fate) {
            (Action::ListParts { .. }, Fate::Refused) => self.list_denied = true,
            (Action::InspectObject { .. }, Fate::Refused) => self.head_denied = true,
            // What may not be aborted is named, and left.
            (Action::Abort { .. }, Fate::Refused) => self.lost_initiates += 1,
            (Action::FindUploads { .. }, Fate::Refused | Fate::Corrupted) => self.find_denied = true,
            _ => {}
        }
        let lost = matches!(work.fate, Fate::LostBefore | Fate::LostAfter | Fate::LostLate | Fate::Corrupted);
        self.uninitiated |= lost && matches!(work.action, Action::Initiate { .. });
        self.unsettled |= lost && matches!(work.action, Action::Complete { .. });
        match work.fate {
            Fate::Unreachable if remote => return fail(FaultClass::Unreachable, None),
            Fate::Throttled if remote => return fail(FaultClass::Throttled, None),
            Fate::Again(skewed) if remote => {
                return fail(if skewed { FaultClass::Skewed } else { FaultClass::Unauthorised }, None);
            }
            Fate::Refused if remote => {
                return fail(FaultClass::Refused, None);
            }
            Fate::LostBefore if remote => return fail(FaultClass::Unanswered, None),
            Fate::LostAfter if remote => {
                self.lose_initiate(&work);
                if let Some(effect) = work.effect.filter(|_| read.is_ok()) {
                    let _ = self.apply(effect);
                }
                return fail(FaultClass::Unanswered, read.ok().flatten());
            }
            Fate::LostLate if remote => {
                self.lose_initiate(&work);
                if let Some(effect) = work.effect.filter(|_| read.is_ok()) {
                    self.late.push((self.now + Duration::from_secs(2), effect));
                }
                return fail(FaultClass::Unanswered, read.ok().flatten());
            }
            Fate::Corrupted
                if remote && !matches!(work.action, Action::UploadPart { .. } | Action::PutObject { .. }) =>
            {
                self.lose_initiate(&work);
                if let Some(effect) = work.effect {
                    let _ = self.apply(effect);
                }
                return fail(FaultClass::Corrupted, None);
            }
            Fate::Local if matches!(work.action, Action::Save { .. }) => {
                self.journal_failed = true;
                return fail(FaultClass::Local, None);
            }
            Fate::Local if matches!(work.action, Action::UploadPart { .. } | Action::ChecksumPart { .. }) => {
                return fail(FaultClass::Local, None);
            }
            _ => {}
        }
        if read.is_err() {
            return fail(FaultClass::SourceMoved, None);
        }
        let lies = work.fate == Fate::Lie;
        let mut event = self.reply(upload, work, read.ok().flatten());
        if let (true, Event::Completed { object, .. } | Event::ObjectPut { object, .. }) = (lies, &mut event)
        {
            object.crc64 = Some(Crc64::new(8));
            self.lied = matches!(event, Event::Completed { .. });
        }
        event
    }

    fn lose_initiate(&mut self, work: &InFlight) {
        if matches!(work.action, Action::Initiate { .. }) {
            self.lost_initiates += 1;
        }
    }

    /// The answer, after the deed.
    fn reply(&mut self, upload: &Upload, work: InFlight, read: Option<Crc64>) -> Event {
        let ticket = work.action.ticket();
        let fail = |class| Event::Failed { ticket, fault: Fault::new(class, "as the service has it") };
        let stamp = self.world.source().stamp();
        let setting = &self.world.setting;
        let corrupted = work.fate == Fate::Corrupted;
        match work.action {
            Action::InspectSource { .. } => Event::SourceInspected { ticket, stamp },
            Action::ChecksumPart { .. } => {
                Event::PartChecksummed { ticket, crc64: read.unwrap_or_default(), stamp, at_rest: true }
            }
            Action::FindUploads { .. } if setting.find_denied => fail(FaultClass::Refused),
            Action::FindUploads { .. } => {
                Event::UploadsFound { ticket, page: self.world.server.list_uploads() }
            }
            Action::ListParts { .. } if setting.list_denied => fail(FaultClass::Refused),
            Action::ListParts { after, .. } => {
                let id = upload.upload_id().map(UploadId::as_str).unwrap_or_default();
                let after = after.map_or(0, PartNumber::get);
                match self.world.server.list_parts(id, after, usize::from(setting.page), setting.mute) {
                    Some(page) => Event::PartsListed { ticket, page },
                    None => fail(FaultClass::Vanished),
                }
            }
            Action::InspectObject { .. } => {
                Event::ObjectInspected { ticket, object: self.world.server.object.clone() }
            }
            Action::Save { upto, durability, .. } => {
                let records = upload.unsaved(upto).to_vec();
                self.world.disk.records.extend(records);
                if durability == Durability::Flushed {
                    self.world.disk.flushed = self.world.disk.records.len();
                }
                Event::Saved { ticket }
            }
            Action::Retire { .. } => {
                self.world.disk = crate::world::Disk::default();
                Event::Retired { ticket }
            }
            Action::UploadPart { .. } => {
                let Some(effect) = work.effect else { return fail(FaultClass::Local) };
                let local = read.unwrap_or_default();
                let effect = match effect {
                    // The bytes are changed on their way.
                    Effect::UploadPart { id, part, crc64 } if corrupted => {
                        Effect::UploadPart { id, part, crc64: Crc64::new(crc64.get() ^ 4) }
                    }
                    effect => effect,
                };
                match self.apply(effect) {
                    Done::Part(etag, server) => Event::PartUploaded {
                        ticket,
                        part: UploadedPart { etag, local, server: Some(server), stamp, at_rest: true },
                    },
                    _ => fail(FaultClass::Vanished),
                }
            }
            Action::PutObject { .. }
            | Action::Initiate { .. }
            | Action::Complete { .. }
            | Action::Abort { .. } => {
                let Some(effect) = work.effect else { return fail(FaultClass::Local) };
                match self.apply(effect) {
                    Done::Object(object) if matches!(work.action, Action::PutObject { .. }) => {
                        Event::ObjectPut { ticket, object, local: read.unwrap_or_default() }
                    }
                    Done::Object(object) => Event::Completed { ticket, object },
                    Done::Upload(id, at) => Event::Initiated {
                        ticket,
                        upload_id: UploadId::new(id).unwrap(),
                        at: Some(ServerTime::from_unix(at)),
                    },
                    Done::Nothing => Event::Aborted { ticket },
                    Done::Refused(Refused::NoSuchUpload) => fail(FaultClass::Vanished),
                    Done::Refused(Refused::FileAlreadyExists) => fail(FaultClass::Exists),
                    Done::Refused(Refused::InvalidPart) => fail(FaultClass::PartsRejected),
                    Done::Part(..) => fail(FaultClass::Local),
                }
            }
            Action::Cancel { .. } => fail(FaultClass::Local),
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
                let _ = self.apply(effect);
            }
        }
        // An id that was not in the journal yet is as good as an answer that was lost.
        let id = upload.checkpoint().upload_id();
        if id.is_some() && self.world.disk.history().upload_id() != id {
            self.lost_initiates += 1;
        }
        // The next run begins a moment later.
        self.now += Duration::from_secs(1);
        self.land_late(true);
        self.meddle();
    }

    fn broke(&mut self, rule: &'static str, how: String) {
        self.broken.push((rule, how));
    }

    /// Whether running the same command again makes no sense.
    fn is_final(&self, failure: &Failure) -> bool {
        self.calm
            && match failure {
                Failure::Refused(_) | Failure::ProofFailed { .. } | Failure::Plan(_) => true,
                Failure::SourceChanged { .. } => {
                    spec_on_change(self.world.setting.on_change) == OnChange::Fail
                }
                _ => false,
            }
    }

    fn spec(&self) -> UploadSpec {
        let setting = &self.world.setting;
        let job = Job {
            service: ServiceName::new("local").unwrap(),
            bucket: BucketName::new("bucket").unwrap(),
            key: ObjectKey::new("key").unwrap(),
            source: b"/source".to_vec(),
        };
        UploadSpec {
            threshold: ByteCount::new(u64::from(setting.threshold_blocks) * BLOCK),
            part_size: ByteCount::new(u64::from(setting.part_blocks) * BLOCK),
            on_change: spec_on_change(setting.on_change),
            verify: spec_verify(setting.verify),
            adopt: if setting.adopt { Adopt::Auto } else { Adopt::Never },
            options: ObjectOptions { forbid_overwrite: setting.forbid_overwrite, ..ObjectOptions::default() },
            ..UploadSpec::new(job, "oss.example", 1_000 + i64::try_from(self.now.as_secs()).unwrap())
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            concurrency: NonZeroU16::new(u16::from(self.world.setting.concurrency)).unwrap(),
            flush_parts: 3,
            seed: self.world.setting.seed,
            ..Limits::default()
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

fn spec_verify(verify: u8) -> Verify {
    match verify {
        0 => Verify::None,
        1 | 2 => Verify::Full,
        _ => Verify::Auto,
    }
}

fn spec_on_change(on_change: u8) -> OnChange {
    match on_change {
        0 => OnChange::Fail,
        1 => OnChange::Restart,
        _ => OnChange::Heal,
    }
}
