//! Every call fails once, with each error that it may fail with: the run goes on or says what failed, and the next one finishes.

use std::{fs, path::PathBuf, sync::OnceLock};

use crate::{
    support::{Ended, Oss, PART, Scene},
    tracer::{Calls, Traced},
};

const PARTS: usize = 12;
/// The last part is short.
const LENGTH: usize = (PARTS - 1) * PART + 999;
/// Far more than one run makes of one call.
const MOST_CALLS: usize = 200;

/// What a call is about.
#[derive(Clone, Copy, Debug, PartialEq)]
enum About {
    /// The journal, its lock and their folder.
    Journal,
    Source,
    /// The network, or the process itself.
    Anything,
}

/// A call, and how it fails.
struct Failing {
    /// `pread64` means reads that may block, where nothing is in memory.
    call: &'static str,
    about: About,
    errors: &'static [&'static str],
    /// How often an upload makes it, at least: calls that are made at once may be taken for one.
    least: usize,
    /// In `ci` only every so many-th fails.
    step: usize,
}

/// A table of them.
struct Table {
    rows: &'static [Failing],
    /// Further arguments: where a call that fails leaves a sound connection, which no kernel does, a clock has to run out.
    arguments: &'static [&'static str],
}

const JOURNAL: Table = Table {
    rows: &[
        Failing {
            call: "openat",
            about: About::Journal,
            errors: &["EIO", "ENOSPC", "EMFILE", "EINTR"],
            least: 2,
            step: 2,
        },
        Failing {
            call: "flock",
            about: About::Journal,
            errors: &["EINTR", "ENOLCK", "EIO"],
            least: 1,
            step: 1,
        },
        Failing {
            call: "fallocate",
            about: About::Journal,
            errors: &["ENOSPC", "EOPNOTSUPP", "EINTR", "EIO"],
            least: 1,
            step: 1,
        },
    ],
    arguments: &[],
};

const WRITING: Table = Table {
    rows: &[
        Failing {
            call: "pwrite64",
            about: About::Journal,
            errors: &["EIO", "ENOSPC", "EINTR"],
            least: PARTS / 2,
            step: 3,
        },
        Failing {
            call: "fdatasync",
            about: About::Journal,
            errors: &["EIO", "ENOSPC", "EINTR"],
            least: 3,
            step: 1,
        },
        Failing { call: "fsync", about: About::Journal, errors: &["EIO", "EINTR"], least: 1, step: 1 },
        Failing { call: "ftruncate", about: About::Journal, errors: &["EIO", "EINTR"], least: 0, step: 1 },
        Failing { call: "unlink", about: About::Journal, errors: &["EIO", "EACCES"], least: 1, step: 1 },
        Failing { call: "rename", about: About::Journal, errors: &["EIO", "ENOSPC"], least: 0, step: 1 },
        Failing { call: "statx", about: About::Journal, errors: &["EIO"], least: 1, step: 7 },
    ],
    arguments: &[],
};

const SOURCE: Table = Table {
    rows: &[
        Failing {
            call: "openat",
            about: About::Source,
            errors: &["EIO", "EMFILE", "EINTR"],
            least: PARTS / 2,
            step: 2,
        },
        Failing {
            call: "preadv2",
            about: About::Source,
            errors: &["EIO", "EAGAIN", "EOPNOTSUPP"],
            least: PARTS / 2,
            step: 5,
        },
        Failing {
            call: "pread64",
            about: About::Source,
            errors: &["EIO", "EINTR"],
            least: PARTS / 2,
            step: 3,
        },
        Failing { call: "statx", about: About::Source, errors: &["EIO"], least: PARTS, step: 7 },
    ],
    arguments: &[],
};

