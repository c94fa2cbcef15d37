//! What the process gives up at its start, and what it takes.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// No core file, and on Linux no reading of this process by others of the same user: nobody needs to read its memory,
/// which holds a secret. Where the system will not, the program works all the same.
pub(crate) fn leave_no_core() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// As many open files as the system allows: each transfer has a connection and reads the source.
pub(crate) fn take_all_files() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
