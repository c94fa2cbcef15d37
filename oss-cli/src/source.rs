//! Is this something that can be uploaded? Found out without opening what is no file: a pipe with no writer would hang.

use std::{
    fs::{self, File, FileType, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use rustix::fs::OFlags;

use crate::failure::Failure;

/// Checks that `path` names a regular file that can be read for its own sake. One that is not there passes: who reads it
/// says so.
///
/// # Errors
/// Names the file and what it is instead.
pub(crate) fn check_readable(path: &Path) -> Result<(), Failure> {
    if path.as_os_str() == "-" {
        return Err(Failure::usage("standard input is not read: write it to a file first"));
    }
    check(path)
}

/// Checks that `path` names a regular file. One that is not there passes: an upload of which every byte was sent can do
/// without its source, and the journal knows.
///
/// # Errors
/// Names the file and what it is instead.
pub(crate) fn check(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    if path.as_os_str() == "-" {
        return Err(Failure::usage("standard input cannot be uploaded resumably: write it to a file first"));
    }
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::local(format!("cannot read {shown}: {error}"))),
    };
    let kind = found.file_type();
    let Some(what) = what_else(kind) else {
        return if found.len() == 0 { check_empty(path) } else { Ok(()) };
    };
    let failure = Failure::usage(format!("{shown} is {what}, not a file"));
    Err(if kind.is_dir() { failure.with_hint("name one file at a time") } else { failure })
}

/// Refuses a file that is said to be empty and is not, as those of `/proc`: its bytes would be missing in the object.
fn check_empty(path: &Path) -> Result<(), Failure> {
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    // One that cannot be opened is told by the upload.
    let Ok(file) = OpenOptions::new().read(true).custom_flags(nonblocking).open(path) else { return Ok(()) };
    if !holds_more_than_it_says(&file) {
        return Ok(());
    }
    let failure = Failure::usage(format!("the length of {} is not known beforehand", path.display()));
    Err(failure.with_hint("copy it to a file on a disk, and take that"))
}

fn holds_more_than_it_says(mut file: &File) -> bool {
    let has_bytes = match file.read(&mut [0]) {
        Ok(read) => read > 0,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    };
    // It may have grown in the meantime.
    has_bytes && file.metadata().is_ok_and(|now| now.len() == 0)
}

/// What it is if it is no regular file.
fn what_else(kind: FileType) -> Option<&'static str> {
    use std::os::unix::fs::FileTypeExt as _;

    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a directory")
    } else if kind.is_fifo() {
        Some("a pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else if kind.is_block_device() || kind.is_char_device() {
        Some("a device")
    } else {
        Some("something else")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::ExitStatus;

    // Rows: 110
    #[test]
    fn what_is_no_file_is_refused_by_kind() {
        let check = |path: &str, status: ExitStatus, part: &str| {
            let failure = check(Path::new(path)).unwrap_err();
            assert_eq!(failure.status, status, "{path}");
            assert!(failure.message.contains(part), "{}", failure.message);
        };
        check("/", ExitStatus::Usage, "a directory");
        check("/dev/null", ExitStatus::Usage, "a device");
        check("-", ExitStatus::Usage, "standard input");
        check("/dev/null/x", ExitStatus::Local, "/dev/null/x");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_has_bytes_but_no_length_is_refused_and_an_empty_one_is_not() {
        let failure = check(Path::new("/proc/self/status")).unwrap_err();
        assert_eq!(failure.status, ExitStatus::Usage);
        assert!(failure.message.contains("/proc/self/status is not known"), "{}", failure.message);
        let empty = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(check(empty.path()), Ok(()));
    }

    #[test]
    fn a_file_passes_and_so_does_one_that_is_gone() {
        for path in [concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "/no/such/file"] {
            assert_eq!(check(Path::new(path)), Ok(()), "{path}");
        }
    }
}
