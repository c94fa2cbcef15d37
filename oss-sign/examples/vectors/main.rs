//! Checks the signer against a file of staged vectors: `cargo run --release -p oss-sign --example vectors -- FILE`.
//!
//! Prints each disagreement with its stage, then `N of M agree`; succeeds only when all do.

mod check;

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: vectors FILE");
        return ExitCode::from(2);
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            return ExitCode::from(3);
        }
    };
    let vectors = match check::read(&text) {
        Ok(vectors) => vectors,
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            return ExitCode::from(3);
        }
    };
    let mut agree = 0;
    for vector in &vectors {
        match check::check(vector) {
            Ok(()) => agree += 1,
            Err(disagreement) => println!("{}: {disagreement}", vector.name),
        }
    }
    println!("{agree} of {} agree", vectors.len());
    if agree == vectors.len() && agree > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
