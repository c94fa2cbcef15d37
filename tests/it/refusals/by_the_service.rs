//! The service answers, and says no.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use oss_emulator::{Emulator, Settings};

use crate::support::{
    ACCESS_KEY_ID, ACCESS_KEY_SECRET, Answered, Ended, Front, Oss, PART, SECURITY_TOKEN, Scene,
};

/// A secret that opens nothing, and is a secret all the same.
const WRONG_SECRET: &str = "FalscherKanarienvogel9d2a";

/// An upload is refused with this code and this EC, the hint holds `advice`, and nothing secret is said at any level of the log.
#[track_caller]
fn is_refused(scene: &Scene, code: &str, ec: &str, advice: &str, change: impl Fn(Oss) -> Oss) {
    for length in [13 * PART, 10] {
        let (path, _) = scene.file("source", 1, length);
        let run = |format: &str| {
            let command = scene.cp(&path, "object").args(["-vv", "--output-format", format]);
            change(command.env("OSS_LOG", "trace")).run().expect(2)
        };
        let ended = run("text");
        no_secret(&ended);
        assert_eq!(ended.stdout, "");
        ended.says(&format!("code {code}, EC {ec}, request id "));
        let hints: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("hint: ")).collect();
        assert!(matches!(hints[..], [hint] if hint.contains(advice)), "{hints:?}");

        let ended = run("json");
        no_secret(&ended);
        let told = ended.json();
        assert_eq!((&told["code"], &told["ec"]), (&code.into(), &ec.into()), "{told}");
        assert_eq!((&told["exit"], &told["outcome"]), (&2.into(), &"refused".into()));
        assert_eq!(told["request_id"].as_str().map(str::len), Some(24), "{told}");
        assert!(told["hint"].as_str().is_some_and(|hint| hint.contains(advice)), "{told}");
    }
    assert_eq!(scene.log().count("complete"), 0);
    scene.expect_no_object("object");
    scene.expect_nothing_left_on_the_server();
}

/// Those that every run is searched for are searched for by themselves.
#[track_caller]
fn no_secret(ended: &Ended) {
    assert!(!ended.stdout.contains(WRONG_SECRET) && !ended.stderr.contains(WRONG_SECRET), "{ended:#?}");
}

/// What refuses before it has read the body closes the connection under it, and the reset eats the answer.
// Rows: 17
#[test]
fn a_refusal_that_is_lost_in_the_reset_behind_it_is_heard_by_the_try_that_asks_first() {
    let said = "<Error><Code>AccessDenied</Code><RequestId>0123456789ABCDEF01234567</RequestId></Error>";
    let refusal = format!(
        "HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{said}",
        said.len()
    );
    for (length, operation) in [(2 * PART, "upload_part"), (PART - 1, "put_object")] {
        let scene = Scene::new();
        let (path, _) = scene.file("source", 1, length);
        let asking = Arc::new(AtomicUsize::new(0));
        let (refusal, counted) = (refusal.clone(), Arc::clone(&asking));
        let front = Front::new(scene.emulator.address(), move |asked| {
            match (asked.operation == operation, asked.waits) {
                (true, waits) => {
                    counted.fetch_add(usize::from(waits), Ordering::SeqCst);
                    Answered::Early(if waits { refusal.clone().into_bytes() } else { Vec::new() })
                }
                (false, _) => Answered::ByTheEmulator,
            }
        });
        let upload =
            scene.cp(&path, "object").args(["--parallel", "1"]).env("OSS_ENDPOINT", front.endpoint());
        upload.run().expect(2).says("AccessDenied");
        assert_eq!(asking.load(Ordering::SeqCst), 1, "{operation}");
    }
}

#[test]
fn what_knows_no_go_ahead_is_not_asked_for_one_again() {
    let scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, 2 * PART);
    let cut = AtomicBool::new(false);
    let front = Front::new(scene.emulator.address(), move |asked| {
        if asked.waits {
            Answered::Early(
                b"HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec(),
            )
        } else if asked.operation == "upload_part" && !cut.swap(true, Ordering::SeqCst) {
            Answered::Early(Vec::new())
        } else {
            Answered::ByTheEmulator
        }
    });
    scene.cp(&path, "object").env("OSS_ENDPOINT", front.endpoint()).run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
}

