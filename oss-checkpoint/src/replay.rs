//! From the bytes of a journal to what they say.

use crate::{
    Checkpoint, Finding, Inconsistent, Job, Record,
    format::{Frames, HEADER_LEN, Header, JournalId, Stretch},
};

/// What the bytes of a journal say.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// `None` if the bytes hold no record: such a journal is as none.
    pub(crate) identity: Option<(JournalId, Job)>,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) findings: Vec<Finding>,
    /// Where the last good frame ends.
    pub(crate) end: usize,
}

/// Why bytes cannot be used as a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// Not ours to touch.
    Foreign(String),
    /// Of a later version, and not to be touched either.
    Newer(u16),
    /// Ours, and damaged where it must not be.
    Damaged(String),
}

/// Reads a journal. Total: no bytes make it panic, and its time and memory are a small multiple of their length.
///
/// Frames that were never flushed can survive a loss of power with a hole between them. So once the upload has its id,
/// every good frame counts, and a hole is a finding; a hole before that, or one that must have taken a beginning or an
/// id with it, makes the journal unusable. Behind a hole no part counts as read at rest, since the hole may have held
/// the news that the source changed.
pub(crate) fn replay(bytes: &[u8]) -> Result<Replay, Unusable> {
    let id = match Header::of(bytes) {
        Header::Good(id) => id,
        Header::Torn if bytes.is_empty() => return Ok(Replay::default()),
        Header::Torn => {
            let findings = vec![Finding::TornTail { bytes: bytes.len() as u64 }];
            return Ok(Replay { findings, ..Replay::default() });
        }
        Header::Damaged => {
            return Err(Unusable::Damaged("its header does not agree with its checksum".into()));
        }
        Header::Newer(version) => return Err(Unusable::Newer(version)),
        Header::Foreign => return Err(Unusable::Foreign("it does not begin as a journal does".into())),
    };
    let mut reading = Reading { replay: Replay { end: HEADER_LEN, ..Replay::default() }, id, holed: false };
    for stretch in Frames::new(bytes, id) {
        reading.take(stretch)?;
    }
    Ok(reading.replay)
}

struct Reading {
    replay: Replay,
    id: JournalId,
    /// Whether a bad stretch stands before what is read now.
    holed: bool,
}

impl Reading {
    fn take(&mut self, stretch: Stretch) -> Result<(), Unusable> {
        match stretch {
            Stretch::Good { offset, end, record } => {
                self.replay.end = end;
                self.take_record(offset, record)
            }
            Stretch::Bad { offset, end } => {
                self.holed = true;
                let (offset, bytes) = (offset as u64, (end - offset) as u64);
                self.replay.findings.push(Finding::Damaged { offset, bytes });
                Ok(())
            }
            Stretch::Torn { offset, end } => {
                self.replay.findings.push(Finding::TornTail { bytes: (end - offset) as u64 });
                Ok(())
            }
            Stretch::Hopeless { offset } => {
                Err(Unusable::Damaged(format!("what stands at offset {offset} is no record")))
            }
        }
    }

    fn take_record(&mut self, offset: usize, mut record: Record) -> Result<(), Unusable> {
        if let Record::Begun(begun) = &record {
            self.take_job(offset, &begun.job)?;
        }
        if self.replay.identity.is_none() {
            return Err(beginning_lost(offset));
        }
        if let Record::PartUploaded { at_rest, .. } = &mut record {
            *at_rest &= !self.holed;
        }
        let checkpoint = &mut self.replay.checkpoint;
        let mut taken = checkpoint.apply(&record);
        if self.holed && taken == Err(Inconsistent::TwoIds) && matches!(record, Record::Begun(_)) {
            // The hole held the end of the upload before, else this one would not have begun.
            taken = checkpoint.apply(&Record::Abandoned).and_then(|()| checkpoint.apply(&record));
        }
        match taken {
            Ok(()) => Ok(()),
            Err(
                Inconsistent::NotBegun
                | Inconsistent::NotInitiated
                | Inconsistent::TwoIds
                | Inconsistent::Ended,
            ) if self.holed => Err(beginning_lost(offset)),
            Err(why) => {
                self.replay.findings.push(Finding::Senseless { offset: offset as u64, why });
                Ok(())
            }
        }
    }

    /// A journal is of one job, however often that begins in it; the first beginning is its first frame.
    fn take_job(&mut self, offset: usize, job: &Job) -> Result<(), Unusable> {
        match &self.replay.identity {
            Some((_, known)) if known != job => {
                Err(Unusable::Foreign(format!("it holds two uploads: {known}; {job}")))
            }
            Some(_) => Ok(()),
            None if offset == HEADER_LEN => {
                self.replay.identity = Some((self.id, job.clone()));
                Ok(())
            }
            None => Err(beginning_lost(offset)),
        }
    }
}

fn beginning_lost(offset: usize) -> Unusable {
    Unusable::Damaged(format!("the record at offset {offset} belongs to a beginning that is lost"))
}
