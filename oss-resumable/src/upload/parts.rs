use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
};

use oss_checkpoint::{Crc64, ETag, PartNumber, PartPlan};

use crate::{Moment, Part, Progress};

/// What is known of each part, and which are due.
#[derive(Clone, Debug)]
pub(crate) struct PartTable {
    plan: PartPlan,
    rows: Vec<Row>,
    /// Rows that are `Ready`, lowest first. May name rows that no longer are.
    ready: BinaryHeap<Reverse<PartNumber>>,
    /// Rows that are `Waiting`, by when they are due. The same applies.
    waiting: BinaryHeap<Reverse<(Moment, PartNumber)>>,
    /// Rows that are `Check`. The same applies.
    checks: VecDeque<PartNumber>,
    /// Rows that are `Unsure`, and when they are to be asked for. The same applies.
    unsure: BTreeMap<PartNumber, Question>,
    trouble: BTreeMap<PartNumber, Trouble>,
    open: u16,
    accepted: u64,
    resumed: u64,
}

#[derive(Clone, Debug)]
enum Row {
    /// The server has not been asked yet.
    Unknown,
    /// To be sent.
    Ready,
    /// To be sent later.
    Waiting,
    /// On its way.
    Sending,
    /// It was sent, with bytes of this CRC-64, and only the server can tell whether it is there.
    Unsure(Crc64),
    /// On the server; the local bytes have to be read.
    Check(Box<Held>),
    /// Being read.
    Checking(Box<Held>),
    /// Proved.
    Done { resumed: bool },
}

/// What the server holds for a part, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) crc64: Crc64,
    pub(crate) etag: ETag,
    /// Whether an earlier run sent it.
    pub(crate) resumed: bool,
}

/// When a part is to be asked for, and whether that has been done.
#[derive(Clone, Copy, Debug)]
struct Question {
    at: Moment,
    asked: bool,
}

/// What a part has been through.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trouble {
    pub(crate) tries: u32,
    pub(crate) corrupted: u32,
    pub(crate) again: u32,
    /// The last try ended without an answer.
    pub(crate) unanswered: bool,
    /// CRC-64 of the first whole read under the stamp in force: another one means other bytes.
    pub(crate) read: Option<Crc64>,
}

impl PartTable {
    /// Nothing is known of any part.
    pub(crate) fn unknown(plan: PartPlan) -> Self {
        let count = usize::from(plan.count());
        Self {
            plan,
            rows: vec![Row::Unknown; count],
            ready: BinaryHeap::with_capacity(count),
            waiting: BinaryHeap::new(),
            checks: VecDeque::new(),
            unsure: BTreeMap::new(),
            trouble: BTreeMap::new(),
            open: plan.count(),
            accepted: 0,
            resumed: 0,
        }
    }

    /// The server holds nothing.
    pub(crate) fn fresh(plan: PartPlan) -> Self {
        let mut table = Self::unknown(plan);
        for number in plan.numbers() {
            table.send(number);
        }
        table
    }

    pub(crate) const fn plan(&self) -> PartPlan {
        self.plan
    }

    pub(crate) fn part(&self, number: PartNumber) -> Option<Part> {
        self.plan.range_of(number).ok().map(|range| Part { number, range })
    }

    pub(crate) fn is_unknown(&self, number: PartNumber) -> bool {
        matches!(self.rows.get(number.index()), Some(Row::Unknown))
    }

    pub(crate) fn is_done(&self, number: PartNumber) -> bool {
        matches!(self.rows.get(number.index()), Some(Row::Done { .. }))
    }

    pub(crate) const fn all_done(&self) -> bool {
        self.open == 0
    }

    /// Parts that are not proved.
    pub(crate) const fn open(&self) -> u16 {
        self.open
    }

    /// To be sent as soon as there is room.
    pub(crate) fn send(&mut self, number: PartNumber) {
        if self.set(number, Row::Ready) {
            self.ready.push(Reverse(number));
        }
    }

    /// To be sent, but not before `at`.
    pub(crate) fn send_later(&mut self, number: PartNumber, at: Moment) {
        if self.set(number, Row::Waiting) {
            self.waiting.push(Reverse((at, number)));
        }
    }

    /// To be asked for, but not before `at`.
    pub(crate) fn ask(&mut self, number: PartNumber, crc64: Crc64, at: Moment) {
        if self.set(number, Row::Unsure(crc64)) {
            self.unsure.insert(number, Question { at, asked: false });
        }
    }

    /// The lowest part that is due to be asked for; all that are due count as asked from now on.
    pub(crate) fn next_to_ask(&mut self, now: Moment) -> Option<PartNumber> {
        let rows = &self.rows;
        self.unsure.retain(|number, _| matches!(rows.get(number.index()), Some(Row::Unsure(_))));
        let mut first = None;
        for (number, question) in self.unsure.iter_mut().filter(|(_, question)| question.at <= now) {
            question.asked = true;
            first = first.or(Some(*number));
        }
        first
    }

    /// Takes back the parts that were asked for, up to `last`, with the CRC-64 of what was sent. What has become unsure since
    /// the server was asked is left: its answer may be older.
    pub(crate) fn take_asked(&mut self, last: Option<PartNumber>) -> BTreeMap<PartNumber, Crc64> {
        let mut taken = BTreeMap::new();
        let rows = &self.rows;
        self.unsure.retain(|number, question| {
            let told = question.asked && last.is_none_or(|last| *number <= last);
            match rows.get(number.index()) {
                Some(Row::Unsure(crc64)) if told => {
                    taken.insert(*number, *crc64);
                    false
                }
                Some(Row::Unsure(_)) => true,
                _ => false,
            }
        });
        taken
    }

