//! The official SDKs against our emulator and our program, and our program against the official signer.

use std::process::Command;

use anyhow::{Context, Result};

use crate::{
    command,
    emulator::Emulator,
    outcome::Outcome,
    python,
    tools::Environment,
    workspace::{Profile, Workspace},
};

/// The scripts in `tests/interop`, each a set of tests of its own.
const SCRIPTS: &[&str] = &["oss2_sdk.py", "oss_v2_sdk.py", "strict_signatures.py"];

/// The key pair that the emulator and the scripts share; nothing outside this machine knows it.
const ACCESS_KEY_ID: &str = "LTAIinterop";
const ACCESS_KEY_SECRET: &str = "interop-secret";
const REGION: &str = "cn-hangzhou";

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let python = match python::environment(workspace)? {
        Environment::Ready(python) => python,
        Environment::Missing(why) => return Ok(Outcome::Skipped(why)),
    };
    let program = workspace.build_program(Profile::Dev)?;
    let scratch = workspace.scratch("interop/run")?;
    std::fs::remove_dir_all(&scratch)?;
    let root = scratch.join("emulator");
    std::fs::create_dir_all(&root).with_context(|| format!("cannot make {}", root.display()))?;
    let key = format!("{ACCESS_KEY_ID}:{ACCESS_KEY_SECRET}");
    let emulator =
        Emulator::start(&program, &root, &["--create-buckets", "--access-key", &key, "--region", REGION])?;
    let mut failed = Vec::new();
    for script in SCRIPTS {
        let mut tests = Command::new(&python);
        tests
            .args(["-B", "-m", "unittest", "--verbose"])
            .arg(script.trim_end_matches(".py"))
            .current_dir(workspace.root().join("tests").join("interop"))
            .env("OSS_BIN", &program)
            // Everything here is on the loopback interface, whatever proxy the machine has.
            .env("NO_PROXY", "127.0.0.1,localhost")
            .env("no_proxy", "127.0.0.1,localhost")
            .env("INTEROP_ENDPOINT", emulator.endpoint())
            .env("INTEROP_REGION", REGION)
            .env("INTEROP_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .env("INTEROP_ACCESS_KEY_SECRET", ACCESS_KEY_SECRET)
            .env("INTEROP_FOLDER", scratch.join(script));
        if let Err(error) = command::run(&mut tests) {
            println!("{error:#}");
            failed.push(*script);
        }
    }
    if failed.is_empty() {
        return Ok(Outcome::Passed);
    }
    Ok(Outcome::Failed(format!("tests failed in {}", failed.join(", "))))
}
