//! Where a receipt goes: into a file that is replaced as a whole, or through something that only takes bytes.

use std::{
    ffi::OsStr,
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use oss_resumable::driver::Receipt;

use crate::failure::Failure;

/// How many links are followed to a file that is not there yet; `path_resolution(7)`.
const MAX_LINKS: usize = 40;

/// A place that was looked at before anything is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceiptPlace {
    /// As it was named.
    named: PathBuf,
    way: Way,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// This file is written anew and takes its name as a whole.
    Replace(PathBuf),
    /// A device, a pipe or an open file: written to where it is.
    Through,
    /// What this process has as its own.
    Stdout,
    Stderr,
}

impl ReceiptPlace {
    /// Looks where `path` leads.
    ///
    /// # Errors
    /// That nothing can be written there.
    pub(crate) fn find(path: &Path) -> Result<Self, Failure> {
        let refused = |what: &str| Err(Failure::usage(format!("--receipt {} is {what}", path.display())));
        let failed =
            |error: &dyn std::fmt::Display| Failure::local(format!("--receipt {}: {error}", path.display()));
        let way = match fs::metadata(path) {
            _ if is_open_file(path, "1", "/dev/stdout") => Way::Stdout,
            _ if is_open_file(path, "2", "/dev/stderr") => Way::Stderr,
            Ok(found) if found.is_dir() => return refused("a directory"),
            Ok(found) if found.is_file() && in_open_files(path).is_some() => Way::Through,
            Ok(found) if found.is_file() => {
                Way::Replace(fs::canonicalize(path).map_err(|error| failed(&error))?)
            }
            Ok(found) if found.file_type().is_block_device() => return refused("a disk"),
            Ok(found) if found.file_type().is_socket() => return refused("a socket"),
            Ok(_) => Way::Through,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = end_of_links(path).map_err(|error| failed(&error))?;
                let Some(folder) = folder_of(&file) else { return refused("a directory") };
                if !folder.is_dir() {
                    return Err(failed(&"there is no such directory"));
                }
                Way::Replace(file)
            }
            Err(error) => return Err(failed(&error)),
        };
        Ok(Self { named: path.to_owned(), way })
    }

    /// Writes the receipt; into a file all of it or nothing.
    ///
    /// # Errors
    /// That it cannot be written, with the path.
    pub(crate) fn write(&self, receipt: &Receipt) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(receipt).map_err(io::Error::from);
        let written = text.and_then(|text| self.write_text(format!("{text}\n").as_bytes()));
        written.map_err(|error| {
            let shown = self.named.display();
            Failure::local(format!(
                "the object is stored, but the receipt {shown} cannot be written: {error}"
            ))
            .with_hint("the same command again writes it and sends nothing")
        })
    }

    fn write_text(&self, text: &[u8]) -> io::Result<()> {
        match &self.way {
            Way::Replace(file) => replace(file, text),
            // What an open file holds already stays.
            Way::Through => OpenOptions::new().append(true).open(&self.named)?.write_all(text),
            Way::Stdout => write_all(io::stdout().lock(), text),
            Way::Stderr => write_all(io::stderr().lock(), text),
        }
    }
}

fn write_all(mut stream: impl Write, text: &[u8]) -> io::Result<()> {
    stream.write_all(text)?;
    stream.flush()
}

/// Writes beside the file and moves it there.
fn replace(file: &Path, text: &[u8]) -> io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(format!(".{:08x}", fastrand::u32(..)));
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut new| new.write_all(text).and_then(|()| new.sync_all()))
        .and_then(|()| fs::rename(&beside, file))
        .inspect_err(|_| {
            // Whatever was written is of no use; that it may not be there is why this can fail.
            let _ = fs::remove_file(&beside);
        })
}

/// The name of an open file of this process, if `path` names one.
fn in_open_files(path: &Path) -> Option<&OsStr> {
    ["/dev/fd", "/proc/self/fd"].iter().find(|folder| path.parent() == Some(Path::new(folder)))?;
    path.file_name()
}

fn is_open_file(path: &Path, number: &str, name: &str) -> bool {
    path == Path::new(name) || in_open_files(path).is_some_and(|open| open == number)
}

/// Where links end that lead to nothing yet.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("there are too many links"))
}

