//! What a loss of power leaves.
//!
//! Of a file that is what was flushed, and of each later write nothing, a first piece, any of its sectors, or all of
//! it, in any selection; what is lost in between reads as zeros or as an older file's bytes. A write is not there
//! without the truncation before it, and a change of names is not there without the one before it, as on every
//! journalling file system.

use std::{cell::RefCell, rc::Rc};

use super::{Chance, Change, Contents, SimulatedDisk, World};
use crate::format::Image;

/// What a disk writes as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Sector {
    /// 512 bytes.
    Small,
    /// 4 KiB.
    Large,
}

impl Sector {
    pub(in crate::store) const BOTH: [Self; 2] = [Self::Small, Self::Large];

    fn size(self) -> usize {
        match self {
            Self::Small => 512,
            Self::Large => 4096,
        }
    }
}

impl SimulatedDisk {
    /// What the next start of the machine finds.
    pub(in crate::store) fn after_power_cut(&self, sector: Sector, chance: &mut Chance) -> Self {
        let world = self.world.borrow();
        let mut names = world.lasting_names.clone();
        let survivors = chance.below(world.name_changes.len() + 1);
        for change in &world.name_changes[..survivors] {
            change.apply(&mut names);
        }
        let after = |(file, contents): (usize, &Contents)| {
            // What no name is left of, nobody finds.
            if !names.values().any(|named| *named == file) {
                return Contents::default();
            }
            contents.after_power_cut(sector, chance)
        };
        let files: Vec<Contents> = world.files.iter().enumerate().map(after).collect();
        let after = World { files, lasting_names: names.clone(), names, ids: world.ids, ..World::default() };
        Self { world: Rc::new(RefCell::new(after)) }
    }
}

impl Contents {
    fn after_power_cut(&self, sector: Sector, chance: &mut Chance) -> Self {
        let mut bytes = self.lasting.clone();
        for change in &self.changes {
            match change {
                Change::Truncate { len } => {
                    if chance.below(2) == 0 {
                        break;
                    }
                    bytes.truncate(*len);
                }
                Change::Write { offset, bytes: written } => {
                    survive(&mut bytes, *offset, written, sector, chance);
                }
            }
        }
        Self { lasting: bytes.clone(), bytes, ..Self::default() }
    }
}

/// What a cut leaves of one write.
fn survive(bytes: &mut Vec<u8>, offset: usize, written: &[u8], sector: Sector, chance: &mut Chance) {
    let end = offset + written.len();
    match chance.below(5) {
        0 => {}
        1 => extend(bytes, end, chance),
        2 => {
            let first = chance.piece(written.len());
            overwrite(bytes, offset, &written[..first], chance);
        }
        3 => {
            extend(bytes, end, chance);
            let mut from = offset;
            while from < end {
                let to = end.min((from / sector.size() + 1) * sector.size());
                if chance.below(2) == 1 {
                    bytes[from..to].copy_from_slice(&written[from - offset..to - offset]);
                }
                from = to;
            }
        }
        _ => overwrite(bytes, offset, written, chance),
    }
}

fn overwrite(bytes: &mut Vec<u8>, offset: usize, written: &[u8], chance: &mut Chance) {
    extend(bytes, offset, chance);
    let end = offset + written.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(written);
}

/// Makes a file longer by bytes that nobody has written to it.
fn extend(bytes: &mut Vec<u8>, len: usize, chance: &mut Chance) {
    let old = bytes.len();
    if len <= old {
        return;
    }
    bytes.resize(len, 0);
    if chance.below(2) == 0 {
        let stale = Image::new([7; 16]);
        for (byte, stale) in bytes[old..].iter_mut().zip(stale.bytes().iter().cycle()) {
            *byte = *stale;
        }
    }
}
