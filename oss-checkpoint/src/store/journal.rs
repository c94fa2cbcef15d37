//! One journal on a disk: reading, appending, writing it anew.
//!
//! The bytes of the journal are kept in memory as well. What has to be written again, because a flush failed, because
//! somebody removed the file, or because most of it is out of date, is written from there into a new file beside the
//! old one, which then takes its name.

use std::{io, path::PathBuf};

use super::{
    Durability, Finding, NO_BEGINNING, OTHER_UPLOAD, Opened, StoreError, TOO_LONG,
    disk::{Disk, DiskFile, Named},
};
use crate::{
    Job, PartPlan, Record,
    format::{Image, RecordTooLong},
    replay::{Replay, Unusable, replay},
};

/// Room for each planned part, in bytes: a part record takes about 45.
const ROOM_PER_PART: u64 = 48;
/// Room for all else: ids, stages, the end.
const ROOM_FOR_THE_REST: u64 = 16 << 10;
/// Length from which a journal is compacted, in bytes: 10,000 parts, each sent four times.
const COMPACT_FROM: usize = 2 << 20;
/// Longest journal that is read, in bytes. Compaction keeps one below about 10 MiB.
pub(super) const MAX_JOURNAL: u64 = 64 << 20;
/// Most journals of one job that are kept for having been damaged.
const MAX_SET_ASIDE: u32 = 999;

/// The journal of one job. Whoever has one has the lock.
pub(super) struct Journal<D: Disk> {
    disk: D,
    name: String,
    job: Job,
    /// A journal is not compacted below this length, in bytes.
    compact_from: usize,
    state: State<D::File>,
}

enum State<F> {
    Unread,
    /// There is no file, or one without a single record.
    Absent,
    Kept(Kept<F>),
    /// Somebody else has written to it.
    Overtaken,
}

struct Kept<F> {
    file: F,
    /// What the file holds, or will hold when it is written anew.
    image: Image,
    /// Length of the file, where it is not that of the image: behind a torn tail or a failed write.
    tail: Tail,
    /// Whether the file may be written to: not after a failed flush, since nobody knows what it holds then.
    trusted: bool,
    /// Up to where room was asked for.
    room: u64,
    /// Length at which compaction is considered.
    compact_at: usize,
}

/// What stands in the file behind the image.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    Clean,
    /// Bytes that do not count; with them the file is at most so long.
    ToBeCut {
        most: u64,
    },
}

impl<D: Disk> Journal<D> {
    /// Touches nothing yet.
    pub(super) fn new(disk: D, name: String, job: Job) -> Self {
        Self { disk, name, job, compact_from: COMPACT_FROM, state: State::Unread }
    }

    #[cfg(test)]
    pub(super) fn compacting_from(self, compact_from: usize) -> Self {
        Self { compact_from, ..self }
    }

