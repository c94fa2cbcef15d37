//! `cargo xtask bench`: what the upload of one large file costs, beside peers that are installed from their registries.
//!
//! Client and server share the machine, so that wall times say little and CPU seconds swing by about a tenth. The
//! clients run in turn, round after round, and what counts is the ratio between them within one call.

mod peer;
mod table;

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};
use serde_json::json;

use self::{peer::Upload, table::Series};
use crate::{
    command,
    emulator::Emulator,
    measure,
    outcome::Outcome,
    workspace::{Profile, Workspace},
};

/// What is uploaded, and how often.
struct Settings {
    rounds: usize,
    size_mib: u64,
    criterion: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rounds: 3, size_mib: 1024, criterion: false }
    }
}

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<Outcome> {
    let settings = settings(arguments)?;
    if settings.criterion {
        criterion(workspace)?;
    }
    let folder = workspace.scratch("bench")?;
    let file = data(&folder, settings.size_mib)?;
    let program = workspace.build_program(Profile::Release)?;
    let clients = peer::clients(workspace, &program, &folder)?;

    let root = fresh(&folder.join("emulator"))?;
    let emulator = Emulator::start(&program, &root, &["--create-buckets", "--discard", "--no-verify"])?;
    let mut series: Vec<Series> = clients.iter().map(|client| Series::new(client.name)).collect();
    for round in 0..=settings.rounds {
        for (client, series) in clients.iter().zip(&mut series) {
            let checkpoints = fresh(&folder.join("checkpoints"))?;
            let upload = Upload {
                endpoint: &emulator.endpoint(),
                file: &file,
                key: &format!("{}-{round}.bin", client.name),
                checkpoints: &checkpoints,
            };
            let served_before = emulator.cpu();
            let cost = measure::run(&mut client.command(&upload))
                .with_context(|| format!("the upload by {} did not end well", client.name))?;
            // The first round only warms caches and finds what does not work.
            if round > 0 {
                println!(
                    "round {round} {}: {:.2} s CPU, {:.2} s wall",
                    client.name,
                    cost.cpu.as_secs_f64(),
                    cost.wall.as_secs_f64()
                );
                series.add(cost, emulator.cpu().saturating_sub(served_before));
            }
        }
    }

    println!(
        "\n{} MiB in parts of {} MiB, {} at a time, {} rounds in turn; median (least-most)\n",
        settings.size_mib,
        peer::PART_MIB,
        peer::PARALLEL,
        settings.rounds
    );
    println!("{}", table::text(&series));
    report(&folder, &settings, &series)?;
    Ok(Outcome::Passed)
}

fn settings(arguments: &[String]) -> Result<Settings> {
    let mut settings = Settings::default();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut number = || -> Result<u64> {
            let value = arguments.next().with_context(|| format!("{argument} needs a number"))?;
            let number: u64 = value.parse().with_context(|| format!("{argument} {value}"))?;
            if number == 0 {
                bail!("{argument} must be at least 1");
            }
            Ok(number)
        };
        match argument.as_str() {
            "--rounds" => settings.rounds = usize::try_from(number()?)?,
            "--size-mib" => settings.size_mib = number()?,
            "--criterion" => settings.criterion = true,
            other => bail!("`{other}` is not known here; there are --rounds N, --size-mib N and --criterion"),
        }
    }
    Ok(settings)
}

/// The benchmarks of single functions, of every member that has some.
fn criterion(workspace: &Workspace) -> Result<()> {
    let metadata = workspace.metadata(&["--no-deps"])?;
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let targets = package["targets"].as_array().into_iter().flatten();
        for target in targets.filter(|target| target["kind"][0] == "bench") {
            let (Some(package), Some(bench)) = (package["name"].as_str(), target["name"].as_str()) else {
                bail!("cargo metadata lists a benchmark without a name");
            };
            let mut cargo =
                workspace.cargo(&["bench", "--package", package, "--all-features", "--bench", bench]);
            command::run(&mut cargo)?;
        }
    }
    Ok(())
}

/// A file of that size whose bytes cannot be compressed; made once.
fn data(folder: &Path, size_mib: u64) -> Result<PathBuf> {
    let path = folder.join(format!("{size_mib}-mib.bin"));
    let bytes = size_mib << 20;
    if path.metadata().is_ok_and(|found| found.len() == bytes) {
        // Read once, so that every client finds it in the page cache.
        std::io::copy(&mut File::open(&path)?, &mut std::io::sink())?;
        return Ok(path);
    }
    let random = File::open("/dev/urandom").context("the file to upload is made from /dev/urandom")?;
    let mut file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    std::io::copy(&mut random.take(bytes), &mut file)?;
    file.flush()?;
    Ok(path)
}

/// An empty folder of that path.
fn fresh(path: &Path) -> Result<PathBuf> {
    if path.exists() {
        std::fs::remove_dir_all(path)?;
    }
    std::fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
    Ok(path.to_owned())
}

fn report(folder: &Path, settings: &Settings, series: &[Series]) -> Result<()> {
    let commit = command::output(Command::new("git").args(["rev-parse", "HEAD"])).unwrap_or_default();
    let at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let report = json!({
        "v": 1,
        "at_unix_seconds": at,
        "commit": commit.trim(),
        "size_bytes": settings.size_mib << 20,
        "part_size_bytes": peer::PART_MIB << 20,
        "parallel": peer::PARALLEL,
        "rounds": settings.rounds,
        "clients": series.iter().map(Series::to_json).collect::<Vec<_>>(),
    });
    let path = folder.join(format!("upload-{at}.json"));
    std::fs::write(&path, format!("{report:#}\n"))?;
    println!("\nwritten to {}", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Settings> {
        settings(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn settings_are_read_and_nonsense_is_refused() {
        let read = parse("--rounds 5 --size-mib 64 --criterion").unwrap();
        assert_eq!((read.rounds, read.size_mib, read.criterion), (5, 64, true));
        for refused in ["--rounds", "--rounds 0", "--rounds many", "--turbo"] {
            assert!(parse(refused).is_err(), "{refused}");
        }
    }
}
