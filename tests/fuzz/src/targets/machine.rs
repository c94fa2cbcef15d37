//! The machine against scripts of events: in order and out of it, doubled, stale, for other work, with absurd contents.

mod world;

use std::{num::NonZeroU16, time::Duration};

use oss_checkpoint::{PartNumber, PartPlan};
use oss_resumable::{Action, Adopt, Event, Limits, Moment, OnChange, Step, Stop, Ticket, Upload, Verify};

use crate::input::Input;
use world::World;

/// Most actions that may be asked for before the machine waits: all that it can have under way, and their cancelling.
const AT_ONCE: usize = 64;
/// Longest script, in events.
const EVENTS: usize = 600;
/// Most events of a willing world until the machine ends, for a plan of up to [`FEW_PARTS`].
const TO_THE_END: usize = 4_000;
const FEW_PARTS: u16 = 64;
/// Later than any driver gets; from here on a moment that is later still may not exist.
const FOR_EVER: Moment = Moment::after_start(Duration::from_secs(u64::MAX / 2));

/// The bytes are choices.
pub(crate) fn machine(data: &[u8]) {
    let first = Play::of(data);
    let second = Play::of(data);
    assert!(first == second, "the same events give the same actions");
}

/// What the machine asked for, all of it.
type Trace = Vec<Step>;

struct Play<'a> {
    input: Input<'a>,
    world: World,
    upload: Upload,
    now: Moment,
    /// Owed an event each.
    outstanding: Vec<Action>,
    /// Owed none any more.
    settled: Vec<Action>,
    trace: Trace,
}

impl<'a> Play<'a> {
    fn of(data: &'a [u8]) -> Trace {
        let mut input = Input::new(data);
        let world = World::new(&mut input);
        let mut spec = World::spec();
        let choices = input.byte();
        spec.on_change =
            [OnChange::Heal, OnChange::Fail, OnChange::Restart, OnChange::Heal][usize::from(choices & 3)];
        spec.verify = [Verify::Auto, Verify::Full, Verify::None, Verify::Auto][usize::from(choices >> 2 & 3)];
        spec.adopt = if choices & 16 == 0 { Adopt::Auto } else { Adopt::Never };
        let limits = Limits {
            concurrency: NonZeroU16::MIN.saturating_add(u16::from(choices >> 5)),
            max_concurrency: NonZeroU16::MIN.saturating_add(u16::from(choices >> 4)),
            seed: input.number(),
            ..Limits::default()
        };
        let history = world.history(&mut input);
        let upload = Upload::resume(history, spec, limits);
        let (outstanding, settled, trace) = (Vec::new(), Vec::new(), Vec::new());
        let mut play = Self { input, world, upload, now: Moment::START, outstanding, settled, trace };
        play.act();
        play.trace
    }

    fn act(&mut self) {
        let mut ended = self.settle();
        for _ in 0..EVENTS {
            if self.input.is_empty() || ended {
                break;
            }
            let event = self.event();
            let before = (self.upload.notes().len(), self.upload.outcome().cloned());
            if let Some(event) = event {
                self.upload.handle(event, self.now);
            }
            assert!(self.upload.notes().len() >= before.0 && self.upload.notes().len() <= before.0 + 16);
            ended = self.settle();
        }
        if !ended && self.now < FOR_EVER && self.upload.plan().is_none_or(|plan| plan.count() <= FEW_PARTS) {
            self.finish();
        }
        if self.upload.outcome().is_some() {
            self.is_over();
        }
    }

