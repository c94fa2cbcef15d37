//! What is answered when the time of an action has come: as the script has it, or as the world has it.

use std::time::Duration;

use oss_checkpoint::{Crc64, Durability, PartNumber, ServerTime, UploadId};
use oss_resumable::{Action, Event, Fault, FaultClass, Upload, UploadedPart};

use super::{
    InFlight, Simulation,
    deeds::{Done, Effect},
};
use crate::{script::Fate, world::Refused};

impl Simulation<'_> {
    /// The time of one action has come.
    pub(super) fn finish(&mut self, upload: &Upload, mut work: InFlight) -> Event {
        let ticket = work.action.ticket();
        let read = self.read(upload, &mut work);
        let remote = !matches!(
            work.action,
            Action::Save { .. }
                | Action::Retire { .. }
                | Action::InspectSource { .. }
                | Action::ChecksumPart { .. }
        );
        let befallen = self.befalls(&work, remote);
        if let Some((class, effect)) = befallen {
            self.remember(work.action, class);
            let mut heard = None;
            match effect {
                Happens::Nothing => {}
                Happens::Now => {
                    self.lose_initiate(&work);
                    if let Some(effect) = work.effect.filter(|_| read.is_ok()) {
                        let _ = self.apply(effect);
                    }
                    heard = read.ok().flatten();
                }
                Happens::Later => {
                    self.lose_initiate(&work);
                    if let Some(effect) = work.effect.filter(|_| read.is_ok()) {
                        self.late.push((self.now + Duration::from_secs(2), effect));
                    }
                    heard = read.ok().flatten();
                }
            }
            let fault = Fault { read: heard, ..Fault::new(class, "scripted") };
            return Event::Failed { ticket, fault };
        }
        if read.is_err() {
            return Event::Failed { ticket, fault: Fault::new(FaultClass::SourceMoved, "scripted") };
        }
        let fate = work.fate;
        let mut event = self.reply(upload, work, read.ok().flatten());
        match (fate, &mut event) {
            (Fate::Lie, Event::Completed { object, .. }) => {
                object.crc64 = Some(Crc64::new(8));
                self.lied = true;
            }
            (Fate::Lie, Event::ObjectPut { object, .. }) => {
                object.crc64 = Some(Crc64::new(8));
                self.lied = false;
            }
            (Fate::Nameless, Event::PartUploaded { part, .. }) => part.etag = None,
            (Fate::Silent, Event::PartUploaded { part, .. }) => part.server = None,
            (
                Fate::Silent,
                Event::Completed { object, .. }
                | Event::ObjectPut { object, .. }
                | Event::ObjectInspected { object: Some(object), .. },
            ) => object.crc64 = None,
            _ => {}
        }
        event
    }

    /// How this action fails, if it does, and what it does all the same.
    fn befalls(&mut self, work: &InFlight, remote: bool) -> Option<(FaultClass, Happens)> {
        use FaultClass as F;
        let reads = matches!(
            work.action,
            Action::InspectSource { .. }
                | Action::ChecksumPart { .. }
                | Action::UploadPart { .. }
                | Action::PutObject { .. }
        );
        let local = match (work.fate, work.action) {
            (Fate::Fails(class), _) => Some((class, Happens::Nothing)),
            _ if reads && self.world.gone > 0 => Some((F::Local, Happens::Nothing)),
            (Fate::Local, Action::Save { .. } | Action::UploadPart { .. } | Action::ChecksumPart { .. }) => {
                Some((F::Local, Happens::Nothing))
            }
            _ => None,
        };
        if local.is_some() || !remote {
            return local;
        }
        if self.world.clock_is_wrong {
            // What the answer says about the time is learned from it.
            self.world.clock_is_wrong = false;
            return Some((F::Skewed, Happens::Nothing));
        }
        if self.world.token_until.is_some_and(|until| until <= self.now) {
            return Some((self.world.renew_token(self.now), Happens::Nothing));
        }
        let body = matches!(work.action, Action::UploadPart { .. } | Action::PutObject { .. });
        Some(match work.fate {
            Fate::Unreachable => (F::Unreachable, Happens::Nothing),
            Fate::Throttled => (F::Throttled, Happens::Nothing),
            Fate::Again(true) => (F::Skewed, Happens::Nothing),
            Fate::Again(false) => (F::Unauthorised, Happens::Nothing),
            Fate::Refused => (F::Refused, Happens::Nothing),
            Fate::LostBefore => (F::Unanswered, Happens::Nothing),
            Fate::LostAfter => (F::Unanswered, Happens::Now),
            Fate::LostLate => (F::Unanswered, Happens::Later),
            // Bytes that arrive changed are stored changed, and answered.
            Fate::Corrupted if !body => (F::Corrupted, Happens::Now),
            _ => return None,
        })
    }

    /// What a failure of this class means for what may be left, and for what has to be asked.
    fn remember(&mut self, action: Action, class: FaultClass) {
        use FaultClass as F;
        let lost = matches!(class, F::Unanswered | F::Corrupted);
        match (action, class) {
            (Action::ListParts { .. }, F::Refused) => self.list_denied = true,
            (Action::InspectObject { .. }, F::Refused | F::Exists | F::PartsRejected) => {
                self.head_denied = true;
            }
            (
                Action::FindUploads { .. },
                F::Refused | F::Corrupted | F::Vanished | F::Exists | F::PartsRejected,
            ) => self.find_denied = true,
            // What may not be aborted is named, and left; what is said to be gone is believed to be.
            (Action::Abort { .. }, F::Refused | F::Vanished)
            | (Action::UploadPart { .. } | Action::ListParts { .. } | Action::Complete { .. }, F::Vanished) =>
            {
                self.excused += 1;
            }
            (Action::Initiate { .. }, _) if lost => self.uninitiated = true,
            (Action::Complete { .. }, _) if lost => self.unsettled = true,
            (Action::Save { .. }, _) => self.journal_failed = true,
            _ => {}
        }
    }

    pub(super) fn lose_initiate(&mut self, work: &InFlight) {
        if matches!(work.action, Action::Initiate { .. }) {
            self.excused += 1;
        }
    }

    /// The answer, after the deed.
    fn reply(&mut self, upload: &Upload, work: InFlight, read: Option<Crc64>) -> Event {
        let ticket = work.action.ticket();
        let fail = |class| Event::Failed { ticket, fault: Fault::new(class, "as the service has it") };
        let stamp = self.world.source().stamp();
        let setting = &self.world.setting;
        let corrupted = work.fate == Fate::Corrupted;
        match work.action {
            Action::InspectSource { .. } => Event::SourceInspected { ticket, stamp },
            Action::ChecksumPart { .. } => {
                Event::PartChecksummed { ticket, crc64: read.unwrap_or_default(), stamp, at_rest: true }
            }
            Action::FindUploads { .. } if setting.find_denied => fail(FaultClass::Refused),
            Action::FindUploads { .. } => {
                Event::UploadsFound { ticket, page: self.world.server.list_uploads() }
            }
            Action::ListParts { .. } if setting.list_denied => fail(FaultClass::Refused),
            Action::ListParts { after, .. } => {
                let id = upload.upload_id().map(UploadId::as_str).unwrap_or_default();
                let after = after.map_or(0, PartNumber::get);
                match self.world.server.list_parts(id, after, usize::from(setting.page), setting.mute) {
                    Some(page) => Event::PartsListed { ticket, page },
                    None => fail(FaultClass::Vanished),
                }
            }
            Action::InspectObject { .. } => {
                Event::ObjectInspected { ticket, object: self.world.server.object.clone() }
            }
            Action::Save { upto, durability, .. } => {
                let records = upload.unsaved(upto).to_vec();
                self.world.disk.records.extend(records);
                if durability == Durability::Flushed {
                    self.world.disk.flushed = self.world.disk.records.len();
                }
                Event::Saved { ticket }
            }
            Action::Retire { .. } => {
                self.world.disk = crate::world::Disk::default();
                Event::Retired { ticket }
            }
            Action::UploadPart { .. } => {
                let Some(effect) = work.effect else { return fail(FaultClass::Local) };
                let local = read.unwrap_or_default();
                let effect = match effect {
                    // The bytes are changed on their way.
                    Effect::UploadPart { id, part, crc64 } if corrupted => {
                        Effect::UploadPart { id, part, crc64: Crc64::new(crc64.get() ^ 4) }
                    }
                    effect => effect,
                };
                match self.apply(effect) {
                    Done::Part(etag, server) => Event::PartUploaded {
                        ticket,
                        part: UploadedPart {
                            etag: Some(etag),
                            local,
                            server: Some(server),
                            stamp,
                            at_rest: true,
                        },
                    },
                    _ => fail(FaultClass::Vanished),
                }
            }
            Action::PutObject { .. }
            | Action::Initiate { .. }
            | Action::Complete { .. }
            | Action::Abort { .. } => {
                let Some(effect) = work.effect else { return fail(FaultClass::Local) };
                match self.apply(effect) {
                    Done::Object(object) if matches!(work.action, Action::PutObject { .. }) => {
                        Event::ObjectPut { ticket, object, local: read.unwrap_or_default() }
                    }
                    Done::Object(object) => Event::Completed { ticket, object },
                    Done::Upload(id, at) => Event::Initiated {
                        ticket,
                        upload_id: UploadId::new(id).unwrap(),
                        at: Some(ServerTime::from_unix(at)),
                    },
                    Done::Nothing => Event::Aborted { ticket },
                    Done::Refused(Refused::NoSuchUpload) => fail(FaultClass::Vanished),
                    Done::Refused(Refused::FileAlreadyExists) => fail(FaultClass::Exists),
                    Done::Refused(Refused::InvalidPart) => fail(FaultClass::PartsRejected),
                    Done::Part(..) => fail(FaultClass::Local),
                }
            }
            Action::Cancel { .. } => fail(FaultClass::Local),
        }
    }
}

/// What a request that fails does all the same.
enum Happens {
    Nothing,
    Now,
    Later,
}
