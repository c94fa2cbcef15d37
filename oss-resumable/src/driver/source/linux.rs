//! What Linux tells of a file beyond its bytes: whether a look at it may take long, and which of them are in memory.

use std::{io::IoSliceMut, os::fd::AsFd, path::Path};

use rustix::{
    fs::statfs,
    io::{ReadWriteFlags, preadv2},
};

/// File systems of a machine's own disks and memory, by the numbers in `linux/magic.h` and those of XFS, ZFS and bcachefs; none
/// asks another machine or a process for anything.
const NEAR: [u64; 8] = [
    0x0000_ef53, // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x9123_683e, // Btrfs
    0xf2f5_2010, // F2FS
    0x2fc1_2fc1, // ZFS
    0xca45_1a4e, // bcachefs
    0x0102_1994, // tmpfs
    0x794c_7630, // overlayfs
];

/// Whether what is at this path is on one of those. May block where it is not.
pub(super) fn is_near(path: &Path) -> bool {
    statfs(path).is_ok_and(|system| u64::try_from(system.f_type).is_ok_and(|kind| NEAR.contains(&kind)))
}

/// Reads what is in the page cache, and does not wait for a disk; `None` if the first byte is not there, and on file systems
/// that cannot say so.
pub(super) fn read_at_once(file: impl AsFd, buffer: &mut [u8], offset: u64) -> Option<usize> {
    preadv2(file, &mut [IoSliceMut::new(buffer)], offset, ReadWriteFlags::NOWAIT).ok()
}