const CONNECTING: Table = Table {
    rows: &[
        Failing { call: "socket", about: About::Anything, errors: &["EMFILE", "ENOBUFS"], least: 1, step: 1 },
        Failing {
            call: "connect",
            about: About::Anything,
            errors: &["ECONNREFUSED", "EADDRNOTAVAIL"],
            least: 1,
            step: 1,
        },
        Failing { call: "setsockopt", about: About::Anything, errors: &["ENOBUFS"], least: 1, step: 7 },
    ],
    arguments: &[],
};

const SENDING: Table = Table {
    rows: &[
        Failing {
            call: "writev",
            about: About::Anything,
            errors: &["ECONNRESET", "EPIPE"],
            least: PARTS / 2,
            step: 5,
        },
        Failing {
            call: "recvfrom",
            about: About::Anything,
            errors: &["ECONNRESET", "EINTR"],
            least: PARTS / 2,
            step: 3,
        },
    ],
    arguments: &["--give-up-after", "2s"],
};

// Rows: 121, 124, 137
#[test]
fn every_call_about_the_journal_fails_once() {
    check(&JOURNAL, false);
}

// Rows: 124, 137, 141
#[test]
fn every_call_about_the_journal_fails_once_in_a_resume() {
    check(&JOURNAL, true);
}

// Rows: 122, 125, 126
#[test]
fn every_call_that_writes_the_journal_fails_once() {
    check(&WRITING, false);
}

// Rows: 122, 125, 126, 141
#[test]
fn every_call_that_writes_the_journal_fails_once_in_a_resume() {
    check(&WRITING, true);
}

// Rows: 39, 109
#[test]
fn every_call_about_the_source_fails_once() {
    check(&SOURCE, false);
}

// Rows: 39, 109
#[test]
fn every_call_about_the_source_fails_once_in_a_resume() {
    check(&SOURCE, true);
}

// Rows: 4, 39, 147
#[test]
fn every_call_that_connects_fails_once() {
    check(&CONNECTING, false);
}

// Rows: 4, 39, 147
#[test]
fn every_call_that_connects_fails_once_in_a_resume() {
    check(&CONNECTING, true);
}

// Rows: 6, 8, 14
#[test]
fn every_call_that_sends_or_receives_fails_once() {
    check(&SENDING, false);
}

// Rows: 6, 8, 14
#[test]
fn every_call_that_sends_or_receives_fails_once_in_a_resume() {
    check(&SENDING, true);
}

// Rows: 147
#[test]
fn a_thread_that_is_not_to_be_had_is_done_without() {
    let scene = Scene::new();
    let (_, bytes) = scene.file("source", 1, LENGTH);
    // Only the first thread starts others, so that its calls are those of the process.
    for n in 1..=12 {
        for which in [format!("{n}"), format!("{n}+")] {
            let fault = format!("error=EAGAIN:when={which}");
            let upload = || scene.cp(&scene.path("source"), "object").args(["--parallel", "4"]);
            let (running, strace) = Traced::start(upload()).with(&Calls::named("clone3"), &fault);
            let ended = running.wait();
            drop(strace);
            match ended.code() {
                Some(0) => scene.expect_object("object", &bytes),
                Some(3) => {
                    assert!(
                        ended.stderr.contains("hint: raise the limit of processes and threads"),
                        "{which}: {ended:#?}"
                    );
                    // Without the one that watches for signals, or any for the transport, there is no upload.
                    assert!(n <= 6, "{which}: {ended:#?}");
                }
                _ => panic!("{which}: {ended:#?}"),
            }
            assert_eq!(upload().run().code(), Some(0), "{which}");
            scene.expect_object("object", &bytes);
            scene.expect_nothing_left();
            scene.back_door().ask("DELETE", "/demo/object", b"");
        }
    }
}

