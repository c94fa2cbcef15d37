//! Looks on while an upload runs: moves the progress, tells notes and faults, and remembers which part was refused.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use oss_checkpoint::{ByteCount, Finding, PartNumber};
use oss_resumable::{
    Action, Event, Fault, FaultClass, Moment, Note, Refusal, Ticket,
    driver::{Observer, Transfer},
};

use crate::{
    notes,
    progress::{Pen, Snapshot},
};

/// Shows what the upload does.
pub(crate) struct Watcher {
    pen: Pen,
    memory: Memory,
    /// What is in flight.
    parts: HashMap<Ticket, PartNumber>,
    /// Of interest only if the upload gets on, or may have been begun: a wrong key may not list uploads either.
    held_back: Option<String>,
    /// Whether an upload may have been begun.
    initiating: bool,
    next_complaint: Moment,
}

impl Watcher {
    /// Draws with `pen`, and leaves in `memory` what explains the end.
    pub(crate) fn new(pen: Pen, memory: Memory) -> Self {
        Self {
            pen,
            memory,
            parts: HashMap::new(),
            held_back: None,
            initiating: false,
            next_complaint: Moment::START,
        }
    }

    /// Faults that are tried again are told at most this often.
    const COMPLAIN_EVERY: Duration = Duration::from_secs(10);

    fn complain(&mut self, fault: &Fault, part: Option<PartNumber>, at: Moment) {
        let tried_again = matches!(
            fault.class,
            FaultClass::Unreachable
                | FaultClass::Unanswered
                | FaultClass::Throttled
                | FaultClass::Scarce
                | FaultClass::Corrupted
        );
        if tried_again && at >= self.next_complaint {
            self.next_complaint = at.plus(Self::COMPLAIN_EVERY);
            let of_part = part.map_or(String::new(), |part| format!(" (part {})", part.get()));
            self.pen.note(&format!("note: {fault}{of_part}; trying again"));
        }
    }
}

impl Observer for Watcher {
    fn finding(&mut self, finding: &Finding) {
        self.pen.note(&format!("warning: {finding}"));
    }

    fn action(&mut self, action: &Action, _at: Moment) {
        self.initiating |= matches!(action, Action::Initiate { .. });
        if let Action::UploadPart { ticket, part } | Action::ChecksumPart { ticket, part } = action {
            self.parts.insert(*ticket, part.number);
        }
    }

    fn event(&mut self, event: &Event, at: Moment) {
        match event {
            Event::Failed { ticket, fault } => {
                let part = self.parts.remove(ticket);
                self.memory.remember(fault, part);
                self.complain(fault, part, at);
            }
            Event::PartUploaded { ticket, .. } => {
                self.parts.remove(ticket);
                self.memory.part_arrived();
            }
            Event::PartChecksummed { ticket, .. } => {
                self.parts.remove(ticket);
            }
            Event::Initiated { .. } => {
                if let Some(note) = self.held_back.take() {
                    self.pen.note(&note);
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, note: &Note) {
        let text = notes::text(note);
        match note {
            Note::FindDenied(_) if !self.initiating => self.held_back = Some(text),
            _ => self.pen.note(&text),
        }
    }

    fn progress(&mut self, transfer: &Transfer) {
        let progress = transfer.progress;
        self.pen.move_to(Snapshot {
            total: progress.total.map_or(0, ByteCount::get),
            done: transfer.consumed().get(),
            resumed: progress.resumed.get(),
        });
    }
}

/// What an upload has been through, for who has to explain its end.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Remembered>>);

#[derive(Default)]
struct Remembered {
    /// Which part the service refused last, and how.
    refused: Option<(PartNumber, Arc<Refusal>)>,
    /// A part arrived.
    arrived: bool,
    /// A request with a part ended without an answer.
    unanswered: bool,
}

impl Memory {
    fn remember(&self, fault: &Fault, part: Option<PartNumber>) {
        let Some(part) = part else { return };
        let mut all = self.all();
        all.unanswered |= fault.class == FaultClass::Unanswered;
        if let Some(refusal) = &fault.refusal {
            all.refused = Some((part, Arc::clone(refusal)));
        }
    }

    fn part_arrived(&self) {
        self.all().arrived = true;
    }

    /// The part that was refused like that.
    pub(crate) fn part_of(&self, refusal: &Refusal) -> Option<u16> {
        let all = self.all();
        all.refused.as_ref().filter(|(_, last)| **last == *refusal).map(|(part, _)| part.get())
    }

    /// Whether parts were sent, and none was answered.
    pub(crate) fn no_part_gets_through(&self) -> bool {
        let all = self.all();
        all.unanswered && !all.arrived
    }

    fn all(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
