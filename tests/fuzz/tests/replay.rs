//! Every target, on everything that is kept, and on what the mutator makes of it.
//!
//! `OSS_FUZZ_SECONDS=N` goes on for so long with each target, from a seed that `OSS_FUZZ_SEED=N` sets; `OSS_FUZZ_TARGET`
//! names the only one to run. What fails is written to a file, and its name is printed.

#![expect(clippy::unwrap_used, reason = "an input that cannot be read fails its test")]

use std::{
    alloc::System,
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use oss_fuzz::{Mutator, TARGETS, Target, corpus};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Panics of any thread, also of those that swallow them.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// One test, since what is allocated is counted for the whole process.
// Rows: 30, 35, 43, 55, 56, 76, 77, 88, 97, 128, 132
#[test]
fn whatever_is_read_is_survived_and_costs_no_more_than_its_length() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        report(info);
    }));
    let only = std::env::var("OSS_FUZZ_TARGET").ok();
    let chosen = TARGETS.iter().filter(|target| only.as_deref().is_none_or(|only| only == target.name));
    let mut run = 0;
    for target in chosen {
        let started = Instant::now();
        let inputs = corpus(target.name).unwrap();
        for (name, input) in &inputs {
            check(target, name, input);
        }
        let inputs: Vec<Vec<u8>> = inputs.into_iter().map(|(_, input)| input).collect();
        let tries = mutate(target, &inputs);
        println!("{}: {tries} inputs in {:.1} s", target.name, started.elapsed().as_secs_f64());
        run += 1;
    }
    assert!(run > 0, "OSS_FUZZ_TARGET is none of the targets");
}

/// How many inputs were tried.
fn mutate(target: &Target, corpus: &[Vec<u8>]) -> u32 {
    let number = |name: &str| std::env::var(name).ok().map(|number| number.parse::<u64>().unwrap());
    let end = number("OSS_FUZZ_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let seed = number("OSS_FUZZ_SEED").unwrap_or(1);
    let mut mutator = Mutator::new(seed, target.longest);
    let mut tries = 0;
    while end.map_or(tries < target.tries, |end| Instant::now() < end) {
        let input = mutator.next(corpus);
        check(target, &format!("try {tries} of seed {seed}"), &input);
        tries += 1;
    }
    tries
}

fn check(target: &Target, name: &str, input: &[u8]) {
    let panics = PANICS.load(Ordering::Relaxed);
    let region = Region::new(ALLOCATOR);
    let ended = panic::catch_unwind(AssertUnwindSafe(|| target.run(input)));
    let allocated = region.change().bytes_allocated;
    let most = target.most_bytes(input.len());
    let why = if ended.is_err() {
        "does not hold".to_owned()
    } else if PANICS.load(Ordering::Relaxed) != panics {
        "makes a thread panic".to_owned()
    } else if allocated > most {
        format!("allocates {allocated} bytes, and {most} is the limit for {}", input.len())
    } else {
        return;
    };
    let path: PathBuf = [env!("CARGO_TARGET_TMPDIR"), &format!("{}-finding", target.name)].iter().collect();
    std::fs::write(&path, input).unwrap();
    panic!("{}: {name} {why}; the input is in {}", target.name, path.display());
}
