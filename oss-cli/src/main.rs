//! The program `oss`: parse, settle, run, end.

mod args;
mod bandwidth;
mod commands;
mod compose;
mod exit;
mod failure;
mod finished;
mod hint;
mod late_retire;
mod logging;
mod notes;
mod object_options;
mod oss_url;
mod output;
mod process;
mod progress;
mod quantity;
mod receipt_file;
mod receipt_place;
mod resume;
mod settings;
mod signals;
mod source;
mod stop;
mod text;
mod watcher;
mod wrong_object;

use std::{ffi::OsString, panic, process::ExitCode};

use clap::Parser as _;

use crate::{
    args::{Arguments, OutputFormat},
    exit::ExitStatus,
    failure::Failure,
    output::Output,
    settings::{Command, Settings},
};

fn main() -> ExitCode {
    process::leave_no_core();
    process::take_all_files();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return end_of_parsing(&error).into(),
    };
    let output = Output::new(arguments.global.output_format);
    logging::start(arguments.global.verbose);
    let ended = panic::catch_unwind(|| {
        Settings::settle(arguments, &|name| std::env::var_os(name)).and_then(|settings| run(&settings))
    });
    // What panicked has said where; what was durable stays so.
    let ended = ended.unwrap_or_else(|_| Err(Failure::local("this is a bug in oss; please report it")));
    match ended {
        Ok(status) => status.into(),
        Err(failure) => end_in(&failure, output).into(),
    }
}

fn run(settings: &Settings) -> Result<ExitStatus, Failure> {
    let global = settings.global;
    match &settings.command {
        Command::Cp(copy) => commands::cp::run(copy, global),
        Command::ListBuckets(service) => commands::ls::buckets(service, global),
        Command::ListObjects { service, bucket, prefix } => {
            commands::ls::objects(service, bucket, prefix, global)
        }
        Command::Stat { service, bucket, key } => commands::stat::run(service, bucket, key, global),
        Command::MakeBucket { service, bucket } => commands::mb::run(service, bucket, global),
        Command::Verify(verification) => commands::verify::run(verification, global),
        Command::Check(comparison) => commands::check::run(comparison, global),
        Command::Hash { sources, threads } => commands::hash::run(sources, *threads, global),
        Command::ListJobs { checkpoint_dir } => commands::jobs::list(checkpoint_dir, global.output),
        Command::Emulate(emulator) => commands::emulate::run(emulator, global),
    }
}

/// Help and version go to stdout; what makes no sense to stderr, less what a terminal would act on.
fn end_of_parsing(error: &clap::Error) -> ExitStatus {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitStatus::Done;
    }
    for line in error.render().to_string().lines() {
        output::say(line);
    }
    if asks_for_json(std::env::args_os()) {
        let message = error.render().to_string().lines().next().unwrap_or_default().to_owned();
        let failure = Failure::usage(message.trim_start_matches("error: "));
        Output::new(OutputFormat::Json).object(|| failure.to_json());
    }
    ExitStatus::Usage
}

/// Whether the arguments, which were not understood, ask for JSON.
fn asks_for_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let mut value_follows = false;
    for argument in arguments {
        if argument == "--output-format=json" || (value_follows && argument == "json") {
            return true;
        }
        value_follows = argument == "--output-format";
    }
    false
}

fn end_in(failure: &Failure, output: Output) -> ExitStatus {
    failure.tell();
    output.object(|| failure.to_json());
    failure.status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_make_no_sense_may_still_ask_for_json() {
        let check = |line: &str, expected: bool| {
            assert_eq!(asks_for_json(line.split(' ').map(OsString::from)), expected, "{line}");
        };
        check("oss cp --output-format json", true);
        check("oss --output-format=json cp", true);
        check("oss cp a.json json", false);
        check("oss cp --output-format text json", false);
    }
}
