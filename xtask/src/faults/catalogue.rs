//! The rows of the catalogue, from its tables.

use anyhow::{Result, ensure};

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// From 1, without gaps.
    pub(super) number: u16,
    pub(super) happens: String,
    pub(super) waiting: Waiting,
}

/// Whether the program can get there at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// It can.
    No,
    /// Only when it can do this too is all of the row to be shown; the rest is now.
    Part(String),
    /// Only when it can do this is there anything to show.
    All(String),
}

/// All rows, in order.
///
/// # Errors
/// When a line of a table has other cells than number, fault, what is seen and exit code, or a number is not the next one.
pub(super) fn rows(text: &str) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if cells[0] == "#" || cells[0].starts_with('-') {
            continue;
        }
        let next = u16::try_from(rows.len() + 1)?;
        ensure!(cells.len() == 4, "a row has four cells, and this one has {}: {line}", cells.len());
        ensure!(cells[0] == next.to_string(), "row {next} is expected where this stands: {line}");
        ensure!(cells.iter().all(|cell| !cell.is_empty()), "a cell of row {next} is empty");
        rows.push(Row { number: next, happens: cells[1].to_owned(), waiting: waiting(cells[2]) });
    }
    ensure!(!rows.is_empty(), "there is no row in it");
    Ok(rows)
}

/// What is seen ends with what it waits for, if it does.
fn waiting(seen: &str) -> Waiting {
    let Some((before, reason)) = seen.split_once("waits for: ") else { return Waiting::No };
    if before.ends_with("in part ") {
        Waiting::Part(reason.to_owned())
    } else {
        Waiting::All(reason.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "# Faults\n\nWords | with a bar.\n\n| # | What | Seen | Exit |\n| --- | --- | --- | --- |\n";

    #[test]
    fn rows_are_numbered_and_say_what_they_wait_for() {
        let text = format!(
            "{HEAD}| 1 | a reset | nothing | - |\n\n## More\n\n| # | What | Seen | Exit |\n| --- | --- | --- | --- |\n\
             | 2 | a tree | the rest; waits for: folders | 4 |\n| 3 | a key | both; in part waits for: downloads | 1/2 |\n"
        );
        let row = |number, happens: &str, waiting| Row { number, happens: happens.to_owned(), waiting };
        let expected = [
            row(1, "a reset", Waiting::No),
            row(2, "a tree", Waiting::All("folders".to_owned())),
            row(3, "a key", Waiting::Part("downloads".to_owned())),
        ];
        assert_eq!(rows(&text).unwrap(), expected);
    }

    #[test]
    fn what_is_no_catalogue_is_refused() {
        for (lines, why) in [
            ("", "no row"),
            ("| 2 | a | b | - |", "row 1 is expected"),
            ("| 1 | a | b | - |\n| 1 | a | b | - |", "row 2 is expected"),
            ("| 1 | a | b |", "four cells"),
            ("| 1 | a | b | - | more |", "four cells"),
            ("| 1 | a |  | - |", "is empty"),
        ] {
            let error = rows(&format!("{HEAD}{lines}\n")).unwrap_err().to_string();
            assert!(error.contains(why), "{lines}: {error}");
        }
    }
}
