//! Medians and ranges of what was measured.

use std::time::Duration;

use serde_json::{Value, json};

use crate::measure::Cost;

/// All runs of one client.
pub(super) struct Series {
    name: &'static str,
    runs: Vec<Run>,
}

struct Run {
    cost: Cost,
    /// CPU time of the server meanwhile.
    server_cpu: Duration,
}

impl Series {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, runs: Vec::new() }
    }

    pub(super) fn add(&mut self, cost: Cost, server_cpu: Duration) {
        self.runs.push(Run { cost, server_cpu });
    }

    fn cpu_seconds(&self) -> Spread {
        self.spread(|run| run.cost.cpu.as_secs_f64())
    }

    fn wall_seconds(&self) -> Spread {
        self.spread(|run| run.cost.wall.as_secs_f64())
    }

    fn server_cpu_seconds(&self) -> Spread {
        self.spread(|run| run.server_cpu.as_secs_f64())
    }

    fn peak_rss_mib(&self) -> Spread {
        self.spread(|run| Duration::from_secs(run.cost.peak_rss_kib).as_secs_f64() / 1024.0)
    }

    fn spread(&self, value: impl Fn(&Run) -> f64) -> Spread {
        Spread::of(self.runs.iter().map(value).collect())
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "cpu_seconds": self.cpu_seconds().to_json(),
            "wall_seconds": self.wall_seconds().to_json(),
            "peak_rss_mib": self.peak_rss_mib().to_json(),
            "server_cpu_seconds": self.server_cpu_seconds().to_json(),
        })
    }
}

/// The values of one figure, in order.
struct Spread(Vec<f64>);

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    fn median(&self) -> f64 {
        let Self(values) = self;
        match (values.len(), values.len() / 2) {
            (0, _) => f64::NAN,
            (count, middle) if count % 2 == 1 => values[middle],
            (_, middle) => f64::midpoint(values[middle - 1], values[middle]),
        }
    }

    fn text(&self, decimals: usize) -> String {
        let (least, most) = (self.0.first().unwrap_or(&f64::NAN), self.0.last().unwrap_or(&f64::NAN));
        format!("{:.decimals$} ({least:.decimals$}-{most:.decimals$})", self.median())
    }

    fn to_json(&self) -> Value {
        json!({ "median": self.median(), "runs": self.0 })
    }
}

/// One line a client; the last column is its CPU time over that of the first client.
pub(super) fn text(series: &[Series]) -> String {
    let line = |columns: [&str; 6]| {
        let [client, cpu, wall, rss, server, ratio] = columns;
        format!("{client:<8} {cpu:>20} {wall:>20} {rss:>20} {server:>20} {ratio:>7}")
    };
    let mut lines = vec![line(["client", "CPU s", "wall s", "peak RSS MiB", "server CPU s", "CPU x"])];
    let first = series.first().map_or(f64::NAN, |first| first.cpu_seconds().median());
    lines.extend(series.iter().map(|one| {
        line([
            one.name,
            &one.cpu_seconds().text(2),
            &one.wall_seconds().text(2),
            &one.peak_rss_mib().text(1),
            &one.server_cpu_seconds().text(2),
            &format!("{:.2}", one.cpu_seconds().median() / first),
        ])
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_of_the_ordered_runs() {
        for (values, median) in [(vec![3.0, 1.0, 2.0], "2.0"), (vec![4.0, 1.0], "2.5"), (vec![7.0], "7.0")] {
            assert_eq!(format!("{:.1}", Spread::of(values.clone()).median()), median, "{values:?}");
        }
        assert_eq!(Spread::of(vec![2.0, 1.0, 4.0]).text(1), "2.0 (1.0-4.0)");
    }

    #[test]
    fn a_peer_with_twice_the_cpu_time_reads_two() {
        let cost =
            |cpu| Cost { wall: Duration::from_secs(1), cpu: Duration::from_secs(cpu), peak_rss_kib: 2048 };
        let (mut ours, mut peer) = (Series::new("oss"), Series::new("peer"));
        ours.add(cost(1), Duration::ZERO);
        peer.add(cost(2), Duration::ZERO);
        let text = text(&[ours, peer]);
        assert!(text.lines().last().unwrap().trim_end().ends_with("2.00"), "{text}");
        assert!(text.contains("2.0 (2.0-2.0)"), "{text}");
    }
}
