//! A scenario is measured: the clients in turn, round after round, each run against an emulator of its own.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{
    client::{Client, Clients, Upload},
    column::Figure,
    results::{At, Measured, Row, Run},
    scenario::{Course, KILLED_RATE, PROGRAM, Parts, Scenario, Variant},
};
use crate::{command, emulator::Emulator, measure, requests::Requests};

const KEY: &str = "measured.bin";
/// How often a run that is to be killed is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// So long nothing more is heard from a killed client's connections when all that it had sent is in.
const SETTLED: Duration = Duration::from_millis(500);
/// A client that has not come halfway by then never will.
const HALFWAY_WITHIN: Duration = Duration::from_mins(2);

/// Who runs where: what all scenarios share.
pub(super) struct Ground<'a> {
    pub(super) program: &'a Path,
    pub(super) clients: &'a Clients,
    /// A scratch folder.
    pub(super) folder: &'a Path,
}

impl Ground<'_> {
    pub(super) fn measure(&self, scenario: &'static Scenario, rounds: usize) -> Result<Measured> {
        println!("\n{}: {}", scenario.name, scenario.title);
        let file = data(self.folder, scenario.size)?;
        let mut entrants = Vec::new();
        for client in &self.clients.ready {
            let takes_part = |variant: &&Variant| {
                variant.clients.contains(&client.name)
                    || variant.clients.is_empty()
                        && !scenario.left_out.iter().any(|(name, _)| *name == client.name)
            };
            entrants.extend(scenario.variants.iter().filter(takes_part).map(|variant| (client, variant)));
        }
        let mut rows: Vec<Row> = Vec::new();
        for (client, variant) in &entrants {
            let (client, variant) = (client.name.to_owned(), variant.name.to_owned());
            rows.push(Row { client, variant, runs: Vec::new(), gave_up: 0 });
        }
        for round in 0..=rounds {
            for _ in 0..scenario.runs_a_round {
                for ((client, variant), row) in entrants.iter().zip(&mut rows) {
                    let run = self.run(scenario, client, variant, &file);
                    // The first round only warms what there is to warm.
                    if round > 0 {
                        add(row, run)?;
                    }
                }
            }
        }
        let took_part = |client: &&Client| entrants.iter().any(|(entrant, _)| entrant.name == client.name);
        let left_out = scenario.left_out.iter().map(|(name, why)| format!("{name}: {why}"));
        Ok(Measured {
            at: At::now()?,
            rounds,
            rows,
            versions: self
                .clients
                .ready
                .iter()
                .filter(took_part)
                .map(|client| client.version.clone())
                .collect(),
            left_out: left_out.chain(self.clients.missing.iter().cloned()).collect(),
        })
    }

    /// One upload, or why there was none.
    fn run(&self, scenario: &Scenario, client: &Client, variant: &Variant, file: &Path) -> Result<Run> {
        let checkpoints = fresh(&self.folder.join("checkpoints"))?;
        let root = fresh(&self.folder.join("emulator"))?;
        let script = self.folder.join("faults.toml");
        fs::write(&script, variant.faults.concat())?;
        let script = script.to_str().context("the path of the target folder is no UTF-8")?;
        let arguments = ["--create-buckets", "--discard", "--no-verify", "--faults", script];
        let emulator = Emulator::start(self.program, &root, &arguments)?;
        let endpoint = emulator.endpoint();
        let upload = Upload {
            endpoint: &endpoint,
            file,
            key: KEY,
            parts: variant.parts,
            parallel: scenario.parallel,
            checkpoints: &checkpoints,
        };
        let requests = Requests::of(root.join("requests.jsonl"));
        let said = self.folder.join("stderr.txt");
        let command = || -> Result<Command> {
            let mut command = client.command(&upload);
            command.stderr(File::create(&said)?);
            Ok(command)
        };
        let before = match scenario.course {
            Course::Whole => 0,
            Course::KilledHalfway => {
                kill_halfway(command()?, scenario, variant, &requests)?;
                requests.read(KEY)?.len()
            }
        };
        let started = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let cost = measure::run(&mut command()?).with_context(|| last_line(&said))?;
        let mut run = Run::from([
            (Figure::WallSeconds, cost.wall.as_secs_f64()),
            (Figure::CpuSeconds, cost.cpu.as_secs_f64()),
            (Figure::PeakRssMib, f64::from(u32::try_from(cost.peak_rss_kib)?) / 1024.0),
            (Figure::ServerCpuSeconds, emulator.cpu().as_secs_f64()),
        ]);
        let served = requests.read(KEY)?;
        if scenario.course == Course::KilledHalfway {
            let first = first_part(&served[before..]).context("it sent no part when it ran again")?;
            run.insert(Figure::FirstPartSeconds, behind(first, started).as_secs_f64());
            let twice = requests.bytes_of_parts(KEY)?.saturating_sub(scenario.size);
            run.insert(Figure::SentTwiceMib, f64::from(u32::try_from(twice >> 10)?) / 1024.0);
        }
        let refused = served.iter().filter(|request| request["status"] == 503).count();
        run.insert(Figure::Refused, f64::from(u32::try_from(refused)?));
        // Microseconds and bytes of a MiB are as fine as anything here is.
        for value in run.values_mut() {
            *value = (*value * 1e6).round() / 1e6;
        }
        Ok(run)
    }
}

