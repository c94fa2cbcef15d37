//! A disk in memory that fails, fills up, and forgets what was not flushed when its power is cut.
//!
//! `cut` says what is left then.

mod chance;
mod cut;

use std::{cell::RefCell, collections::BTreeMap, io, path::PathBuf, rc::Rc};

pub(super) use self::{
    chance::{Chance, every},
    cut::Sector,
};
use super::{
    StoreError,
    disk::{Disk, DiskFile, Named},
};

#[derive(Clone, Debug, Default)]
pub(super) struct SimulatedDisk {
    world: Rc<RefCell<World>>,
}

#[derive(Clone, Debug, Default)]
struct World {
    files: Vec<Contents>,
    names: BTreeMap<String, usize>,
    lasting_names: BTreeMap<String, usize>,
    name_changes: Vec<NameChange>,
    operations: usize,
    /// Those of them that change a file or a name.
    changes: usize,
    trouble: Option<Trouble>,
    failed: Vec<Operation>,
    dead: bool,
    full: bool,
    /// Bit `n` says whether flush `n`, of contents or of names, only claims to have been one.
    lies: u64,
    flushes: u32,
    ids: u64,
}

#[derive(Clone, Debug, Default)]
struct Contents {
    /// As processes see them.
    bytes: Vec<u8>,
    lasting: Vec<u8>,
    changes: Vec<Change>,
    reserved: usize,
    /// Whether a flush has failed: what the file holds then, nobody knows.
    lost: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { len: usize },
}

#[derive(Clone, Debug)]
enum NameChange {
    Create { name: String, file: usize },
    Rename { from: String, to: String },
    Remove { name: String },
}

/// What goes wrong, at the n-th operation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trouble {
    /// That operation and all later ones do not happen.
    PowerCut { at: usize },
    /// That operation and those right behind it fail, `count` in all, having done half of it; later ones work.
    Failure { at: usize, count: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Open,
    Create,
    Rename,
    Remove,
    SyncNames,
    RandomId,
    Length,
    Read,
    Write,
    Truncate,
    Reserve,
    Flush,
}

impl SimulatedDisk {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The same files and names, and nothing shared.
    pub(super) fn fork(&self) -> Self {
        let world = World {
            operations: 0,
            changes: 0,
            trouble: None,
            failed: Vec::new(),
            dead: false,
            ..self.world.borrow().clone()
        };
        Self { world: Rc::new(RefCell::new(world)) }
    }

    pub(super) fn expect(&self, trouble: Trouble) {
        self.world.borrow_mut().trouble = Some(trouble);
    }

    pub(super) fn operations(&self) -> usize {
        self.world.borrow().operations
    }

    /// Those that changed a file or a name.
    pub(super) fn changes(&self) -> usize {
        self.world.borrow().changes
    }

    /// From now on the flushes whose bit is set do nothing and say that they did.
    pub(super) fn lie(&self, flushes: u64) {
        self.world.borrow_mut().lies = flushes;
    }

    pub(super) fn is_dead(&self) -> bool {
        self.world.borrow().dead
    }

    /// The operations that failed.
    pub(super) fn failed(&self) -> Vec<Operation> {
        self.world.borrow().failed.clone()
    }

    /// From now on there is only the room that was reserved.
    pub(super) fn fill(&self) {
        self.world.borrow_mut().full = true;
    }

    pub(super) fn empty(&self) {
        self.world.borrow_mut().full = false;
    }

    /// Somebody else removes a file.
    pub(super) fn vanish(&self, name: &str) {
        let mut world = self.world.borrow_mut();
        if world.names.remove(name).is_some() && !world.dead {
            world.name_changes.push(NameChange::Remove { name: name.to_owned() });
        }
    }

    pub(super) fn names_there(&self) -> Vec<String> {
        self.world.borrow().names.keys().cloned().collect()
    }

    pub(super) fn len_of(&self, name: &str) -> usize {
        let world = self.world.borrow();
        world.names.get(name).map_or(0, |file| world.files[*file].bytes.len())
    }

