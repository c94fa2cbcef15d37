//! What one process does on lines and with files of any size: what a part and a byte cost as it was measured, how many there are
//! and how long they take as the machine has it over a line that is thought up.

#![expect(clippy::cast_precision_loss, reason = "figures of three digits")]

use std::{fmt::Write as _, num::NonZeroU16, time::Duration};

use oss_checkpoint::{ByteCount, Record};
use oss_resumable::Limits;

use crate::{
    journal,
    line::{Line, Run},
};

/// What was measured, on a core of an Intel Xeon with AVX-512 under Linux 6.18; `docs/scale.md` says how. All else follows.
mod cost {
    use std::time::Duration;

    /// CPU time of a run that sends next to nothing.
    pub(super) const START: Duration = Duration::from_millis(6);
    /// CPU time of a GiB.
    pub(super) const GIB_HTTP: Duration = Duration::from_millis(400);
    pub(super) const GIB_HTTPS: Duration = Duration::from_millis(770);
    /// CPU time of a part, beside its bytes.
    pub(super) const PART: Duration = Duration::from_micros(60);
    /// CPU time of a part that a journal is opened with.
    pub(super) const OPENED_PART: Duration = Duration::from_micros(1);
    /// Resident memory in KiB, with 4 parts in flight; of each further one; of each part of the plan.
    pub(super) const MEMORY_HTTP: f64 = 10.3 * 1024.0;
    pub(super) const MEMORY_HTTPS: f64 = 11.7 * 1024.0;
    pub(super) const MEMORY_CONNECTION: f64 = 450.0;
    pub(super) const MEMORY_PART: f64 = 0.27;
}

/// What a connection carries, and how long a request takes without its bytes.
const ONE: u64 = 100_000_000;
const LATENCY: Duration = Duration::from_millis(30);
const GBIT: u64 = 1_000_000_000 / 8;
/// Lines in Gbit/s, and the parts at once where the caller fixes them.
const LINES: [(u64, Option<u16>); 6] =
    [(1, None), (10, None), (25, None), (25, Some(32)), (100, None), (100, Some(128))];
/// The largest one is as large as an object may be.
const FILES: [(&str, ByteCount); 3] =
    [("1 GiB", ByteCount::gib(1)), ("1 TiB", ByteCount::gib(1024)), ("48.8 TiB", ByteCount::gib(50_000))];
const GIB: f64 = (1_u64 << 30) as f64;

/// The tables, in Markdown: unit costs, uploads, resumes.
pub fn tables() -> String {
    format!("{}\n{}\n{}", costs(), uploads(), resumes())
}

fn costs() -> String {
    let mut table = head("What", &["Costs"]);
    let seconds = |span: Duration| format!("{:.2} s", span.as_secs_f64());
    for (what, costs) in [
        ("CPU of a GiB, HTTP", seconds(cost::GIB_HTTP)),
        ("CPU of a GiB, HTTPS", seconds(cost::GIB_HTTPS)),
        (
            "CPU of a part beside its bytes: request, signature, answer, journal, CRC joined",
            micros(cost::PART),
        ),
        ("CPU of a part that is read from the journal", micros(cost::OPENED_PART)),
        ("CPU of a start", format!("{} ms", cost::START.as_millis())),
        ("memory, 4 parts at once, HTTP", mebibytes(cost::MEMORY_HTTP)),
        ("memory, 4 parts at once, HTTPS", mebibytes(cost::MEMORY_HTTPS)),
        ("memory of each further part at once", format!("{:.0} KiB", cost::MEMORY_CONNECTION)),
        ("memory of each part of the plan", format!("{:.2} KiB", cost::MEMORY_PART)),
    ] {
        row(&mut table, what, &[costs]);
    }
    table
}

