//! The program `oss` as a child process: a command, what runs of it, and what it left behind.

use std::{
    ffi::{OsStr, OsString},
    io::Read,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, OnceLock},
    thread::{self, JoinHandle},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{canary, wait::eventually};

/// Where the built program is: `OSS_BIN` if set, else beside the folder of this test's own binary, where cargo puts it; built if it
/// is not there.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(path) = std::env::var_os("OSS_BIN") {
            let path = PathBuf::from(path);
            assert!(path.is_file(), "OSS_BIN names {}, which is no file", path.display());
            return path;
        }
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).expect("cargo puts tests into PROFILE/deps");
        let path = profile.join("oss");
        if !path.is_file() {
            build(profile);
        }
        assert!(path.is_file(), "cargo has built oss, and not as {}", path.display());
        path
    })
}

fn build(profile: &Path) {
    let target = profile.parent().expect("a profile's folder lies in the target folder");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--package", "oss-cli", "--bin", "oss", "--target-dir"]).arg(target);
    if profile.file_name() == Some(OsStr::new("release")) {
        cargo.arg("--release");
    }
    let status = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
    assert!(status.success(), "oss cannot be built");
}

/// A command line of the program, in an environment where only what is said here is set.
#[derive(Debug)]
pub(crate) struct Oss {
    command: Command,
}

impl Oss {
    /// The program, at home in `home`, and nothing else.
    pub(crate) fn new(home: &Path) -> Self {
        let mut command = Command::new(program());
        command
            .env_clear()
            .env("HOME", home)
            .env("XDG_STATE_HOME", home.join("state"))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .current_dir(home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self { command }
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Another command line in the same environment and folder.
    pub(crate) fn replaced_by<A: AsRef<OsStr>>(self, line: &[A]) -> Self {
        let [name, arguments @ ..] = line else { panic!("a command line has a program") };
        let mut command = Command::new(name);
        command
            .args(arguments)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(self.command.get_current_dir().expect("it is at home"));
        Self { command }
    }

    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// The same under a shell that has given this order first, such as a limit.
    pub(crate) fn after(self, order: &str) -> Self {
        let script = format!("{order}; exec \"$0\" \"$@\"");
        let shell = [OsStr::new("sh"), OsStr::new("-c"), OsStr::new(&script), self.command.get_program()];
        let line: Vec<OsString> =
            shell.into_iter().chain(self.command.get_args()).map(OsStr::to_owned).collect();
        self.replaced_by(&line)
    }

    /// The same where SIGHUP does what it does by default: tests that run under `nohup` hand down that it is ignored.
    pub(crate) fn hearing_hang_ups(self) -> Self {
        let first = [OsStr::new("env"), OsStr::new("--default-signal=HUP"), self.command.get_program()];
        let line: Vec<OsString> =
            first.into_iter().chain(self.command.get_args()).map(OsStr::to_owned).collect();
        self.replaced_by(&line)
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn run(self) -> Ended {
        self.start().wait()
    }

    /// Starts it.
    #[track_caller]
    pub(crate) fn start(mut self) -> Running {
        let mut child = self.command.spawn().unwrap();
        let stdout = gather(child.stdout.take());
        let stderr = gather(child.stderr.take());
        Running { child, stdout: Some(stdout), stderr: Some(stderr), line: format!("{:?}", self.command) }
    }
}

/// What a process writes into a pipe, taken off its hands as it comes, so that the pipe is never full.
#[derive(Debug)]
struct Gathered {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: JoinHandle<()>,
}

fn gather(pipe: Option<impl Read + Send + 'static>) -> Gathered {
    let mut pipe = pipe.expect("it was asked for");
    let bytes = Arc::<Mutex<Vec<u8>>>::default();
    let kept = Arc::clone(&bytes);
    let thread = thread::spawn(move || {
        let mut block = [0; 4096];
        while let Ok(read @ 1..) = pipe.read(&mut block) {
            kept.lock().unwrap().extend_from_slice(&block[..read]);
        }
    });
    Gathered { bytes, thread }
}

impl Gathered {
    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    fn all(self) -> String {
        self.thread.join().unwrap();
        let bytes = self.bytes.lock().unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The program while it runs. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    stdout: Option<Gathered>,
    stderr: Option<Gathered>,
    line: String,
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended yet.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it has written to stderr.
    pub(crate) fn stderr_so_far(&self) -> String {
        self.stderr.as_ref().map_or(String::new(), Gathered::so_far)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process has an id");
        kill_process(id, signal).unwrap();
    }

    /// kill -9; it is gone when this returns.
    #[track_caller]
    pub(crate) fn kill(mut self) -> Ended {
        let _ = self.child.kill();
        self.wait_for_its_end()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ended {
        self.wait_for_its_end()
    }

    #[track_caller]
    fn wait_for_its_end(&mut self) -> Ended {
        let status = eventually(&self.line.clone(), || self.child.try_wait().unwrap());
        let text = |pipe: Option<Gathered>| pipe.map_or(String::new(), Gathered::all);
        let (stdout, stderr) = (text(self.stdout.take()), text(self.stderr.take()));
        canary::expect_none_in("stdout", stdout.as_bytes());
        canary::expect_none_in("stderr", stderr.as_bytes());
        Ended { status, stdout, stderr, line: self.line.clone() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the program left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    line: String,
}

impl Ended {
    /// `None` when a signal ended it.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    pub(crate) fn was_killed(&self) -> bool {
        self.status.signal() == Some(Signal::KILL.as_raw())
    }

    /// Says that it ended with this exit code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code(),
            Some(code),
            "{}\n--- {}\n--- stdout\n{}--- stderr\n{}",
            self.line,
            self.status,
            self.stdout,
            self.stderr
        );
        self
    }

    /// The only line of stdout, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "one object a line, and one: {self:#?}");
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// The last line of stderr.
    #[track_caller]
    pub(crate) fn last_line(&self) -> &str {
        self.stderr.lines().last().unwrap_or_else(|| panic!("nothing stands on stderr: {self:#?}"))
    }

    /// Says that stderr holds `part`.
    #[track_caller]
    pub(crate) fn says(&self, part: &str) -> &Self {
        assert!(self.stderr.contains(part), "{part:?} is not in what it said:\n{}", self.stderr);
        self
    }
}
