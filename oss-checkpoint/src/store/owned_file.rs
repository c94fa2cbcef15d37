use std::{
    fs::{DirBuilder, File, Metadata, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
    path::Path,
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

use super::StoreError;

/// Opens a file for reading and writing; `None` if there is none. Follows no link, and never waits, whatever is there.
///
/// # Errors
/// [`StoreError::Foreign`] unless it is a regular file with one name that belongs to the user of this process.
pub(super) fn open(path: &Path) -> Result<Option<File>, StoreError> {
    let foreign = |why: &str| StoreError::Foreign { path: path.to_owned(), why: why.to_owned() };
    let file = match rustix::fs::open(path, FLAGS, Mode::empty()) {
        Ok(handle) => File::from(handle),
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err(foreign("it is a symbolic link")),
        Err(Errno::ISDIR) => return Err(foreign("it is a directory")),
        Err(Errno::NXIO | Errno::NODEV) => return Err(foreign("it is no regular file")),
        Err(error) => return Err(failed("open", path)(error.into())),
    };
    let metadata = file.metadata().map_err(failed("look at", path))?;
    match objection_to(&metadata) {
        Some(why) => Err(foreign(why)),
        None => Ok(Some(file)),
    }
}

/// Makes a file that nobody else can read, whatever the umask.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] if anything has that name, a dangling link included.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let file = File::from(rustix::fs::open(path, FLAGS | OFlags::CREATE | OFlags::EXCL, OWNER_ONLY)?);
    file.set_permissions(Permissions::from_mode(OWNER_ONLY.bits()))?;
    Ok(file)
}

/// Makes a directory, and what is missing above it, that nobody else can enter, whatever the umask.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_directory(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => std::fs::set_permissions(path, Permissions::from_mode(0o700)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether `path` is this very file, and not a link to it.
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|there| is(file, &there))
}

/// Whether that is what this very file is like.
pub(super) fn is(file: &File, there: &Metadata) -> bool {
    file.metadata().is_ok_and(|ours| (ours.dev(), ours.ino()) == (there.dev(), there.ino()))
}

pub(super) fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |source| StoreError::Io { what, path, source }
}

/// Not blocking, so that a FIFO without a writer does not hold us; a regular file does not mind.
const FLAGS: OFlags = OFlags::RDWR.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

const OWNER_ONLY: Mode = Mode::RUSR.union(Mode::WUSR);

fn objection_to(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_fifo() {
        return Some("it is a FIFO");
    }
    if !kind.is_file() {
        return Some("it is no regular file");
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Some("it belongs to another user");
    }
    if metadata.nlink() > 1 {
        return Some("it has more than one name");
    }
    None
}
