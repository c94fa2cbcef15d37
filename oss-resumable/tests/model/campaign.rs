//! Schedules by the seed: many of them on all cores, and a shrunk one with the line that replays it when a rule breaks.

use std::{
    fmt,
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    coverage::Coverage,
    judge::{Broken, judged},
    script::{Fate, script},
    world::{Setting, setting},
};

/// What a number of schedules came to.
#[derive(Default)]
pub(crate) struct Campaign {
    pub(crate) schedules: u64,
    /// Of all of them: how often a user ran the same command again, and what befell an action.
    pub(crate) runs: u64,
    pub(crate) fates: u64,
    pub(crate) coverage: Coverage,
    /// Of the traces of all schedules, whatever their order: the same seeds give the same sum.
    pub(crate) trace: u64,
    /// The first schedule of one thread that broke a rule.
    pub(crate) failure: Option<BrokenSeed>,
}

/// A seed whose schedule broke a rule.
pub(crate) struct BrokenSeed {
    seed: u64,
    broken: Vec<Broken>,
    /// The smallest history that was found to break a rule too.
    setting: Setting,
    script: Vec<Fate>,
}

/// What is drawn from a seed.
type Histories = BoxedStrategy<(Setting, Vec<Fate>)>;

pub(crate) fn histories() -> Histories {
    (setting(), script()).boxed()
}

/// The history of this seed, and simpler ones.
fn tree(histories: &Histories, seed: u64) -> impl ValueTree<Value = (Setting, Vec<Fate>)> + use<> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { failure_persistence: None, ..Config::default() };
    histories.new_tree(&mut TestRunner::new_with_rng(config, rng)).expect("nothing is filtered")
}

/// The history of this seed.
pub(crate) fn history_of(histories: &Histories, seed: u64) -> (Setting, Vec<Fate>) {
    tree(histories, seed).current()
}

/// Runs the schedules of these seeds, up to the first that breaks a rule.
pub(crate) fn run(seeds: Range<u64>) -> Campaign {
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores)
            .map(|worker| {
                let (seeds, stop) = (seeds.clone(), &stop);
                scope.spawn(move || {
                    run_some(
                        seeds.skip(usize::try_from(worker).unwrap()).step_by(usize::try_from(cores).unwrap()),
                        stop,
                    )
                })
            })
            .collect();
        let mut all = Campaign::default();
        for worker in workers {
            let some = worker.join().expect("a simulation does not panic");
            all.schedules += some.schedules;
            all.runs += some.runs;
            all.fates += some.fates;
            all.trace = all.trace.wrapping_add(some.trace);
            all.coverage.add(&some.coverage);
            all.failure = all.failure.or(some.failure);
        }
        all
    })
}

fn run_some(seeds: impl Iterator<Item = u64>, stop: &AtomicBool) -> Campaign {
    let histories = histories();
    let mut campaign = Campaign::default();
    for seed in seeds {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (setting, script) = history_of(&histories, seed);
        let (report, broken) = judged(&setting, &script);
        campaign.schedules += 1;
        campaign.runs += report.runs as u64;
        campaign.fates += script.len() as u64;
        campaign.trace = campaign.trace.wrapping_add(report.trace.rotate_left((seed % 64) as u32));
        campaign.coverage.add(&report.coverage);
        if !broken.is_empty() {
            stop.store(true, Ordering::Relaxed);
            campaign.failure =
                Some(shrunk(&histories, seed, broken, &|setting, script| judged(setting, script).1));
            break;
        }
    }
    campaign
}

/// The smallest history on the way from that of `seed` of which `judge` says that it breaks a rule.
pub(crate) fn shrunk(
    histories: &Histories,
    seed: u64,
    broken: Vec<Broken>,
    judge: &dyn Fn(&Setting, &[Fate]) -> Vec<Broken>,
) -> BrokenSeed {
    /// Far more than any history of 60 fates needs.
    const STEPS: usize = 20_000;
    let mut tree = tree(histories, seed);
    let (setting, script) = tree.current();
    let mut found = BrokenSeed { seed, broken, setting, script };
    let mut simpler = tree.simplify();
    for _ in 0..STEPS {
        if !simpler {
            break;
        }
        let (setting, script) = tree.current();
        let broken = judge(&setting, &script);
        simpler = if broken.is_empty() {
            tree.complicate()
        } else {
            found = BrokenSeed { seed, broken, setting, script };
            tree.simplify()
        };
    }
    found
}

impl BrokenSeed {
    #[cfg(test)]
    pub(crate) fn script(&self) -> &[Fate] {
        &self.script
    }
}

impl fmt::Display for BrokenSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (rule, how) in &self.broken {
            writeln!(f, "broken: {rule}: {how}")?;
        }
        writeln!(f, "{:#?}\n{:?}", self.setting, self.script)?;
        write!(f, "replay: cargo xtask sim --seed {:#x}", self.seed)
    }
}
