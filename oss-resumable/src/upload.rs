use std::collections::VecDeque;

use oss_checkpoint::{Checkpoint, PartNumber, PartPlan, PartReceipt, Record, SourceStamp, UploadId};

use crate::{
    Action, Adopt, Event, Fault, FaultClass, Limits, Moment, Note, Outcome, Progress, Revision, Step, Stop,
    Ticket, UploadSpec, UploadsMarker,
};

mod attempts;
mod complete;
mod ending;
mod finding;
mod parts;
mod patience;
mod phase;
mod put;
mod react;
mod saves;
mod start;
mod tickets;
mod transfer;
mod width;

use parts::PartTable;
use patience::Patience;
use phase::{Attempt, Phase};
use react::react;
use saves::Saves;
use tickets::{Tickets, Work};
use width::Width;

/// One upload: two doors, [`Upload::poll`] and [`Upload::handle`], and getters that lend.
#[derive(Clone, Debug)]
pub struct Upload {
    spec: UploadSpec,
    limits: Limits,
    now: Moment,
    phase: Phase,
    checkpoint: Checkpoint,
    saves: Saves,
    tickets: Tickets,
    cancels: VecDeque<Ticket>,
    patience: Patience,
    width: Width,
    table: Option<PartTable>,
    /// The stamp that the source must have while it is read.
    stamp: Option<SourceStamp>,
    /// Counts the stamps: work that was begun under an older one proves nothing.
    generation: u32,
    /// How often the source was found changed.
    rounds: u32,
    /// How often Initiate was left without an answer.
    initiate_tries: u32,
    /// How often the upload vanished.
    restarts: u32,
    /// How often Complete was told that the parts are others.
    rejected: u32,
    /// Uploads of this key that are not ours: they were there before ours was initiated, or another journal has them.
    known: Vec<UploadId>,
    /// Whether the server left out the CRC-64 of a part that counts.
    unproved: bool,
    /// Whether parts may not be listed.
    unlistable: bool,
    /// Since when, by the local clock, an Initiate may have been done of which nobody knows the answer: uploads may not be listed.
    untraced: Option<i64>,
    /// Whether it was tried to do without the source.
    sourceless: bool,
    /// The stamp under which an earlier run had sealed this upload, so that its Complete may still be on its way.
    sealed_under: Option<SourceStamp>,
    /// The last part of the pages of ListParts that have come in; `None` before the first and after the last.
    listed_upto: Option<PartNumber>,
    /// An abort that waits for the answer to Initiate.
    stop: Option<Stop>,
    notes: Vec<Note>,
    outcome: Option<Outcome>,
}

/// What a phase has to say when it is polled.
enum Next {
    /// Start this.
    Act(Action),
    /// Another phase begins.
    Moved,
    /// Nothing now.
    Idle,
}

impl Upload {
    /// An upload of which nothing is known.
    pub fn begin(spec: UploadSpec, limits: Limits) -> Self {
        Self::resume(Checkpoint::new(), spec, limits)
    }

    /// Goes on from what a journal says; an empty history is a beginning.
    pub fn resume(history: Checkpoint, spec: UploadSpec, limits: Limits) -> Self {
        let saves = Saves::behind(history.records());
        let phase = Phase::Recovering { needs: saves.latest() };
        let at_once = usize::from(limits.max_concurrency.get().max(limits.concurrency.get()))
            + usize::from(limits.checksums.get())
            + 4;
        Self {
            now: Moment::START,
            phase,
            saves,
            checkpoint: history,
            tickets: Tickets::with_room_for(at_once),
            cancels: VecDeque::with_capacity(at_once),
            patience: Patience::new(&limits),
            width: Width::new(&limits),
            table: None,
            stamp: None,
            generation: 0,
            rounds: 0,
            initiate_tries: 0,
            restarts: 0,
            rejected: 0,
            known: match &spec.adopt {
                Adopt::This(chosen) => spec.taken.iter().filter(|taken| *taken != chosen).cloned().collect(),
                Adopt::Auto | Adopt::Never => spec.taken.clone(),
            },
            unproved: false,
            unlistable: false,
            untraced: None,
            sourceless: false,
            sealed_under: None,
            listed_upto: None,
            stop: None,
            notes: Vec::new(),
            outcome: None,
            spec,
            limits,
        }
    }

