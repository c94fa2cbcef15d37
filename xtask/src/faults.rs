//! `cargo xtask faults`: the catalogue of faults (`docs/faults.md`) against the tests that name its rows.
//!
//! A test names the rows that it shows in a comment directly above it, `// Rows: 46, 47`. Nothing here can tell whether
//! it does show them; that each row has somebody who says so, and each number a row, is what can be kept true.

mod catalogue;
mod claims;

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, bail};

use self::{
    catalogue::{Row, Waiting},
    claims::{Claim, Language},
};
use crate::{outcome::Outcome, workspace::Workspace};

/// Where the rows are, from the workspace's root.
const CATALOGUE: &str = "docs/faults.md";

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<Outcome> {
    let all = match arguments {
        [] => false,
        [one] if one == "--all" => true,
        [first, ..] => bail!("`{first}` is not known here; there is --all"),
    };
    let path = workspace.root().join(CATALOGUE);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let rows = catalogue::rows(&text).with_context(|| format!("cannot make out {CATALOGUE}"))?;
    let mut findings = Vec::new();
    let mut claims = Vec::new();
    for (path, language) in sources(workspace.root())? {
        let text = fs::read_to_string(workspace.root().join(&path))
            .with_context(|| format!("cannot read {path}"))?;
        match claims::claims(&path, &text, language) {
            Ok(found) => claims.extend(found),
            Err(found) => findings.extend(found),
        }
    }
    let coverage = Coverage::of(&rows, &claims);
    findings.extend(coverage.findings());
    println!("{}", if all { coverage.everything() } else { coverage.waiting() });
    for finding in &findings {
        println!("faults: {finding}");
    }
    println!("{}", coverage.summary());
    if findings.is_empty() {
        return Ok(Outcome::Passed);
    }
    Ok(Outcome::Failed(format!("{} findings, the first: {}", findings.len(), findings[0])))
}

/// Every file that may name rows, from the root: all Rust sources, and the Python tests.
fn sources(root: &Path) -> Result<Vec<(String, Language)>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
                continue;
            }
            let path = path.strip_prefix(root)?.to_string_lossy().into_owned();
            match Path::new(&name).extension().and_then(|extension| extension.to_str()) {
                // A task's checks are functions that `ci` calls, and no tests of `cargo test`.
                Some("rs") if path.starts_with("xtask/") => found.push((path, Language::Task)),
                Some("rs") => found.push((path, Language::Rust)),
                Some("py") if path.starts_with("tests/") => found.push((path, Language::Python)),
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The rows, each with who shows it.
struct Coverage<'a> {
    rows: &'a [Row],
    by_row: BTreeMap<u16, Vec<&'a Claim>>,
}

impl<'a> Coverage<'a> {
    fn of(rows: &'a [Row], claims: &'a [Claim]) -> Self {
        let mut by_row: BTreeMap<u16, Vec<&Claim>> = BTreeMap::new();
        for claim in claims {
            for row in &claim.rows {
                by_row.entry(*row).or_default().push(claim);
            }
        }
        Self { rows, by_row }
    }

    fn claims(&self, row: &Row) -> &[&'a Claim] {
        self.by_row.get(&row.number).map_or(&[], Vec::as_slice)
    }

    fn lacks_a_test(&self, row: &Row) -> bool {
        !matches!(row.waiting, Waiting::All(_)) && self.claims(row).is_empty()
    }