    /// All parts that only the server could tell about: it will not.
    pub(crate) fn send_unsure(&mut self) {
        for number in std::mem::take(&mut self.unsure).into_keys() {
            if matches!(self.rows.get(number.index()), Some(Row::Unsure(_))) {
                self.send(number);
            }
        }
    }

    /// To be read and compared.
    pub(crate) fn check(&mut self, number: PartNumber, held: Held) {
        if self.set(number, Row::Check(Box::new(held))) {
            self.checks.push_back(number);
        }
    }

    /// Proved.
    pub(crate) fn done(&mut self, number: PartNumber, resumed: bool) {
        self.set(number, Row::Done { resumed });
        self.trouble.remove(&number);
    }

    /// The lowest part that is due; it is on its way from now on. With `only_fresh` none that has failed before.
    pub(crate) fn next_to_send(&mut self, now: Moment, only_fresh: bool) -> Option<PartNumber> {
        while let Some(&Reverse((at, number))) = self.waiting.peek() {
            if at > now {
                break;
            }
            self.waiting.pop();
            if matches!(self.rows.get(number.index()), Some(Row::Waiting)) {
                self.send(number);
            }
        }
        // At most as many as were in flight at once: few.
        let mut held_back = Vec::new();
        let found = loop {
            let Some(Reverse(number)) = self.ready.pop() else { break None };
            if !matches!(self.rows.get(number.index()), Some(Row::Ready)) {
                continue;
            }
            if only_fresh && self.trouble.contains_key(&number) {
                held_back.push(number);
                continue;
            }
            break Some(number);
        };
        self.ready.extend(held_back.into_iter().map(Reverse));
        let number = found?;
        self.set(number, Row::Sending);
        Some(number)
    }

    /// The next part to be read; it is being read from now on.
    pub(crate) fn next_to_check(&mut self) -> Option<PartNumber> {
        while let Some(number) = self.checks.pop_front() {
            let row = self.rows.get_mut(number.index())?;
            if let Row::Check(held) = row {
                *row = Row::Checking(held.clone());
                return Some(number);
            }
        }
        None
    }

    /// What the part that is being read should be; it is due to be read again until something else is said.
    pub(crate) fn checked(&mut self, number: PartNumber) -> Option<Held> {
        match self.rows.get(number.index()) {
            Some(Row::Checking(held)) => Some(Held::clone(held)),
            _ => None,
        }
    }

    /// Puts parts back whose work was dropped.
    pub(crate) fn dropped(&mut self, number: PartNumber) {
        match self.rows.get(number.index()) {
            Some(Row::Sending) => self.send(number),
            Some(Row::Checking(held)) => {
                let held = Held::clone(held);
                self.check(number, held);
            }
            _ => {}
        }
    }

    pub(crate) fn is_sending(&self, number: PartNumber) -> bool {
        matches!(self.rows.get(number.index()), Some(Row::Sending))
    }

    pub(crate) fn trouble(&mut self, number: PartNumber) -> &mut Trouble {
        self.trouble.entry(number).or_default()
    }

    pub(crate) fn was_unanswered(&self, number: PartNumber) -> bool {
        self.trouble.get(&number).is_some_and(|trouble| trouble.unanswered)
    }

    pub(crate) fn is_in_trouble(&self, number: PartNumber) -> bool {
        self.trouble.contains_key(&number)
    }

    /// When the next waiting part is due, or the next that is to be asked for.
    pub(crate) fn due(&self) -> Option<Moment> {
        let waiting = self.waiting.peek().map(|Reverse((at, _))| *at);
        waiting.into_iter().chain(self.unsure.values().map(|question| question.at)).min()
    }

    /// The source is another one: what was proved has to be read again (`read_again`) or sent again. Parts that the new
    /// plan does not have are forgotten. `held` tells what the server holds for a part that was proved.
    pub(crate) fn renew(
        &mut self,
        plan: PartPlan,
        read_again: bool,
        held: impl Fn(PartNumber) -> Option<Held>,
    ) {
        let old = std::mem::replace(self, Self::unknown(plan));
        for number in plan.numbers() {
            let same_range = old.plan.range_of(number) == plan.range_of(number);
            let row = old.rows.get(number.index()).filter(|_| same_range);
            match row {
                Some(Row::Unknown) => {}
                Some(Row::Sending) => {
                    self.set(number, Row::Sending);
                }
                Some(Row::Check(held) | Row::Checking(held)) if read_again => {
                    self.check(number, Held::clone(held));
                }
                Some(Row::Done { resumed }) if read_again => match held(number) {
                    Some(held) => self.check(number, Held { resumed: *resumed, ..held }),
                    None => self.send(number),
                },
                _ => self.send(number),
            }
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        let counted = self.plan.count() - self.open;
        Progress {
            total: Some(self.plan.len()),
            accepted: oss_checkpoint::ByteCount::new(self.accepted),
            resumed: oss_checkpoint::ByteCount::new(self.resumed),
            parts: self.plan.count(),
            parts_accepted: counted,
        }
    }

    /// Whether the row exists. Keeps the sums.
    fn set(&mut self, number: PartNumber, row: Row) -> bool {
        let Ok(range) = self.plan.range_of(number) else { return false };
        let Some(old) = self.rows.get_mut(number.index()) else { return false };
        let len = range.len.get();
        if let Row::Done { resumed } = old {
            self.open += 1;
            self.accepted -= len;
            self.resumed -= if *resumed { len } else { 0 };
        }
        if let Row::Done { resumed } = &row {
            self.open -= 1;
            self.accepted += len;
            self.resumed += if *resumed { len } else { 0 };
        }
        *old = row;
        true
    }
}
