//! Server, disk and source in a struct.

use std::{collections::BTreeMap, time::Duration};

use oss_checkpoint::{
    ByteCount, ByteRange, Checkpoint, Crc64, ETag, FileIdentity, PartNumber, Record, ServerTime, SourceStamp,
    UploadId,
};
use oss_resumable::{FaultClass, FoundUpload, ListedPart, PartsPage, StoredObject, UploadsPage};
use proptest::prelude::*;

/// Bytes come in blocks of the smallest part; a block is nothing but its CRC-64.
pub(crate) const BLOCK: u64 = 102_400;

/// What is there before the upload begins, and how the service is set up.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the service or of the user")]
pub(crate) struct Setting {
    pub(crate) blocks: u8,
    /// Bytes that the last block lacks.
    pub(crate) short: u16,
    pub(crate) part_blocks: u8,
    pub(crate) concurrency: u8,
    pub(crate) threshold_blocks: u8,
    /// An older object under the key.
    pub(crate) object: bool,
    /// It has the bytes of the source.
    pub(crate) same_object: bool,
    pub(crate) forbid_overwrite: bool,
    /// Unfinished uploads of others: how many blocks a part, which parts are good.
    pub(crate) foreign: Vec<(u8, u8)>,
    pub(crate) list_denied: bool,
    pub(crate) find_denied: bool,
    /// The service states no CRC-64 in ListParts.
    pub(crate) mute: bool,
    pub(crate) page: u8,
    pub(crate) verify: u8,
    pub(crate) on_change: u8,
    /// 0 for the first one that was ever begun, 1 to 3 for never, else for the one that fits.
    pub(crate) adopt: u8,
    /// Seconds that a security token lasts; 0 for keys that do not end.
    pub(crate) token: u8,
    /// Whoever gives out tokens does not answer, this many times in a row.
    pub(crate) token_fails: u8,
    /// The local clock is off until it has been corrected.
    pub(crate) skewed: bool,
    /// From how many blocks on a part without an answer is asked for.
    pub(crate) ask_from: u8,
    /// Seconds without progress after which a run gives up.
    pub(crate) patience: u16,
    pub(crate) seed: u64,
}

pub(crate) fn setting() -> impl Strategy<Value = Setting> {
    (
        (
            1_u8..8,
            prop_oneof![Just(0_u16), 1_u16..1000],
            1_u8..4,
            1_u8..5,
            prop_oneof![4 => Just(0_u8), 1 => 1_u8..9],
        ),
        (prop::bool::weighted(0.2), any::<bool>(), prop::bool::weighted(0.2)),
        prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec((1_u8..4, any::<u8>()), 1..3)],
        (prop::bool::weighted(0.1), prop::bool::weighted(0.1), prop::bool::weighted(0.1)),
        (1_u8..4, 0_u8..6, 0_u8..8, prop_oneof![1 => Just(0_u8), 30 => 1_u8..12], any::<u64>()),
        (
            prop_oneof![5 => Just(0_u8), 1 => 5_u8..30],
            0_u8..4,
            prop::bool::weighted(0.1),
            1_u8..5,
            prop_oneof![5 => Just(900_u16), 1 => 2_u16..20],
        ),
    )
        .prop_map(
            |(
                (blocks, short, part_blocks, concurrency, threshold_blocks),
                (object, same_object, forbid_overwrite),
                foreign,
                (list_denied, find_denied, mute),
                (page, verify, on_change, adopt, seed),
                (token, token_fails, skewed, ask_from, patience),
            )| Setting {
                blocks,
                short,
                part_blocks,
                concurrency,
                threshold_blocks,
                object,
                same_object,
                forbid_overwrite,
                foreign,
                list_denied,
                find_denied,
                mute,
                page,
                verify,
                on_change,
                adopt,
                token,
                token_fails,
                skewed,
                ask_from,
                patience,
                seed,
            },
        )
}

/// One state of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    blocks: Vec<u64>,
    short: u16,
    ctime_ns: i64,
}

impl Version {
    fn first(blocks: u8, short: u16) -> Self {
        Self { blocks: (1..=u64::from(blocks)).map(scramble).collect(), short, ctime_ns: 1_000 }
    }

    pub(crate) fn len(&self) -> u64 {
        self.blocks.len() as u64 * BLOCK - u64::from(self.short)
    }

    pub(crate) fn stamp(&self) -> SourceStamp {
        SourceStamp {
            len: ByteCount::new(self.len()),
            // Whoever changes the source puts its modification time back.
            mtime_ns: 1_000,
            identity: Some(FileIdentity { ctime_ns: self.ctime_ns, device: 1, inode: 1 }),
        }
    }