    /// What must not be: rows without a test, tests without a row, tests of what is not there yet.
    fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        for row in self.rows {
            let claims = self.claims(row);
            if self.lacks_a_test(row) {
                findings.push(format!("row {} has no test: {}", row.number, row.happens));
            }
            if let (Waiting::All(reason), Some(claim)) = (&row.waiting, claims.first()) {
                let Row { number, .. } = row;
                findings.push(format!("row {number} is said to wait for {reason}, and {claim} shows it"));
            }
        }
        for (number, claims) in &self.by_row {
            if !self.rows.iter().any(|row| row.number == *number) {
                let claim = claims[0];
                findings.push(format!("{claim} names row {number}, which is not in {CATALOGUE}"));
            }
        }
        findings
    }

    /// A line for each row that waits for something.
    fn waiting(&self) -> String {
        let mut lines = Vec::new();
        for row in self.rows {
            let Row { number, happens, waiting } = row;
            match waiting {
                Waiting::All(reason) => lines.push(format!("row {number} waits for {reason}: {happens}")),
                Waiting::Part(reason) => {
                    lines.push(format!("row {number} waits in part for {reason}: {happens}"));
                }
                Waiting::No => {}
            }
        }
        lines.join("\n")
    }

    /// Each row with the tests that show it.
    fn everything(&self) -> String {
        let mut lines = Vec::new();
        for row in self.rows {
            lines.push(format!("row {}: {}", row.number, row.happens));
            match &row.waiting {
                Waiting::All(reason) => lines.push(format!("    waits for {reason}")),
                Waiting::Part(reason) => lines.push(format!("    waits in part for {reason}")),
                Waiting::No => {}
            }
            if self.lacks_a_test(row) {
                lines.push("    has no test".to_owned());
            }
            lines.extend(self.claims(row).iter().map(|claim| format!("    {claim}")));
        }
        lines.join("\n")
    }

    fn summary(&self) -> String {
        let with = self.rows.iter().filter(|row| !self.claims(row).is_empty()).count();
        let without = self.rows.iter().filter(|row| self.lacks_a_test(row)).count();
        let waiting = self.rows.iter().filter(|row| matches!(row.waiting, Waiting::All(_))).count();
        format!("{} rows: {with} with a test, {without} without, {waiting} wait", self.rows.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u16, waiting: Waiting) -> Row {
        Row { number, happens: format!("fault {number}"), waiting }
    }

    fn claim(rows: &[u16]) -> Claim {
        Claim { path: "tests/it/a.rs".to_owned(), test: "it_holds".to_owned(), rows: rows.to_vec() }
    }

    fn folders() -> Waiting {
        Waiting::All("folders".to_owned())
    }

    #[test]
    fn each_row_has_a_test_or_waits() {
        let rows = [row(1, Waiting::No), row(2, folders()), row(3, Waiting::Part("a flag".to_owned()))];
        let claims = [claim(&[1]), claim(&[1, 3])];
        let coverage = Coverage::of(&rows, &claims);
        assert_eq!(coverage.findings(), [""; 0]);
        assert_eq!(coverage.summary(), "3 rows: 2 with a test, 0 without, 1 wait");
        assert_eq!(
            coverage.waiting(),
            "row 2 waits for folders: fault 2\nrow 3 waits in part for a flag: fault 3"
        );
        assert_eq!(coverage.everything().matches("tests/it/a.rs: it_holds").count(), 3);
    }

    #[test]
    fn a_row_without_a_test_is_found_even_if_it_waits_in_part() {
        for waiting in [Waiting::No, Waiting::Part("a flag".to_owned())] {
            let rows = [row(1, waiting)];
            let coverage = Coverage::of(&rows, &[]);
            assert_eq!(coverage.findings(), ["row 1 has no test: fault 1"]);
            assert!(coverage.everything().contains("\n    has no test"));
        }
    }

    #[test]
    fn a_test_of_a_row_that_is_not_there_is_found() {
        let claims = [claim(&[1, 151])];
        let findings = Coverage::of(&[row(1, Waiting::No)], &claims).findings();
        assert_eq!(findings, ["tests/it/a.rs: it_holds names row 151, which is not in docs/faults.md"]);
    }

    #[test]
    fn a_test_of_a_row_that_waits_is_found() {
        let claims = [claim(&[1])];
        let findings = Coverage::of(&[row(1, folders())], &claims).findings();
        assert_eq!(findings, ["row 1 is said to wait for folders, and tests/it/a.rs: it_holds shows it"]);
    }

    #[test]
    fn the_catalogue_of_this_workspace_can_be_read() {
        let rows = catalogue::rows(include_str!("../../docs/faults.md")).unwrap();
        assert_eq!(rows.len(), 150);
    }
}