    /// Whether there is nothing to keep: known only after a reading.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self.state, State::Absent)
    }

    /// Reads the journal; the second time from memory, since nobody else can have written it.
    pub(super) fn open(&mut self) -> Result<Opened, StoreError> {
        if let State::Kept(kept) = &self.state
            && let Ok(Replay { checkpoint, findings, .. }) = replay(kept.image.bytes())
        {
            return Ok(Opened { checkpoint, findings });
        }
        self.read()
    }

    /// Appends records, all or none.
    pub(super) fn append(&mut self, records: &[Record], durability: Durability) -> Result<(), StoreError> {
        for record in records {
            if let Record::Begun(begun) = record
                && begun.job != self.job
            {
                return Err(self.refused(OTHER_UPLOAD));
            }
        }
        if matches!(self.state, State::Unread) {
            self.read()?;
        }
        match &self.state {
            State::Overtaken => Err(self.overtaken()),
            // What is left of an abandoned upload that was written anew is a header.
            State::Kept(kept) if kept.image.has_frames() => self.extend(records, durability),
            _ if records.is_empty() => Ok(()),
            _ => self.create(records),
        }
    }

    /// Removes the journal.
    pub(super) fn retire(&mut self) -> Result<(), StoreError> {
        match self.state {
            State::Unread => drop(self.read()?),
            State::Overtaken => return Err(self.overtaken()),
            State::Absent | State::Kept(_) => {}
        }
        self.disk.remove(&self.name).map_err(self.failed("remove"))?;
        self.state = State::Absent;
        self.disk.sync_names().map_err(self.failed("make lasting the removal of"))
    }

    /// To be called when somebody else may have had the job: what they wrote stays.
    pub(super) fn compare(&mut self) -> Result<(), StoreError> {
        let unchanged = match &self.state {
            State::Unread => true,
            State::Overtaken => false,
            State::Absent => {
                self.read()?;
                self.is_absent()
            }
            State::Kept(kept) => match self.disk.named(&self.name, &kept.file) {
                Named::TheSame => kept.has_its_length().map_err(self.failed("look at"))?,
                Named::Nothing => true,
                Named::Another => false,
            },
        };
        if unchanged {
            return Ok(());
        }
        self.state = State::Overtaken;
        Err(self.overtaken())
    }

    fn read(&mut self) -> Result<Opened, StoreError> {
        let Some(file) = self.disk.open(&self.name)? else {
            self.state = State::Absent;
            return Ok(Opened::default());
        };
        let mut bytes = file.read(MAX_JOURNAL + 1).map_err(self.failed("read"))?;
        let read = if bytes.len() as u64 > MAX_JOURNAL {
            Err(Unusable::Damaged("it is longer than any journal".into()))
        } else {
            replay(&bytes)
        };
        let Replay { identity, checkpoint, findings, end } = match read {
            Ok(replay) => replay,
            Err(Unusable::Damaged(why)) => return self.set_aside(why),
            Err(unusable) => return Err(unusable.into_error(self.path())),
        };
        match identity {
            None => self.state = State::Absent,
            Some((_, job)) if job != self.job => {
                let why = format!("it is of another one: {job}");
                return Err(StoreError::Foreign { path: self.path(), why });
            }
            Some((id, _)) => {
                let most = bytes.len() as u64;
                let tail = if bytes.len() > end { Tail::ToBeCut { most } } else { Tail::Clean };
                bytes.truncate(end);
                let planned = checkpoint.plan().map_or(0, |plan| usize::from(plan.count()));
                let missing = planned.saturating_sub(checkpoint.parts().count());
                self.state = State::Kept(Kept {
                    file,
                    image: Image::of_good(bytes, id),
                    tail,
                    trusted: true,
                    room: room_for(end, missing),
                    compact_at: self.compact_from,
                });
            }
        }
        Ok(Opened { checkpoint, findings })
    }

    fn set_aside(&mut self, why: String) -> Result<Opened, StoreError> {
        for n in 1..=MAX_SET_ASIDE {
            let aside = format!("{}.damaged-{n}", self.name);
            match self.disk.rename_new(&self.name, &aside) {
                Ok(()) => {
                    self.state = State::Absent;
                    let finding = Finding::SetAside { path: self.disk.path(&aside), why };
                    return Ok(Opened { findings: vec![finding], ..Opened::default() });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(self.failed("set aside")(error)),
            }
        }
        Err(self.failed("set aside")(io::ErrorKind::AlreadyExists.into()))
    }

    fn create(&mut self, records: &[Record]) -> Result<(), StoreError> {
        if !matches!(records.first(), Some(Record::Begun(_))) {
            return Err(self.refused(NO_BEGINNING));
        }
        let id = self.disk.random_id().map_err(self.failed("find an id for"))?;
        let image = Image::of_records(id, records).map_err(|RecordTooLong| self.refused(TOO_LONG))?;
        let room = room_for(image.len(), planned_parts(records));
        match self.put_in_place(image, room, Reserve::Must) {
            Ok(kept) => {
                self.state = State::Kept(kept);
                Ok(())
            }
            Err(error) => {
                // Its name may not last, so it must not be found either.
                drop(self.disk.remove(&self.name));
                Err(error)
            }
        }
    }

    fn extend(&mut self, records: &[Record], durability: Durability) -> Result<(), StoreError> {
        let State::Kept(kept) = &mut self.state else { return Ok(()) };
        let before = kept.image.len();
        if kept.image.extend(records).is_err() {
            return Err(self.refused(TOO_LONG));
        }
        let more = planned_parts(records);
        if more > 0 {
            kept.room = room_for(kept.image.len(), more);
        }
        let written = match kept.write(before, more > 0) {
            Ok(()) if durability == Durability::Written => Ok(()),
            // A flush is not tried twice: after one that failed the system may have dropped what it could not write.
            Ok(())
                if self.disk.named(&self.name, &kept.file) == Named::TheSame && kept.file.flush().is_ok() =>
            {
                Ok(())
            }
            Ok(()) | Err(NotWritten::Untrusted) => {
                kept.trusted = false;
                self.write_anew()
            }
            Err(NotWritten::Failed(what, error)) => Err(self.failed(what)(error)),
            Err(NotWritten::Overtaken) => {
                self.state = State::Overtaken;
                return Err(self.overtaken());
            }
        };
        let State::Kept(kept) = &mut self.state else { return Ok(()) };
        if let Err(error) = written {
            kept.cut_back(before);
            return Err(error);
        }
        if kept.image.len() > kept.compact_at {
            self.compact();
        }
        Ok(())
    }

    /// Rewrites a journal of which more than half is out of date. That it fails costs only room.
    fn compact(&mut self) {
        let State::Kept(kept) = &mut self.state else { return };
        let Some(compacted) = self.disk.random_id().ok().and_then(|id| compacted(&kept.image, id)) else {
            return;
        };
        kept.compact_at = self.compact_from.max(2 * compacted.len());
        if kept.image.len() > kept.compact_at {
            let room = kept.room;
            match self.put_in_place(compacted, room, Reserve::Try) {
                Ok(fresh) => self.state = State::Kept(fresh),
                Err(_) => {
                    if let State::Kept(kept) = &mut self.state {
                        kept.trusted = self.disk.named(&self.name, &kept.file) == Named::TheSame;
                        kept.compact_at = kept.image.len().saturating_mul(2);
                    }
                }
            }
        }
    }

    /// Writes what the journal holds into a new file, which takes the place of the old one.
    fn write_anew(&mut self) -> Result<(), StoreError> {
        let State::Kept(kept) = &self.state else { return Ok(()) };
        let id = self.disk.random_id().map_err(self.failed("find an id for"))?;
        let image = compacted(&kept.image, id).unwrap_or_else(|| kept.image.clone());
        let room = kept.room;
        self.state = State::Kept(self.put_in_place(image, room, Reserve::Try)?);
        Ok(())
    }

    /// A new file with these bytes, flushed, under the journal's name.
    fn put_in_place(&self, image: Image, room: u64, reserve: Reserve) -> Result<Kept<D::File>, StoreError> {
        let beside = format!("{}.new", self.name);
        let placed = self.disk.remove(&beside).and_then(|()| {
            let file = self.disk.create(&beside)?;
            let reserved = file.reserve(room);
            if reserve == Reserve::Must {
                reserved?;
            }
            file.write_at(0, image.bytes())?;
            file.flush()?;
            self.disk.rename(&beside, &self.name)?;
            self.disk.sync_names()?;
            Ok(file)
        });
        match placed {
            Ok(file) => {
                let compact_at = self.compact_from.max(2 * image.len());
                Ok(Kept { file, image, tail: Tail::Clean, trusted: true, room, compact_at })
            }
            Err(error) => {
                drop(self.disk.remove(&beside));
                Err(self.failed("write")(error))
            }
        }
    }

    fn path(&self) -> PathBuf {
        self.disk.path(&self.name)
    }

    fn failed(&self, what: &'static str) -> impl FnOnce(io::Error) -> StoreError + use<D> {
        let path = self.path();
        move |source| StoreError::Io { what, path, source }
    }

    fn overtaken(&self) -> StoreError {
        StoreError::Overtaken { path: self.path() }
    }

    fn refused(&self, why: &'static str) -> StoreError {
        StoreError::Record { path: self.path(), why }
    }
}

