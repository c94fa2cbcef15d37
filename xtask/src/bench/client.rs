//! The clients that are measured: the program, and peers that do the same upload.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use super::scenario::{PROGRAM, Parts};
use crate::{command, node, python, tools::Environment, workspace::Workspace};

const BUCKET: &str = "bench";

/// One upload that a client is asked to do.
pub(super) struct Upload<'a> {
    pub(super) endpoint: &'a str,
    pub(super) file: &'a Path,
    pub(super) key: &'a str,
    pub(super) parts: Parts,
    pub(super) parallel: u64,
    /// Empty, or with what a run before has left.
    pub(super) checkpoints: &'a Path,
}

/// A client that is ready to run.
pub(super) struct Client {
    pub(super) name: &'static str,
    pub(super) version: String,
    kind: Kind,
}

enum Kind {
    /// The program `oss`.
    Program(PathBuf),
    /// A driver of ours around a library, with the command line of [`driver_arguments`].
    Driver { words: Vec<PathBuf>, node_packages: Option<PathBuf> },
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
                if let Parts::Of(size) = upload.parts {
                    command.args(["--part-size", &size.to_string()]);
                }
                command.args(["--parallel", &upload.parallel.to_string()]);
                command.arg("--checkpoint-dir").arg(upload.checkpoints);
                command
            }
            Kind::Driver { words, node_packages } => {
                let (program, before) = words.split_first().expect("a driver has a program");
                let mut command = Command::new(program);
                command.args(before);
                driver_arguments(&mut command, upload);
                command.envs(node_packages.as_ref().map(|packages| ("NODE_PATH", packages)));
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
    let Parts::Of(part_size) = upload.parts else {
        unreachable!("only the program chooses the size of its parts")
    };
    command.arg(upload.file).args([BUCKET, upload.key, upload.endpoint]);
    command.args([part_size.to_string(), upload.parallel.to_string()]).arg(upload.checkpoints);
}

/// The clients that can be had, in the order of the tables, and why others cannot: a line each.
pub(super) struct Clients {
    pub(super) ready: Vec<Client>,
    pub(super) missing: Vec<String>,
}

impl Clients {
    pub(super) fn find(workspace: &Workspace, program: &Path) -> Result<Self> {
        let version = command::output(Command::new(program).arg("--version"))?;
        let version = version.lines().next().unwrap_or_default().to_owned();
        let program = Client { name: PROGRAM, version, kind: Kind::Program(program.to_owned()) };
        let mut clients = Self { ready: vec![program], missing: Vec::new() };
        let peers = workspace.root().join("xtask").join("peers");

        match opendal(workspace, &peers.join("opendal")) {
            Ok(client) => clients.ready.push(client),
            Err(error) => clients.missing.push(format!("opendal: {error}")),
        }
        match node::environment(workspace)? {
            Environment::Ready(packages) => {
                let node = command::output(Command::new("node").arg("--version"))?;
                clients.ready.push(Client {
                    name: "ali-oss",
                    version: format!(
                        "{} (Node {})",
                        node::SDK.replace('@', " "),
                        node.trim().trim_start_matches('v')
                    ),
                    kind: Kind::Driver {
                        words: vec!["node".into(), peers.join("upload_with_ali_oss.js")],
                        node_packages: Some(packages),
                    },
                });
            }
            Environment::Missing(why) => clients.missing.push(format!("ali-oss: {why}")),
        }
        match python::environment(workspace)? {
            Environment::Ready(python) => {
                let interpreter = command::output(Command::new(&python).arg("--version"))?;
                let sdk = |name: &'static str, script: &str, pinned: &str| Client {
                    name,
                    version: format!("{} ({})", pinned.replace("==", " "), interpreter.trim()),
                    kind: Kind::Driver {
                        words: vec![python.clone(), peers.join(script)],
                        node_packages: None,
                    },
                };
                let [oss2, oss_v2] = python::SDKS;
                clients.ready.push(sdk("alibabacloud-oss-v2", "upload_with_oss_v2.py", oss_v2));
                clients.ready.push(sdk("oss2", "upload_with_oss2.py", oss2));
            }
            Environment::Missing(why) => {
                clients.missing.extend(["alibabacloud-oss-v2", "oss2"].map(|name| format!("{name}: {why}")));
            }
        }
        Ok(clients)
    }
}

fn opendal(workspace: &Workspace, folder: &Path) -> Result<Client> {
    let target = workspace.scratch("bench/opendal")?;
    let mut build = workspace.cargo(&["build", "--quiet", "--locked", "--release", "--manifest-path"]);
    command::run(build.arg(folder.join("Cargo.toml")).arg("--target-dir").arg(&target))?;
    let locked = fs::read_to_string(folder.join("Cargo.lock"))?;
    let version =
        locked.split_once("name = \"opendal\"\nversion = \"").and_then(|(_, rest)| rest.split('"').next());
    Ok(Client {
        name: "opendal",
        version: format!("opendal {}", version.context("its lock file does not name opendal")?),
        kind: Kind::Driver {
            words: vec![target.join("release").join("upload-with-opendal")],
            node_packages: None,
        },
    })
}