/// The folder of a file; `None` for a path that can only name a folder.
fn folder_of(file: &Path) -> Option<&Path> {
    file.file_name()?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    Some(folder.unwrap_or(Path::new(".")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::exit::ExitStatus;

    fn receipt() -> Receipt {
        crate::finished::tests::receipt()
    }

    fn write(path: &Path) -> Result<(), Failure> {
        ReceiptPlace::find(path)?.write(&receipt())
    }

    #[track_caller]
    fn expect_receipt(path: &Path) {
        assert_eq!(serde_json::from_slice::<Receipt>(&fs::read(path).unwrap()).unwrap(), receipt());
    }

    #[test]
    fn a_receipt_replaces_its_file_as_a_whole_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipt.json");
        fs::write(&path, "an older one, which is longer than nothing").unwrap();
        write(&path).unwrap();
        expect_receipt(&path);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_link_stays_and_its_target_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        fs::write(elsewhere.join("old.json"), "older").unwrap();
        for name in ["old.json", "new.json"] {
            let (link, second) = (folder.path().join(name), folder.path().join(format!("second-{name}")));
            symlink(Path::new("elsewhere").join(name), &link).unwrap();
            symlink(name, &second).unwrap();
            write(&second).unwrap();
            assert!(link.is_symlink() && second.is_symlink(), "{name}");
            expect_receipt(&elsewhere.join(name));
        }
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 2);
    }

    #[test]
    fn a_pipe_and_a_device_are_written_through_and_stay() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        write(&pipe).unwrap();
        assert_eq!(serde_json::from_slice::<Receipt>(&reader.join().unwrap()).unwrap(), receipt());
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());

        write(Path::new("/dev/null")).unwrap();
        let link = folder.path().join("link");
        symlink("/dev/null", &link).unwrap();
        write(&link).unwrap();
        assert!(link.is_symlink());
        for device in ["/dev/null", "/dev/full"] {
            assert_eq!(ReceiptPlace::find(Path::new(device)).unwrap().way, Way::Through);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn the_streams_of_the_process_are_taken_as_they_are() {
        let check = |path: &str, way: Way| {
            assert_eq!(ReceiptPlace::find(Path::new(path)).unwrap().way, way, "{path}");
        };
        for path in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
            check(path, Way::Stdout);
        }
        for path in ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"] {
            check(path, Way::Stderr);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_an_open_file_holds_stays() {
        use std::os::fd::AsRawFd as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("open");
        fs::write(&path, "before\n").unwrap();
        let open = fs::File::open(&path).unwrap();
        write(Path::new(&format!("/proc/self/fd/{}", open.as_raw_fd()))).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(
            serde_json::from_str::<Receipt>(text.strip_prefix("before\n").unwrap()).unwrap(),
            receipt()
        );
    }

    #[test]
    fn where_nothing_can_be_written_is_known_beforehand() {
        let folder = tempfile::tempdir().unwrap();
        let inside = |name: &str| folder.path().join(name);
        symlink(inside("loop"), inside("loop")).unwrap();
        symlink(folder.path(), inside("folder")).unwrap();
        let check = |path: &Path, status: ExitStatus, part: &str| {
            let failure = ReceiptPlace::find(path).unwrap_err();
            assert_eq!((failure.status, failure.message.contains(part)), (status, true), "{failure:?}");
        };
        check(Path::new("/"), ExitStatus::Usage, "--receipt / is a directory");
        check(&inside("folder"), ExitStatus::Usage, "a directory");
        check(&inside("nowhere/receipt"), ExitStatus::Local, "there is no such directory");
        check(&inside("loop"), ExitStatus::Local, "loop");
    }

    #[test]
    fn a_receipt_that_cannot_be_written_is_named_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        let place = ReceiptPlace::find(&taken).unwrap();
        fs::create_dir_all(taken.join("by a directory")).unwrap();
        let failure = place.write(&receipt()).unwrap_err();
        assert_eq!(failure.status, ExitStatus::Local);
        assert!(failure.message.contains("taken"), "{}", failure.message);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let failure = write(Path::new("/dev/full")).unwrap_err();
        assert!(failure.message.contains("/dev/full"), "{}", failure.message);
    }
}