fn check(table: &Table, resume: bool) {
    let scene = Scene::new();
    let (_, bytes) = scene.file("source", 1, LENGTH);
    let all = std::env::var_os("OSS_INJECT_ALL").is_some();
    for failing in table.rows {
        for error in failing.errors {
            let arguments = table.arguments;
            let run = Run {
                scene: &scene,
                failing,
                error,
                arguments,
                resume,
                bytes: &bytes,
                journal: OnceLock::new(),
            };
            let mut ended = [0, 0];
            let step = if all { 1 } else { failing.step };
            let mut calls = 0;
            for n in (1..MOST_CALLS).step_by(step) {
                let Some(code) = run.fail(n) else { break };
                ended[usize::from(code != 0)] += 1;
                calls = n;
            }
            let Failing { call, about, least, .. } = failing;
            println!("{call} of {about:?}, {error}: {calls} calls, {} went on, {} ended", ended[0], ended[1]);
            let least = if resume { least / 4 } else { *least };
            assert!(calls + step > least && calls + step < MOST_CALLS, "{call} was made {calls} times");
        }
    }
}

struct Run<'a> {
    scene: &'a Scene,
    failing: &'a Failing,
    error: &'static str,
    arguments: &'static [&'static str],
    resume: bool,
    bytes: &'a [u8],
    /// What the journal of this job is called.
    journal: OnceLock<PathBuf>,
}

impl Run<'_> {
    /// The exit code of a run of which the n-th call fails; `None` if it makes fewer.
    fn fail(&self, n: usize) -> Option<i32> {
        let (scene, calls) = (self.scene, self.calls());
        if self.resume {
            let half = Calls::named("writev,sendto,sendmsg");
            assert!(Traced::start(self.upload()).killed_behind(&half, PARTS / 2 + 2).was_killed());
        }
        let (ended, hit) = Traced::start(self.upload()).failing_once(&calls, n, self.error);
        let what = format!("{} {n} failed with {}: {ended:#?}", self.failing.call, self.error);
        match ended.code() {
            Some(0) => scene.expect_object("object", self.bytes),
            Some(3) => {
                assert!(ended.stderr.contains("error: "), "it says what failed: {what}");
                let clock = ended.stderr.contains(" passed ") || ended.stderr.contains("nothing has moved");
                assert!(clock || ended.stderr.contains("os error"), "in the system's words: {what}");
            }
            _ => panic!("{what}"),
        }
        // The object is not taken for what a later run makes of it.
        let next = self.upload().run();
        assert_eq!(next.code(), Some(0), "the next run finishes: {next:#?} behind {what}");
        scene.expect_object("object", self.bytes);
        assert_eq!(scene.back_door().uploads("demo"), [], "behind {what}");
        assert_eq!(scene.journals(), Vec::<PathBuf>::new(), "behind {what}");
        scene.back_door().ask("DELETE", "/demo/object", b"");
        hit.then(|| ended.code().unwrap_or(-1))
    }

    fn upload(&self) -> Oss {
        self.scene.cp(&self.scene.path("source"), "object").args(["--parallel", "4"]).args(self.arguments)
    }

    fn calls(&self) -> Calls {
        let calls = match self.failing.call {
            "pread64" => Calls::reads_that_block(),
            call => Calls::named(call),
        };
        match self.failing.about {
            About::Anything => calls,
            About::Source => calls.about([self.scene.path("source")]),
            About::Journal => {
                let journal = self.journal.get_or_init(|| self.name_of_journal());
                let lock = journal.with_extension("lock");
                let beside = journal.with_extension("ossj.new");
                calls.about([journal.clone(), lock, beside, self.scene.checkpoint_dir()])
            }
        }
    }

    /// It is always the same for this source and this object.
    fn name_of_journal(&self) -> PathBuf {
        let half = Calls::named("writev,sendto,sendmsg");
        let ended: Ended = Traced::start(self.upload()).killed_behind(&half, PARTS / 2);
        assert!(ended.was_killed(), "{ended:#?}");
        let journal = self.scene.journals().pop().expect("a killed run leaves a journal");
        assert_eq!(self.upload().run().code(), Some(0));
        assert!(!fs::exists(&journal).unwrap());
        journal
    }
}
