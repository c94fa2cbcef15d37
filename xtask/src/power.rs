//! `cargo xtask power`: the program uploads with its journal on a real file system, the power of which is cut.
//!
//! The cut is ext4's own shutdown: what was not flushed is gone, as it would be after a real one. The source and the
//! server are elsewhere and lose nothing.

mod filesystem;

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use self::filesystem::{FileSystem, Switch};
use crate::{
    command,
    emulator::Emulator,
    outcome::Outcome,
    requests::Requests,
    workspace::{Profile, Workspace},
};

/// Rounds in a run of `ci`.
const ROUNDS: usize = 20;
/// Size of a part, in bytes: the smallest that OSS takes.
const PART: u64 = 100 << 10;
const PARTS: u64 = 12;
/// The last part is short.
const LENGTH: u64 = (PARTS - 1) * PART + 999;
/// Parts in flight at once.
const PARALLEL: u64 = 4;
/// So slow that an upload takes some tenths of a second.
const SLOW: &str = "[[fault]]\nat = 'upload_part'\ndo = 'throttle'\nrate = '2M'\n";
/// Requests of one upload: its parts, and some at either end. The power is cut after any number of them.
const REQUESTS: u64 = PARTS + 6;
/// Longest time that is waited for a request, or for a run that has nothing to wait for.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often a log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(1);

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<Outcome> {
    let rounds = match arguments {
        [] => ROUNDS,
        [name, count] if name == "--rounds" => {
            count.parse().with_context(|| format!("--rounds takes a number, not `{count}`"))?
        }
        [first, ..] => bail!("`{first}` is not known here; there is --rounds N"),
    };
    cut(workspace, rounds)
}

/// That many uploads, the power of each cut once or twice.
pub(crate) fn cut(workspace: &Workspace, rounds: usize) -> Result<Outcome> {
    if let Some(why) = FileSystem::missing()? {
        return Ok(Outcome::Skipped(why));
    }
    let program = workspace.build_program(Profile::Dev)?;
    let folder = workspace.scratch("power")?.join(std::process::id().to_string());
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let disk = FileSystem::make(&folder)
        .and_then(|mut disk| Switch::of(&disk)?.cut().and_then(|()| disk.restart()).map(|()| disk));
    let outcome = match disk {
        Err(error) => Outcome::Skipped(format!("no ext4 on a loop device: {error:#}").replace('\n', " ")),
        Ok(disk) => {
            let mut scene = Scene::new(program, &folder, disk)?;
            for round in 0..rounds {
                scene.round(round).with_context(|| format!("round {round}, in {}", folder.display()))?;
            }
            println!("{}", scene.figures);
            scene.figures.judge(rounds)
        }
    };
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    Ok(outcome)
}

struct Scene {
    program: PathBuf,
    folder: PathBuf,
    disk: FileSystem,
    emulator: Emulator,
    requests: Requests,
    chance: Chance,
    figures: Figures,
}

/// What all rounds came to.
#[derive(Clone, Copy, Default)]
struct Figures {
    rounds: usize,
    cuts: usize,
    /// Cuts after at least one byte of this upload had arrived, and before its end.
    amid: usize,
    /// Bytes of parts that arrived twice.
    again: u64,
    /// Most of them in one round.
    most_again: u64,
}

/// How one run of the program ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Before the power was cut, and well.
    Finished,
    Cut,
}

impl Scene {
    fn new(program: PathBuf, folder: &Path, disk: FileSystem) -> Result<Self> {
        let (root, faults, log) = (folder.join("server"), folder.join("faults.toml"), folder.join("log"));
        fs::create_dir_all(&root)?;
        fs::write(&faults, SLOW)?;
        let (faults, log_path) = (faults.to_string_lossy(), log.to_string_lossy());
        let arguments = ["--create-buckets", "--no-verify", "--faults", &faults, "--log", &log_path];
        let emulator = Emulator::start(&program, &root, &arguments)?;
        Ok(Self {
            program,
            folder: folder.to_owned(),
            disk,
            emulator,
            requests: Requests::of(log),
            chance: Chance { state: 1 },
            figures: Figures::default(),
        })
    }

    /// An upload whose power is cut once or twice, and which is then gone on with to its end.
    fn round(&mut self, round: usize) -> Result<()> {
        let key = format!("object-{round}");
        let source = self.folder.join("source");
        let bytes = self.chance.bytes(usize::try_from(LENGTH)?);
        fs::write(&source, &bytes)?;
        let wanted = 1 + self.chance.below(2);
        let mut cuts = 0;
        let mut ended = Ended::Cut;
        while ended == Ended::Cut && cuts < wanted {
            ended = self.cut_amid(&source, &key)?;
            cuts += u64::from(ended == Ended::Cut);
            if self.is_there(&key)? && self.journals()?.is_empty() {
                // All of it was done, and the same command would mean a new upload.
                ended = Ended::Finished;
            }
        }
        if ended == Ended::Cut {
            command::output(&mut self.cp(&source, &key)).context("the run after the cut")?;
        }
        self.look(&key, &bytes)?;
        let anew = self.requests.completed(&key)?.saturating_sub(1);
        ensure!(anew == 0, "an upload was begun anew although it was complete");
        let again = self.requests.bytes_of_parts(&key)?.saturating_sub(LENGTH);
        ensure!(
            again <= cuts * PARALLEL * PART,
            "{again} bytes were sent again after {cuts} power cuts, more than what was in flight"
        );
        self.figures.rounds += 1;
        self.figures.again += again;
        self.figures.most_again = self.figures.most_again.max(again);
        Ok(())
    }

