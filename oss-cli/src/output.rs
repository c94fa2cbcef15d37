//! Results go to stdout, all else to stderr; neither a closed pipe nor a full disk behind them ends a run.

use std::io::Write as _;

use serde_json::Value;

use crate::{
    args::OutputFormat,
    text::{printable, printable_json},
};

/// Writes one result: a line for people, or one JSON object a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    format: OutputFormat,
}

impl Output {
    /// In this format.
    pub(crate) const fn new(format: OutputFormat) -> Self {
        Self { format }
    }

    /// One line on stdout: `text`, or `object` where JSON is asked for.
    pub(crate) fn result(self, text: impl FnOnce() -> String, object: impl FnOnce() -> Value) {
        match self.format {
            OutputFormat::Text => write_result(&printable(&text())),
            OutputFormat::Json => write_result(&printable_json(&object())),
        }
    }

    /// One line on stdout where JSON is asked for, and nothing elsewhere.
    pub(crate) fn object(self, object: impl FnOnce() -> Value) {
        if self.format == OutputFormat::Json {
            write_result(&printable_json(&object()));
        }
    }
}

fn write_result(line: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// One line on stderr; characters that a terminal would act on are written out.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", printable(line));
}
