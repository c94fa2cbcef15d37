//! What the process gives up at its start: nobody needs to read its memory, which holds a secret.

use rustix::process::{Resource, Rlimit, setrlimit};

/// No core file, and on Linux no reading of this process by others of the same user. Where the system will not, the
/// program works all the same.
pub(crate) fn leave_no_core() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
