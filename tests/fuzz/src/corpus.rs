//! The inputs that are kept: examples of what is real, of what is hostile, and of what once was a finding.

use std::{fs, io, path::PathBuf};

/// The inputs of a target by name, with the names of their files. Those that begin with `regression-` were findings.
///
/// # Errors
/// When the folder or a file of it cannot be read.
pub fn corpus(target: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "corpus", target].iter().collect();
    let mut inputs = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        inputs.push((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?));
    }
    inputs.sort();
    Ok(inputs)
}
