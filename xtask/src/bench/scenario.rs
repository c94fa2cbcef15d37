//! What is measured: one entry a scenario.

use super::column::{self, Column};

pub(super) struct Scenario {
    /// What `--only` calls it, and its plot and its place on the page.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// Size of the file, in bytes.
    pub(super) size: u64,
    /// Parts under way at a time.
    pub(super) parallel: u64,
    pub(super) course: Course,
    /// Each client does it so often in a round.
    pub(super) runs_a_round: usize,
    pub(super) variants: &'static [Variant],
    /// Clients that do not take part, and why.
    pub(super) left_out: &'static [(&'static str, &'static str)],
    /// The first one is plotted and compared.
    pub(super) columns: &'static [Column],
    pub(super) yardstick: Yardstick,
}

/// How an upload goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// From its beginning to its end.
    Whole,
    /// Half of the parts are in and all connections in the middle of one when the client is killed; then it runs again.
    KilledHalfway,
}

/// One way in which clients are asked to do it.
pub(super) struct Variant {
    /// Behind the client's name; empty where there is but one.
    pub(super) name: &'static str,
    /// Empty: all that are not left out.
    pub(super) clients: &'static [&'static str],
    pub(super) parts: Parts,
    /// Rules for the emulator, in the language of its fault script.
    pub(super) faults: &'static [&'static str],
}

#[derive(Clone, Copy)]
pub(super) enum Parts {
    /// As the client chooses; only the program does.
    Automatic,
    /// Bytes.
    Of(u64),
}

/// What a median is divided by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Yardstick {
    /// That of the first row.
    First,
    /// That of the same client in the first variant.
    Own,
}

pub(super) const PROGRAM: &str = "oss";

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// A round trip of 30 ms, and 50 Mbit/s for each connection.
const FAR: &str = "[[fault]]\nat = 'any'\ndo = 'delay'\nfor = '30ms'\n\
                   [[fault]]\nat = 'any'\ndo = 'throttle'\nrate = 6_250_000\n";
/// Bytes a second of a connection while a client is to be killed, 400 Mbit/s: slow enough to be met in the middle.
pub(super) const KILLED_RATE: u64 = 50_000_000;
const SLOWED: &str = "[[fault]]\nat = 'upload_part'\ndo = 'throttle'\nrate = 50_000_000\n";
/// The same requests by count each time.
const REFUSALS: &str = "[[fault]]\nat = 'any'\nprobability = 0.05\nseed = 1\n\
                        do = 'refuse'\nstatus = 503\ncode = 'ServiceUnavailable'\n";

const ALL: Variant = Variant { name: "", clients: &[], parts: Parts::Of(10 * MIB), faults: &[] };
const COSTS: &[Column] = &[column::CPU, column::WALL, column::PEAK_RSS, column::SERVER_CPU];

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "large",
        title: "1 GiB in parts of 10 MiB, 4 at a time",
        size: 1024 * MIB,
        parallel: 4,
        course: Course::Whole,
        runs_a_round: 1,
        variants: &[ALL],
        left_out: &[],
        columns: COSTS,
        yardstick: Yardstick::First,
    },
    Scenario {
        name: "parts",
        title: "1 GiB in 8,192 parts of 128 KiB, 8 at a time",
        size: 1024 * MIB,
        parallel: 8,
        course: Course::Whole,
        runs_a_round: 1,
        variants: &[Variant { parts: Parts::Of(128 * KIB), ..ALL }],
        left_out: &[
            ("alibabacloud-oss-v2", "it needs a minute and more"),
            ("oss2", "it needs a minute and more"),
        ],
        columns: COSTS,
        yardstick: Yardstick::First,
    },
    Scenario {
        name: "small",
        title: "1 KiB in one request",
        size: KIB,
        parallel: 4,
        course: Course::Whole,
        runs_a_round: 5,
        variants: &[ALL],
        left_out: &[],
        columns: &[column::WALL_MS, column::CPU_MS],
        yardstick: Yardstick::First,
    },
    Scenario {
        name: "resume",
        title: "1 GiB, killed halfway, and the same command again",
        size: 1024 * MIB,
        parallel: 4,
        course: Course::KilledHalfway,
        runs_a_round: 1,
        variants: &[Variant { faults: &[SLOWED], ..ALL }],
        left_out: &[],
        columns: &[column::WALL, column::FIRST_PART, column::SENT_TWICE, column::CPU],
        yardstick: Yardstick::First,
    },
    Scenario {
        name: "far",
        title: "256 MiB, 8 at a time, 30 ms a request and 50 Mbit/s a connection",
        size: 256 * MIB,
        parallel: 8,
        course: Course::Whole,
        runs_a_round: 1,
        variants: &[
            Variant {
                name: "parts it chooses",
                clients: &[PROGRAM],
                parts: Parts::Automatic,
                faults: &[FAR],
            },
            Variant { name: "10 MiB parts", faults: &[FAR], ..ALL },
        ],
        left_out: &[],
        columns: &[column::WALL, column::CPU],
        yardstick: Yardstick::First,
    },
    Scenario {
        name: "refusals",
        title: "256 MiB in parts of 1 MiB, 30 ms a request, 5 % of the requests refused",
        size: 256 * MIB,
        parallel: 8,
        course: Course::Whole,
        runs_a_round: 1,
        variants: &[
            Variant { parts: Parts::Of(MIB), faults: &[FAR], ..ALL },
            Variant { name: "5 % refused", parts: Parts::Of(MIB), faults: &[FAR, REFUSALS], ..ALL },
        ],
        left_out: &[],
        columns: &[column::WALL, column::REFUSED, column::CPU],
        yardstick: Yardstick::Own,
    },
];

impl Scenario {
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }
}
