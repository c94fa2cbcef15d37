//! `cargo xtask breakages`: breaks each promise in the code on purpose, in a copy, and sees that a test fails.

mod list;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use self::list::BREAKAGES;
use crate::{command, outcome::Outcome, workspace::Workspace};

/// One promise, broken.
struct Breakage {
    /// What the program does then.
    what: &'static str,
    file: &'static str,
    /// Stands in the file once.
    from: &'static str,
    to: &'static str,
    tests: Tests,
}

/// Where it has to be noticed.
#[derive(Clone, Copy, Debug)]
enum Tests {
    /// The machine under schedules by the seed, and its regressions.
    Model,
    /// The machine by hand.
    Machine,
    /// The driver, with the tests within its files.
    Driver,
    Wire,
    Checkpoint,
    Transport,
}

impl Tests {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Model => &["--package", "oss-resumable", "--test", "model"],
            Self::Machine => &["--package", "oss-resumable", "--test", "machine"],
            Self::Driver => &["--package", "oss-resumable", "--lib", "--test", "driver"],
            Self::Wire => &["--package", "oss-resumable", "--test", "wire"],
            Self::Checkpoint => &["--package", "oss-checkpoint", "--lib", "--tests"],
            Self::Transport => &["--package", "oss-transport", "--lib", "--tests"],
        }
    }
}

/// Schedules of the machine for each breakage: with so many every branch is reached.
const SCHEDULES: &str = "20000";
/// Longest run of tests; what never ends has been noticed too.
const PATIENCE: Duration = Duration::from_mins(4);
/// How often it is looked whether they have ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// `[WORD]`: all, or those of which the description or the file holds the word.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<Outcome> {
    let word = match arguments {
        [] => "",
        [word] => word,
        [_, second, ..] => bail!("`{second}` is too much; there is [WORD]"),
    };
    let copy = Copied::of(workspace)?;
    let (mut tried, mut survived) = (0, Vec::new());
    for breakage in BREAKAGES.iter().filter(|one| one.what.contains(word) || one.file.contains(word)) {
        let started = Instant::now();
        let caught =
            copy.catches(breakage).with_context(|| format!("{}: {}", breakage.file, breakage.what))?;
        let verdict = if caught { "caught" } else { "SURVIVED" };
        println!(
            "{verdict}: {} ({}, {:.1} s)",
            breakage.what,
            breakage.file,
            started.elapsed().as_secs_f64()
        );
        tried += 1;
        if !caught {
            survived.push(breakage.what);
        }
    }
    println!("{tried} breakages, {} caught", tried - survived.len());
    Ok(match survived.as_slice() {
        [] => Outcome::Passed,
        survived => Outcome::Failed(format!("no test fails where {}", survived.join("; where "))),
    })
}

/// The sources, where they can be broken without anybody being disturbed.
struct Copied {
    root: PathBuf,
    target: PathBuf,
}

impl Copied {
    fn of(workspace: &Workspace) -> Result<Self> {
        let (root, target) =
            (workspace.scratch("breakages/sources")?, workspace.scratch("breakages/target")?);
        fs::remove_dir_all(&root).with_context(|| format!("cannot empty {}", root.display()))?;
        let mut list = Command::new("git");
        let files = command::output(list.args(["ls-files", "-z"]).current_dir(workspace.root()))?;
        for file in files.split('\0').filter(|file| !file.is_empty()) {
            let (from, to) = (workspace.root().join(file), root.join(file));
            fs::create_dir_all(to.parent().unwrap_or(&root))?;
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
        Ok(Self { root, target })
    }

    fn catches(&self, breakage: &Breakage) -> Result<bool> {
        let path = self.root.join(breakage.file);
        let sound = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        fs::write(&path, broken(&sound, breakage)?)?;
        let caught = self.tests_fail(breakage.tests);
        fs::write(&path, sound)?;
        caught
    }

    fn tests_fail(&self, tests: Tests) -> Result<bool> {
        let test = |more: &[&str]| {
            let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            cargo.args(["test", "--quiet", "--all-features"]).args(tests.arguments()).args(more);
            cargo
                .current_dir(&self.root)
                .env("CARGO_TARGET_DIR", &self.target)
                .env("OSS_SIM_SCHEDULES", SCHEDULES);
            cargo
        };
        command::output(&mut test(&["--no-run"])).context("broken like that it does not compile")?;
        let mut tests = test(&[]);
        tests.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut tests, 0);
        let mut running = tests.spawn()?;
        let started = Instant::now();
        loop {
            if let Some(status) = running.try_wait()? {
                return Ok(!status.success());
            }
            if started.elapsed() > PATIENCE {
                // The test that hangs is a child of cargo's.
                command::run(Command::new("kill").args(["-9", "--", &format!("-{}", running.id())]))?;
                running.wait()?;
                return Ok(true);
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

fn broken(sound: &str, breakage: &Breakage) -> Result<String> {
    let times = sound.matches(breakage.from).count();
    ensure!(times == 1, "`{}` stands there {times} times", breakage.from);
    Ok(sound.replacen(breakage.from, breakage.to, 1))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Else a change of the code would leave a promise unbroken.
    #[test]
    fn each_breakage_still_finds_what_it_breaks() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for breakage in BREAKAGES {
            let sound = fs::read_to_string(root.join(breakage.file)).unwrap();
            if let Err(error) = broken(&sound, breakage) {
                panic!("{}: {}: {error}", breakage.file, breakage.what);
            }
        }
    }
}
