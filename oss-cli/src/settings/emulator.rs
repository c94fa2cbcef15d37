//! What the server of `oss emulate` is started with.

use std::path::Path;

use oss_emulator::{AccessKey, Cname, Settings, faults::Script};

use super::state_folder;
use crate::{
    args::{EmulateArguments, GlobalArguments},
    failure::Failure,
    output,
};

/// Settles the flags of `oss emulate`; the environment has no say.
pub(super) fn settle(said: &GlobalArguments, arguments: EmulateArguments) -> Result<Settings, Failure> {
    let root = match arguments.root {
        Some(root) => root,
        None => state_folder("emulator").map_err(|failure| failure.with_hint("say where with --root"))?,
    };
    let mut settings = Settings::new(root);
    settings.listen = arguments.listen;
    settings.allow_remote = arguments.allow_remote;
    settings.create_buckets = arguments.create_buckets;
    settings.discard = arguments.discard;
    settings.no_verify = arguments.no_verify;
    settings.log_file = arguments.log;
    if let Some(region) = &said.region {
        settings.region.clone_from(region);
    }
    if !arguments.access_key.is_empty() {
        let seen = "warning: other users of this machine can see the secret of --access-key";
        output::say(&format!("{seen}; --access-key-file keeps it from them"));
    }
    if let Some(file) = &arguments.access_key_file {
        settings.access_keys = access_keys(file)?;
    }
    for key in arguments.access_key {
        let key = key.to_str().and_then(|key| key.parse::<AccessKey>().ok());
        let key =
            key.ok_or_else(|| Failure::usage("--access-key is written ID:SECRET or ID:SECRET:TOKEN"))?;
        settings.access_keys.push(key);
    }
    for cname in &arguments.cname {
        let cname: Cname =
            cname.parse().map_err(|error| Failure::usage(format!("--cname {cname}: {error}")))?;
        settings.cnames.push(cname);
    }
    if let Some(script) = &arguments.faults {
        settings.faults = faults(script)?;
    }
    Ok(settings)
}

/// The messages name the line and never repeat it.
fn access_keys(file: &Path) -> Result<Vec<AccessKey>, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::local(format!("cannot read --access-key-file {}: {error}", file.display()))
    })?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let keys = lines.map(|(at, line)| {
        let malformed = |_| {
            let (file, line) = (file.display(), at + 1);
            Failure::usage(format!(
                "--access-key-file {file}: line {line} is not ID:SECRET or ID:SECRET:TOKEN"
            ))
        };
        line.trim().parse().map_err(malformed)
    });
    keys.collect()
}

fn faults(script: &Path) -> Result<Script, Failure> {
    let text = std::fs::read_to_string(script)
        .map_err(|error| Failure::local(format!("cannot read --faults {}: {error}", script.display())))?;
    Script::parse(&text).map_err(|error| Failure::usage(format!("--faults {}: {error}", script.display())))
}
