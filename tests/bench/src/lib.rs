//! Fixed pieces of work, each as a function of how much of it is done. They touch no network, and the same amount of work takes
//! the same steps each time, so that their instructions can be counted. And what follows from their cost for lines and files that
//! are larger than what can be tried.

mod journal;
mod line;
mod machine;
mod parts;
mod scale;

use std::hint::black_box;

pub use scale::tables as scale;

/// One piece of work.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    /// Of what it does `count`.
    pub unit: &'static str,
    /// How much of it is done when its instructions are counted.
    pub count: u16,
    run: fn(u16),
}

impl Scenario {
    /// Does so much of it.
    pub fn run(&self, count: u16) {
        (self.run)(black_box(count));
    }
}

/// All of them.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "sign", unit: "UploadPart requests made and signed", count: 10_000, run: parts::sign },
    Scenario { name: "join", unit: "CRC-64 of parts joined", count: 10_000, run: parts::join },
    Scenario {
        name: "complete",
        unit: "parts in the body of CompleteMultipartUpload",
        count: 10_000,
        run: parts::complete,
    },
    Scenario { name: "list", unit: "parts read from a page of ListParts", count: 1_000, run: parts::list },
    Scenario {
        name: "append",
        unit: "parts written to a journal, a write each",
        count: 10_000,
        run: journal::append,
    },
    Scenario { name: "open", unit: "parts read from a journal", count: 10_000, run: journal::open },
    Scenario {
        name: "machine",
        unit: "parts of an upload, decisions alone",
        count: 10_000,
        run: |count| {
            steps(count);
        },
    },
    Scenario {
        name: "resume",
        unit: "parts of a resume, all but one done",
        count: 10_000,
        run: machine::resume,
    },
];

/// The machine through an upload of so many parts, in how many steps: each of them asks it what to do or tells it what happened.
pub fn steps(parts: u16) -> u64 {
    machine::upload(parts)
}
