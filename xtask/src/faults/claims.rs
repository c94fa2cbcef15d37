//! Which test says that it shows which rows.

use std::fmt;

/// A test and the rows that stand above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// From the workspace's root.
    pub(super) path: String,
    /// Name of the function.
    pub(super) test: String,
    /// Ascending.
    pub(super) rows: Vec<u16>,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.test)
    }
}

/// What a file is written in, and what counts as a test there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Language {
    /// Functions that are marked as tests.
    Rust,
    /// Rust too, but its functions are called by `cargo xtask ci`: any counts.
    Task,
    /// Any function.
    Python,
}

impl Language {
    /// What stands behind the comment sign of this line, if it is a comment that is no documentation.
    fn comment(self, line: &str) -> Option<&str> {
        let rest = match self {
            Self::Rust | Self::Task => {
                line.strip_prefix("//").filter(|rest| !rest.starts_with(['/', '!']))?
            }
            Self::Python => line.strip_prefix('#')?,
        };
        Some(rest)
    }

    /// Whether this line says something of the function that follows.
    fn is_attribute(self, line: &str) -> bool {
        match self {
            Self::Rust | Self::Task => line.starts_with("#["),
            Self::Python => line.starts_with('@'),
        }
    }

    /// The name of the function that begins in this line.
    fn function(self, line: &str) -> Option<&str> {
        let name = match self {
            Self::Rust | Self::Task => {
                let words = ["pub ", "pub(crate) ", "pub(super) ", "const ", "async "];
                let bare = words.iter().fold(line, |line, word| line.strip_prefix(word).unwrap_or(line));
                bare.strip_prefix("fn ")?
            }
            Self::Python => line.strip_prefix("async ").unwrap_or(line).strip_prefix("def ")?,
        };
        name.split(['(', '<', ' ']).next().filter(|name| !name.is_empty())
    }

    /// Whether a function with these attributes is run by something.
    fn is_test(self, attributes: &[&str]) -> bool {
        let has = |part: &str| attributes.iter().any(|attribute| attribute.contains(part));
        match self {
            Self::Rust => (has("#[test]") || has("::test]") || has("::test(")) && !has("#[ignore"),
            Self::Task | Self::Python => true,
        }
    }
}

/// All claims of a file, or what is wrong with some.
pub(super) fn claims(path: &str, text: &str, language: Language) -> Result<Vec<Claim>, Vec<String>> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let (mut claims, mut findings) = (Vec::new(), Vec::new());
    for (index, line) in lines.iter().enumerate() {
        let Some(comment) = language.comment(line).filter(|comment| comment.trim().starts_with("Rows:"))
        else {
            continue;
        };
        let place = format!("{path}:{}", index + 1);
        match (numbers(comment), test_below(&lines[index + 1..], language)) {
            (None, _) => {
                findings.push(format!("{place}: `{line}` is not of the form `Rows: 46, 47`, ascending"));
            }
            (_, None) => findings.push(format!("{place}: `{line}` does not stand above a test")),
            (Some(rows), Some(name)) => {
                claims.push(Claim { path: path.to_owned(), test: name.to_owned(), rows });
            }
        }
    }
    if findings.is_empty() { Ok(claims) } else { Err(findings) }
}

/// The rows of ` Rows: 46, 47`; `None` if it has another form.
fn numbers(comment: &str) -> Option<Vec<u16>> {
    let rows: Vec<u16> = comment
        .strip_prefix(" Rows: ")?
        .split(", ")
        .map(|number| number.parse().ok().filter(|_| !number.starts_with(['0', '+'])))
        .collect::<Option<_>>()?;
    rows.is_sorted_by(|one, next| one < next).then_some(rows)
}

/// The name of the test that begins in these lines, behind its attributes.
fn test_below<'a>(lines: &[&'a str], language: Language) -> Option<&'a str> {
    let first = lines.iter().position(|line| !language.is_attribute(line))?;
    let (attributes, rest) = lines.split_at(first);
    language.function(rest[0]).filter(|_| language.is_test(attributes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str], language: Language) -> Result<Vec<(String, Vec<u16>)>, Vec<String>> {
        let claims = claims("a.rs", &lines.join("\n"), language)?;
        Ok(claims.into_iter().map(|claim| (claim.test, claim.rows)).collect())
    }

    #[test]
    fn a_claim_is_a_test_and_its_rows() {
        let check = |lines: &[&str], language, test: &str, rows: &[u16]| {
            assert_eq!(of(lines, language), Ok(vec![(test.to_owned(), rows.to_vec())]), "{lines:?}");
        };
        check(&["// Rows: 46, 47", "#[test]", "fn it_holds() {"], Language::Rust, "it_holds", &[46, 47]);
        let tokio =
            ["/// Why.", "// Rows: 7", "#[tokio::test(flavor = \"x\")]", "#[cfg(unix)]", "async fn a() {"];
        check(&tokio, Language::Rust, "a", &[7]);
        check(
            &["mod tests {", "    // Rows: 7", "    #[tokio::test]", "    async fn a() {"],
            Language::Rust,
            "a",
            &[7],
        );
        check(&["// Rows: 140", "pub(crate) fn run(x: &X) -> Y {"], Language::Task, "run", &[140]);
        check(&["# Rows: 64", "@quiet", "def two_hosts(scene):"], Language::Python, "two_hosts", &[64]);
    }

    #[test]
    fn documentation_strings_and_other_comments_claim_nothing() {
        for line in ["//! // Rows: 1", "/// Rows: 1", "let x = \"// Rows: 1\";", "// The rows: 1", "// 1"] {
            assert_eq!(of(&[line], Language::Rust), Ok(vec![]), "{line}");
        }
    }

    #[test]
    fn a_claim_above_anything_but_a_test_is_found() {
        let below: [&[&str]; 7] = [
            &["fn helper() {"],
            &["#[ignore = \"slow\"]", "#[test]", "fn a() {"],
            &["", "#[test]", "fn a() {"],
            &["// Another comment.", "#[test]", "fn a() {"],
            &["mod tests {"],
            &["#[test]"],
            &[],
        ];
        for below in below {
            let lines = [&["// Rows: 3"], below].concat();
            let expected = vec!["a.rs:1: `// Rows: 3` does not stand above a test".to_owned()];
            assert_eq!(of(&lines, Language::Rust), Err(expected), "{below:?}");
        }
    }

    #[test]
    fn rows_in_another_form_are_found() {
        for comment in [
            "// Rows:1",
            "//Rows: 1",
            "// Rows: 1,2",
            "// Rows: 2, 1",
            "// Rows: 1, 1",
            "// Rows: a",
            "// Rows: ",
            "// Rows: 01",
            "// Rows: 1, 2.",
        ] {
            let found = of(&[comment, "#[test]", "fn a() {"], Language::Rust).unwrap_err();
            assert!(found[0].contains("is not of the form"), "{comment}: {found:?}");
        }
    }
}
