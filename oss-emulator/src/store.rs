//! The state on disk: plain files that several processes may share.
//!
//! ```text
//! tmp/<process>/          what is being received; its owner holds a lock on tmp/<process>.lock
//! buckets/<bucket>/
//!     bucket.json         when it was made, and how
//!     lock                shared to add a part, exclusive to make or remove objects and uploads
//!     objects/<digest>    an object: key, size, CRC-64, ETag, headers, and which blob has its bytes
//!     uploads/<id>        an unfinished multipart upload: key, headers
//!     blobs/<id>/         the bytes: one file a part, named after what is known of it, and the list of those that count
//! ```
//!
//! A file appears by being renamed into its place, so whoever looks sees all of it or nothing. Nothing is synced: a killed
//! process loses nothing, a power cut may.

mod blob;
mod bucket;
mod part;
mod record;
mod scratch;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

pub(crate) use blob::ObjectReader;
pub(crate) use bucket::{Bucket, object_file_name};
pub(crate) use part::StoredPart;
pub(crate) use record::{Attributes, BucketRecord, Kind, ObjectRecord, UploadRecord};
pub(crate) use scratch::{Scratch, hex, md5_hex, unique_id};

/// The folder of a server.
#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
    scratch: Scratch,
}

impl Store {
    /// Opens or makes the folder, clears what dead processes were receiving, and finishes what they had decided.
    pub(crate) fn open(root: &Path) -> Result<Self, (PathBuf, io::Error)> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| (path, error)
        };
        let buckets = root.join("buckets");
        fs::create_dir_all(&buckets).map_err(at(&buckets))?;
        let temporary = root.join("tmp");
        let scratch = Scratch::open(&temporary).map_err(at(&temporary))?;
        let store = Self { root: root.to_owned(), scratch };
        for record in store.buckets().map_err(at(&buckets))? {
            if let Ok(Some(bucket)) = store.bucket(&record.name) {
                bucket.tidy().map_err(at(&store.folder_of(&record.name)))?;
            }
        }
        Ok(store)
    }

    pub(crate) fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// All buckets by name.
    pub(crate) fn buckets(&self) -> io::Result<Vec<BucketRecord>> {
        let mut records = Vec::new();
        for entry in fs::read_dir(self.root.join("buckets"))? {
            if let Some(record) = record::read(&entry?.path().join(bucket::RECORD))? {
                records.push(record);
            }
        }
        records.sort_by(|a: &BucketRecord, b| a.name.cmp(&b.name));
        Ok(records)
    }

    /// The bucket of that name, which has been checked.
    pub(crate) fn bucket(&self, name: &str) -> io::Result<Option<Bucket<'_>>> {
        let folder = self.folder_of(name);
        let record = record::read(&folder.join(bucket::RECORD))?;
        Ok(record.map(|record| Bucket::new(folder, record, &self.scratch)))
    }

    /// Makes a bucket; `false` if there is one of that name.
    pub(crate) fn create_bucket(&self, record: &BucketRecord) -> io::Result<bool> {
        let folder = self.scratch.new_path();
        for name in ["objects", "uploads", "blobs"] {
            fs::create_dir_all(folder.join(name))?;
        }
        fs::File::create(folder.join(bucket::LOCK))?;
        fs::write(folder.join(bucket::RECORD), record::to_json(record)?)?;
        match fs::rename(&folder, self.folder_of(&record.name)) {
            Ok(()) => Ok(true),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty
                ) =>
            {
                fs::remove_dir_all(&folder)?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn folder_of(&self, bucket: &str) -> PathBuf {
        self.root.join("buckets").join(bucket)
    }
}

/// Back from a record; a time out of the calendar is 1970.
pub(crate) fn from_milliseconds(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}
