//! Results as people read them: the tables and plots of `docs/benchmarks.md`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{
    column::Column,
    plot::{self, Bar, Value},
    results::{At, Functions, Measured, Results, Row},
    scenario::{PROGRAM, SCENARIOS, Scenario, Yardstick},
};

/// Its place on the page, beside the scenarios.
const FUNCTIONS: &str = "functions";

/// Puts newer results beside those that are kept, and writes all that is made of them.
pub(super) fn write(root: &Path, newer: Results) -> Result<()> {
    let kept = results_file(root);
    let mut results = if kept.exists() { Results::read(&kept)? } else { Results::new() };
    results.renew(newer);
    fs::create_dir_all(folder(root))?;
    let files = [(kept, results.text()?)].into_iter().chain(rendered(root, &results)?);
    for (path, text) in files {
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("written: {}", path.display());
    }
    Ok(())
}

/// As it is printed.
pub(super) fn text(results: &Results) -> String {
    let measured = SCENARIOS.iter().filter_map(|scenario| {
        let measured = results.scenarios.get(scenario.name)?;
        Some(format!("{}: {}\n\n{}", scenario.name, scenario.title, said_of(scenario, measured)))
    });
    measured.chain(results.functions.as_ref().map(said_of_functions)).collect::<Vec<_>>().join("\n\n")
}

/// The files that are made of results, but for the results: the page with its tables, and a plot a scenario.
fn rendered(root: &Path, results: &Results) -> Result<Vec<(PathBuf, String)>> {
    let page = root.join("docs").join("benchmarks.md");
    let mut text = fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
    let mut files = Vec::new();
    for scenario in SCENARIOS {
        let said = match results.scenarios.get(scenario.name) {
            Some(measured) => {
                let plot = format!("{}.svg", scenario.name);
                files.push((folder(root).join(&plot), plotted(scenario, measured)));
                format!("{}\n\n![{}](benchmarks/{plot})", said_of(scenario, measured), scenario.title)
            }
            None => "Not measured yet.".to_owned(),
        };
        text = filled(&text, scenario.name, &said)?;
    }
    let said = results.functions.as_ref().map_or_else(|| "Not measured yet.".to_owned(), said_of_functions);
    files.push((page, filled(&text, FUNCTIONS, &said)?));
    Ok(files)
}

fn folder(root: &Path) -> PathBuf {
    root.join("docs").join("benchmarks")
}

fn results_file(root: &Path) -> PathBuf {
    folder(root).join("results.json")
}

/// The page with something else between the marks of a place.
fn filled(page: &str, place: &str, said: &str) -> Result<String> {
    let (begin, end) =
        (format!("<!-- {place}: written by cargo xtask bench -->\n"), format!("<!-- end of {place} -->"));
    let parts = page.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) = parts.with_context(|| format!("the page has no place for {place}"))?;
    Ok(format!("{before}{begin}{said}\n{end}{after}"))
}

fn said_of(scenario: &Scenario, measured: &Measured) -> String {
    let mut said = vec![table(scenario, &measured.rows)];
    let runs = measured.rounds * scenario.runs_a_round;
    said.push(format!(
        "{runs} runs each, {}: {}.",
        said_of_place(&measured.at),
        measured.versions.join(", ")
    ));
    if !measured.left_out.is_empty() {
        said.push(format!("Left out: {}.", measured.left_out.join("; ")));
    }
    said.join("\n\n")
}

fn said_of_place(at: &At) -> String {
    let At { day, commit, cpu, cores, kernel } = at;
    format!("{day}, {cpu}, {cores} cores, {kernel}, commit {commit}")
}

/// A line a row, the figures as median (least-most), and how often the first median is that of the yardstick.
fn table(scenario: &Scenario, rows: &[Row]) -> String {
    let [first, ..] = scenario.columns else { unreachable!("every scenario has a figure") };
    let mut headings = vec!["client".to_owned()];
    headings.extend(scenario.columns.iter().map(Column::title));
    headings.push(format!("{} x", first.heading));
    let cells = rows.iter().map(|row| {
        let mut cells = vec![row.name()];
        if row.runs.is_empty() {
            cells.push("gave up".to_owned());
            cells.resize(headings.len(), String::new());
            return cells;
        }
        if row.gave_up > 0 {
            let all = row.runs.len() + row.gave_up;
            cells[0] = format!("{} (gave up in {} of {all})", cells[0], row.gave_up);
        }
        cells.extend(scenario.columns.iter().map(|column| {
            row.spread(column.figure).map_or_else(String::new, |spread| {
                let [median, least, most] =
                    [spread.median(), spread.least(), spread.most()].map(|value| column.text(value));
                format!("{median} ({least}-{most})")
            })
        }));
        let yardstick = match scenario.yardstick {
            Yardstick::First => rows.first(),
            Yardstick::Own => rows.iter().find(|other| other.client == row.client),
        };
        let median = |row: &Row| row.spread(first.figure).map(|spread| spread.median());
        let ratio = median(row).zip(yardstick.and_then(median));
        cells.push(ratio.map_or_else(String::new, |(value, one)| format!("{:.2}", value / one)));
        cells
    });
    aligned(&cells.collect::<Vec<_>>(), &headings, 1)
}