// Rows: 85, 89
#[test]
fn wrong_credentials_are_told_with_what_to_look_at() {
    let scene = Scene::new();
    is_refused(&scene, "InvalidAccessKeyId", "0002-00000902", "OSS_ACCESS_KEY_ID", |oss| {
        oss.env("OSS_ACCESS_KEY_ID", "LTAI5tNobody")
    });
    is_refused(&scene, "SignatureDoesNotMatch", "0002-00000040", "OSS_ACCESS_KEY_SECRET", |oss| {
        oss.env("OSS_ACCESS_KEY_SECRET", WRONG_SECRET)
    });
    is_refused(&scene, "InvalidSecurityToken", "0002-00000006", "temporary credentials", |oss| {
        oss.env("OSS_SESSION_TOKEN", WRONG_SECRET)
    });
}

// Rows: 85, 89
#[test]
fn a_temporary_key_without_its_token_is_refused() {
    let id = "STS.NTCanary";
    let key = format!("{id}:{ACCESS_KEY_SECRET}:{SECURITY_TOKEN}");
    let scene = Scene::with("", &["--access-key", &key]);
    is_refused(&scene, "InvalidAccessKeyId", "0002-00000003", "OSS_SESSION_TOKEN", |oss| {
        oss.env("OSS_ACCESS_KEY_ID", id)
    });
    let (path, bytes) = scene.file("source", 2, 13 * PART);
    let with_token = scene.cp(&path, "object").env("OSS_ACCESS_KEY_ID", id);
    with_token.env("OSS_SESSION_TOKEN", SECURITY_TOKEN).run().expect(0);
    scene.expect_object("object", &bytes);
}

#[test]
fn a_wrong_region_is_told_with_the_flag_for_the_right_one() {
    let scene = Scene::new();
    is_refused(&scene, "InvalidArgument", "0002-00000228", "--region", |oss| {
        oss.env("OSS_REGION", "cn-beijing")
    });
}

#[test]
fn a_missing_bucket_is_told_with_the_command_that_makes_it() {
    let scene = Scene::new();
    let mut settings = Settings::new(scene.path("strict"));
    settings.access_keys = vec![format!("{ACCESS_KEY_ID}:{ACCESS_KEY_SECRET}").parse().unwrap()];
    let server = Emulator::bind(settings).unwrap().start().unwrap();
    let endpoint = server.endpoint();
    is_refused(&scene, "NoSuchBucket", "0015-00000101", "oss mb oss://demo", |oss| {
        oss.env("OSS_ENDPOINT", &endpoint)
    });
    scene.oss_at(&endpoint).args(["mb", "oss://demo"]).run().expect(0);
    let (path, _) = scene.file("source", 1, 13 * PART);
    scene.cp(&path, "object").env("OSS_ENDPOINT", &endpoint).run().expect(0);
    scene.oss_at(&endpoint).args(["stat", "oss://demo/object"]).run().expect(0);
}

#[test]
fn without_credentials_nothing_is_asked() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, 13 * PART);
    for missing in ["OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"] {
        let ended = scene.cp(&path, "object").without_env(missing).run().expect(1);
        ended.says(missing).says("hint: ");
    }
    for empty in ["OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"] {
        scene.cp(&path, "object").env(empty, "").run().expect(1).says(empty);
    }
    scene.cp(&path, "object").without_env("OSS_REGION").run().expect(1).says("--region");
    assert_eq!(scene.log().len(), 0);
    assert_eq!(scene.journals().len(), 0);
}

// Rows: 98
#[test]
fn what_the_service_says_is_repeated_without_what_a_terminal_acts_on() {
    let faults = "
        [[fault]]
        at = 'initiate'
        do = 'refuse'
        status = 403
        code = \"Access\\u009b2JDenied\"
        ec = \"0003\\u0085\"
        message = \"no\\u009b31m, \\u202egpj.exe\"
    ";
    let scene = Scene::with_faults(faults);
    let (path, _) = scene.file("source", 1, 13 * PART);
    for format in ["text", "json"] {
        let ended = scene.cp(&path, "object").args(["-vv", "--output-format", format]).run().expect(2);
        for character in ['\u{9b}', '\u{85}', '\u{202e}', '\u{1b}'] {
            assert!(!ended.stderr.contains(character), "{:?}", ended.stderr);
        }
        ended.says("Denied");
    }
}
