//! The program with strace at its side.
//!
//! strace counts calls for each thread by itself, and here most threads make one call and end. So that "the n-th call" means that of
//! the whole process, strace stops the process at each call, and the test counts and lets it go on.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Ended, Oss, Running, until};

/// No call is waited for longer than this.
const PATIENCE: Duration = Duration::from_mins(1);

/// Which calls are meant.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    /// Their names, with commas.
    names: String,
    /// Only those that are about one of these files; any if there are none.
    paths: Vec<PathBuf>,
    /// Others about the same files, each of which fails with that.
    beside: Option<(&'static str, &'static str)>,
}

impl Calls {
    pub(crate) fn named(names: &str) -> Self {
        Self { names: names.to_owned(), paths: Vec::new(), beside: None }
    }

    /// Reads that may block: nothing of these files is in memory.
    pub(crate) fn reads_that_block() -> Self {
        Self { beside: Some(("preadv2", "error=EAGAIN")), ..Self::named("pread64") }
    }

    pub(crate) fn about(self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { paths: paths.into_iter().collect(), ..self }
    }
}

/// A program that waits for its first instruction.
pub(crate) struct Traced {
    program: Running,
}

impl Traced {
    pub(crate) fn start(oss: Oss) -> Self {
        let program = oss.env("LD_BIND_NOW", "1").after("kill -STOP $$").start();
        until("it waits", || all_stand(program.id()));
        Self { program }
    }

    /// Kills it behind its n-th call; it may have ended before.
    pub(crate) fn killed_behind(self, calls: &Calls, n: usize) -> Ended {
        let mut strace = Strace::attach(self.program.id(), calls, "signal=SIGSTOP");
        strace.pass(&self.program, n);
        self.program.kill()
    }

    /// Lets its n-th call fail with this error, and says whether it came so far.
    pub(crate) fn failing_once(self, calls: &Calls, n: usize, error: &str) -> (Ended, bool) {
        if n > 1 {
            let mut strace = Strace::attach(self.program.id(), calls, "signal=SIGSTOP");
            let passed = strace.pass(&self.program, n - 1);
            drop(strace);
            if !passed {
                return (self.program.wait(), false);
            }
        }
        let fault = format!("error={error}:signal=SIGSTOP:when=1");
        let mut strace = Strace::attach(self.program.id(), calls, &fault);
        let hit = strace.pass(&self.program, 1);
        drop(strace);
        go_on(&self.program);
        (self.program.wait(), hit)
    }

    /// Lets something happen to these calls for good, such as `delay_enter=1000000`.
    pub(crate) fn with(self, calls: &Calls, what: &str) -> (Running, Strace) {
        let mut strace = Strace::attach(self.program.id(), calls, what);
        // Asked politely, it waits for the calls that it holds up.
        strace.farewell = Signal::KILL;
        go_on(&self.program);
        (self.program, strace)
    }
}

/// Whether each thread is stopped, by a signal or by its tracer.
fn all_stand(process: u32) -> bool {
    threads(process).all(|(_, state)| matches!(state, b'T' | b't'))
}

/// Each thread with the letter of its state (proc(5)); those that have ended meanwhile are not told.
fn threads(process: u32) -> impl Iterator<Item = (PathBuf, u8)> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    threads.filter_map(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).ok()?;
        let state = *stat.rsplit_once(") ")?.1.as_bytes().first()?;
        Some((thread.path(), state))
    })
}

fn go_on(program: &Running) {
    send(program.id(), Signal::CONT);
}

fn send(id: u32, signal: Signal) {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw).unwrap();
    // It may have ended by itself.
    let _ = kill_process(id, signal);
}

/// strace at the side of a process. When it is dropped, the process goes on without it.
pub(crate) struct Strace {
    child: Child,
    lines: Receiver<String>,
    /// Calls that are not counted.
    beside: Option<&'static str>,
    farewell: Signal,
}

impl Strace {
    /// Returns when it is there; the process still stands. While it is replaced by the program, or still let go by another
    /// tracer, it may not be attached to for a moment.
    fn attach(process: u32, calls: &Calls, inject: &str) -> Self {
        let mut refusal = String::new();
        for _ in 0..50 {
            match Self::try_attach(process, calls, inject) {
                Ok(strace) => return strace,
                Err(said) => refusal = said,
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("{refusal}");
    }

    fn try_attach(process: u32, calls: &Calls, inject: &str) -> Result<Self, String> {
        let Calls { names, paths, beside } = calls;
        let mut command = Command::new("strace");
        command.args(["-f", "-a", "1", "-s", "0", "-e", "signal=none", "-p", &process.to_string()]);
        command.args(["-e", &format!("inject={names}:{inject}")]);
        let mut traced = names.clone();
        if let Some((others, inject)) = beside {
            command.args(["-e", &format!("inject={others}:{inject}")]);
            traced = format!("{traced},{others}");
        }
        command.args(["-e", &format!("trace={traced}")]);
        for path in paths {
            command.arg("-P").arg(path);
        }
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, lines) = mpsc::channel();
        let mut told = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || {
            let mut line = String::new();
            while let Ok(1..) = told.read_line(&mut line) {
                if tell.send(std::mem::take(&mut line)).is_err() {
                    break;
                }
            }
        });
        let first = lines.recv_timeout(PATIENCE).unwrap();
        if !first.contains(" attached") {
            // It has ended by itself.
            let _ = child.wait();
            return Err(first);
        }
        Ok(Self { child, lines, beside: beside.map(|(others, _)| others), farewell: Signal::INT })
    }

    /// Lets the process go on until it has made so many of the calls, and stand then; `false` if it ended before.
    pub(crate) fn pass(&mut self, program: &Running, calls: usize) -> bool {
        go_on(program);
        let mut passed = 0;
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            if is_call(&line) && !self.beside.is_some_and(|other| line.contains(other)) {
                passed += 1;
                if passed == calls {
                    // The order to go on behind an earlier call may have undone the order to stop at this one.
                    send(program.id(), Signal::STOP);
                    until("all its threads stand", || all_stand(program.id()));
                    return true;
                }
                go_on(program);
            }
        }
        false
    }

    /// Waits until the process has asked to end like that, which ends all threads that nobody holds; `false` if it ends otherwise.
    pub(crate) fn some_thread_exits_with(&mut self, code: i32) -> bool {
        let exited = format!("+++ exited with {code} +++");
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(10)) {
            if line.contains(&exited) {
                return true;
            }
        }
        false
    }

    /// Whether it holds a thread for longer than a call of one takes.
    pub(crate) fn holds_one(&self, program: &Running) -> bool {
        let held = || -> Vec<PathBuf> {
            let threads = threads(program.id()).filter(|(_, state)| *state == b't');
            threads.map(|(thread, _)| thread).collect()
        };
        let before = held();
        thread::sleep(Duration::from_millis(50));
        held().iter().any(|thread| before.contains(thread))
    }
}

/// Whether a line says that a call has come back.
fn is_call(line: &str) -> bool {
    line.contains(") = ")
}

impl Drop for Strace {
    fn drop(&mut self) {
        // It lets go of the process then.
        send(self.child.id(), self.farewell);
        let _ = self.child.wait();
    }
}