fn uploads() -> String {
    let columns = [
        "File",
        "At once",
        "Parts",
        "Requests",
        "Time",
        "Of the line",
        "CPU HTTP",
        "CPU HTTPS",
        "Cores",
        "Memory",
        "Journal",
    ];
    let mut table = head("Line", &columns);
    for (gbit, parallel) in LINES {
        for (name, len) in FILES {
            let line = Line { latency: LATENCY, one: ONE, all: gbit * GBIT };
            let run = line.carry(len, &[], limits(parallel));
            let floor = len.get() as f64 / line.all as f64;
            let (http, https) = (cpu(&run, cost::GIB_HTTP), cpu(&run, cost::GIB_HTTPS));
            let cores = |cpu: Duration| cpu.as_secs_f64() / run.took.as_secs_f64();
            let fixed = if parallel.is_some() { ", fixed" } else { "" };
            let cells = [
                name.to_owned(),
                format!("{}{fixed}", run.widest),
                format!("{} of {}", run.plan.count(), binary(run.plan.part_size())),
                run.requests.to_string(),
                time(run.took),
                format!("{:.1} %", 100.0 * floor / run.took.as_secs_f64()),
                time(http),
                time(https),
                format!("{:.2} / {:.2}", cores(http), cores(https)),
                format!("{} / {}", memory(&run, cost::MEMORY_HTTP), memory(&run, cost::MEMORY_HTTPS)),
                format!("{} kB", run.journal / 1000),
            ];
            row(&mut table, &format!("{gbit} Gbit/s"), &cells);
        }
    }
    table
}

fn resumes() -> String {
    let columns =
        ["Parts", "Journal read in", "Requests before the first part", "First part after", "In flight"];
    let mut table = head("File, half of it sent", &columns);
    let line = Line { latency: LATENCY, one: ONE, all: 10 * GBIT };
    for (name, len) in FILES {
        let plan = line.carry(len, &[], Limits::default()).plan;
        let (parts, half) = (plan.count(), plan.count() / 2);
        let mut history: Vec<Record> = journal::records(parts, plan.part_size());
        history.truncate(2 + usize::from(half));
        let run = line.carry(len, &history, Limits::default());
        let opening = cost::OPENED_PART * u32::from(half);
        let (after, requests) = run.first_part;
        let in_flight = run.widest as u64 * plan.part_size().get();
        let share = 100.0 * in_flight as f64 / len.get() as f64;
        let cells = [
            format!("{half} of {parts}"),
            format!("{:.1} ms", opening.as_secs_f64() * 1000.0),
            requests.to_string(),
            format!("{:.0} ms", (cost::START + opening + after).as_secs_f64() * 1000.0),
            format!("{} ({share:.2} %)", binary(ByteCount::new(in_flight))),
        ];
        row(&mut table, name, &cells);
    }
    table
}

fn limits(parallel: Option<u16>) -> Limits {
    let Some(parts) = parallel.and_then(NonZeroU16::new) else { return Limits::default() };
    Limits { concurrency: parts, max_concurrency: parts, ..Limits::default() }
}

fn cpu(run: &Run, gib: Duration) -> Duration {
    cost::START + cost::PART * u32::from(run.plan.count()) + gib.mul_f64(run.plan.len().get() as f64 / GIB)
}

fn memory(run: &Run, base: f64) -> String {
    let further = run.widest.saturating_sub(4) as f64 * cost::MEMORY_CONNECTION;
    mebibytes(base + further + f64::from(run.plan.count()) * cost::MEMORY_PART)
}

fn mebibytes(kib: f64) -> String {
    format!("{:.1} MiB", kib / 1024.0)
}

fn micros(span: Duration) -> String {
    format!("{:.1} us", span.as_secs_f64() * 1e6)
}

fn time(span: Duration) -> String {
    match span.as_secs_f64() {
        seconds if seconds < 100.0 => format!("{seconds:.2} s"),
        seconds if seconds < 6000.0 => format!("{:.1} min", seconds / 60.0),
        seconds if seconds < 360_000.0 => format!("{:.1} h", seconds / 3600.0),
        seconds => format!("{:.1} days", seconds / 86_400.0),
    }
}

fn binary(size: ByteCount) -> String {
    match size.get() {
        bytes if bytes % (1 << 30) == 0 => format!("{} GiB", bytes >> 30),
        bytes => format!("{} MiB", bytes >> 20),
    }
}

fn head(first: &str, columns: &[&str]) -> String {
    format!("| {first} | {} |\n| --- |{}\n", columns.join(" | "), " --- |".repeat(columns.len()))
}

fn row(table: &mut String, first: &str, cells: &[String]) {
    writeln!(table, "| {first} | {} |", cells.join(" | ")).expect("a String takes all text");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the tables of the page begin and end.
    const BEGIN: &str = "<!-- oss-bench scale -->\n";
    const END: &str = "<!-- end -->";

    #[test]
    fn the_page_has_the_golden_tables() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/scale.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap();
        let (there, after) = rest.split_once(END).unwrap();
        let tables = tables();
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, format!("{before}{BEGIN}{tables}{END}{after}")).unwrap();
            return;
        }
        assert_eq!(there, tables, "`cargo xtask golden --bless` writes them anew");
    }
}
