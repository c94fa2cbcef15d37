use std::{num::NonZeroU16, time::Duration};

use oss_checkpoint::ByteCount;

/// What an upload may use, and when it gives up. The defaults are meant to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Parts in flight at once, to begin with. Throttling shrinks it for a while. Default 4.
    pub concurrency: NonZeroU16,
    /// Parts in flight at once, at most: where more at once move more bytes there are more, up to this. What is not above
    /// `concurrency` fixes it at that. Default 16: 800 Mbit/s where a connection carries 50, and a transport has a thread and three
    /// blocks of 256 KiB for each.
    pub max_concurrency: NonZeroU16,
    /// Parts that are read again at once, beside the uploads. Default 2.
    pub checksums: NonZeroU16,
    /// Give up when no byte was accepted for this long. Default 15 min.
    pub give_up_after: Duration,
    /// Longest first pause of a retry; it doubles with each try. The pause itself is drawn evenly from zero to this
    /// ("full jitter"). Default 200 ms, as the official SDKs have it.
    pub backoff_base: Duration,
    /// Longest pause of a retry. Default 20 s, as the official SDKs have it.
    pub backoff_cap: Duration,
    /// Part records that may wait for a flush. Default 1,024: what a power cut takes of them is on the server, and costs a look at
    /// its list.
    pub flush_parts: u16,
    /// Longest time that a part record waits for a flush. Default 1 s.
    pub flush_interval: Duration,
    /// How often a changing source is healed before the upload gives up. Default 5.
    pub heal_rounds: u32,
    /// How often a part is read and sent afresh after its checksum differed. Default 3.
    pub corrupted_tries: u32,
    /// A part of at least this size whose bytes all went out and whose answer was lost is asked for with ListParts before
    /// it is sent again. Default 8 MiB: at 100 Mbit/s sending it takes 0.7 s, asking one round trip.
    pub ask_from: ByteCount,
    /// Seed of all chance. The same seed and the same events give the same actions.
    pub seed: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: NonZeroU16::MIN.saturating_add(3),
            max_concurrency: NonZeroU16::MIN.saturating_add(15),
            checksums: NonZeroU16::MIN.saturating_add(1),
            give_up_after: Duration::from_mins(15),
            backoff_base: Duration::from_millis(200),
            backoff_cap: Duration::from_secs(20),
            flush_parts: 1024,
            flush_interval: Duration::from_secs(1),
            heal_rounds: 5,
            corrupted_tries: 3,
            ask_from: ByteCount::mib(8),
            seed: 0,
        }
    }
}
