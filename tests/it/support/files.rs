//! Files with contents that a seed gives, and their times.

use std::{
    fs::{self, File, FileTimes},
    path::Path,
};

/// `length` bytes that `seed` gives: no two parts alike.
pub(crate) fn contents(seed: u64, length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes = vec![0; length];
    random.fill(&mut bytes);
    bytes
}

/// Writes a whole file, and says its bytes.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

/// Lets `change` at the file and puts its times of access and modification back afterwards, as a careless or a malicious
/// writer may.
pub(crate) fn keep_times(path: &Path, change: impl FnOnce(&Path)) {
    let before = fs::metadata(path).unwrap();
    let times =
        FileTimes::new().set_accessed(before.accessed().unwrap()).set_modified(before.modified().unwrap());
    change(path);
    File::options().write(true).open(path).unwrap().set_times(times).unwrap();
    assert_eq!(fs::metadata(path).unwrap().modified().unwrap(), before.modified().unwrap());
}
