//! Everything that reads bytes of somebody else, as functions of bytes that must hold for all of them.
//!
//! A target is total: it never panics but when something does not hold that is said in it. Each compares what was read with
//! a second reading, with what was written, or with what it means, and none may allocate more than a stated multiple of its
//! input ([`Target::most_bytes`]). The inputs in `corpus/` are replayed on stable, where [`Mutator`] makes more of them from
//! a seed; `libfuzzer/` has the same functions for cargo-fuzz on nightly.

mod corpus;
mod input;
mod mutator;
mod second_reading;
mod targets;

pub use corpus::corpus;
pub use mutator::Mutator;

/// A function of bytes, and what it may use.
#[derive(Debug)]
pub struct Target {
    /// Its name, and that of its folder in `corpus/`.
    pub name: &'static str,
    run: fn(&[u8]),
    /// Longest input that is worth trying, in bytes.
    pub longest: usize,
    /// How many mutated inputs every test run tries: a few seconds' worth.
    pub tries: u32,
    /// Bytes that may be allocated in all whatever the input is.
    at_least: usize,
    /// Bytes that may be allocated in all for each byte of input.
    per_byte: usize,
}

impl Target {
    /// The target of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Does it for an input.
    ///
    /// # Panics
    /// When something does not hold.
    pub fn run(&self, data: &[u8]) {
        (self.run)(&data[..data.len().min(self.longest)]);
    }

    /// How much it may allocate for an input of that length, in bytes, everything added up.
    pub fn most_bytes(&self, length: usize) -> usize {
        self.at_least + self.per_byte * length
    }
}

const KIB: usize = 1 << 10;

macro_rules! target {
    ($name:ident, longest $longest:expr, tries $tries:expr, allocates $at_least:expr, plus $per_byte:expr) => {
        Target {
            name: stringify!($name),
            run: targets::$name,
            longest: $longest,
            tries: $tries,
            at_least: $at_least,
            per_byte: $per_byte,
        }
    };
}

/// All of them.
pub static TARGETS: &[Target] = &[
    target!(journal, longest 64 * KIB, tries 12_000, allocates 64 * KIB, plus 64),
    target!(frame, longest 64 * KIB, tries 12_000, allocates 64 * KIB, plus 64),
    target!(error_reply, longest 64 * KIB, tries 40_000, allocates 256 * KIB, plus 64),
    target!(object_replies, longest 64 * KIB, tries 20_000, allocates 256 * KIB, plus 128),
    target!(list_parts, longest 64 * KIB, tries 20_000, allocates 128 * KIB, plus 128),
    target!(initiate, longest 64 * KIB, tries 40_000, allocates 64 * KIB, plus 64),
    target!(complete, longest 64 * KIB, tries 40_000, allocates 64 * KIB, plus 64),
    target!(list_uploads, longest 64 * KIB, tries 20_000, allocates 128 * KIB, plus 128),
    target!(list_objects, longest 64 * KIB, tries 20_000, allocates 128 * KIB, plus 128),
    target!(list_buckets, longest 64 * KIB, tries 20_000, allocates 128 * KIB, plus 128),
    target!(emulator_request, longest 64 * KIB, tries 40_000, allocates 128 * KIB, plus 64),
    target!(emulator_connection, longest 16 * KIB, tries 1_500, allocates 16 * KIB * KIB, plus 4096),
    target!(complete_body, longest 64 * KIB, tries 20_000, allocates 64 * KIB, plus 512),
    target!(fault_script, longest 16 * KIB, tries 10_000, allocates 128 * KIB, plus 1024),
    target!(object_key, longest 2 * KIB, tries 40_000, allocates 64 * KIB, plus 64),
    target!(endpoint, longest 2 * KIB, tries 40_000, allocates 64 * KIB, plus 64),
    target!(signature, longest 16 * KIB, tries 10_000, allocates 128 * KIB, plus 128),
    target!(machine, longest 4 * KIB, tries 6_000, allocates 16 * KIB * KIB, plus 64 * KIB),
];
