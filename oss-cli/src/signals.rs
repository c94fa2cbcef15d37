//! SIGINT, SIGTERM and SIGHUP: the first asks to stop, the second is not argued with. SIGXFSZ is no reason to die.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that stop a run.
pub(crate) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    /// `None` where it was ignored from the start: `nohup` means to survive the terminal.
    hang_up: Option<Signal>,
}

impl StopSignals {
    /// Takes them over from here on. Needs a runtime.
    ///
    /// # Errors
    /// When the system does not hand them over.
    pub(crate) fn listen() -> io::Result<Self> {
        // Else a limit on the size of files would kill the process where a write can fail. A handler stays for good.
        drop(signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?);
        let hang_up = if ignores_hang_up() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up,
        })
    }

    /// Waits for one of them.
    pub(crate) async fn next(&mut self) {
        let hang_up = async {
            match &mut self.hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hang_up => {}
        }
    }
}

/// Whether the parent set SIGHUP (1) to be ignored; where the system does not tell, it did not.
fn ignores_hang_up() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignored_signals(&status) & 1 == 1)
}

/// The `SigIgn` mask of a process: bit n - 1 stands for signal n.
fn ignored_signals(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_found() {
        assert_eq!(ignored_signals("Name:\toss\nSigIgn:\t0000000000001001\nSigCgt:\t00\n"), 0x1001);
        assert_eq!(ignored_signals("Name:\toss\n"), 0);
    }
}
