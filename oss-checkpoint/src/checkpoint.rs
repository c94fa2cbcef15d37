use crate::{
    Begun, ObjectFacts, PartNumber, PartPlan, PartReceipt, PlanError, Record, ServerTime, Stage, UploadId,
};

/// What a journal says when all its records are taken together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    begun: Option<Box<Begun>>,
    upload: Option<(UploadId, Option<ServerTime>)>,
    /// Row `n` is part `n + 1`; as long as the highest part seen.
    parts: Vec<Option<LocalPart>>,
    stage: Stage,
    done: Option<Box<ObjectFacts>>,
    records: u64,
}

/// What a journal knows of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalPart {
    /// As it was uploaded.
    pub receipt: PartReceipt,
    /// Whether an unchanged stamp proves that the local bytes are still those of the receipt.
    pub pinned: bool,
}

/// A record that makes no sense where it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Inconsistent {
    /// Anything before the upload was begun.
    #[error("a record stands before the upload was begun")]
    NotBegun,
    /// A part or a stage without an upload id.
    #[error("a record needs an upload id, and there is none")]
    NotInitiated,
    /// A second id for one upload.
    #[error("the upload has two ids")]
    TwoIds,
    /// A plan that OSS would refuse.
    #[error("the plan does not hold")]
    Plan(#[from] PlanError),
    /// A part whose size is not the planned one.
    #[error("part {0} does not have its planned size")]
    PartSize(PartNumber),
    /// Anything but a new beginning after the end.
    #[error("a record stands behind the end of the upload")]
    Ended,
}

impl Checkpoint {
    /// Nothing has begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the upload is meant to be; `None` before it was begun.
    pub fn begun(&self) -> Option<&Begun> {
        self.begun.as_deref()
    }

    /// The id of the upload in hand.
    pub fn upload_id(&self) -> Option<&UploadId> {
        self.upload.as_ref().map(|(id, _)| id)
    }

    /// When the upload was initiated, by the server's clock.
    pub fn initiated_at(&self) -> Option<ServerTime> {
        self.upload.as_ref().and_then(|(_, at)| *at)
    }

    /// What is known of part `number`.
    pub fn part(&self, number: PartNumber) -> Option<&LocalPart> {
        self.parts.get(number.index())?.as_ref()
    }

    /// All parts that are known, in order.
    pub fn parts(&self) -> impl Iterator<Item = &LocalPart> {
        self.parts.iter().flatten()
    }

    /// How the source is cut; `None` before the upload was begun and for an empty source.
    pub fn plan(&self) -> Option<PartPlan> {
        let begun = self.begun.as_deref()?;
        PartPlan::new(begun.stamp.len, begun.part_size).ok()
    }

    /// How far it has got.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The finished object, once it is proved.
    pub fn done(&self) -> Option<&ObjectFacts> {
        self.done.as_deref()
    }

    /// How many records were taken.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Takes one more record.
    ///
    /// # Errors
    /// [`Inconsistent`] if it makes no sense here; the checkpoint is then as it was.
    pub fn apply(&mut self, record: &Record) -> Result<(), Inconsistent> {
        if self.done.is_some() && !matches!(record, Record::Begun(_)) {
            return Err(Inconsistent::Ended);
        }
        match record {
            Record::Begun(begun) => {
                if self.upload.is_some() && self.done.is_none() {
                    return Err(Inconsistent::TwoIds);
                }
                PartPlan::new(begun.stamp.len, begun.part_size)?;
                let records = self.records;
                *self = Self { begun: Some(begun.clone()), records, ..Self::default() };
            }
            Record::Initiated { upload_id, at } => {
                self.need_begun()?;
                if self.upload.is_some() {
                    return Err(Inconsistent::TwoIds);
                }
                self.upload = Some((upload_id.clone(), *at));
            }
            Record::PartUploaded { receipt, at_rest } => self.take_part(receipt, *at_rest)?,
            Record::StampRenewed { stamp } => {
                let begun = self.begun.as_deref_mut().ok_or(Inconsistent::NotBegun)?;
                let plan = PartPlan::new(stamp.len, begun.part_size)?;
                begun.stamp = *stamp;
                self.parts.truncate(usize::from(plan.count()));
                for part in &mut self.parts {
                    let fits = part.as_ref().is_some_and(|part| {
                        plan.range_of(part.receipt.number).is_ok_and(|range| range.len == part.receipt.size)
                    });
                    if !fits {
                        *part = None;
                    } else if let Some(part) = part {
                        part.pinned = false;
                    }
                }
            }
            Record::Entered(stage) => {
                self.need_begun()?;
                if self.upload.is_none() {
                    return Err(Inconsistent::NotInitiated);
                }
                self.stage = *stage;
            }
            Record::Abandoned => {
                self.need_begun()?;
                let records = self.records;
                *self = Self { records, ..Self::default() };
            }
            Record::Done(facts) => {
                self.need_begun()?;
                self.done = Some(facts.clone());
            }
        }
        self.records += 1;
        Ok(())
    }

