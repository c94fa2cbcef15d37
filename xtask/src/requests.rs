//! What the server was asked, as its request log tells it.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

pub(crate) struct Requests {
    log: PathBuf,
}

impl Requests {
    pub(crate) fn of(log: PathBuf) -> Self {
        Self { log }
    }

    /// How many there were for an object.
    pub(crate) fn count(&self, key: &str) -> Result<u64> {
        Ok(self.read(key)?.len() as u64)
    }

    /// Bytes of parts of an object that arrived, each time that they did.
    pub(crate) fn bytes_of_parts(&self, key: &str) -> Result<u64> {
        let requests = self.read(key)?;
        let parts = requests.iter().filter(|request| request["operation"] == "upload_part");
        Ok(parts.filter_map(|request| request["body_bytes"].as_u64()).sum())
    }

    /// How many uploads of an object were completed.
    pub(crate) fn completed(&self, key: &str) -> Result<u64> {
        let requests = self.read(key)?;
        let applied = |request: &&Value| request["operation"] == "complete" && request["applied"] == true;
        Ok(requests.iter().filter(applied).count() as u64)
    }

    /// All for an object that have ended, in that order: a line of the log each.
    pub(crate) fn read(&self, key: &str) -> Result<Vec<Value>> {
        let text =
            fs::read_to_string(&self.log).with_context(|| format!("cannot read {}", self.log.display()))?;
        // A line that is still being written is left out.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let named = format!("\"{key}\"");
        let lines = whole.lines().filter(|line| line.contains(&named));
        lines.map(|line| serde_json::from_str(line).context("a line of the log is not JSON")).collect()
    }
}
