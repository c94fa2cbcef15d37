//! `oss emulate` as a process beside, for as long as a value lives.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::measure;

/// A running emulator; it is killed when this is dropped.
pub(crate) struct Emulator {
    process: Child,
    address: String,
}

impl Emulator {
    /// Starts it on a free port of the loopback interface, with its state in `root`, and waits until it listens.
    ///
    /// # Errors
    /// When it cannot be started, or ends or falls silent before it has said its address.
    pub(crate) fn start(program: &Path, root: &Path, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["emulate", "--listen", "127.0.0.1:0", "--root"]).arg(root).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let stdout = process.stdout.take().context("its stdout is a pipe")?;
        let mut emulator = Self { process, address: String::new() };
        let mut line = String::new();
        let mut stdout = BufReader::new(stdout);
        stdout.read_line(&mut line)?;
        let Some(address) = address_in(&line) else {
            bail!("`oss emulate` said {line:?}, which holds no address");
        };
        address.clone_into(&mut emulator.address);
        // Whatever else it says is taken off its hands, so that a full pipe can never hold it up.
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        Ok(emulator)
    }

    /// `http://HOST:PORT`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// CPU time that it has used so far.
    pub(crate) fn cpu(&self) -> Duration {
        measure::cpu_so_far(&self.process)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The first `IPv4:PORT` in a line of text or JSON.
fn address_in(line: &str) -> Option<&str> {
    let words = line.split(|letter: char| !(letter.is_ascii_digit() || letter == '.' || letter == ':'));
    words.map(|word| word.trim_matches(':')).find(|word| word.parse::<std::net::SocketAddrV4>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_text_and_json() {
        for line in [
            "listening on http://127.0.0.1:4711\n",
            "127.0.0.1:4711",
            r#"{"v":1,"endpoint":"http://127.0.0.1:4711","region":"cn-hangzhou"}"#,
        ] {
            assert_eq!(address_in(line), Some("127.0.0.1:4711"), "{line}");
        }
        assert_eq!(address_in("error: port 4711 is taken at 12:30\n"), None);
    }
}
