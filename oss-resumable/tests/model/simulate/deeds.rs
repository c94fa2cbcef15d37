//! What requests do to the server, whoever hears of it, and what a read sees of a source that changes meanwhile.

use oss_checkpoint::{ByteCount, Crc64, ETag, PartNumber, ServerTime};
use oss_resumable::{Action, Part, StoredObject, Upload};

use super::{InFlight, Simulation};
use crate::world::Refused;

/// What a request does to the server, whenever it gets there.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    Put { size: u64, crc64: Crc64 },
    Initiate,
    UploadPart { id: String, part: Part, crc64: Crc64 },
    Complete { id: String, named: Vec<(u16, ETag)> },
    Abort { id: String },
}

pub(super) enum Done {
    Object(StoredObject),
    Upload(String, i64),
    Part(ETag, Crc64),
    Nothing,
    Refused(Refused),
}

impl Simulation<'_> {
    /// What the request does when it gets to the server, its body read completely.
    pub(super) fn effect_of(upload: &Upload, action: Action) -> Option<Effect> {
        let id = || upload.upload_id().map(|id| id.as_str().to_owned()).unwrap_or_default();
        Some(match action {
            Action::PutObject { .. } => Effect::Put { size: 0, crc64: Crc64::EMPTY },
            Action::Initiate { .. } => Effect::Initiate,
            Action::UploadPart { part, .. } => Effect::UploadPart { id: id(), part, crc64: Crc64::EMPTY },
            Action::Complete { .. } => Effect::Complete {
                id: id(),
                named: upload
                    .receipts()
                    .map(|receipt| (receipt.number.get(), receipt.etag.clone()))
                    .collect(),
            },
            Action::Abort { .. } => Effect::Abort { id: id() },
            _ => return None,
        })
    }

    /// What the action has read of the source, torn if it changed meanwhile; an error if it is too short now.
    pub(super) fn read(&mut self, upload: &Upload, work: &mut InFlight) -> Result<Option<Crc64>, ()> {
        let (first, last) = (&self.world.versions[work.version], self.world.source());
        match (&work.action, &mut work.effect) {
            (Action::ChecksumPart { part, .. }, _) => first.torn(last, part.range).map(Some).ok_or(()),
            (Action::UploadPart { part, .. }, Some(Effect::UploadPart { crc64, .. })) => {
                *crc64 = first.torn(last, part.range).ok_or(())?;
                Ok(Some(*crc64))
            }
            (Action::PutObject { .. }, Some(Effect::Put { size, crc64 })) => {
                // The last block is held back until the source has been looked at again.
                if first != last || upload.stamp() != Some(last.stamp()) {
                    return Err(());
                }
                (*size, *crc64) = (first.len(), first.whole());
                Ok(Some(*crc64))
            }
            _ => Ok(None),
        }
    }

    pub(super) fn apply(&mut self, effect: Effect) -> Done {
        let now = 1_000 + i64::try_from(self.now.as_secs()).unwrap();
        let forbid = self.world.setting.forbid_overwrite;
        let server = &mut self.world.server;
        match effect {
            Effect::Put { .. } if forbid && server.object.is_some() => {
                Done::Refused(Refused::FileAlreadyExists)
            }
            Effect::Put { size, crc64 } => {
                let object = StoredObject {
                    size: Some(ByteCount::new(size)),
                    crc64: Some(crc64),
                    last_modified: Some(ServerTime::from_unix(now)),
                    ..StoredObject::default()
                };
                server.store(object.clone());
                Done::Object(object)
            }
            Effect::Initiate => Done::Upload(server.initiate(now, false), now),
            Effect::UploadPart { id, part, crc64 } => {
                match server.upload_part(&id, part.number, part.range.len.get(), crc64) {
                    Some(etag) => Done::Part(etag, crc64),
                    None => Done::Refused(Refused::NoSuchUpload),
                }
            }
            Effect::Complete { id, named } => match server.complete(&id, &named, forbid, now) {
                Ok(object) => Done::Object(object),
                Err(refused) => Done::Refused(refused),
            },
            Effect::Abort { id } => {
                server.uploads.remove(&id);
                Done::Nothing
            }
        }
    }

    pub(super) fn land_late(&mut self, all: bool) {
        let mut index = 0;
        while index < self.late.len() {
            if all || self.late[index].0 <= self.now {
                let (_, effect) = self.late.swap_remove(index);
                self.landed_late = true;
                if !matches!(&effect, Effect::UploadPart { crc64, .. } if *crc64 == Crc64::EMPTY) {
                    let _ = self.apply(effect);
                }
            } else {
                index += 1;
            }
        }
    }

    pub(super) fn complete_elsewhere(&mut self, upload: &Upload) {
        let (Some(id), Some(plan)) = (upload.checkpoint().upload_id(), upload.checkpoint().plan()) else {
            return;
        };
        let Some(there) = self.world.server.uploads.get(id.as_str()) else { return };
        let named: Vec<_> = there.parts.iter().map(|(number, part)| (*number, part.etag.clone())).collect();
        let good = plan.len().get() == self.world.source().len()
            && named.len() == usize::from(plan.count())
            && there.parts.iter().all(|(number, part)| {
                let range =
                    PartNumber::new(u64::from(*number)).ok().and_then(|number| plan.range_of(number).ok());
                range.is_some_and(|range| self.world.source().crc64(range) == Some(part.crc64))
            });
        if good {
            let (id, now) = (id.as_str().to_owned(), 1_000 + i64::try_from(self.now.as_secs()).unwrap());
            let _ = self.world.server.complete(&id, &named, false, now);
        }
    }
}