    /// What to do next. `now` only moves forward: a smaller value is read as the latest one seen.
    pub fn poll(&mut self, now: Moment) -> Step {
        self.now = self.now.max(now);
        loop {
            if let Some(ticket) = self.cancels.pop_front() {
                return Step::Act(Action::Cancel { ticket });
            }
            if matches!(self.phase, Phase::Ended) {
                return Step::Done;
            }
            if let Some((upto, durability)) = self.saves.next(self.now, &self.limits) {
                let ticket = self.tickets.issue(Work::Save);
                return Step::Act(Action::Save { ticket, upto, durability });
            }
            match self.advance() {
                Next::Act(action) => return Step::Act(action),
                Next::Moved => {}
                Next::Idle => return Step::Wait { until: self.wake() },
            }
        }
    }

    /// What has happened. A reply whose ticket is not outstanding, or that is no reply to what the ticket was given
    /// for, changes nothing.
    pub fn handle(&mut self, event: Event, now: Moment) {
        self.now = self.now.max(now);
        if matches!(self.phase, Phase::Ended) {
            return;
        }
        let Some(ticket) = event.ticket() else {
            if let Event::StopRequested(stop) = event {
                self.on_stop(stop);
            }
            return;
        };
        let Some(work) = self.tickets.get(ticket) else { return };
        if !event.answers(work) {
            return;
        }
        let _ = self.tickets.take(ticket);
        match event {
            Event::Failed { fault, .. } => self.on_fault(work, fault),
            Event::Saved { .. } => self.saves.saved(self.now, &self.limits),
            reply => {
                if !matches!(work, Work::InspectSource | Work::ChecksumPart { .. } | Work::Retire) {
                    self.patience.contact();
                }
                self.on_reply(work, reply);
            }
        }
    }

    /// What was asked for.
    pub fn spec(&self) -> &UploadSpec {
        &self.spec
    }

    /// What it may use, and when it gives up.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What the journal says, unsaved records included.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The records that the journal still lacks, up to and including `upto`.
    pub fn unsaved(&self, upto: Revision) -> &[Record] {
        self.saves.upto(upto)
    }

    /// The stamp that the source must have while it is read; `None` before it was inspected.
    pub fn stamp(&self) -> Option<SourceStamp> {
        self.stamp
    }

    /// Whether the request of this action is to ask for a go-ahead (`Expect: 100-continue`) before it sends its body: its last try
    /// was not answered, which is how it looks when a refusal is lost in the reset behind it.
    pub fn asks_before_body(&self, action: &Action) -> bool {
        match (action, &self.phase, &self.table) {
            (Action::UploadPart { part, .. }, _, Some(table)) => table.was_unanswered(part.number),
            (Action::PutObject { .. }, Phase::Putting(putting), _) => putting.unanswered,
            _ => false,
        }
    }

    /// How the source is cut; `None` before there is a plan, and for an object in one request.
    pub fn plan(&self) -> Option<PartPlan> {
        self.table.as_ref().map(PartTable::plan)
    }

    /// The upload that [`Action::ListParts`], `UploadPart`, `Complete` and `Abort` are about.
    pub fn upload_id(&self) -> Option<&UploadId> {
        match &self.phase {
            Phase::Finding(finding) => {
                finding.examining.as_ref().map(|examining| &examining.upload.upload_id)
            }
            _ => self.checkpoint.upload_id(),
        }
    }

    /// Where the next page of `FindUploads` begins; `None` for the first one.
    pub fn uploads_marker(&self) -> Option<&UploadsMarker> {
        match &self.phase {
            Phase::Finding(finding) => finding.marker.as_ref(),
            _ => None,
        }
    }

    /// The parts that count, in order. At `Complete` they tile the source.
    pub fn receipts(&self) -> impl Iterator<Item = &PartReceipt> {
        let table = self.table.as_ref();
        let counts = move |number| table.is_none_or(|table| table.is_done(number));
        self.checkpoint.parts().map(|part| &part.receipt).filter(move |receipt| counts(receipt.number))
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        match (&self.table, &self.outcome) {
            (Some(table), _) => table.progress(),
            (None, Some(Outcome::Completed(finished))) => Progress {
                total: Some(finished.facts.size),
                accepted: finished.facts.size,
                resumed: if finished.already { finished.facts.size } else { oss_checkpoint::ByteCount::ZERO },
                ..Progress::default()
            },
            (None, _) => Progress { total: self.stamp.map(|stamp| stamp.len), ..Progress::default() },
        }
    }