    /// Starts a run and cuts its power when the server has been asked some number of times, or a moment later.
    fn cut_amid(&mut self, source: &Path, key: &str) -> Result<Ended> {
        let before = self.requests.count(key)?;
        let more = self.chance.below(REQUESTS);
        let pause = Duration::from_millis(self.chance.below(30));
        let switch = Switch::of(&self.disk)?;
        let mut run = Running(self.cp(source, key).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
        let started = Instant::now();
        while self.requests.count(key)? < before + more {
            if run.0.try_wait()?.is_some() {
                break;
            }
            ensure!(started.elapsed() < PATIENCE, "the server is not asked");
            thread::sleep(LOOK_EVERY);
        }
        // The instant is the point: nothing is waited for.
        thread::sleep(pause);
        // Whatever a run comes to after the cut, even success, is that of a run whose disk is gone.
        let ended = run.0.try_wait()?;
        switch.cut()?;
        drop(run);
        self.disk.restart()?;
        if let Some(status) = ended {
            ensure!(status.success(), "a run that nothing was done to ended with {status}");
            return Ok(Ended::Finished);
        }
        self.figures.cuts += 1;
        if self.requests.bytes_of_parts(key)? > 0 && !self.is_there(key)? {
            self.figures.amid += 1;
            ensure!(!self.journals()?.is_empty(), "parts were sent, and the journal is lost");
        }
        Ok(Ended::Cut)
    }

    /// That the object is the source, and nothing is left anywhere.
    fn look(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let object = self.get(&format!("/power/{key}"))?;
        ensure!(object == bytes, "the object is not the source");
        let uploads = String::from_utf8(self.get("/power?uploads")?)?;
        ensure!(uploads.contains("</ListMultipartUploadsResult>"), "not a list of uploads: {uploads}");
        ensure!(!uploads.contains("<UploadId>"), "uploads are left on the server: {uploads}");
        // The lock goes last and nothing depends on that: a cut right behind the end can bring it back, empty.
        let left: Vec<String> = self.files()?.into_iter().filter(|name| !ends_with(name, "lock")).collect();
        ensure!(left.is_empty(), "files are left: {left:?}");
        Ok(())
    }

    /// In plain HTTP, so that nothing of the program takes part in it.
    fn get(&self, target: &str) -> Result<Vec<u8>> {
        let endpoint = self.emulator.endpoint();
        let address = endpoint.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).context("the emulator does not listen")?;
        write!(stream, "GET {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let head = answer.windows(4).position(|window| window == b"\r\n\r\n").context("no answer")? + 4;
        let body = answer.split_off(head);
        let head = String::from_utf8_lossy(&answer);
        ensure!(head.starts_with("HTTP/1.1 200 "), "{target} is answered so:\n{head}");
        Ok(body)
    }

    fn is_there(&self, key: &str) -> Result<bool> {
        command::answers(&mut self.oss(&["stat", &format!("oss://power/{key}")]))
    }

    fn cp(&self, source: &Path, key: &str) -> Command {
        let mut cp = self.oss(&["cp", "--no-progress"]);
        let size = PART.to_string();
        cp.args(["--part-size", &size, "--bigfile-threshold", &size, "--parallel", &PARALLEL.to_string()]);
        cp.arg("--checkpoint-dir").arg(self.checkpoints());
        cp.arg(source).arg(format!("oss://power/{key}"));
        cp
    }

    /// The program, pointed at the server; nothing of the machine's own settings is looked at.
    fn oss(&self, arguments: &[&str]) -> Command {
        let mut oss = Command::new(&self.program);
        oss.args(arguments).env_clear().env("HOME", &self.folder);
        oss.env("OSS_ENDPOINT", self.emulator.endpoint()).env("OSS_REGION", "cn-hangzhou");
        oss.env("OSS_ACCESS_KEY_ID", "local").env("OSS_ACCESS_KEY_SECRET", "local").stdin(Stdio::null());
        oss
    }

    fn checkpoints(&self) -> PathBuf {
        self.disk.place().join("uploads")
    }

    fn journals(&self) -> Result<Vec<String>> {
        Ok(self.files()?.into_iter().filter(|name| ends_with(name, "ossj")).collect())
    }

    fn files(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        match fs::read_dir(self.checkpoints()) {
            Ok(entries) => {
                for entry in entries {
                    names.push(entry?.file_name().to_string_lossy().into_owned());
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).context("the folder of the journals cannot be read"),
        }
        Ok(names)
    }
}

fn ends_with(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == extension)
}

/// A run that dies with the power.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Figures {
    /// A series whose cuts came too early or too late has shown nothing.
    fn judge(&self, rounds: usize) -> Outcome {
        if self.amid * 4 < rounds {
            return Outcome::Failed(format!(
                "only {} of {rounds} uploads were cut amid their parts",
                self.amid
            ));
        }
        Outcome::Passed
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rounds, cuts, amid, again, most_again } = self;
        write!(
            f,
            "{rounds} uploads, {cuts} power cuts, {amid} of them amid parts; {again} of {} bytes were sent again, \
             {most_again} at most in one upload",
            LENGTH * *rounds as u64
        )
    }
}

/// Numbers that look random and are the same in each run.
struct Chance {
    state: u64,
}

impl Chance {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `limit` - 1.
    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).collect();
        bytes.truncate(length);
        bytes
    }
}
