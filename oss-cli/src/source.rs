//! Is this something that can be uploaded? Found out without opening it: a pipe with no writer would hang.

use std::{
    fs::{self, FileType},
    io,
    path::Path,
};

use crate::failure::Failure;

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
    let kind = match fs::metadata(path) {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::local(format!("cannot read {shown}: {error}"))),
    };
    let Some(what) = what_else(kind) else {
        return Ok(());
    };
    let failure = Failure::usage(format!("{shown} is {what}, not a file"));
    Err(if kind.is_dir() { failure.with_hint("name one file at a time") } else { failure })
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

    #[test]
    fn a_file_passes_and_so_does_one_that_is_gone() {
        for path in [concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "/no/such/file"] {
            assert_eq!(check(Path::new(path)), Ok(()), "{path}");
        }
    }
}
