//! Serves a folder until it is killed: `cargo run -p oss-emulator --example serve -- FOLDER [LISTEN [FAULTS]]`.
//! `discard` and `no-verify` after these make it a receiver for benchmarks.

use std::path::PathBuf;

use oss_emulator::{Emulator, Settings, faults::Script};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut settings = Settings::new(PathBuf::from(arguments.next().ok_or("which folder?")?));
    if let Some(listen) = arguments.next() {
        settings.listen = listen.parse()?;
    }
    if let Some(path) = arguments.next().filter(|path| !path.is_empty()) {
        settings.faults = Script::parse(&std::fs::read_to_string(path)?)?;
    }
    for argument in arguments {
        settings.discard |= argument == "discard";
        settings.no_verify |= argument == "no-verify";
    }
    settings.create_buckets = true;
    let running = Emulator::bind(settings)?.start()?;
    println!("{}", running.endpoint());
    loop {
        std::thread::park();
    }
}