    /// What happens next.
    fn event(&mut self) -> Option<Event> {
        let kind = self.input.byte();
        let which = self.input.below(self.outstanding.len());
        let action = self.outstanding.get(which).copied();
        match kind % 16 {
            // What was asked for, done.
            0..=5 => {
                let action = action?;
                self.outstanding.swap_remove(which);
                self.settled.push(action);
                Some(self.world.done(action, &self.upload))
            }
            // An answer that no service and no disk would give.
            6..=8 => {
                let action = action?;
                self.outstanding.swap_remove(which);
                self.settled.push(action);
                Some(self.world.absurd(action, &mut self.input))
            }
            9..=11 => {
                let action = action?;
                self.outstanding.swap_remove(which);
                self.settled.push(action);
                Some(Event::Failed { ticket: action.ticket(), fault: World::fault(&mut self.input) })
            }
            12 => {
                let which = self.input.below(self.settled.len());
                let stale = *self.settled.get(which)?;
                self.changes_nothing(self.world.done(stale, &self.upload))
            }
            13 => {
                let which = self.input.below(self.settled.len());
                let other = *self.settled.get(which)?;
                if std::mem::discriminant(&other) == std::mem::discriminant(&action?) {
                    return None;
                }
                self.changes_nothing(
                    with_ticket(other, action?.ticket()).map(|other| self.world.done(other, &self.upload))?,
                )
            }
            14 => {
                let span = match self.input.byte() % 8 {
                    0..=3 => Duration::from_millis(self.input.number() % 2_000),
                    4 | 5 => Duration::from_secs(self.input.number() % 1_000),
                    6 => Duration::from_secs(self.input.number() % (1 << 40)),
                    _ => Duration::from_secs(self.input.number()),
                };
                self.now = self.now.plus(span);
                None
            }
            _ if self.input.one_in(4) => Some(Event::StopRequested(Stop::Abort)),
            _ if self.input.one_in(4) => Some(Event::StopRequested(Stop::Pause)),
            _ => None,
        }
    }

    /// Hands in a reply that nobody waits for.
    fn changes_nothing(&mut self, event: Event) -> Option<Event> {
        let told = |upload: &Upload| {
            (
                upload.checkpoint().clone(),
                upload.notes().to_vec(),
                upload.progress(),
                upload.outcome().cloned(),
            )
        };
        let before = told(&self.upload);
        self.upload.handle(event, self.now);
        assert_eq!(told(&self.upload), before, "a stray reply changed something");
        None
    }

    /// Polls until there is nothing to start. Whether that is the end.
    fn settle(&mut self) -> bool {
        for _ in 0..AT_ONCE {
            let step = self.upload.poll(self.now);
            self.trace.push(step);
            match step {
                Step::Act(action) => self.start(action),
                Step::Wait { until } => {
                    assert!(until.is_some() || !self.outstanding.is_empty(), "it waits for nothing");
                    assert!(
                        until.is_none_or(|until| until > self.now || self.now > FOR_EVER),
                        "it waits until {until:?} at {:?}",
                        self.now
                    );
                    assert_eq!(self.upload.poll(self.now), step, "polled again it says something else");
                    return false;
                }
                Step::Done => {
                    assert!(self.upload.outcome().is_some(), "it is done without an outcome");
                    return true;
                }
            }
        }
        panic!("it has asked for {AT_ONCE} things and goes on: {:?}", &self.trace[self.trace.len() - 8..]);
    }

