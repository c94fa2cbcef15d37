//! The fixed pieces of work, by the clock.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use oss_bench::SCENARIOS;

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

criterion_group!(benches, units);
criterion_main!(benches);
