//! Who stops a run: a signal or the deadline, politely at first. On a thread of its own, so that it works whatever
//! the run is busy with.

use std::{
    ffi::OsString,
    io::{self, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use oss_resumable::driver::Handle;
use serde_json::json;

use crate::{
    exit::ExitStatus,
    output::{Output, say},
    signals::StopSignals,
    text::ShellLine,
};

/// How long a pause may take before the process ends without it; what was durable stays so.
const PATIENCE: Duration = Duration::from_millis(800);

/// Stops one upload.
#[derive(Clone)]
pub(crate) struct Stop {
    state: Arc<Mutex<State>>,
    output: Output,
}

/// Why it was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// SIGINT, SIGTERM or SIGHUP.
    Signal,
    /// `--deadline`.
    Deadline,
}

#[derive(Default)]
struct State {
    upload: Option<Handle>,
    cause: Option<Cause>,
    /// Somebody says the last words already.
    ended: bool,
}

impl Stop {
    /// Listens from here on.
    ///
    /// # Errors
    /// When the system gives no signals or no thread.
    pub(crate) fn listen(output: Output, deadline: Option<Duration>) -> io::Result<Self> {
        let stop = Self { state: Arc::default(), output };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut signals = {
            let _inside = runtime.enter();
            StopSignals::listen()?
        };
        let watcher = stop.clone();
        thread::Builder::new().name("oss-stop".to_owned()).spawn(move || {
            runtime.block_on(async {
                let cause = tokio::select! {
                    () = signals.next() => Cause::Signal,
                    () = after(deadline) => Cause::Deadline,
                };
                watcher.pause(cause);
                tokio::select! {
                    () = signals.next() => {}
                    () = tokio::time::sleep(PATIENCE) => {}
                }
                watcher.leave();
            });
        })?;
        Ok(stop)
    }

    /// This is what is to be stopped from now on; at once if a stop came before.
    pub(crate) fn attach(&self, upload: Handle) {
        let mut state = self.state();
        if state.cause.is_some() {
            upload.pause();
        }
        state.upload = Some(upload);
    }

    /// Why it was stopped, if it was.
    pub(crate) fn cause(&self) -> Option<Cause> {
        self.state().cause
    }

    /// The run has ended by itself and says the last words; from here on no signal cuts them short.
    pub(crate) fn end(&self) {
        self.state().ended = true;
    }

    fn pause(&self, cause: Cause) {
        let mut state = self.state();
        state.cause = Some(cause);
        if let Some(upload) = &state.upload {
            upload.pause();
        }
    }

    /// Ends the process, unless the run is about to.
    fn leave(&self) {
        let mut state = self.state();
        if state.ended {
            return;
        }
        state.ended = true;
        let cause = state.cause.unwrap_or(Cause::Signal);
        // A bar may still stand in this line.
        let _ = io::stderr().write_all(b"\r");
        let status = tell(cause, "what the server has is kept", self.output);
        std::process::exit(i32::from(status.code()));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn after(deadline: Option<Duration>) {
    match deadline {
        Some(deadline) => tokio::time::sleep(deadline).await,
        None => std::future::pending().await,
    }
}

/// The last words of a stopped run; the last line on stderr is the command that goes on.
pub(crate) fn tell(cause: Cause, kept: &str, output: Output) -> ExitStatus {
    let (status, what) = match cause {
        Cause::Signal => (ExitStatus::Interrupted, "interrupted"),
        Cause::Deadline => (ExitStatus::Deadline, "the deadline was reached"),
    };
    let command = command_that_goes_on();
    output.object(|| {
        json!({ "v": 1, "outcome": status.word(), "exit": status.code(), "message": kept, "resume": command })
    });
    say(&format!("{what}; {kept}; go on with:"));
    say(&command);
    status
}

/// This command, as a shell reads it, less what would begin anew.
fn command_that_goes_on() -> String {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    ShellLine(&going_on(arguments)).to_string()
}

fn going_on(arguments: Vec<OsString>) -> Vec<OsString> {
    let mut operands_only = false;
    arguments
        .into_iter()
        .filter(|argument| {
            operands_only |= argument == "--";
            operands_only || argument != "--no-resume"
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_goes_on_does_not_begin_anew() {
        let check = |line: &str, going: &str| {
            let words = line.split(' ').map(OsString::from).collect();
            assert_eq!(ShellLine(&going_on(words)).to_string(), going);
        };
        check("oss cp --no-resume a oss://demo/a", "oss cp a oss://demo/a");
        check("oss cp -- --no-resume oss://demo/a", "oss cp -- --no-resume oss://demo/a");
    }
}
