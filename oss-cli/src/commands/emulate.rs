//! `oss emulate`: the local server, until a signal stops it.

use oss_emulator::{Emulator, StartError};
use serde_json::json;

use crate::{
    exit::ExitStatus,
    failure::{Failure, with_causes},
    settings::Global,
    signals::StopSignals,
};

/// Starts the server, says where it listens in one line, and waits for SIGINT, SIGTERM or SIGHUP, or the deadline.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn run(settings: &oss_emulator::Settings, global: Global) -> Result<ExitStatus, Failure> {
    let cannot_start = |error: std::io::Error| Failure::local(format!("cannot start: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot_start)?;
    runtime.block_on(async {
        let mut signals = StopSignals::listen().map_err(cannot_start)?;
        let region = settings.region.clone();
        let emulator =
            Emulator::bind(settings.clone()).and_then(Emulator::start).map_err(|error| failure_of(&error))?;
        let endpoint = emulator.endpoint();
        global.output.done(
            || format!("listening on {endpoint}"),
            || json!({ "v": 1, "endpoint": endpoint, "region": region }),
        );
        match global.deadline {
            Some(deadline) => {
                let _ = tokio::time::timeout(deadline, signals.next()).await;
            }
            None => signals.next().await,
        }
        Ok(ExitStatus::Done)
    })
}

fn failure_of(error: &StartError) -> Failure {
    let message = with_causes(error);
    match error {
        StartError::NotLoopback { .. } => {
            Failure::usage(message).with_hint("if they may, and may fill the disk here, give --allow-remote")
        }
        StartError::MalformedRegion { .. } => Failure::usage(message),
        StartError::Listen { .. } => {
            Failure::local(message).with_hint("--listen 127.0.0.1:0 takes a free port")
        }
        _ => Failure::local(message),
    }
}
