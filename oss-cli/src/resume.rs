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
    let arguments: Vec<OsString> = std::env::args_os().collect();
    ShellLine(&going_on(arguments)).to_string()
}

fn going_on(arguments: Vec<OsString>) -> Vec<OsString> {
    let mut operands_only = false;
    arguments
        .into_iter()
        .filter(|argument| {
            operands_only |= argument == "--";
            operands_only || argument != "--no-resume"
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_goes_on_does_not_begin_anew() {
        let check = |line: &str, going: &str| {
            let words = line.split(' ').map(OsString::from).collect();
            assert_eq!(ShellLine(&going_on(words)).to_string(), going);
        };
        check("oss cp --no-resume a oss://demo/a", "oss cp a oss://demo/a");
        check("oss cp -- --no-resume oss://demo/a", "oss cp -- --no-resume oss://demo/a");
    }
}
