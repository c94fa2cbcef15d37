//! What must be read from a damaged journal, found without reading it: by comparing it with what was written.

use super::{Written, told};
use crate::{
    Checkpoint, Finding, Record,
    format::HEADER_LEN,
    replay::{Unusable, replay},
};

/// Knows a journal of one upload: a beginning, an id, and then parts.
pub(super) struct Oracle<'a> {
    written: &'a Written,
    /// By which records are there, bit by bit, and by which of them count as read at rest: those before this one.
    answers: Vec<Option<Box<Checkpoint>>>,
}

impl<'a> Oracle<'a> {
    /// Knows journals of at most 16 records.
    pub(super) fn of(written: &'a Written) -> Self {
        let kinds = written.records.len() << written.records.len();
        Self { written, answers: vec![None; kinds] }
    }

    /// Reads the bytes and says that the answer is right to the last finding.
    pub(super) fn check(&mut self, bytes: &[u8], case: impl FnOnce() -> String) {
        let Written { records, bytes: ours, places } = self.written;
        let good = |at: usize| {
            let place = places[at]..places[at + 1];
            bytes.get(place.clone()) == Some(&ours[place])
        };
        let read = replay(bytes);
        let wrong = |what: &str, case: String| panic!("{case}: {what}\nread {read:?}");
        if bytes.get(..HEADER_LEN) != Some(&ours[..HEADER_LEN]) {
            return match &read {
                Err(_) => {}
                Ok(read)
                    if read.identity.is_none()
                        && read.checkpoint == Checkpoint::new()
                        && read.findings.is_empty() == bytes.is_empty() => {}
                Ok(_) => wrong("a journal without a header is read", case()),
            };
        }
        let mut kept = 0_usize;
        let mut findings = Vec::new();
        let mut end = HEADER_LEN;
        let mut first_bad = records.len();
        for at in (0..records.len()).filter(|at| good(*at)) {
            if places[at] > end {
                let bytes = (places[at] - end) as u64;
                findings.push(Finding::Damaged { offset: end as u64, bytes });
                first_bad = first_bad.min((0..at).find(|at| !good(*at)).unwrap_or(at));
            }
            kept |= 1 << at;
            end = places[at + 1];
        }
        if bytes.len() > end {
            findings.push(Finding::TornTail { bytes: (bytes.len() - end) as u64 });
        }
        let begins = kept & 0b11;
        if kept > begins && begins != 0b11 || kept == 0b10 {
            return match &read {
                Err(Unusable::Damaged(_)) => {}
                _ => wrong("a beginning is missing", case()),
            };
        }
        let expected = self.answer(kept, first_bad);
        match &read {
            Ok(read) if read.checkpoint != *expected => wrong("other records were written", case()),
            Ok(read) if read.findings != findings => wrong(&format!("it is so: {findings:?}"), case()),
            Ok(read) if read.end != end => wrong(&format!("it ends at {end}"), case()),
            Ok(_) => {}
            Err(_) => wrong("it can be read", case()),
        }
    }

    fn answer(&mut self, kept: usize, first_bad: usize) -> &Checkpoint {
        let records = &self.written.records;
        let index = kept * records.len() + first_bad.min(records.len() - 1);
        self.answers[index].get_or_insert_with(|| {
            let there = records.iter().enumerate().filter(|(at, _)| kept >> at & 1 == 1);
            let there: Vec<Record> = there
                .map(|(at, record)| match record {
                    Record::PartUploaded { receipt, at_rest } => {
                        Record::PartUploaded { receipt: receipt.clone(), at_rest: *at_rest && at < first_bad }
                    }
                    other => other.clone(),
                })
                .collect();
            Box::new(told(&there))
        })
    }
}