    /// What a user should know of, oldest first; only grows.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// How it ended; `None` while it runs.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// What the phase in hand has to start, or the next phase.
    fn advance(&mut self) -> Next {
        let now = self.now;
        match &mut self.phase {
            Phase::Recovering { needs } => {
                let needs = *needs;
                self.gate(needs, Self::on_recovered)
            }
            Phase::Inspecting { attempt } => ask(attempt, now, &mut self.tickets, Work::InspectSource),
            Phase::Putting(putting) => {
                let work = if putting.asking.is_some() { Work::InspectObject } else { Work::PutObject };
                ask(&mut putting.attempt, now, &mut self.tickets, work)
            }
            Phase::Finding(_) => self.advance_finding(),
            Phase::Beginning { needs, .. } => {
                let needs = *needs;
                self.gate(needs, Self::on_begun)
            }
            Phase::Initiating { attempt } => ask(attempt, now, &mut self.tickets, Work::Initiate),
            Phase::Identified { needs, .. } => {
                let needs = *needs;
                self.gate(needs, Self::on_identified)
            }
            Phase::Transferring(_) => self.advance_transfer(),
            Phase::Sealing { needs } => {
                let needs = *needs;
                self.gate(needs, Self::on_sealed)
            }
            Phase::Completing(completing) => {
                let work = completing.question.work();
                ask(&mut completing.attempt, now, &mut self.tickets, work)
            }
            Phase::Confirming { attempt, .. } | Phase::Vanishing { attempt, .. } => {
                ask(attempt, now, &mut self.tickets, Work::InspectObject)
            }
            Phase::GivingUp { needs, .. } => {
                let needs = *needs;
                self.gate(needs, Self::on_given_up)
            }
            Phase::Aborting { attempt, .. } => ask(attempt, now, &mut self.tickets, Work::Abort),
            Phase::Recording { needs, .. } => {
                let needs = *needs;
                self.gate(needs, Self::on_recorded)
            }
            Phase::Retiring { .. } => self.advance_retiring(),
            Phase::Closing { .. } => self.advance_closing(),
            Phase::Ended => Next::Idle,
        }
    }

    /// Goes through once `needs` is durable.
    fn gate(&mut self, needs: Revision, through: impl FnOnce(&mut Self)) -> Next {
        if self.saves.is_durable(needs) {
            through(self);
            return Next::Moved;
        }
        // A need that is news makes a save due at once.
        if self.saves.need(needs) { Next::Moved } else { Next::Idle }
    }

    fn on_reply(&mut self, work: Work, reply: Event) {
        match reply {
            Event::SourceInspected { stamp, .. } => self.on_source(stamp),
            Event::ObjectPut { object, local, .. } => self.on_put(&object, local),
            Event::UploadsFound { page, .. } => self.on_uploads(page),
            Event::Initiated { upload_id, at, .. } => self.on_initiated(upload_id, at),
            Event::PartsListed { page, .. } => self.on_parts(page),
            Event::PartChecksummed { crc64, stamp, at_rest, .. } => {
                if let Work::ChecksumPart { number, generation } = work {
                    self.on_checksum(number, generation, crc64, stamp, at_rest);
                }
            }
            Event::PartUploaded { part, .. } => {
                if let Work::UploadPart { number, generation, since } = work {
                    self.on_part(number, generation, part);
                    self.count_arrival(number, since);
                }
            }
            Event::Completed { object, .. } => self.on_completed(&object),
            Event::ObjectInspected { object, .. } => self.on_object(object.as_ref()),
            Event::Aborted { .. } => self.on_aborted(),
            Event::Retired { .. } => self.end_retired(),
            Event::Saved { .. } | Event::Failed { .. } | Event::StopRequested(_) => {}
        }
    }