/// Whether a full disk is an error already when room is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reserve {
    Must,
    Try,
}

/// Why frames are not in the file.
enum NotWritten {
    /// The file is not to be written to any more.
    Untrusted,
    /// Somebody else has written to the file.
    Overtaken,
    /// What was tried and what the system said.
    Failed(&'static str, io::Error),
}

impl<F: DiskFile> Kept<F> {
    /// Writes the image from `from` on.
    fn write(&mut self, from: usize, room_first: bool) -> Result<(), NotWritten> {
        if !self.trusted {
            return Err(NotWritten::Untrusted);
        }
        let len = self.file.len().map_err(|error| NotWritten::Failed("look at", error))?;
        if len > self.most(from) {
            return Err(NotWritten::Overtaken);
        }
        if len < from as u64 {
            // Somebody has cut it, who is none of us: what is missing is known here.
            return Err(NotWritten::Untrusted);
        }
        if self.tail != Tail::Clean {
            self.cut(from).map_err(|error| NotWritten::Failed("cut the torn end of", error))?;
        }
        if room_first {
            self.file.reserve(self.room).map_err(|error| NotWritten::Failed("reserve room for", error))?;
        }
        let frames = &self.image.bytes()[from..];
        if frames.is_empty() {
            return Ok(());
        }
        self.tail = Tail::ToBeCut { most: (from + frames.len()) as u64 };
        self.file.write_at(from as u64, frames).map_err(|error| NotWritten::Failed("append to", error))?;
        self.tail = Tail::Clean;
        Ok(())
    }