    /// The shortest history that leads here: what a journal is written anew from.
    pub fn history(&self) -> impl Iterator<Item = Record> {
        let begun = self.begun.iter().cloned().map(Record::Begun);
        let initiated =
            self.upload.iter().map(|(id, at)| Record::Initiated { upload_id: id.clone(), at: *at });
        let parts = self
            .parts()
            .map(|part| Record::PartUploaded { receipt: part.receipt.clone(), at_rest: part.pinned });
        let stage = (self.stage != Stage::default()).then_some(Record::Entered(self.stage));
        let done = self.done.iter().cloned().map(Record::Done);
        begun.chain(initiated).chain(parts).chain(stage).chain(done)
    }

    fn need_begun(&self) -> Result<(), Inconsistent> {
        if self.begun.is_some() { Ok(()) } else { Err(Inconsistent::NotBegun) }
    }

    fn take_part(&mut self, receipt: &PartReceipt, at_rest: bool) -> Result<(), Inconsistent> {
        self.need_begun()?;
        if self.upload.is_none() {
            return Err(Inconsistent::NotInitiated);
        }
        let plan = self.plan().ok_or(Inconsistent::NotBegun)?;
        if plan.range_of(receipt.number)?.len != receipt.size {
            return Err(Inconsistent::PartSize(receipt.number));
        }
        let row = receipt.number.index();
        if self.parts.len() <= row {
            self.parts.resize(row + 1, None);
        }
        self.parts[row] = Some(LocalPart { receipt: receipt.clone(), pinned: at_rest });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ByteCount, history, history::job};

    fn taken(records: &[Record]) -> Checkpoint {
        let mut checkpoint = Checkpoint::new();
        for record in records {
            checkpoint.apply(record).unwrap();
        }
        checkpoint
    }

    /// After `before`, `record` is refused for this reason and changes nothing.
    fn refused(before: &[Record], record: &Record, why: &Inconsistent) {
        let mut checkpoint = taken(before);
        let untouched = checkpoint.clone();
        assert_eq!(checkpoint.apply(record).as_ref(), Err(why), "{record:?}");
        assert_eq!(checkpoint, untouched, "{record:?}");
    }

    fn renewed(parts: u64) -> Record {
        Record::StampRenewed { stamp: history::stamp(parts) }
    }

    #[test]
    fn nothing_stands_before_the_beginning() {
        for record in &history::of_every_kind(&job("a"))[1..] {
            if !matches!(record, Record::Begun(_)) {
                refused(&[], record, &Inconsistent::NotBegun);
            }
        }
    }

    #[test]
    fn parts_and_stages_need_an_upload_id() {
        let begun = [history::begun(&job("a"), 2)];
        refused(&begun, &history::part(1, 2), &Inconsistent::NotInitiated);
        refused(&begun, &Record::Entered(Stage::Completing), &Inconsistent::NotInitiated);
    }