    /// Somebody else writes behind the end of a file.
    pub(super) fn scribble(&self, name: &str, bytes: &[u8]) {
        let mut world = self.world.borrow_mut();
        if let Some(file) = world.names.get(name).copied() {
            let contents = &mut world.files[file];
            let offset = contents.bytes.len();
            contents.bytes.extend_from_slice(bytes);
            contents.changes.push(Change::Write { offset, bytes: bytes.to_vec() });
        }
    }

    /// Somebody else cuts a file.
    pub(super) fn shorten(&self, name: &str, len: usize) {
        let mut world = self.world.borrow_mut();
        if let Some(file) = world.names.get(name).copied() {
            let contents = &mut world.files[file];
            contents.bytes.truncate(len);
            contents.changes.push(Change::Truncate { len });
        }
    }

    /// As processes see it.
    pub(super) fn bytes_of(&self, name: &str) -> Vec<u8> {
        let world = self.world.borrow();
        world.names.get(name).map_or(Vec::new(), |file| world.files[*file].bytes.clone())
    }

    /// What the next process finds.
    pub(super) fn after_kill(&self) -> Self {
        self.fork()
    }

    /// Counts an operation; tells whether this one fails.
    fn step(&self, operation: Operation) -> io::Result<Going> {
        let mut world = self.world.borrow_mut();
        if world.dead {
            return Err(io::Error::other("no power"));
        }
        world.operations += 1;
        world.changes += usize::from(operation.is_change());
        match world.trouble {
            Some(Trouble::PowerCut { at }) if at == world.operations => {
                world.dead = true;
                Err(io::Error::other("no power"))
            }
            Some(Trouble::Failure { at, count }) if (at..at + count).contains(&world.operations) => {
                world.failed.push(operation);
                Ok(Going::Wrong)
            }
            _ => Ok(Going::Well),
        }
    }

    fn step_or_fail(&self, operation: Operation) -> io::Result<()> {
        match self.step(operation)? {
            Going::Well => Ok(()),
            Going::Wrong => Err(io::Error::other("made to fail")),
        }
    }

    fn change_names(&self, change: NameChange) {
        let mut world = self.world.borrow_mut();
        change.apply(&mut world.names);
        world.name_changes.push(change);
    }
}

impl Operation {
    fn is_change(self) -> bool {
        !matches!(self, Self::Open | Self::RandomId | Self::Length | Self::Read)
    }
}

enum Going {
    Well,
    Wrong,
}

impl World {
    /// Whether the flush that is asked for is one.
    fn is_honest(&mut self) -> bool {
        let lie = self.lies >> self.flushes.min(63) & 1 == 1;
        self.flushes += 1;
        !lie
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Create { name, file } => {
                names.insert(name.clone(), *file);
            }
            Self::Rename { from, to } => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
            Self::Remove { name } => {
                names.remove(name);
            }
        }
    }
}

impl Disk for SimulatedDisk {
    type File = SimulatedFile;

    fn open(&self, name: &str) -> Result<Option<SimulatedFile>, StoreError> {
        self.step_or_fail(Operation::Open).map_err(|source| StoreError::Io {
            what: "open",
            path: self.path(name),
            source,
        })?;
        let file = self.world.borrow().names.get(name).copied();
        Ok(file.map(|file| SimulatedFile { disk: self.clone(), file }))
    }

