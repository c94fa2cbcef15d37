//! The benchmarks of single functions: criterion runs them, and its own files say what came out.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::results::{At, Function, Functions};
use crate::{command, workspace::Workspace};

/// Runs those of every member that has some.
pub(super) fn measure(workspace: &Workspace) -> Result<Functions> {
    let kept = workspace.scratch("criterion")?;
    // What a benchmark that is no longer there has left would be read too.
    fs::remove_dir_all(&kept)?;
    let metadata = workspace.metadata(&["--no-deps"])?;
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let targets = package["targets"].as_array().into_iter().flatten();
        for target in targets.filter(|target| target["kind"][0] == "bench") {
            let (Some(package), Some(bench)) = (package["name"].as_str(), target["name"].as_str()) else {
                bail!("cargo metadata lists a benchmark without a name");
            };
            let mut cargo =
                workspace.cargo(&["bench", "--package", package, "--all-features", "--bench", bench]);
            command::run(&mut cargo)?;
        }
    }
    Ok(Functions { at: At::now()?, functions: read(&kept)? })
}

/// `GROUP/FUNCTION/new/` holds `benchmark.json`, what it is, and `estimates.json`, what it took.
fn read(folder: &Path) -> Result<Vec<Function>> {
    let mut functions = Vec::new();
    for group in fs::read_dir(folder)? {
        let group = group?.path();
        for function in fs::read_dir(&group)? {
            let new = function?.path().join("new");
            if new.is_dir() {
                functions.push(
                    function_of(&json(&new.join("benchmark.json"))?, &json(&new.join("estimates.json"))?)
                        .with_context(|| format!("{} is not as criterion writes it", new.display()))?,
                );
            }
        }
    }
    functions.sort_by(|a: &Function, b| (&a.group, &a.name).cmp(&(&b.group, &b.name)));
    Ok(functions)
}

fn json(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

fn function_of(benchmark: &Value, estimates: &Value) -> Option<Function> {
    let elements = benchmark["throughput"]["Elements"].as_f64()?;
    let nanoseconds = estimates["median"]["point_estimate"].as_f64()? / elements;
    Some(Function {
        group: benchmark["group_id"].as_str()?.to_owned(),
        name: benchmark["function_id"].as_str()?.to_owned(),
        nanoseconds: (nanoseconds * 100.0).round() / 100.0,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_time_of_a_run_is_shared_among_its_elements() {
        let benchmark =
            json!({ "group_id": "join", "function_id": "CRCs", "throughput": { "Elements": 10_000 } });
        let estimates =
            json!({ "median": { "point_estimate": 500_000.0 }, "mean": { "point_estimate": 1.0 } });
        let function = function_of(&benchmark, &estimates).unwrap();
        assert_eq!(function, Function { group: "join".into(), name: "CRCs".into(), nanoseconds: 50.0 });
        assert_eq!(function_of(&json!({}), &estimates), None);
    }
}
