//! Parts whose connection nearly stands still while others move: each is sent once more, over another one.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use oss_checkpoint::PartNumber;
use tokio::time::Instant;

use super::part_body::Reading;
use crate::{Part, Ticket};

/// How long a connection is watched before it is judged, and how often it is looked at.
const WINDOW: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Below this many bytes a second a connection stands still, whatever others do.
const FLOOR: f64 = 1024.0;
/// So many times slower than the others is too slow.
const TIMES_SLOWER: f64 = 4.0;
/// Others whose pace is remembered, and how many it takes for a judgement.
const REMEMBERED: usize = 9;
const ENOUGH: usize = 3;

/// Watches the parts that are being sent.
pub(crate) struct Laggards {
    /// A part that is sent again counts as one that does not arrive; whoever is impatient is spared that.
    is_on: bool,
    sending: Vec<Sending>,
    /// Bytes a second of the parts that arrived last.
    paces: VecDeque<f64>,
    /// Parts that have been given another connection; that is done once.
    redialled: BTreeSet<PartNumber>,
    next_look: Option<Instant>,
}

struct Sending {
    ticket: Ticket,
    part: Part,
    reading: Arc<Reading>,
    began: Instant,
    /// What had been taken at the last looks, the oldest first.
    looks: VecDeque<(Instant, u64)>,
}

impl Laggards {
    /// For an upload that gives up when nothing arrives for so long, and whose pace is the line's.
    pub(crate) fn new(patience: Duration, free: bool) -> Self {
        Self {
            is_on: free && patience > WINDOW * 4,
            sending: Vec::new(),
            paces: VecDeque::new(),
            redialled: BTreeSet::new(),
            next_look: None,
        }
    }

    pub(crate) fn starts(&mut self, ticket: Ticket, part: Part, reading: Arc<Reading>) {
        let began = Instant::now();
        self.next_look.get_or_insert(began + LOOK_EVERY);
        self.sending.push(Sending { ticket, part, reading, began, looks: VecDeque::from([(began, 0)]) });
    }

    /// A piece of work is over; with `arrived`, its bytes did.
    pub(crate) fn ends(&mut self, ticket: Ticket, arrived: bool) {
        let Some(place) = self.sending.iter().position(|sending| sending.ticket == ticket) else { return };
        let sending = self.sending.swap_remove(place);
        if arrived {
            let seconds = sending.began.elapsed().as_secs_f64().max(0.001);
            self.paces.push_back(as_f64(sending.part.range.len.get()) / seconds);
            if self.paces.len() > REMEMBERED {
                self.paces.pop_front();
            }
        }
        if self.sending.is_empty() {
            self.next_look = None;
        }
    }

    /// When to [`look`](Self::look); `None` while nothing is sent.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        self.next_look.filter(|_| self.is_on)
    }

    /// Notes how far each part is, and gives one that should have another connection, with what is to be said about it.
    pub(crate) fn look(&mut self) -> Option<(Ticket, String)> {
        let now = Instant::now();
        if self.next_look().is_none_or(|due| due > now) {
            return None;
        }
        for sending in &mut self.sending {
            sending.looks.push_back((now, sending.reading.taken()));
            while sending.looks.get(1).is_some_and(|(at, _)| now - *at >= WINDOW) {
                sending.looks.pop_front();
            }
        }
        let slow = self.sending.iter().find_map(|sending| {
            let message = self.judge(sending)?;
            Some((sending.ticket, sending.part.number, message))
        });
        let Some((ticket, number, message)) = slow else {
            self.next_look = Some(now + LOOK_EVERY);
            return None;
        };
        self.redialled.insert(number);
        self.ends(ticket, false);
        Some((ticket, message))
    }

    fn judge(&self, sending: &Sending) -> Option<String> {
        let (Some((from, before)), Some((to, after))) = (sending.looks.front(), sending.looks.back()) else {
            return None;
        };
        let (watched, left) = (*to - *from, sending.part.range.len.get().saturating_sub(*after));
        if watched < WINDOW || left == 0 || self.redialled.contains(&sending.part.number) {
            return None;
        }
        let pace = as_f64(after - before) / watched.as_secs_f64();
        let others = self.paces.iter().copied().chain(
            self.sending.iter().filter(|other| other.ticket != sending.ticket).filter_map(Sending::pace),
        );
        let median = median(others.collect())?;
        is_too_slow(pace, median, left, sending.part.range.len.get()).then(|| {
            format!(
                "its connection moved {} bytes in {} s, others {median:.0} bytes a second; it is dialled anew",
                after - before,
                watched.as_secs(),
            )
        })
    }
}

impl Sending {
    fn pace(&self) -> Option<f64> {
        let ((from, before), (to, after)) = (*self.looks.front()?, *self.looks.back()?);
        (to - from >= LOOK_EVERY).then(|| as_f64(after - before) / (to - from).as_secs_f64())
    }
}

/// Whether sending all of it at the pace of the others takes less time than what is left at its own.
fn is_too_slow(pace: f64, others: f64, left: u64, len: u64) -> bool {
    if pace >= FLOOR && pace * TIMES_SLOWER >= others {
        return false;
    }
    as_f64(left) / pace.max(1.0) > as_f64(len) / others.max(1.0)
}

/// The middle one; `None` if there are too few to judge by.
fn median(mut paces: Vec<f64>) -> Option<f64> {
    paces.sort_by(f64::total_cmp);
    (paces.len() >= ENOUGH).then(|| paces[paces.len() / 2])
}

#[expect(clippy::cast_precision_loss, reason = "a pace is a rough figure")]
fn as_f64(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: f64 = 1e6;

    #[test]
    fn too_slow_is_four_times_slower_than_the_others_while_much_is_left() {
        let check = |pace: f64, others: f64, left: u64, expected: bool| {
            assert_eq!(is_too_slow(pace, others, left, 10_000_000), expected, "{pace} {others} {left}");
        };
        check(MB, MB, 9_000_000, false);
        check(0.26 * MB, MB, 9_000_000, false);
        check(0.24 * MB, MB, 9_000_000, true);
        // It would be through before a second try.
        check(0.1 * MB, MB, 500_000, false);
        // Nobody is faster: that is the line.
        check(900.0, 900.0, 9_000_000, false);
        check(0.0, 900.0, 9_000_000, true);
        check(0.0, 0.0, 9_000_000, false);
    }

    #[test]
    fn few_others_are_no_measure() {
        assert_eq!(median(vec![1.0, 2.0]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
    }
}