/// A table in Markdown that can be read as it is: the first columns are text, to the left, the others figures, to the right.
fn aligned(rows: &[Vec<String>], headings: &[String], texts: usize) -> String {
    let width = |column: usize| {
        rows.iter().map(|row| row[column].len()).chain([headings[column].len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column < texts { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.iter().enumerate().map(|(column, width)| {
        if column < texts { "-".repeat(*width) } else { format!("{}:", "-".repeat(width.saturating_sub(1))) }
    });
    let mut lines = vec![line(headings), line(&rule.collect::<Vec<_>>())];
    lines.extend(rows.iter().map(|row| line(row)));
    lines.join("\n")
}

fn plotted(scenario: &Scenario, measured: &Measured) -> String {
    let [first, ..] = scenario.columns else { unreachable!("every scenario has a figure") };
    let bars: Vec<Bar> = measured
        .rows
        .iter()
        .map(|row| Bar {
            label: row.name(),
            ours: row.client == PROGRAM,
            value: row.spread(first.figure).map(|spread| Value {
                median: spread.median(),
                least: spread.least(),
                most: spread.most(),
                text: first.text(spread.median()),
            }),
        })
        .collect();
    let axis = format!("{}; less is better", first.title());
    plot::svg(scenario.title, &axis, &bars)
}

fn said_of_functions(measured: &Functions) -> String {
    let rows: Vec<Vec<String>> = measured
        .functions
        .iter()
        .map(|function| {
            let a_second = 1e9 / function.nanoseconds;
            vec![
                function.group.clone(),
                function.name.clone(),
                format!("{:.0}", function.nanoseconds),
                format!("{a_second:.0}"),
            ]
        })
        .collect();
    let headings = ["group", "what", "ns each", "a second"].map(str::to_owned);
    format!("{}\n\nMedians, {}.", aligned(&rows, &headings, 2), said_of_place(&measured.at))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::bench::{column::Figure, results::Run};

    #[test]
    fn the_page_and_its_plots_are_what_the_results_render_to() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let kept = results_file(root);
        let results = Results::read(&kept).unwrap();
        assert_eq!(results.text().unwrap(), fs::read_to_string(&kept).unwrap(), "{}", kept.display());
        let files = rendered(root, &results).unwrap();
        for (path, text) in &files {
            assert_eq!(&fs::read_to_string(path).unwrap(), text, "{}", path.display());
        }
        let made: BTreeSet<_> = files.into_iter().map(|(path, _)| path).chain([kept]).collect();
        for there in fs::read_dir(folder(root)).unwrap() {
            let path = there.unwrap().path();
            assert!(made.contains(&path), "nothing makes {}", path.display());
        }
    }

    fn row(client: &str, variant: &str, seconds: &[f64]) -> Row {
        let runs = seconds.iter().map(|seconds| Run::from([(Figure::WallSeconds, *seconds)])).collect();
        Row { client: client.into(), variant: variant.into(), runs, gave_up: 0 }
    }

    #[test]
    fn a_row_is_compared_with_the_first_or_with_its_own() {
        let rows = [row("oss", "", &[1.0]), row("peer", "", &[2.0, 4.0]), row("peer", "5 %", &[6.0])];
        let ratios = |name| {
            let table = table(Scenario::named(name).unwrap(), &rows);
            table
                .lines()
                .skip(2)
                .map(|line| line.rsplit('|').nth(1).unwrap().trim().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(ratios("far"), ["1.00", "3.00", "6.00"]);
        assert_eq!(ratios("refusals"), ["1.00", "1.00", "2.00"]);
    }

    #[test]
    fn only_what_stands_between_the_marks_is_changed() {
        let page = "a\n<!-- far: written by cargo xtask bench -->\nold\n<!-- end of far -->\nb\n";
        let new = filled(page, "far", "new").unwrap();
        assert_eq!(new, page.replace("old", "new"));
        assert!(filled(page, "near", "new").is_err());
    }
}