    fn on_fault(&mut self, work: Work, fault: Fault) {
        let heard = !matches!(
            fault.class,
            FaultClass::Unreachable
                | FaultClass::Untrusted
                | FaultClass::Unanswered
                | FaultClass::Scarce
                | FaultClass::Local
                | FaultClass::SourceMoved
        );
        if heard {
            self.patience.contact();
        }
        let reaction = react(work, fault.class);
        match work {
            Work::Save => self.on_save_failed(fault),
            Work::Retire => self.end_retired(),
            Work::UploadPart { number, generation, since } => {
                self.count_long_try(number, since, &fault);
                self.on_part_failed(number, generation, reaction, fault);
            }
            Work::ChecksumPart { number, .. } => self.on_checksum_failed(number, reaction, fault),
            Work::PutObject => {
                if matches!(fault.class, FaultClass::Unanswered | FaultClass::Corrupted) {
                    self.on_put_unanswered(fault.read);
                }
                self.on_attempt_failed(work, reaction, fault);
            }
            _ => self.on_attempt_failed(work, reaction, fault),
        }
    }

    /// Writes one record: into the checkpoint at once, into the journal with the next save.
    fn record(&mut self, record: Record) -> Revision {
        let applied = self.checkpoint.apply(&record);
        debug_assert!(applied.is_ok(), "{record:?}: {applied:?}");
        if applied.is_ok() { self.saves.push(record) } else { self.saves.latest() }
    }

    /// The same for a record that something waits for: it goes into the journal with a flush, at once.
    fn record_durably(&mut self, record: Record) -> Revision {
        let revision = self.record(record);
        self.saves.need(revision);
        revision
    }

    fn note(&mut self, note: Note) {
        self.notes.push(note);
    }

    /// Notes something once, however often it happens.
    fn note_once(&mut self, note: Note) {
        let kind = std::mem::discriminant(&note);
        if !self.notes.iter().any(|old| std::mem::discriminant(old) == kind) {
            self.notes.push(note);
        }
    }

    /// When the clock alone has something to do.
    fn wake(&self) -> Option<Moment> {
        let attempt = |attempt: &Attempt| (!attempt.in_flight).then_some(attempt.not_before);
        let phase = match &self.phase {
            Phase::Inspecting { attempt: one }
            | Phase::Confirming { attempt: one, .. }
            | Phase::Initiating { attempt: one }
            | Phase::Vanishing { attempt: one, .. }
            | Phase::Aborting { attempt: one, .. } => attempt(one),
            Phase::Putting(putting) => attempt(&putting.attempt),
            Phase::Completing(completing) => attempt(&completing.attempt),
            Phase::Finding(finding) => match &finding.examining {
                Some(examining) => attempt(&examining.attempt),
                None => attempt(&finding.attempt),
            },
            Phase::Transferring(transfer) => {
                let listing = transfer.listing.as_ref().and_then(|listing| attempt(&listing.attempt));
                let inspecting =
                    transfer.inspecting.as_ref().and_then(|inspection| attempt(&inspection.attempt));
                let parts = self.table.as_ref().and_then(PartTable::due);
                let quiet = Some(self.patience.quiet_until());
                [listing, inspecting, parts, quiet].into_iter().flatten().filter(|at| *at > self.now).min()
            }
            Phase::Recovering { .. }
            | Phase::Beginning { .. }
            | Phase::Identified { .. }
            | Phase::Sealing { .. }
            | Phase::GivingUp { .. }
            | Phase::Recording { .. }
            | Phase::Retiring { .. }
            | Phase::Closing { .. }
            | Phase::Ended => None,
        };
        [phase, self.saves.due()].into_iter().flatten().filter(|at| *at > self.now).min()
    }
}

/// Makes the request of an attempt, if it is due.
fn ask(attempt: &mut Attempt, now: Moment, tickets: &mut Tickets, work: Work) -> Next {
    if !attempt.is_due(now) {
        return Next::Idle;
    }
    let ticket = tickets.issue(work);
    let action = match work {
        Work::InspectSource => Action::InspectSource { ticket },
        Work::PutObject => Action::PutObject { ticket },
        Work::FindUploads => Action::FindUploads { ticket },
        Work::Initiate => Action::Initiate { ticket },
        Work::ListParts => Action::ListParts { ticket, after: None },
        Work::Complete => Action::Complete { ticket },
        Work::InspectObject => Action::InspectObject { ticket },
        Work::Abort => Action::Abort { ticket },
        Work::Retire => Action::Retire { ticket },
        Work::ChecksumPart { .. } | Work::UploadPart { .. } | Work::Save => return Next::Idle,
    };
    attempt.in_flight = true;
    Next::Act(action)
}
