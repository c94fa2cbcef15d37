//! One bucket on disk.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use super::blob::{self, ObjectReader};
use super::part::{self, StoredPart};
use super::record::{self, BucketRecord, ObjectRecord, UploadRecord};
use super::scratch::{Scratch, hex};

pub(super) const RECORD: &str = "bucket.json";
pub(super) const LOCK: &str = "lock";

/// A bucket that was there when it was looked for.
#[derive(Debug)]
pub(crate) struct Bucket<'a> {
    folder: PathBuf,
    record: BucketRecord,
    scratch: &'a Scratch,
}

/// The lock of a bucket, until it is dropped. What needs it asks for it.
#[derive(Debug)]
pub(crate) struct Guard {
    _file: File,
}

impl<'a> Bucket<'a> {
    pub(super) fn new(folder: PathBuf, record: BucketRecord, scratch: &'a Scratch) -> Self {
        Self { folder, record, scratch }
    }

    pub(crate) fn record(&self) -> &BucketRecord {
        &self.record
    }

    /// Waits until nobody else changes the bucket. `None`: it was removed.
    pub(crate) fn lock(&self) -> io::Result<Option<Guard>> {
        self.locked(File::lock)
    }

    /// Waits until nobody makes or removes objects or uploads. `None`: the bucket was removed.
    pub(crate) fn lock_shared(&self) -> io::Result<Option<Guard>> {
        self.locked(File::lock_shared)
    }

