//! Who stops a run: a signal or the deadline, politely at first. On a thread of its own, so that it works whatever
//! the run is busy with.

use std::{
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
    progress::Snapshot,
    resume,
    signals::StopSignals,
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

impl Cause {
    /// What the process says.
    pub(crate) const fn status(self) -> ExitStatus {
        match self {
            Self::Signal => ExitStatus::Interrupted,
            Self::Deadline => ExitStatus::Deadline,
        }
    }
}

#[derive(Default)]
struct State {
    upload: Option<Handle>,
    cause: Option<Cause>,
    /// The run has ended like this, and its last words are being said.
    ended: Option<ExitStatus>,
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

    /// The run has ended by itself and says its last words; a stop adds none to them.
    pub(crate) fn end(&self, status: ExitStatus) {
        self.state().ended = Some(status);
    }

    fn pause(&self, cause: Cause) {
        let mut state = self.state();
        state.cause = Some(cause);
        if let Some(upload) = &state.upload {
            upload.pause();
        }
    }

    /// Ends the process.
    fn leave(&self) -> ! {
        let mut state = self.state();
        // Last words that take so long go to somebody who does not listen.
        let status = state.ended.unwrap_or_else(|| {
            let cause = state.cause.unwrap_or(Cause::Signal);
            state.ended = Some(cause.status());
            // A bar may still stand in this line.
            let _ = io::stderr().write_all(b"\r");
            tell(cause, None, self.output);
            cause.status()
        });
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
pub(crate) fn tell(cause: Cause, kept: Option<Snapshot>, output: Output) {
    let status = cause.status();
    let command = resume::command();
    let kept = kept.filter(|kept| kept.total > 0);
    output.object(|| {
        json!({
            "v": 1,
            "outcome": status.word(),
            "exit": status.code(),
            "size": kept.map(|kept| kept.total),
            "bytes_kept": kept.map(|kept| kept.done),
            "resume": command,
        })
    });
    let what = match cause {
        Cause::Signal => "interrupted",
        Cause::Deadline => "the deadline was reached",
    };
    let kept = kept.map_or_else(|| "what the server has is kept".to_owned(), resume::kept);
    say(&format!("{what}; {kept}; go on with:"));
    say(&command);
}