    #[test]
    fn an_upload_has_one_id_and_begins_once_until_it_is_over() {
        let under_way = history::under_way(&job("a"), 1, 2);
        refused(&under_way, &history::initiated("2"), &Inconsistent::TwoIds);
        refused(&under_way, &history::begun(&job("a"), 2), &Inconsistent::TwoIds);
        for end in [Record::Abandoned, history::done(2)] {
            let again = history::begun(&job("a"), 3);
            let checkpoint = taken(&[under_way.clone(), vec![end, again.clone()]].concat());
            assert_eq!(checkpoint.history().collect::<Vec<_>>(), [again]);
        }
    }

    #[test]
    fn nothing_but_a_beginning_stands_behind_the_end() {
        let over = [history::under_way(&job("a"), 2, 2), vec![history::done(2)]].concat();
        for record in &history::of_every_kind(&job("a"))[1..] {
            if !matches!(record, Record::Begun(_)) {
                refused(&over, record, &Inconsistent::Ended);
            }
        }
    }

    #[test]
    fn plans_and_parts_that_oss_would_refuse_are_refused() {
        let Record::Begun(mut begun) = history::begun(&job("a"), 2) else { unreachable!() };
        begun.stamp.len = ByteCount::ZERO;
        refused(&[], &Record::Begun(begun.clone()), &Inconsistent::Plan(PlanError::Empty));
        begun.stamp.len = ByteCount::new(u64::MAX);
        let too_large = Inconsistent::Plan(PlanError::ObjectTooLarge(begun.stamp.len));
        refused(&[], &Record::Begun(begun.clone()), &too_large);

        let under_way = history::under_way(&job("a"), 1, 2);
        let number = PartNumber::new(3).unwrap();
        let no_such_part = Inconsistent::Plan(PlanError::NoSuchPart { number, count: 2 });
        refused(&under_way, &history::part(3, 3), &no_such_part);
        let short = Inconsistent::PartSize(PartNumber::new(2).unwrap());
        refused(&under_way, &history::part(2, 3), &short);
        refused(&under_way, &Record::StampRenewed { stamp: begun.stamp }, &too_large);
    }

    #[test]
    fn a_renewed_stamp_unpins_every_part_and_drops_those_that_do_not_fit() {
        let under_way = history::under_way(&job("a"), 4, 4);
        let check = |parts: u64, left: &[u16]| {
            let checkpoint = taken(&[under_way.clone(), vec![renewed(parts)]].concat());
            let numbers: Vec<u16> = checkpoint.parts().map(|part| part.receipt.number.get()).collect();
            assert_eq!(numbers, left, "{parts} parts");
            assert!(checkpoint.parts().all(|part| !part.pinned));
            assert_eq!(checkpoint.plan().unwrap().count(), u16::try_from(parts).unwrap());
        };
        check(4, &[1, 2, 3, 4]);
        // The last part is 5 bytes short, and whole in a longer source.
        check(5, &[1, 2, 3]);
        check(3, &[1, 2]);
        check(1, &[]);
    }

    #[test]
    fn a_part_sent_again_replaces_what_was_known_of_it() {
        let Record::PartUploaded { receipt, .. } = history::part(1, 2) else { unreachable!() };
        let receipt = PartReceipt { crc64: crate::Crc64::new(99), ..receipt };
        let again = Record::PartUploaded { receipt: receipt.clone(), at_rest: false };
        let checkpoint = taken(&[history::under_way(&job("a"), 1, 2), vec![again]].concat());
        assert_eq!(checkpoint.part(PartNumber::FIRST), Some(&LocalPart { receipt, pinned: false }));
    }

    #[test]
    fn the_shortest_history_leads_to_the_same_place_after_every_record() {
        let records = history::of_every_kind(&job("a"));
        for len in 0..=records.len() {
            let checkpoint = taken(&records[..len]);
            assert_eq!(checkpoint.records(), len as u64);
            let again = taken(&checkpoint.history().collect::<Vec<_>>());
            assert_eq!(Checkpoint { records: 0, ..again }, Checkpoint { records: 0, ..checkpoint });
        }
    }
}