    /// CRC-64 of a range that begins at a block; `None` if the source is shorter.
    pub(crate) fn crc64(&self, range: ByteRange) -> Option<Crc64> {
        if range.end() > self.len() {
            return None;
        }
        let mut joined = Crc64::EMPTY;
        let mut at = range.start;
        while at < range.end() {
            let index = usize::try_from(at / BLOCK).unwrap();
            let len = BLOCK.min(range.end() - at);
            // A block cut short is another block, in each length of the source: only whole blocks can be joined.
            let whole = self.blocks[index];
            let crc64 = if len == BLOCK { whole } else { scramble(whole ^ len ^ self.len() << 20) };
            joined = joined.followed_by(Crc64::new(crc64), len);
            at += len;
        }
        Some(joined)
    }

    pub(crate) fn whole(&self) -> Crc64 {
        self.crc64(ByteRange { start: 0, len: ByteCount::new(self.len()) }).unwrap()
    }

    /// The first half as in `self`, the rest as in `later`: what a read sees while the source changes.
    pub(crate) fn torn(&self, later: &Self, range: ByteRange) -> Option<Crc64> {
        let half = range.len.get().div_ceil(BLOCK).div_ceil(2) * BLOCK;
        let first = ByteRange { start: range.start, len: ByteCount::new(half.min(range.len.get())) };
        let second = ByteRange { start: first.end(), len: ByteCount::new(range.end() - first.end()) };
        let (one, other) = (self.crc64(first)?, later.crc64(second)?);
        Some(one.followed_by(other, second.len.get()))
    }
}

fn scramble(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z ^ (z >> 27)
}

#[derive(Clone, Debug)]
pub(crate) struct ServerUpload {
    pub(crate) parts: BTreeMap<u16, StoredPart>,
    pub(crate) initiated: i64,
    pub(crate) foreign: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredPart {
    pub(crate) size: u64,
    pub(crate) crc64: Crc64,
    pub(crate) etag: ETag,
}

/// The service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Server {
    pub(crate) uploads: BTreeMap<String, ServerUpload>,
    pub(crate) object: Option<StoredObject>,
    /// Every object that was ever stored under the key.
    pub(crate) objects: Vec<StoredObject>,
    issued: u32,
}

/// The journal's disk: `flushed` survives anything, the rest only the end of the process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    pub(crate) records: Vec<Record>,
    pub(crate) flushed: usize,
}

impl Disk {
    /// What the next run finds.
    pub(crate) fn history(&self) -> Checkpoint {
        let mut checkpoint = Checkpoint::new();
        for record in &self.records {
            checkpoint.apply(record).expect("a journal makes sense at every prefix");
        }
        checkpoint
    }

    /// What is there for good if the power fails now.
    pub(crate) fn durable(&self) -> Checkpoint {
        Self { records: self.records[..self.flushed].to_vec(), flushed: self.flushed }.history()
    }

    pub(crate) fn lose_power(&mut self, kept: usize) {
        let lost = self.records.len() - self.flushed;
        self.records.truncate(self.flushed + kept.min(lost));
        self.flushed = self.records.len();
    }
}

pub(crate) struct World {
    pub(crate) setting: Setting,
    pub(crate) server: Server,
    pub(crate) disk: Disk,
    /// Every state of the source; the last one is what it is now.
    pub(crate) versions: Vec<Version>,
    /// When the security token ends; `None` for keys that do not.
    pub(crate) token_until: Option<Duration>,
    token_fails: u8,
    /// Requests are signed with a time that the server does not take.
    pub(crate) clock_is_wrong: bool,
    /// For how many runs the source is away.
    pub(crate) gone: u8,
}

impl World {
    pub(crate) fn new(setting: &Setting) -> Self {
        // Only whole blocks can be joined, so nothing that may be taken over ends within one: its length might become the
        // size of all parts.
        let is_alone = setting.foreign.is_empty() && (1..=3).contains(&setting.adopt);
        let longest = match (is_alone, setting.blocks) {
            (false, _) => 0,
            (true, 1) => 99,
            (true, _) => 999,
        };
        let source = Version::first(setting.blocks, setting.short.min(longest));
        let mut world = Self {
            setting: setting.clone(),
            server: Server::default(),
            disk: Disk::default(),
            versions: vec![source],
            token_until: (setting.token > 0).then(|| Duration::from_secs(setting.token.into())),
            token_fails: setting.token_fails,
            clock_is_wrong: setting.skewed,
            gone: 0,
        };
        if setting.object {
            let source = world.source();
            let (size, crc64) =
                if setting.same_object { (source.len(), source.whole()) } else { (5, Crc64::new(5)) };
            let old = StoredObject {
                size: Some(ByteCount::new(size)),
                crc64: Some(crc64),
                last_modified: Some(ServerTime::from_unix(10)),
                ..StoredObject::default()
            };
            world.server.store(old);
        }
        for (part_blocks, good) in &setting.foreign {
            let id = world.server.initiate(20, true);
            world.plant(&id, *part_blocks, *good);
        }
        world
    }

