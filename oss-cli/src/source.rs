//! Is this something that can be uploaded? Found out without opening it: a pipe with no writer would hang.

use std::{
    fs::{self, FileType},
    path::{Path, PathBuf},
};

use crate::{failure::Failure, text::printable_os};

/// Checks that `path` names a regular file, and gives it the name that identifies it: absolute, without links.
///
/// # Errors
/// Names the file and what it is instead.
pub(crate) fn check(path: &Path) -> Result<PathBuf, Failure> {
    let shown = printable_os(path.as_os_str());
    if path.as_os_str() == "-" {
        return Err(Failure::usage("standard input cannot be uploaded resumably: write it to a file first"));
    }
    let cannot = |error: std::io::Error| Failure::local(format!("cannot read {shown}: {error}"));
    let kind = fs::metadata(path).map_err(cannot)?.file_type();
    if let Some(what) = what_else(kind) {
        let failure = Failure::usage(format!("{shown} is {what}, not a file"));
        return Err(if kind.is_dir() { failure.with_hint("name one file at a time") } else { failure });
    }
    fs::canonicalize(path).map_err(cannot)
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
        check("/no/such\u{1b}[31m", ExitStatus::Local, "/no/such\\u{1b}[31m");
    }

    #[test]
    fn a_file_is_identified_without_links() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let found = check(&here.join("src/../Cargo.toml")).unwrap();
        assert_eq!(found, here.canonicalize().unwrap().join("Cargo.toml"));
    }
}
