//! Which of our crates may use which, what each must never contain, and how many packages a tree may have.
//!
//! The tables are the decision; the functions below compare them with what cargo resolves. A new arrow is a change of
//! a table here, and so is seen.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{command, outcome::Outcome, workspace::Workspace};

/// A member of the workspace and the members that its manifest may name, for whatever purpose.
struct Arrows {
    from: &'static str,
    to: &'static [&'static str],
}

const ARROWS: &[Arrows] = &[
    Arrows { from: "oss-sign", to: &[] },
    Arrows { from: "oss-transport", to: &[] },
    Arrows { from: "oss-checkpoint", to: &[] },
    Arrows { from: "oss-resumable", to: &["oss-sign", "oss-transport", "oss-checkpoint"] },
    // The second reading of the protocol: it shares signatures with the uploader and nothing else.
    Arrows { from: "oss-emulator", to: &["oss-sign"] },
    Arrows {
        from: "oss-cli",
        to: &["oss-sign", "oss-transport", "oss-checkpoint", "oss-resumable", "oss-emulator"],
    },
    Arrows {
        from: "oss-tests",
        to: &["oss-sign", "oss-transport", "oss-checkpoint", "oss-resumable", "oss-emulator", "oss-cli"],
    },
    Arrows { from: "oss-fuzz", to: &["oss-sign", "oss-checkpoint", "oss-resumable", "oss-emulator"] },
    Arrows { from: "oss-bench", to: &["oss-sign", "oss-checkpoint", "oss-resumable"] },
    Arrows { from: "xtask", to: &[] },
];

/// What one build of a package may contain.
struct Tree {
    package: &'static str,
    features: &'static [&'static str],
    /// Our packages in it besides itself; none other.
    ours: &'static [&'static str],
    /// Packages of others that it must not contain.
    never: &'static [&'static str],
}

const TREES: &[Tree] = &[
    Tree { package: "oss-sign", features: &[], ours: &[], never: &["tokio", "hyper"] },
    Tree { package: "oss-sign", features: &["verify"], ours: &[], never: &["tokio", "hyper"] },
    Tree { package: "oss-transport", features: &[], ours: &[], never: &["hyper", "rustls", "tokio"] },
    Tree { package: "oss-transport", features: &["fault"], ours: &[], never: &["hyper", "rustls", "tokio"] },
    Tree { package: "oss-transport", features: &["hyper"], ours: &[], never: &[] },
    Tree { package: "oss-checkpoint", features: &[], ours: &[], never: &["tokio", "rustix", "ring"] },
    Tree { package: "oss-checkpoint", features: &["fs"], ours: &[], never: &["tokio"] },
    Tree {
        package: "oss-resumable",
        features: &[],
        ours: &["oss-checkpoint"],
        never: &["http", "tokio", "tracing", "hyper", "rustls", "rustix", "fastrand"],
    },
    Tree {
        package: "oss-resumable",
        features: &["wire"],
        ours: &["oss-checkpoint"],
        never: &["tokio", "tracing", "hyper", "rustls", "rustix", "fastrand"],
    },
    Tree {
        package: "oss-resumable",
        features: &["driver"],
        ours: &["oss-checkpoint", "oss-sign", "oss-transport"],
        never: &["hyper", "rustls", "clap"],
    },
    Tree {
        package: "oss-emulator",
        features: &[],
        ours: &["oss-sign"],
        never: &["crc-fast", "rustls", "clap"],
    },
    Tree {
        package: "oss-cli",
        features: &[],
        ours: &["oss-sign", "oss-transport", "oss-checkpoint", "oss-resumable", "oss-emulator"],
        never: &[],
    },
    Tree { package: "xtask", features: &[], ours: &[], never: &["tokio"] },
];

/// Packages that no build for any platform contains, tests included: ring is the only crypto, rustls the only TLS.
const NOWHERE: &[&str] = &["aws-lc-rs", "aws-lc-sys", "openssl-sys", "native-tls", "atomic-polyfill"];

/// The most packages that a tree may have, our own included, on the platform of this machine.
struct Budget {
    name: &'static str,
    packages: &'static [(&'static str, &'static [&'static str])],
    at_most: usize,
}