    fn start(&mut self, action: Action) {
        let ticket = action.ticket();
        if let Action::Cancel { .. } = action {
            self.outstanding.retain(|other| other.ticket() != ticket);
            return;
        }
        let known = |actions: &[Action]| actions.iter().any(|other| other.ticket() == ticket);
        assert!(!known(&self.outstanding) && !known(&self.settled), "{ticket} is no fresh ticket");
        self.outstanding.push(action);
        let mut parts: Vec<PartNumber> =
            self.outstanding.iter().filter_map(|action| part_of(*action)).collect();
        parts.sort();
        assert!(
            parts.windows(2).all(|pair| pair[0] != pair[1]),
            "two actions for one part: {:?}",
            self.outstanding
        );
        let count =
            |wanted: fn(&Action) -> bool| self.outstanding.iter().filter(|action| wanted(action)).count();
        let most = usize::from(self.upload.limits().max_concurrency.get());
        assert!(
            count(|action| matches!(action, Action::UploadPart { .. })) <= most,
            "{:?}",
            self.outstanding
        );
        assert!(count(|action| matches!(action, Action::Save { .. })) <= 1, "{:?}", self.outstanding);
        match action {
            Action::UploadPart { part, .. } => {
                let plan = self.upload.plan().expect("parts come of a plan");
                assert_eq!(plan.range_of(part.number), Ok(part.range));
            }
            // Those of an upload that is being looked at come of its own plan.
            Action::ChecksumPart { part, .. } => {
                let end = self.upload.stamp().map(|stamp| stamp.len.get());
                assert!(end.is_some_and(|end| part.range.end() <= end), "{part:?} of {end:?} bytes");
            }
            Action::Complete { .. } => self.tiles(self.upload.plan().expect("parts come of a plan")),
            Action::ListParts { .. } | Action::Abort { .. } => {
                assert!(self.upload.upload_id().is_some(), "{action:?} of no upload");
            }
            _ => {}
        }
    }

    fn tiles(&self, plan: PartPlan) {
        let mut receipts = self.upload.receipts();
        for number in plan.numbers() {
            let receipt = receipts.next().expect("the receipts end early");
            assert_eq!(receipt.number, number);
            assert_eq!(Ok(receipt.size), plan.range_of(number).map(|range| range.len));
        }
        assert!(receipts.next().is_none(), "a receipt behind the last part");
    }

    /// From now on everything works. So it has to end.
    fn finish(&mut self) {
        for _ in 0..TO_THE_END {
            if self.settle() {
                return;
            }
            if self.outstanding.is_empty() {
                let Some(Step::Wait { until: Some(until) }) = self.trace.last().copied() else {
                    panic!("it waits for nothing")
                };
                self.now = until;
                if self.now >= FOR_EVER {
                    return;
                }
                continue;
            }
            let action = self.outstanding.remove(0);
            self.settled.push(action);
            self.upload.handle(self.world.done(action, &self.upload), self.now);
            if self.upload.plan().is_some_and(|plan| plan.count() > FEW_PARTS) {
                return;
            }
        }
        panic!("{TO_THE_END} events, and no end: {:?}", &self.trace[self.trace.len() - 8..]);
    }

    fn is_over(&mut self) {
        let outcome = self.upload.outcome().cloned();
        for action in self.outstanding.clone() {
            self.upload.handle(self.world.done(action, &self.upload), self.now);
        }
        self.upload.handle(Event::StopRequested(Stop::Abort), self.now);
        if self.upload.poll(self.now) == Step::Done {
            assert_eq!(self.upload.outcome(), outcome.as_ref(), "the outcome changed behind the end");
        }
    }
}

fn part_of(action: Action) -> Option<PartNumber> {
    match action {
        Action::UploadPart { part, .. } | Action::ChecksumPart { part, .. } => Some(part.number),
        _ => None,
    }
}

/// The same work with another ticket: what a misrouted reply is for.
fn with_ticket(action: Action, ticket: Ticket) -> Option<Action> {
    Some(match action {
        Action::InspectSource { .. } => Action::InspectSource { ticket },
        Action::PutObject { .. } => Action::PutObject { ticket },
        Action::FindUploads { .. } => Action::FindUploads { ticket },
        Action::Initiate { .. } => Action::Initiate { ticket },
        Action::ListParts { after, .. } => Action::ListParts { ticket, after },
        Action::ChecksumPart { part, .. } => Action::ChecksumPart { ticket, part },
        Action::UploadPart { part, .. } => Action::UploadPart { ticket, part },
        Action::Complete { .. } => Action::Complete { ticket },
        Action::InspectObject { .. } => Action::InspectObject { ticket },
        Action::Abort { .. } => Action::Abort { ticket },
        Action::Save { upto, durability, .. } => Action::Save { ticket, upto, durability },
        Action::Retire { .. } => Action::Retire { ticket },
        Action::Cancel { .. } => return None,
    })
}