    fn locked(&self, lock: fn(&File) -> io::Result<()>) -> io::Result<Option<Guard>> {
        let file = match File::open(self.folder.join(LOCK)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        lock(&file)?;
        // It may have been removed, and even made again, while we waited.
        let current: Option<BucketRecord> = record::read(&self.folder.join(RECORD))?;
        Ok(current
            .filter(|record| record.created_ms == self.record.created_ms)
            .map(|_| Guard { _file: file }))
    }

    pub(crate) fn object(&self, key: &str) -> io::Result<Option<ObjectRecord>> {
        let record: Option<ObjectRecord> = record::read(&self.object_path(key))?;
        Ok(record.filter(|record| record.key == key))
    }

    /// All objects, by key.
    pub(crate) fn objects(&self) -> io::Result<Vec<ObjectRecord>> {
        let mut objects: Vec<ObjectRecord> = read_all(&self.folder.join("objects"))?;
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(objects)
    }

    /// Makes `object` of the received file `data`, in the place of what had its key.
    pub(crate) fn put_object(
        &self,
        _guard: &Guard,
        object: &ObjectRecord,
        part: &StoredPart,
        data: &Path,
    ) -> io::Result<()> {
        let blob = self.blob_path(&object.blob);
        fs::create_dir(&blob)?;
        fs::rename(data, blob.join(part.file_name()))?;
        blob::write_list(&blob, std::slice::from_ref(part), self.scratch)?;
        let replaced = self.object(&object.key)?;
        self.scratch.write(&self.object_path(&object.key), &record::to_json(object)?)?;
        self.remove_blob_of(replaced.as_ref())
    }

    pub(crate) fn delete_object(&self, _guard: &Guard, key: &str) -> io::Result<()> {
        let Some(object) = self.object(key)? else { return Ok(()) };
        self.scratch.remove(&self.object_path(key))?;
        self.remove_blob_of(Some(&object))
    }

    /// Opens `length` bytes from `start` of an object.
    pub(crate) fn open(&self, object: &ObjectRecord, start: u64, length: u64) -> io::Result<ObjectReader> {
        ObjectReader::open(&self.blob_path(&object.blob), start, length)
    }

    pub(crate) fn initiate(&self, _guard: &Guard, upload: &UploadRecord) -> io::Result<()> {
        fs::create_dir(self.blob_path(&upload.id))?;
        self.scratch.write(&self.upload_path(&upload.id), &record::to_json(upload)?)
    }

    /// The unfinished upload of that id, if it is for `key`.
    pub(crate) fn upload(&self, key: &str, id: &str) -> io::Result<Option<UploadRecord>> {
        if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let state: Option<UploadState> = record::read(&self.upload_path(id))?;
        Ok(state.filter(|state| state.sealed.is_none() && state.upload.key == key).map(|state| state.upload))
    }

    /// All unfinished uploads, by key and id.
    pub(crate) fn uploads(&self) -> io::Result<Vec<UploadRecord>> {
        let states: Vec<UploadState> = read_all(&self.folder.join("uploads"))?;
        let mut uploads: Vec<UploadRecord> =
            states.into_iter().filter(|state| state.sealed.is_none()).map(|state| state.upload).collect();
        uploads.sort_by(|a, b| (&a.key, &a.id).cmp(&(&b.key, &b.id)));
        Ok(uploads)
    }

    /// Puts the received file `data` into an upload that is known to exist under `_guard`.
    pub(crate) fn add_part(
        &self,
        _guard: &Guard,
        id: &str,
        part: &StoredPart,
        data: &Path,
    ) -> io::Result<()> {
        fs::rename(data, self.blob_path(id).join(part.file_name()))
    }

    /// The parts of an unfinished upload, by number. Older ones of the same numbers are removed.
    pub(crate) fn parts(&self, _guard: &Guard, id: &str) -> io::Result<Vec<StoredPart>> {
        let folder = self.blob_path(id);
        let (parts, older) = part::list(&folder)?;
        for part in older {
            // Another process may have seen it as well.
            let _ = fs::remove_file(folder.join(part.file_name()));
        }
        Ok(parts)
    }

    pub(crate) fn remove_part(&self, _guard: &Guard, id: &str, part: &StoredPart) -> io::Result<()> {
        self.scratch.remove(&self.blob_path(id).join(part.file_name()))
    }

    /// Makes `object` of `parts`, moving no byte: the folder of the upload becomes that of the object. `others` are dropped.
    ///
    /// The upload's record is first marked with the object that it becomes, then renamed to be the object's. A process killed
    /// in between leaves a mark, which [`Bucket::tidy`] follows.
    pub(crate) fn complete(
        &self,
        guard: &Guard,
        upload: UploadRecord,
        object: ObjectRecord,
        parts: &[StoredPart],
        others: &[StoredPart],
    ) -> io::Result<()> {
        let blob = self.blob_path(&upload.id);
        blob::write_list(&blob, parts, self.scratch)?;
        let id = upload.id.clone();
        let state = UploadState { upload, sealed: Some(object) };
        self.scratch.write(&self.upload_path(&id), &record::to_json(&state)?)?;
        self.follow_seal(guard, state)?;
        for part in others {
            let _ = fs::remove_file(blob.join(part.file_name()));
        }
        Ok(())
    }

    fn follow_seal(&self, _guard: &Guard, state: UploadState) -> io::Result<()> {
        let Some(object) = state.sealed else { return Ok(()) };
        let replaced = self.object(&object.key)?;
        self.scratch.write(&self.object_path(&object.key), &record::to_json(&object)?)?;
        fs::remove_file(self.upload_path(&state.upload.id))?;
        self.remove_blob_of(replaced.as_ref().filter(|replaced| replaced.blob != object.blob))
    }

    pub(crate) fn abort(&self, _guard: &Guard, id: &str) -> io::Result<()> {
        self.scratch.remove(&self.upload_path(id))?;
        self.scratch.remove(&self.blob_path(id))
    }

    /// Removes the bucket; `false` if something is in it.
    pub(crate) fn remove(self, _guard: &Guard) -> io::Result<bool> {
        for name in ["objects", "uploads"] {
            if fs::read_dir(self.folder.join(name))?.next().is_some() {
                return Ok(false);
            }
        }
        self.scratch.remove(&self.folder)?;
        Ok(true)
    }

    /// After a process was killed: finishes what was sealed, and removes bytes that belong to nothing.
    pub(super) fn tidy(&self) -> io::Result<()> {
        let Some(guard) = self.lock()? else { return Ok(()) };
        let mut known = HashSet::new();
        let states: Vec<UploadState> = read_all(&self.folder.join("uploads"))?;
        for state in states {
            known.insert(state.upload.id.clone());
            self.follow_seal(&guard, state)?;
        }
        let blobs: Vec<_> = fs::read_dir(self.folder.join("blobs"))?.collect::<Result<_, _>>()?;
        let is_known = |known: &HashSet<String>, blob: &fs::DirEntry| {
            blob.file_name().to_str().is_some_and(|name| known.contains(name))
        };
        if !blobs.iter().all(|blob| is_known(&known, blob)) {
            known.extend(self.objects()?.into_iter().map(|object| object.blob));
        }
        for blob in blobs {
            if !is_known(&known, &blob) {
                self.scratch.remove(&blob.path())?;
            }
        }
        Ok(())
    }

    fn remove_blob_of(&self, object: Option<&ObjectRecord>) -> io::Result<()> {
        object.map_or(Ok(()), |object| self.scratch.remove(&self.blob_path(&object.blob)))
    }

    fn object_path(&self, key: &str) -> PathBuf {
        self.folder.join("objects").join(object_file_name(key))
    }

    fn upload_path(&self, id: &str) -> PathBuf {
        self.folder.join("uploads").join(id)
    }

    fn blob_path(&self, id: &str) -> PathBuf {
        self.folder.join("blobs").join(id)
    }
}

/// A digest, since keys are no file names; the record behind it holds the key.
pub(crate) fn object_file_name(key: &str) -> String {
    let mut crc = crc64fast::Digest::new();
    crc.write(key.as_bytes());
    format!("{}{:016X}", hex(&Md5::digest(key)), crc.sum64())
}

/// The file of an upload: itself, and once Complete has been decided, the object that it becomes.
#[derive(serde::Serialize, serde::Deserialize)]
struct UploadState {
    #[serde(flatten)]
    upload: UploadRecord,
    #[serde(default)]
    sealed: Option<ObjectRecord>,
}

fn read_all<T: serde::de::DeserializeOwned>(folder: &Path) -> io::Result<Vec<T>> {
    let mut records = Vec::new();
    for entry in fs::read_dir(folder)? {
        records.extend(record::read(&entry?.path())?);
    }
    Ok(records)
}