const BUDGETS: &[Budget] = &[
    Budget {
        name: "the libraries together",
        packages: &[
            ("oss-sign", &["verify"]),
            ("oss-transport", &["hyper", "fault"]),
            ("oss-checkpoint", &["fs"]),
            ("oss-resumable", &["driver"]),
        ],
        at_most: 90,
    },
    Budget { name: "the program", packages: &[("oss-cli", &[])], at_most: 145 },
];

/// Compares the workspace with the tables.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let mut findings = Vec::new();
    let manifests = manifests(&workspace.metadata(&["--no-deps"])?)?;
    findings.extend(wrong_arrows(ARROWS, &manifests));
    for tree in TREES {
        let packages = tree_of(workspace, tree.package, tree.features)?;
        findings.extend(wrong_tree(tree, &packages));
    }
    let everywhere = command::output(&mut workspace.cargo(&[
        "tree",
        "--workspace",
        "--all-features",
        "--target=all",
        "--edges=normal,build,dev",
        "--prefix=none",
        "--format={p}",
    ]))?;
    findings.extend(banned(NOWHERE, &names(&everywhere)));
    for budget in BUDGETS {
        let mut packages = BTreeSet::new();
        for (package, features) in budget.packages {
            packages.extend(tree_of(workspace, package, features)?);
        }
        println!("{}: {} packages of at most {}", budget.name, packages.len(), budget.at_most);
        findings.extend(over_budget(budget, packages.len()));
    }
    if findings.is_empty() {
        println!("{} manifests and {} trees are as the tables say", manifests.len(), TREES.len());
        return Ok(Outcome::Passed);
    }
    for finding in &findings {
        println!("layers: {finding}");
    }
    Ok(Outcome::Failed(format!("{} findings, the first: {}", findings.len(), findings[0])))
}

/// A member as its manifest has it.
struct Manifest {
    name: String,
    /// Every dependency that it declares: normal, build, for tests, optional, for other platforms.
    declares: BTreeSet<String>,
}

fn manifests(metadata: &Value) -> Result<Vec<Manifest>> {
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    packages.iter().map(manifest).collect()
}

fn manifest(package: &Value) -> Result<Manifest> {
    let name = package["name"].as_str().context("a package has no name")?.to_owned();
    let dependencies = package["dependencies"].as_array().context("a package has no dependencies")?;
    let declares = dependencies
        .iter()
        .map(|dependency| dependency["name"].as_str().map(str::to_owned).context("a dependency has no name"))
        .collect::<Result<_>>()?;
    Ok(Manifest { name, declares })
}

/// Members that the table does not know, and arrows between members that it does not allow.
fn wrong_arrows(table: &[Arrows], manifests: &[Manifest]) -> Vec<String> {
    let members: BTreeSet<&str> = manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    let mut findings = Vec::new();
    for manifest in manifests {
        let Some(arrows) = table.iter().find(|arrows| arrows.from == manifest.name) else {
            findings.push(format!("{} is a member that the table of arrows does not know", manifest.name));
            continue;
        };
        // A member that names itself switches its own features on for its tests; that is no arrow.
        let named = manifest.declares.iter().map(String::as_str).filter(|name| *name != manifest.name);
        for to in named.filter(|name| members.contains(name) && !arrows.to.contains(name)) {
            findings.push(format!("{} must not use {to}", manifest.name));
        }
    }
    findings
}

/// Our packages in a tree that may not be there, and packages of others that it must not contain.
fn wrong_tree(tree: &Tree, packages: &BTreeSet<Package>) -> Vec<String> {
    let built = match tree.features {
        [] => tree.package.to_owned(),
        features => format!("{}[{}]", tree.package, features.join(",")),
    };
    let mut findings = Vec::new();
    let names: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    for name in names {
        let ours = ARROWS.iter().any(|arrows| arrows.from == name) && name != tree.package;
        if (ours && !tree.ours.contains(&name)) || tree.never.contains(&name) {
            findings.push(format!("{built} must not contain {name}"));
        }
    }
    findings
}

fn banned(nowhere: &[&str], packages: &BTreeSet<Package>) -> Vec<String> {
    let found = packages.iter().filter(|package| nowhere.contains(&package.name.as_str()));
    found.map(|package| format!("{} {} must not be in any build", package.name, package.version)).collect()
}