    /// As it was before frames were added that could not be written. Where the file cannot be cut now, that is done
    /// before the next write.
    fn cut_back(&mut self, len: usize) {
        self.tail = Tail::ToBeCut { most: self.most(self.image.len()) };
        self.image.truncate(len);
        drop(self.cut(len));
    }

    /// Whether the file can be as it was left.
    fn has_its_length(&self) -> io::Result<bool> {
        let ours = self.image.len();
        self.file.len().map(|len| (ours as u64..=self.most(ours)).contains(&len))
    }

    /// How long the file is at most, if nobody else has written to it; its good frames end at `end`.
    fn most(&self, end: usize) -> u64 {
        match self.tail {
            Tail::Clean => end as u64,
            Tail::ToBeCut { most } => most.max(end as u64),
        }
    }

    fn cut(&mut self, len: usize) -> io::Result<()> {
        self.file.truncate(len as u64)?;
        self.tail = Tail::Clean;
        // Cutting gives back the room behind the end.
        drop(self.file.reserve(self.room));
        Ok(())
    }
}

/// The same checkpoint in as few frames as there can be.
fn compacted(image: &Image, id: [u8; 16]) -> Option<Image> {
    let history: Vec<Record> = replay(image.bytes()).ok()?.checkpoint.history().collect();
    Image::of_records(id, &history).ok()
}

fn planned_parts(records: &[Record]) -> usize {
    let plan = records.iter().rev().find_map(|record| match record {
        Record::Begun(begun) => PartPlan::new(begun.stamp.len, begun.part_size).ok(),
        _ => None,
    });
    plan.map_or(0, |plan| usize::from(plan.count()))
}

fn room_for(written: usize, parts: usize) -> u64 {
    written as u64 + parts as u64 * ROOM_PER_PART + ROOM_FOR_THE_REST
}
