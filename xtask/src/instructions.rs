//! `cargo xtask instructions`: what fixed pieces of work cost, in instructions, held against what they cost when that was last
//! written down. Instructions do not depend on what else the machine does, as seconds do.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{
    command,
    outcome::Outcome,
    tools,
    workspace::{Profile, Workspace},
};

/// So many more instructions, in percent, are a regression: the counts repeat to the last digit.
const TOLERANCE: u64 = 3;
/// The same under another compiler, or another C library that comes with it.
const TOLERANCE_ELSEWHERE: u64 = 20;

/// Where valgrind is missing and cannot be installed, it is skipped; with `--bless` the counts are written down anew.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<Outcome> {
    let bless = match arguments {
        [] => false,
        [word] if word == "--bless" => true,
        _ => bail!("there is --bless, and nothing else"),
    };
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Ok(Outcome::Skipped("the counts are those of Linux on x86-64".into()));
    }
    if !std::fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| text.contains(" avx2 ")) {
        return Ok(Outcome::Skipped("the counts are those of a processor with AVX2".into()));
    }
    if !tools::have("valgrind", "valgrind", &["--version"])? {
        return Ok(Outcome::Skipped("there is no valgrind, and it cannot be installed".into()));
    }
    let program = workspace.build("oss-bench", "oss-bench", Profile::Release)?;
    let counted = count_all(&program)?;
    let rustc = command::output(Command::new("rustc").arg("--version"))?.trim().to_owned();
    let file = file(workspace);
    if bless {
        let written = json!({ "rustc": rustc, "instructions": counted });
        std::fs::write(&file, format!("{written:#}\n"))
            .with_context(|| format!("cannot write {}", file.display()))?;
        println!("written to {}", file.display());
        return Ok(Outcome::Passed);
    }
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let written: Value = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
    let tolerance = if written["rustc"] == rustc { TOLERANCE } else { TOLERANCE_ELSEWHERE };
    let (lines, worse) = compare(&written["instructions"], &counted, tolerance);
    println!("{lines}");
    Ok(if worse.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(format!(
            "more than {tolerance} % more instructions: {}; where that is worth it, `cargo xtask instructions --bless`",
            worse.join(", ")
        ))
    })
}

fn file(workspace: &Workspace) -> PathBuf {
    workspace.root().join("tests").join("bench").join("instructions.json")
}

fn count_all(program: &Path) -> Result<BTreeMap<String, u64>> {
    let names = command::output(&mut Command::new(program))?;
    let names = names.lines().filter_map(|line| line.split('\t').next());
    names.map(|name| Ok((name.to_owned(), count(program, name)?))).collect()
}

fn count(program: &Path, name: &str) -> Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program).arg(name);
    let done = valgrind.output().context("valgrind does not start")?;
    let said = String::from_utf8_lossy(&done.stderr);
    if !done.status.success() {
        bail!("{name} under valgrind ended with {}:\n{said}", done.status);
    }
    refs(&said).with_context(|| format!("valgrind does not say how many instructions {name} took:\n{said}"))
}

/// The count in what callgrind says at its end: `==1== I   refs:      1,234`.
fn refs(said: &str) -> Option<u64> {
    let (_, count) = said.lines().find_map(|line| line.split_once("refs:"))?;
    count.trim().replace(',', "").parse().ok()
}

/// A line for each piece of work, and those that cost too much more.
fn compare(written: &Value, counted: &BTreeMap<String, u64>, tolerance: u64) -> (String, Vec<String>) {
    let (mut lines, mut worse) = (Vec::new(), Vec::new());
    for (name, now) in counted {
        let Some(before) = written[name].as_u64() else {
            worse.push(format!("{name} (not written down)"));
            continue;
        };
        lines.push(format!("{name:<10} {now:>12} instructions, {before:>12} written down"));
        if u128::from(*now) * 100 > u128::from(before) * u128::from(100 + tolerance) {
            worse.push(name.clone());
        }
    }
    let gone = written.as_object().into_iter().flatten().filter(|(name, _)| !counted.contains_key(*name));
    worse.extend(gone.map(|(name, _)| format!("{name} (written down, and no longer there)")));
    (lines.join("\n"), worse)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
        pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn the_count_is_found_in_what_callgrind_says() {
        assert_eq!(refs("==7== Events    : Ir\n==7== I   refs:      36,208,752\n"), Some(36_208_752));
        assert_eq!(refs("==7== error\n"), None);
    }

    #[test]
    fn what_costs_more_was_never_written_down_or_is_gone_is_named() {
        let written = json!({ "a": 1000, "b": 1000, "c": 1000, "e": 1 });
        let (_, worse) = compare(&written, &counts(&[("a", 1030), ("b", 900), ("c", 1031), ("d", 1)]), 3);
        assert_eq!(worse, ["c", "d (not written down)", "e (written down, and no longer there)"]);
    }
}