    /// Parts that somebody else's tool sent: bit `n` of `good` says whether part `n + 1` is there, bit 7 whether
    /// they are those of the source.
    fn plant(&mut self, id: &str, part_blocks: u8, good: u8) {
        let source = self.source().clone();
        let size = u64::from(part_blocks) * BLOCK;
        let count = source.len().div_ceil(size).min(6);
        for number in 1..=count {
            if good >> (number - 1) & 1 == 1 {
                let start = (number - 1) * size;
                let len = size.min(source.len() - start);
                let range = ByteRange { start, len: ByteCount::new(len) };
                let crc64 = source.crc64(range).unwrap();
                let crc64 = if good >> 7 == 1 { crc64 } else { Crc64::new(crc64.get() ^ 1) };
                let number = PartNumber::new(number).unwrap();
                self.server.upload_part(id, number, len, crc64);
            }
        }
    }

    /// The token had ended: in which class of fault the request ends that found this out.
    pub(crate) fn renew_token(&mut self, now: Duration) -> FaultClass {
        if let Some(fails) = self.token_fails.checked_sub(1) {
            self.token_fails = fails;
            return FaultClass::Unreachable;
        }
        self.token_fails = self.setting.token_fails;
        self.token_until = Some(now + Duration::from_secs(self.setting.token.into()));
        FaultClass::Unauthorised
    }

    pub(crate) fn source(&self) -> &Version {
        self.versions.last().unwrap()
    }

    pub(crate) fn change_source(&mut self, change: impl FnOnce(&mut Vec<u64>, &mut u16)) {
        let mut version = self.source().clone();
        change(&mut version.blocks, &mut version.short);
        version.ctime_ns += 1_000_000;
        self.versions.push(version);
    }

    /// Whether the object has the bytes of some state of the source, or was never ours.
    pub(crate) fn is_a_source(&self, object: &StoredObject) -> bool {
        object.last_modified == Some(ServerTime::from_unix(10))
            || self.versions.iter().any(|version| {
                object.crc64 == Some(version.whole()) && object.size == Some(ByteCount::new(version.len()))
            })
    }
}

impl Server {
    pub(crate) fn initiate(&mut self, now: i64, foreign: bool) -> String {
        self.issued += 1;
        let id = format!("UPLOAD{}", self.issued);
        self.uploads.insert(id.clone(), ServerUpload { parts: BTreeMap::new(), initiated: now, foreign });
        id
    }

    /// `None` if there is no such upload.
    pub(crate) fn upload_part(
        &mut self,
        id: &str,
        number: PartNumber,
        size: u64,
        crc64: Crc64,
    ) -> Option<ETag> {
        let upload = self.uploads.get_mut(id)?;
        let etag = ETag::new(&format!("{:016X}", crc64.get())).unwrap();
        upload.parts.insert(number.get(), StoredPart { size, crc64, etag: etag.clone() });
        Some(etag)
    }

    pub(crate) fn list_parts(&self, id: &str, after: u16, page: usize, mute: bool) -> Option<PartsPage> {
        let upload = self.uploads.get(id)?;
        let all: Vec<ListedPart> = upload
            .parts
            .range(after + 1..)
            .map(|(number, part)| ListedPart {
                number: PartNumber::new(u64::from(*number)).unwrap(),
                size: ByteCount::new(part.size),
                etag: part.etag.clone(),
                crc64: (!mute).then_some(part.crc64),
            })
            .collect();
        let next = (all.len() > page).then(|| all[page - 1].number);
        Some(PartsPage { parts: all.into_iter().take(page).collect(), next })
    }

    pub(crate) fn list_uploads(&self) -> UploadsPage {
        let uploads = self
            .uploads
            .iter()
            .map(|(id, upload)| FoundUpload {
                upload_id: UploadId::new(id.clone()).unwrap(),
                initiated: Some(ServerTime::from_unix(upload.initiated)),
            })
            .collect();
        UploadsPage { uploads, next: None, at: None }
    }

    /// CompleteMultipartUpload with these parts, by number and tag.
    pub(crate) fn complete(
        &mut self,
        id: &str,
        named: &[(u16, ETag)],
        forbid: bool,
        now: i64,
    ) -> Result<StoredObject, Refused> {
        let upload = self.uploads.get(id).ok_or(Refused::NoSuchUpload)?;
        if forbid && self.object.is_some() {
            return Err(Refused::FileAlreadyExists);
        }
        let (mut crc64, mut size) = (Crc64::EMPTY, 0);
        for (number, etag) in named {
            let part =
                upload.parts.get(number).filter(|part| part.etag == *etag).ok_or(Refused::InvalidPart)?;
            crc64 = crc64.followed_by(part.crc64, part.size);
            size += part.size;
        }
        self.uploads.remove(id);
        let object = StoredObject {
            size: Some(ByteCount::new(size)),
            crc64: Some(crc64),
            last_modified: Some(ServerTime::from_unix(now)),
            ..StoredObject::default()
        };
        self.store(object.clone());
        Ok(object)
    }

    pub(crate) fn store(&mut self, object: StoredObject) {
        self.objects.push(object.clone());
        self.object = Some(object);
    }
}

pub(crate) enum Refused {
    NoSuchUpload,
    FileAlreadyExists,
    InvalidPart,
}
