use oss_checkpoint::Crc64;

use super::client::Client;
use crate::{
    Fault, StoredObject,
    wire::{DeleteObject, HeadObject, Target},
};

/// What became of an object that was to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It was that one, and is gone.
    Removed,
    /// There was none any more.
    Gone,
    /// Another one is in its place, or none whose checksum is stated; it was left alone.
    Another(StoredObject),
}

impl Client {
    /// Removes an object, if its CRC-64 is still this one: for one that turned out to be wrong.
    ///
    /// It is looked at first, since another one may have come in its place; OSS knows no condition for DeleteObject, so
    /// one that comes between the look and the removal is removed. In a versioned bucket the version stays, behind a
    /// delete marker.
    ///
    /// # Errors
    /// Those of [`Self::ask`] for HeadObject and DeleteObject; after one for the latter it may be gone or not.
    pub async fn remove_if_still(&self, target: &Target, crc64: Crc64) -> Result<Removal, Fault> {
        match self.ask(&HeadObject { target }).await? {
            None => Ok(Removal::Gone),
            Some(object) if object.crc64 != Some(crc64) => Ok(Removal::Another(object)),
            Some(_) => self.ask(&DeleteObject { target }).await.map(|()| Removal::Removed),
        }
    }
}
