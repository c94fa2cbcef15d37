use crate::ByteCount;

/// What tells one state of the source from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceStamp {
    /// Length, in bytes.
    pub len: ByteCount,
    /// Last modification of the contents, in nanoseconds since 1970, by the file system's clock.
    pub mtime_ns: i64,
    /// Which file it is, and when anything about it last changed, where the system can tell. Setting the
    /// modification time back moves this.
    pub identity: Option<FileIdentity>,
}

/// Which file it is, as Unix knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// Last change of contents or attributes, in nanoseconds since 1970.
    pub ctime_ns: i64,
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
}
