//! Nobody reads what is said, or there is no room for it: the upload goes on, and the exit code still tells.

use crate::support::{PART, Scene};

/// What a shell does to the outputs before it becomes the program.
const TROUBLE: [&str; 7] = [
    "exec >&-",
    "exec 2>&-",
    "exec >&- 2>&- <&-",
    "exec >/dev/full",
    "exec 2>/dev/full",
    "exec >/dev/full 2>/dev/full",
    // A pipe whose reader is gone.
    "rm -f p; mkfifo p; true <p & exec >p 2>&1; wait",
];

// Rows: 144
#[test]
fn an_upload_goes_on_though_nobody_takes_what_it_says() {
    for (length, resumes) in [(13 * PART, true), (13 * PART, false), (10, false)] {
        for trouble in TROUBLE {
            let refusal = "[[fault]]\nat = 'upload_part'\npart = 8\nnth = 1\ndo = 'refuse'\nstatus = 403\ncode = 'AccessDenied'";
            let scene = Scene::with_faults(if resumes { refusal } else { "" });
            let (path, bytes) = scene.file("source", 1, length);
            if resumes {
                let ended = scene.cp(&path, "object").arg("-vv").after(trouble).run();
                assert_eq!(ended.code(), Some(2), "{trouble}: the exit code still tells: {ended:#?}");
            }
            for format in ["text", "json"] {
                let ended =
                    scene.cp(&path, "object").args(["-v", "--output-format", format]).after(trouble).run();
                assert_eq!(ended.code(), Some(0), "{trouble}: {ended:#?}");
                scene.expect_object("object", &bytes);
                scene.expect_nothing_left();
            }
        }
    }
}

/// How a list or a look ends when its line gets lost, and what it says then.
const LOST: [(&str, i32, &str); 4] = [
    ("exec >/dev/full", 3, "the result cannot be written"),
    ("exec >/dev/full 2>&1", 3, ""),
    // Nobody wants to read on.
    ("rm -f p; mkfifo p; true <p & exec >p; wait", 0, ""),
    ("exec >&-", 0, ""),
];

#[test]
fn a_list_that_is_lost_is_no_success() {
    let scene = Scene::with_faults(
        "[[fault]]\nat = 'upload_part'\nnth = 1\ndo = 'refuse'\nstatus = 403\ncode = 'AccessDenied'",
    );
    let (path, _) = scene.file("source", 1, 10);
    scene.cp(&path, "object").run().expect(0);
    let (large, _) = scene.file("large", 2, 3 * PART);
    scene.cp(&large, "large").run().expect(2);
    let commands: [&[&str]; 4] =
        [&["ls"], &["ls", "oss://demo"], &["stat", "oss://demo/object"], &["jobs", "ls"]];
    for command in commands {
        for format in ["text", "json"] {
            for (trouble, code, words) in LOST {
                let oss = scene.oss().args(command).args(["--output-format", format]);
                oss.after(trouble).run().expect(code).says(words);
            }
        }
    }
    scene.oss().args(["mb", "oss://other"]).after("exec >/dev/full").run().expect(0).says("warning: ");
}