fn over_budget(budget: &Budget, count: usize) -> Option<String> {
    let Budget { name, at_most, .. } = budget;
    (count > *at_most).then(|| format!("{name}: {count} packages, and {at_most} is the budget"))
}

/// One resolved package.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
}

/// What is compiled into `package` with these features alone, itself included.
fn tree_of(workspace: &Workspace, package: &str, features: &[&str]) -> Result<BTreeSet<Package>> {
    let answer = command::output(
        workspace.cargo(&["tree", "--edges=normal", "--prefix=none", "--format={p}"]).args([
            "--package",
            package,
            "--no-default-features",
            "--features",
            &features.join(","),
        ]),
    )?;
    let packages = names(&answer);
    if !packages.iter().any(|found| found.name == package) {
        bail!("cargo tree does not list {package} itself");
    }
    Ok(packages)
}

/// The packages of `cargo tree --prefix=none --format={p}`: `name vVERSION`, perhaps followed by where it lies.
fn names(tree: &str) -> BTreeSet<Package> {
    let words = tree.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?, words.next()?))
    });
    words
        .filter_map(|(name, version)| {
            Some(Package { name: name.to_owned(), version: version.strip_prefix('v')?.to_owned() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest_of(name: &str, declares: &[&str]) -> Manifest {
        Manifest { name: name.to_owned(), declares: declares.iter().map(|name| (*name).to_owned()).collect() }
    }

    fn leaf_and_core(leaf_declares: &[&str]) -> Vec<Manifest> {
        vec![
            manifest_of("oss-sign", leaf_declares),
            manifest_of("oss-checkpoint", &[]),
            manifest_of("oss-resumable", &["oss-sign", "oss-checkpoint", "tokio"]),
        ]
    }

    #[test]
    fn allowed_arrows_are_not_found() {
        assert_eq!(wrong_arrows(ARROWS, &leaf_and_core(&["ring", "http"])), [""; 0]);
    }

    #[test]
    fn a_member_may_name_itself() {
        assert_eq!(wrong_arrows(ARROWS, &leaf_and_core(&["oss-sign"])), [""; 0]);
    }

    #[test]
    fn a_planted_arrow_is_found() {
        let findings = wrong_arrows(ARROWS, &leaf_and_core(&["ring", "oss-checkpoint"]));
        assert_eq!(findings, ["oss-sign must not use oss-checkpoint"]);
    }

    #[test]
    fn a_member_without_a_row_is_found() {
        let findings = wrong_arrows(ARROWS, &[manifest_of("oss-new", &[])]);
        assert_eq!(findings, ["oss-new is a member that the table of arrows does not know"]);
    }

    #[test]
    fn a_planted_package_of_others_or_ours_is_found_in_its_tree() {
        let tree = Tree { package: "oss-sign", features: &["verify"], ours: &[], never: &["tokio"] };
        let clean = "oss-sign v0.1.0 (/somewhere/oss-sign)\nring v0.17.14\nring v0.17.14 (*)\n";
        assert_eq!(wrong_tree(&tree, &names(clean)), [""; 0]);
        let planted = format!("{clean}tokio v1.54.0\noss-checkpoint v0.1.0 (/somewhere)\n");
        let expected =
            ["oss-sign[verify] must not contain oss-checkpoint", "oss-sign[verify] must not contain tokio"];
        assert_eq!(wrong_tree(&tree, &names(&planted)), expected);
    }

    #[test]
    fn a_banned_package_is_found_wherever_it_is() {
        let packages = names("ring v0.17.14\naws-lc-sys v0.40.0 (build)\n\n[dev-dependencies]\n");
        assert_eq!(banned(NOWHERE, &packages), ["aws-lc-sys 0.40.0 must not be in any build"]);
    }

    #[test]
    fn a_package_counts_once_and_two_versions_count_twice() {
        let packages = names("a v1.0.0\na v1.0.0 (*)\na v2.0.0\nb v0.1.0 (proc-macro)\n");
        assert_eq!(packages.len(), 3);
        let budget = Budget { name: "all", packages: &[], at_most: 2 };
        assert_eq!(over_budget(&budget, 2), None);
        assert_eq!(over_budget(&budget, 3).as_deref(), Some("all: 3 packages, and 2 is the budget"));
    }
}
