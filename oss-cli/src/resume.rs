//! How to go on with an upload that did not get to its end.

use std::ffi::OsString;

use oss_checkpoint::ByteCount;

use crate::{progress::Snapshot, text::ShellLine};

/// What an upload that stands at `at` has gained for good.
pub(crate) fn kept(at: Snapshot) -> String {
    if at.done == 0 {
        return "none of it is known to be on the server".to_owned();
    }
    format!("{} of {} are on the server and kept", ByteCount::new(at.done), ByteCount::new(at.total))
}

/// This command, as a shell reads it, less what would begin anew.
pub(crate) fn command() -> String {
    ShellLine(&going_on(std::env::args_os())).to_string()
}

/// The same, less what would fail again over a source that has changed.
pub(crate) fn command_for_a_changed_source() -> String {
    ShellLine(&healing(going_on(std::env::args_os()))).to_string()
}

fn going_on(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut operands_only = false;
    arguments
        .filter(|argument| {
            operands_only |= argument == "--";
            operands_only || argument != "--no-resume"
        })
        .collect()
}

fn healing(arguments: Vec<OsString>) -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut arguments = arguments.into_iter().peekable();
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            kept.push(argument);
            kept.extend(arguments);
            break;
        }
        if argument == "--on-change" && arguments.next_if(|value| value == "fail").is_some() {
            continue;
        }
        if argument != "--on-change=fail" {
            kept.push(argument);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_goes_on_does_not_begin_anew() {
        let check = |line: &str, going: &str| {
            let words = line.split(' ').map(OsString::from);
            assert_eq!(ShellLine(&going_on(words)).to_string(), going);
        };
        check("oss cp --no-resume a oss://demo/a", "oss cp a oss://demo/a");
        check("oss cp -- --no-resume oss://demo/a", "oss cp -- --no-resume oss://demo/a");
    }

    #[test]
    fn the_command_for_a_changed_source_does_not_fail_over_it_again() {
        let check = |line: &str, going: &str| {
            let words = line.split(' ').map(OsString::from).collect();
            assert_eq!(ShellLine(&healing(words)).to_string(), going);
        };
        check("oss cp --on-change fail a oss://demo/a", "oss cp a oss://demo/a");
        check("oss cp a oss://demo/a --on-change=fail", "oss cp a oss://demo/a");
        check("oss cp --on-change restart a oss://demo/a", "oss cp --on-change restart a oss://demo/a");
        check("oss cp -- --on-change=fail oss://demo/a", "oss cp -- --on-change=fail oss://demo/a");
    }
}