/// A peer may fail; the program may not.
fn add(row: &mut Row, run: Result<Run>) -> Result<()> {
    match run {
        Ok(run) => {
            let (wall, cpu) = (run[&Figure::WallSeconds], run[&Figure::CpuSeconds]);
            println!("  {}: {wall:.3} s wall, {cpu:.3} s CPU", row.name());
            row.runs.push(run);
        }
        Err(error) if row.client == PROGRAM => return Err(error),
        Err(error) => {
            println!("  {}: gave up: {error}", row.name());
            row.gave_up += 1;
        }
    }
    Ok(())
}

/// Starts it, and kills it with half of the parts in and its connections in the middle of the next ones.
fn kill_halfway(
    mut command: Command,
    scenario: &Scenario,
    variant: &Variant,
    requests: &Requests,
) -> Result<()> {
    let Parts::Of(part) = variant.parts else { bail!("the middle of parts of any size is not known") };
    let half = usize::try_from(scenario.size / part / 2)?;
    let parts_in = || -> Result<usize> {
        let served = requests.read(KEY)?;
        Ok(served.iter().filter(|request| request["operation"] == "upload_part").count())
    };
    let shown = command::shown(&command);
    let mut child = command.spawn().with_context(|| format!("cannot start `{shown}`"))?;
    let started = Instant::now();
    let came = loop {
        if parts_in()? >= half {
            thread::sleep(Duration::from_secs(part) / u32::try_from(KILLED_RATE)? / 2);
            break true;
        }
        if child.try_wait()?.is_some() || started.elapsed() > HALFWAY_WITHIN {
            break false;
        }
        thread::sleep(LOOK_EVERY);
    };
    child.kill()?;
    child.wait()?;
    ensure!(came, "it did not come halfway");
    let mut seen = 0;
    while parts_in()? > seen {
        seen = parts_in()?;
        thread::sleep(SETTLED);
    }
    Ok(())
}

/// When the first part of these came, as the time of a day.
fn first_part(requests: &[Value]) -> Option<Duration> {
    let parts = requests.iter().filter(|request| request["operation"] == "upload_part");
    parts
        .min_by_key(|request| request["seq"].as_u64())
        .and_then(|request| time_of_day(request["time"].as_str()?))
}

/// The time in `2026-11-27T18:05:45.123Z`.
fn time_of_day(text: &str) -> Option<Duration> {
    let (hours, rest) = text.split_once('T')?.1.trim_end_matches('Z').split_once(':')?;
    let (minutes, seconds) = rest.split_once(':')?;
    let whole = Duration::from_mins(hours.parse::<u64>().ok()? * 60 + minutes.parse::<u64>().ok()?);
    Some(whole + Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?)
}

/// How much later than `start`, which is a time since 1970, a time of that day or the next one is.
fn behind(time: Duration, start: Duration) -> Duration {
    const DAY: Duration = Duration::from_hours(24);
    // The log cuts its times off at whole milliseconds.
    let start = Duration::from_millis(u64::try_from(start.as_millis() % DAY.as_millis()).unwrap_or_default());
    time.checked_sub(start).unwrap_or_else(|| (time + DAY).saturating_sub(start))
}

/// What a client that failed said last.
fn last_line(said: &Path) -> String {
    let text = fs::read_to_string(said).unwrap_or_default();
    let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    line.chars().take(160).collect()
}

/// A file of that size whose bytes cannot be compressed, made once, in the page cache.
fn data(folder: &Path, size: u64) -> Result<PathBuf> {
    let path = folder.join(format!("{size}.bin"));
    if path.metadata().is_ok_and(|found| found.len() == size) {
        std::io::copy(&mut File::open(&path)?, &mut std::io::sink())?;
        return Ok(path);
    }
    let random = File::open("/dev/urandom").context("the file to upload is made from /dev/urandom")?;
    let mut file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    std::io::copy(&mut std::io::Read::take(random, size), &mut file)?;
    file.flush()?;
    Ok(path)
}

/// An empty folder of that path.
fn fresh(path: &Path) -> Result<PathBuf> {
    if path.exists() {
        fs::remove_dir_all(path)?;
    }
    fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_part_is_the_one_that_came_first_and_not_the_one_that_ended_first() {
        let request = |seq, operation, time| json!({ "seq": seq, "operation": operation, "time": time });
        let log = [
            request(1, "list_parts", "2026-11-27T23:59:59.900Z"),
            request(3, "upload_part", "2026-11-28T00:00:00.200Z"),
            request(2, "upload_part", "2026-11-28T00:00:00.100Z"),
        ];
        let started = Duration::from_hours(24 * 20_000).saturating_sub(Duration::from_micros(150_300));
        assert_eq!(behind(first_part(&log).unwrap(), started), Duration::from_millis(251));
        assert_eq!(first_part(&log[..1]), None);
    }

    #[test]
    fn a_peer_may_give_up_and_the_program_may_not() {
        let row = |client: &str| Row {
            client: client.into(),
            variant: String::new(),
            runs: Vec::new(),
            gave_up: 0,
        };
        let mut peer = row("peer");
        add(&mut peer, Err(anyhow::anyhow!("503"))).unwrap();
        assert_eq!(peer.gave_up, 1);
        assert!(add(&mut row(PROGRAM), Err(anyhow::anyhow!("503"))).is_err());
    }
}
