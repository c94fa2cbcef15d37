//! The clients that are measured: the program, and peers that do the same upload.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::Result;

use crate::{
    command,
    python::{self, Environment},
    workspace::Workspace,
};

/// Size of a part, in MiB: the default of the program and of oss2.
pub(super) const PART_MIB: u64 = 10;
/// Parts under way at a time.
pub(super) const PARALLEL: u64 = 4;

const BUCKET: &str = "bench";

/// One upload that a client is asked to do.
pub(super) struct Upload<'a> {
    pub(super) endpoint: &'a str,
    pub(super) file: &'a Path,
    pub(super) key: &'a str,
    /// An empty folder.
    pub(super) checkpoints: &'a Path,
}

/// A client that is ready to run.
pub(super) struct Client {
    pub(super) name: &'static str,
    kind: Kind,
}

enum Kind {
    /// The program `oss`.
    Program(PathBuf),
    /// A driver of ours around a library, with the command line of [`driver_arguments`].
    Driver(Vec<PathBuf>),
}

impl Client {
    /// The command line for an upload.
    pub(super) fn command(&self, upload: &Upload<'_>) -> Command {
        let mut command = match &self.kind {
            Kind::Program(program) => {
                let mut command = Command::new(program);
                command.args([
                    "--endpoint",
                    upload.endpoint,
                    "--region",
                    "cn-hangzhou",
                    "--no-progress",
                    "cp",
                ]);
                command.arg(upload.file).arg(format!("oss://{BUCKET}/{}", upload.key));
                command.args(["--part-size", &format!("{PART_MIB}M"), "--parallel", &PARALLEL.to_string()]);
                command.arg("--checkpoint-dir").arg(upload.checkpoints);
                command
            }
            Kind::Driver(words) => {
                let (program, before) = words.split_first().expect("a driver has a program");
                let mut command = Command::new(program);
                command.args(before);
                driver_arguments(&mut command, upload);
                command
            }
        };
        // The emulator verifies nothing here, so that clients with another kind of signature can take part.
        command.env("OSS_ACCESS_KEY_ID", "local").env("OSS_ACCESS_KEY_SECRET", "local");
        command.env("NO_PROXY", "127.0.0.1,localhost").env("no_proxy", "127.0.0.1,localhost");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

/// `FILE BUCKET KEY ENDPOINT PART_SIZE_BYTES PARALLEL CHECKPOINT_DIR`.
fn driver_arguments(command: &mut Command, upload: &Upload<'_>) {
    command.arg(upload.file).args([BUCKET, upload.key, upload.endpoint]);
    command.args([(PART_MIB << 20).to_string(), PARALLEL.to_string()]).arg(upload.checkpoints);
}

/// The program and every peer that can be had; one that cannot is named and left out.
pub(super) fn clients(workspace: &Workspace, program: &Path, folder: &Path) -> Result<Vec<Client>> {
    let mut clients = vec![Client { name: "oss", kind: Kind::Program(program.to_owned()) }];
    let peers = workspace.root().join("xtask").join("peers");

    let target = folder.join("opendal");
    let mut build = workspace.cargo(&["build", "--quiet", "--locked", "--release", "--manifest-path"]);
    build.arg(peers.join("opendal").join("Cargo.toml")).arg("--target-dir").arg(&target);
    match command::run(&mut build) {
        Ok(()) => {
            let words = vec![target.join("release").join("upload-with-opendal")];
            clients.push(Client { name: "opendal", kind: Kind::Driver(words) });
        }
        Err(error) => println!("skipped: opendal: {error}"),
    }

    match python::environment(workspace)? {
        Environment::Ready(python) => {
            let words = vec![python, peers.join("upload_with_oss2.py")];
            clients.push(Client { name: "oss2", kind: Kind::Driver(words) });
        }
        Environment::Missing(why) => println!("skipped: oss2: {why}"),
    }
    Ok(clients)
}
