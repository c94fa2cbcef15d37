use std::time::Duration;

use oss_checkpoint::{Durability, Record};

use crate::{Limits, Moment, Revision};

/// The way of records to the journal: which are unsaved, which are on their way, which are durable.
#[derive(Clone, Debug)]
pub(crate) struct Saves {
    /// Records that no save has brought in yet; the first one is revision `written` + 1.
    unsaved: Vec<Record>,
    written: Revision,
    flushed: Revision,
    on_its_way: Option<(Revision, Durability)>,
    /// Somebody waits until this revision is durable.
    gate: Revision,
    flush_at: Option<Moment>,
    not_before: Moment,
    failures: u32,
}

/// Pause after a save that failed.
const RETRY: Duration = Duration::from_secs(1);
/// How often a save that something waits for is tried.
const TRIES: u32 = 3;

impl Saves {
    /// Behind a journal of `records`. They were read back from it, which does not make them durable: the process that
    /// wrote them may have been killed before it flushed.
    pub(crate) const fn behind(records: u64) -> Self {
        let revision = Revision::new(records);
        Self {
            unsaved: Vec::new(),
            written: revision,
            flushed: Revision::new(0),
            on_its_way: None,
            gate: Revision::new(0),
            flush_at: None,
            not_before: Moment::START,
            failures: 0,
        }
    }

    pub(crate) fn push(&mut self, record: Record) -> Revision {
        self.unsaved.push(record);
        self.latest()
    }

    pub(crate) fn latest(&self) -> Revision {
        Revision::new(self.written.get() + self.unsaved.len() as u64)
    }

    /// Asks for `revision` to be durable soon. Whether that is news.
    pub(crate) fn need(&mut self, revision: Revision) -> bool {
        let news = revision > self.gate;
        self.gate = self.gate.max(revision);
        news
    }

    /// One last try, whatever the pauses say.
    pub(crate) fn force(&mut self) {
        self.not_before = Moment::START;
        self.gate = self.latest();
    }

    pub(crate) fn is_durable(&self, revision: Revision) -> bool {
        self.flushed >= revision
    }

    pub(crate) fn upto(&self, upto: Revision) -> &[Record] {
        let count = upto.get().saturating_sub(self.written.get());
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.unsaved.len());
        &self.unsaved[..count]
    }

    /// The save that is due now.
    pub(crate) fn next(&mut self, now: Moment, limits: &Limits) -> Option<(Revision, Durability)> {
        if self.on_its_way.is_some() || now < self.not_before {
            return None;
        }
        let waiting = self.latest().get() - self.flushed.get();
        let flush = self.gate > self.flushed
            || waiting >= u64::from(limits.flush_parts)
            || self.flush_at.is_some_and(|at| at <= now);
        let save = match (flush, self.unsaved.is_empty()) {
            (true, _) if waiting > 0 => (self.latest(), Durability::Flushed),
            (_, false) => (self.latest(), Durability::Written),
            _ => return None,
        };
        self.on_its_way = Some(save);
        Some(save)
    }

    pub(crate) fn saved(&mut self, now: Moment, limits: &Limits) {
        let Some((upto, durability)) = self.on_its_way.take() else { return };
        let count = self.upto(upto).len();
        self.unsaved.drain(..count);
        self.written = self.written.max(upto);
        self.failures = 0;
        match durability {
            Durability::Flushed => {
                self.flushed = self.flushed.max(upto);
                self.flush_at = None;
            }
            Durability::Written => {
                self.flush_at.get_or_insert(now.plus(limits.flush_interval));
            }
        }
    }

    /// Forgets what is unsaved: the journal is about to be removed.
    pub(crate) fn discard(&mut self) {
        self.unsaved.clear();
        self.gate = self.flushed;
        self.flush_at = None;
    }

    /// Whether what waits for it should stop waiting.
    pub(crate) fn failed(&mut self, now: Moment) -> bool {
        self.on_its_way = None;
        self.failures += 1;
        self.not_before = now.plus(RETRY);
        self.is_waited_for() && self.failures >= TRIES
    }

    /// Whether something waits for a revision that is not durable yet.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.gate > self.flushed
    }

    pub(crate) const fn is_on_its_way(&self) -> bool {
        self.on_its_way.is_some()
    }

    /// Whether all that was recorded is durable.
    pub(crate) fn is_settled(&self) -> bool {
        self.flushed >= self.latest()
    }

    /// When the next save is due by the clock alone.
    pub(crate) fn due(&self) -> Option<Moment> {
        if self.on_its_way.is_some() {
            return None;
        }
        if self.failures > 0 && !self.is_settled() {
            return Some(self.not_before);
        }
        self.flush_at
    }
}
