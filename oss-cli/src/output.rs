//! Results go to stdout, all else to stderr; neither a closed pipe nor a full disk behind them ends an upload.

use std::io::{self, Write as _};

use serde_json::Value;

use crate::{
    args::OutputFormat,
    failure::Failure,
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

    /// One line on stdout: `text`, or `object` where JSON is asked for. A reader that has gone has had enough of them.
    ///
    /// # Errors
    /// That the line is lost: for a command whose result is all that it is for.
    pub(crate) fn result(
        self,
        text: impl FnOnce() -> String,
        object: impl FnOnce() -> Value,
    ) -> Result<(), Failure> {
        let line = match self.format {
            OutputFormat::Text => printable(&text()),
            OutputFormat::Json => printable_json(&object()),
        };
        match write_result(&line) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::local(format!("the result cannot be written: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// The same of a command that has done something: that it is done counts, and that the line is lost is only told.
    pub(crate) fn done(self, text: impl FnOnce() -> String, object: impl FnOnce() -> Value) {
        if let Err(failure) = self.result(text, object) {
            say(&format!("warning: {}", failure.message));
        }
    }

    /// One line on stdout where JSON is asked for, and nothing elsewhere.
    pub(crate) fn object(self, object: impl FnOnce() -> Value) {
        if self.format == OutputFormat::Json {
            // The exit code tells it too.
            let _ = write_result(&printable_json(&object()));
        }
    }
}

fn write_result(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush())
}

/// One line on stderr; characters that a terminal would act on are written out.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", printable(line));
}
