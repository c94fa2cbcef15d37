//! `oss emulate` as a process of its own, on a port that it keeps over restarts.

use std::{
    ffi::OsString,
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::{program::program, wait::eventually};

/// A running emulator. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct EmulatorProcess {
    process: Child,
    root: PathBuf,
    arguments: Vec<OsString>,
    address: SocketAddr,
}

impl EmulatorProcess {
    /// Starts one on a free port, with its state in `root`, which misbehaves as `faults` says; returns when it listens.
    pub(crate) fn start(root: &Path, faults: &str, arguments: &[&str]) -> Self {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let (process, address) = started(root, free, faults, &arguments).expect("a port is free");
        Self { process, root: root.to_owned(), arguments, address }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// kill -9; it is gone when this returns.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        self.process.wait().unwrap();
    }

    /// Kills it, if it still runs, and starts it again with the same state at the same port, with these faults.
    pub(crate) fn restart(&mut self, faults: &str) {
        self.kill();
        let again = || started(&self.root, self.address, faults, &self.arguments);
        let (process, address) = eventually("the emulator gets its port back", again);
        assert_eq!(address, self.address);
        self.process = process;
    }
}

impl Drop for EmulatorProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `None` when it ended before it said where it listens.
fn started(
    root: &Path,
    listen: SocketAddr,
    faults: &str,
    arguments: &[OsString],
) -> Option<(Child, SocketAddr)> {
    fs::create_dir_all(root).unwrap();
    let script = root.with_extension("faults.toml");
    fs::write(&script, faults).unwrap();
    let mut process = Command::new(program())
        .args(["emulate", "--create-buckets", "--listen", &listen.to_string(), "--root"])
        .arg(root)
        .arg("--faults")
        .arg(script)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = process.stdout.take().expect("it was asked for");
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let address = line.trim_end().rsplit_once("//").and_then(|(_, address)| address.parse().ok());
    if address.is_none() {
        let _ = process.kill();
        process.wait().unwrap();
    }
    Some((process, address?))
}
