//! The fixed pieces of work, by the clock.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use oss_bench::{SCENARIOS, steps};

fn units(criterion: &mut Criterion) {
    for scenario in SCENARIOS {
        let mut group = criterion.benchmark_group(scenario.name);
        group.measurement_time(Duration::from_secs(3)).sample_size(20);
        group.throughput(Throughput::Elements(scenario.count.into()));
        group.bench_function(scenario.unit, |bencher| {
            bencher.iter(|| scenario.run(black_box(scenario.count)));
        });
    }
}

/// What the machine does in a second, whatever a part of an upload takes of it.
fn machine(criterion: &mut Criterion) {
    const PARTS: u16 = 10_000;
    let mut group = criterion.benchmark_group("machine");
    group.measurement_time(Duration::from_secs(3)).sample_size(20);
    group.throughput(Throughput::Elements(steps(PARTS)));
    group.bench_function("steps, each a question or an event", |bencher| {
        bencher.iter(|| steps(black_box(PARTS)));
    });
}

criterion_group!(benches, units, machine);
criterion_main!(benches);
