//! Where the workspace is, and what cargo says about it.

use std::{
    env::consts::EXE_SUFFIX,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command;

/// The workspace that this program was built in.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

/// Which build of the program is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// The profile of `cargo build`, which the tests use too.
    Dev,
    /// The profile of `cargo build --release`.
    Release,
}

impl Workspace {
    pub(crate) fn open() -> Result<Self> {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace's root")?;
        let mut workspace = Self { root: root.to_owned(), target: PathBuf::new() };
        let metadata = workspace.metadata(&["--no-deps"])?;
        let target =
            metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
        workspace.target = PathBuf::from(target);
        Ok(workspace)
    }

    /// The folder of the workspace's `Cargo.toml`.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A folder of that name below cargo's target folder, made if need be.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let path = self.target.join(name);
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }

    /// `cargo ARGUMENTS`, in the workspace's root.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(arguments).current_dir(&self.root);
        cargo
    }

    /// What `cargo metadata` answers.
    pub(crate) fn metadata(&self, arguments: &[&str]) -> Result<Value> {
        let mut cargo = self.cargo(&["metadata", "--quiet", "--format-version=1"]);
        let answer = command::output(cargo.args(arguments))?;
        serde_json::from_str(&answer).context("cargo metadata did not answer JSON")
    }

    /// Builds the program `oss` and says where it is.
    pub(crate) fn build_program(&self, profile: Profile) -> Result<PathBuf> {
        self.build("oss-cli", "oss", profile)
    }

    /// Builds a program of a member and gives its path.
    ///
    /// # Errors
    /// When it does not build.
    pub(crate) fn build(&self, package: &str, name: &str, profile: Profile) -> Result<PathBuf> {
        let mut cargo = self.cargo(&["build", "--package", package, "--bin", name]);
        let folder = match profile {
            Profile::Dev => "debug",
            Profile::Release => {
                cargo.arg("--release");
                "release"
            }
        };
        command::run(&mut cargo)?;
        Ok(self.target.join(folder).join(format!("{name}{EXE_SUFFIX}")))
    }
}