    fn create(&self, name: &str) -> io::Result<SimulatedFile> {
        self.step_or_fail(Operation::Create)?;
        if self.world.borrow().names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = self.world.borrow().files.len();
        self.world.borrow_mut().files.push(Contents::default());
        self.change_names(NameChange::Create { name: name.to_owned(), file });
        Ok(SimulatedFile { disk: self.clone(), file })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.step_or_fail(Operation::Rename)?;
        self.change_names(NameChange::Rename { from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        if self.world.borrow().names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.step_or_fail(Operation::Remove)?;
        if self.world.borrow().names.contains_key(name) {
            self.change_names(NameChange::Remove { name: name.to_owned() });
        }
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        self.step_or_fail(Operation::SyncNames)?;
        let mut world = self.world.borrow_mut();
        if world.is_honest() {
            world.lasting_names = world.names.clone();
            world.name_changes.clear();
        }
        Ok(())
    }

    fn named(&self, name: &str, file: &SimulatedFile) -> Named {
        match self.world.borrow().names.get(name) {
            None => Named::Nothing,
            Some(there) if *there == file.file => Named::TheSame,
            Some(_) => Named::Another,
        }
    }

    fn random_id(&self) -> io::Result<[u8; 16]> {
        self.step_or_fail(Operation::RandomId)?;
        let mut world = self.world.borrow_mut();
        world.ids += 1;
        let mut id = [0xA5; 16];
        id[..8].copy_from_slice(&world.ids.to_le_bytes());
        Ok(id)
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(name)
    }
}

pub(super) struct SimulatedFile {
    disk: SimulatedDisk,
    file: usize,
}

impl SimulatedFile {
    fn change<T>(&self, change: impl FnOnce(&mut Contents) -> T) -> T {
        change(&mut self.disk.world.borrow_mut().files[self.file])
    }

    fn no_room() -> io::Error {
        io::ErrorKind::StorageFull.into()
    }
}

impl DiskFile for SimulatedFile {
    fn len(&self) -> io::Result<u64> {
        self.disk.step_or_fail(Operation::Length)?;
        Ok(self.change(|contents| contents.bytes.len() as u64))
    }

    fn read(&self, limit: u64) -> io::Result<Vec<u8>> {
        self.disk.step_or_fail(Operation::Read)?;
        let limit = usize::try_from(limit).unwrap();
        Ok(self.change(|contents| contents.bytes.iter().take(limit).copied().collect()))
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let going = self.disk.step(Operation::Write)?;
        let full = self.disk.world.borrow().full;
        let offset = usize::try_from(offset).unwrap();
        self.change(|contents| {
            let room = if full { contents.reserved.max(contents.bytes.len()) } else { usize::MAX };
            let fits = match going {
                Going::Well => bytes.len().min(room - offset),
                Going::Wrong => bytes.len() / 2,
            };
            let end = offset + fits;
            if contents.bytes.len() < end {
                contents.bytes.resize(end, 0);
            }
            contents.bytes[offset..end].copy_from_slice(&bytes[..fits]);
            contents.changes.push(Change::Write { offset, bytes: bytes[..fits].to_vec() });
            if fits == bytes.len() { Ok(()) } else { Err(Self::no_room()) }
        })
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.disk.step_or_fail(Operation::Truncate)?;
        let len = usize::try_from(len).unwrap();
        self.change(|contents| {
            contents.bytes.truncate(len);
            contents.reserved = len;
            contents.changes.push(Change::Truncate { len });
        });
        Ok(())
    }

    fn reserve(&self, len: u64) -> io::Result<()> {
        self.disk.step_or_fail(Operation::Reserve)?;
        if self.disk.world.borrow().full {
            return Err(Self::no_room());
        }
        self.change(|contents| contents.reserved = usize::try_from(len).unwrap());
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let going = self.disk.step(Operation::Flush)?;
        let honest = self.disk.world.borrow_mut().is_honest();
        self.change(|contents| match going {
            Going::Well => {
                assert!(!contents.lost, "a file is flushed again of which a flush has failed");
                let changes = if honest { std::mem::take(&mut contents.changes) } else { Vec::new() };
                for change in changes {
                    change.apply(&mut contents.lasting);
                }
                Ok(())
            }
            Going::Wrong => {
                // As after a real one: the pages are dropped, and the next flush would be a lie.
                contents.changes.clear();
                contents.lost = true;
                Err(io::Error::other("made to fail"))
            }
        })
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Truncate { len } => bytes.truncate(*len),
            Self::Write { offset, bytes: written } => {
                let end = offset + written.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*offset..end].copy_from_slice(written);
            }
        }
    }
}
