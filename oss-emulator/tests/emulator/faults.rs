//! Each way of misbehaving, seen from the client.

use std::io;
use std::time::{Duration, Instant};

use oss_emulator::Request;

use crate::client::{Answer, Ask, Scene, bytes, crc64};

/// The requests at which a rule fired.
fn fired(scene: &Scene) -> Vec<Request> {
    scene.running.requests().into_iter().filter(|request| !request.faults.is_empty()).collect()
}

fn put(scene: &Scene, body: &[u8]) -> io::Result<Answer> {
    scene.client.send(&Ask::new("PUT", "demo/k").body(body))
}

#[test]
fn a_refusal_by_script_is_as_the_script_says() {
    for when in ["early", "after-body"] {
        let scene = Scene::with_faults(&format!(
            "[[fault]]\nat = 'put_object'\nnth = 1\ndo = 'refuse'\nstatus = 503\ncode = 'QpsLimitExceeded'\nec = '0001-1'\n\
             message = 'slow'\nretry_after = '7'\nanswer = '{when}'"
        ));
        let answer = put(&scene, &bytes(1, 300_000)).unwrap();
        answer.refused(503, "QpsLimitExceeded");
        assert_eq!(answer.header("retry-after"), Some("7"));
        assert_eq!(
            (answer.element("Message").as_deref(), answer.header("x-oss-ec")),
            (Some("slow"), Some("0001-1"))
        );
        scene.get("demo/k").refused(404, "NoSuchKey");
        put(&scene, b"x").unwrap().expect(200);
        let log = fired(&scene);
        assert_eq!((log.len(), log[0].faults.as_slice()), (1, &["1:refuse".to_owned()][..]));
        assert_eq!(
            (log[0].status, log[0].code.as_deref(), log[0].applied),
            (Some(503), Some("QpsLimitExceeded"), false)
        );
    }
}

#[test]
fn a_refusal_can_come_after_the_deed() {
    let scene = Scene::with_faults(
        "[[fault]]\nat='put_object'\ndo='refuse'\nstatus=500\ncode='InternalError'\nanswer='after-acting'",
    );
    put(&scene, b"x").unwrap().refused(500, "InternalError");
    assert_eq!(scene.get("demo/k").body, b"x");
    assert!(fired(&scene)[0].applied);
}

#[test]
fn a_body_by_script_takes_the_place_of_the_answer() {
    let scene = Scene::with_faults(
        "[[fault]]\nat='put_object'\nnth=1\ndo='body'\nstatus=502\ntext='<html>bad gateway'\n[[fault]]\nat='put_object'\nnth=2\ndo='body'\nstatus=203\ncontent_type='application/json'\ntext='{}'\nanswer='after-acting'",
    );
    let page = put(&scene, b"x").unwrap();
    assert_eq!(
        (page.expect(502).text().as_str(), page.header("content-type")),
        ("<html>bad gateway", Some("text/html"))
    );
    let callback = put(&scene, b"y").unwrap();
    assert_eq!(callback.expect(203).header("x-oss-hash-crc64ecma"), Some(crc64(b"y").as_str()));
    assert_eq!((callback.text().as_str(), callback.header("content-type")), ("{}", Some("application/json")));
    assert_eq!(scene.get("demo/k").body, b"y");
}

#[test]
fn a_request_that_is_cut_stores_nothing() {
    let body = bytes(1, 2_000_000);
    for action in ["reset-request", "close-request"] {
        for after in ["0", "1", "65536", "'50%'", "1999999", "'100%'"] {
            let scene = Scene::with_faults(&format!(
                "[[fault]]\nat='put_object'\nnth=1\ndo='{action}'\nafter={after}"
            ));
            put(&scene, &body).unwrap_err();
            let log = fired(&scene);
            assert_eq!((log.len(), log[0].status, log[0].applied), (1, None, false), "{action} {after}");
            assert!(log[0].body_bytes <= 2_000_000);
            put(&scene, &body).unwrap().expect(200);
        }
    }
}

#[test]
fn a_reset_is_a_reset_and_a_close_is_a_close() {
    for (parting, kind) in
        [("reset", io::ErrorKind::ConnectionReset), ("close", io::ErrorKind::UnexpectedEof)]
    {
        let scene =
            Scene::with_faults(&format!("[[fault]]\nat='any'\ndo='lose-answer'\nparting='{parting}'"));
        assert_eq!(put(&scene, b"x").unwrap_err().kind(), kind);
    }
}

#[test]
fn a_lost_answer_leaves_the_deed_and_no_act_does_not() {
    let lost = Scene::with_faults("[[fault]]\nat='put_object'\ndo='lose-answer'");
    put(&lost, b"x").unwrap_err();
    assert_eq!(lost.get("demo/k").expect(200).body, b"x");
    assert!(fired(&lost)[0].applied);
    let idle = Scene::with_faults(
        "[[fault]]\nat='put_object'\ndo='no-act'\n[[fault]]\nat='list_objects'\ndo='no-act'",
    );
    put(&idle, b"x").unwrap_err();
    assert_eq!((fired(&idle)[0].body_bytes, fired(&idle)[0].applied), (1, false));
    idle.head("demo/k").expect(404);
    idle.client.send(&Ask::new("GET", "demo")).unwrap_err();
}

#[test]
fn lost_answers_of_an_upload_can_be_settled() {
    let scene = Scene::with_faults(
        "[[fault]]\nat='initiate'\nnth=1\ndo='lose-answer'\n[[fault]]\nat='complete'\nnth=1\ndo='lose-answer'\n\
         [[fault]]\nat='head_object'\nnth=1\ndo='overwrite-object'\ntext='stranger'",
    );
    scene.client.send(&Ask::new("POST", "demo/k?uploads")).unwrap_err();
    let id = scene.get("demo?uploads&prefix=k").element("UploadId").unwrap();
    let etag = scene.upload_part("k", &id, 1, b"mine").etag();
    let complete = Ask::new("POST", &format!("demo/k?uploadId={id}"));
    let complete = complete.body(crate::client::part_list(&[(1, etag)]).as_bytes());
    scene.client.send(&complete).unwrap_err();
    assert_eq!(scene.get("demo/k").body, b"mine");
    scene.client.send(&complete).unwrap().refused(404, "NoSuchUpload");
    assert_eq!(scene.head("demo/k").header("x-oss-hash-crc64ecma"), Some(crc64(b"stranger").as_str()));
}

/// How long a request takes.
fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

#[test]
fn requests_and_answers_are_slowed_as_asked() {
    let body = bytes(1, 200_000);
    let cases = [
        ("put_object", "do='stall-request'\nafter=1000\nfor='300ms'", 300),
        ("put_object", "do='stall-answer'\nfor='300ms'", 300),
        ("put_object", "do='delay'\nfor='300ms'", 300),
        ("put_object", "do='throttle'\nrate=400000", 400),
        ("get_object", "do='trickle'\nrate=400000", 400),
    ];
    for (operation, action, least) in cases {
        let scene = Scene::with_faults(&format!("[[fault]]\nat='{operation}'\nnth=1\n{action}"));
        let took = timed(|| {
            put(&scene, &body).unwrap().expect(200);
            assert!(scene.get("demo/k").body == body);
        });
        assert!(took >= Duration::from_millis(least), "{action} took {took:?}");
        assert_eq!(fired(&scene).len(), 1);
    }
    let narrow = Scene::with(|settings| settings.bandwidth = Some(400_000));
    assert!(timed(|| assert_eq!(put(&narrow, &body).unwrap().status, 200)) >= Duration::from_millis(400));
}

#[test]
fn headers_are_set_and_taken_away() {
    let scene = Scene::with_faults(
        "[[fault]]\nat='put_object'\ndo='header'\nname='x-oss-version-id'\nvalue='V1'\n\
         [[fault]]\nat='put_object'\ndo='without-header'\nname='ETag'\n[[fault]]\nat='any'\ndo='without-header'\nname='Date'",
    );
    let answer = put(&scene, b"x").unwrap();
    assert_eq!(answer.expect(200).header("x-oss-version-id"), Some("V1"));
    assert!(answer.header("etag").is_none());
    assert_eq!(fired(&scene)[0].faults, ["1:header", "2:without-header", "3:without-header"]);
}

#[test]
fn an_answer_is_cut_where_the_script_says() {
    for after in [0, 5, 60, 400] {
        let scene = Scene::with_faults(&format!(
            "[[fault]]\nat='get_object'\nnth=1\ndo='truncate-answer'\nafter={after}"
        ));
        put(&scene, &bytes(1, 100_000)).unwrap().expect(200);
        let head =
            scene.client.head(&Ask::new("GET", "demo/k"), std::time::SystemTime::now().try_into().unwrap());
        assert_eq!(scene.client.send_and_hang_up(head.as_bytes()).unwrap(), after);
        assert!(scene.get("demo/k").body == bytes(1, 100_000));
    }
}

#[test]
fn a_wrong_crc_is_only_said() {
    let scene = Scene::with_faults(
        "[[fault]]\nat='put_object'\ndo='corrupt-crc'\n[[fault]]\nat='list_parts'\nnth=1\ndo='corrupt-crc'",
    );
    assert_ne!(put(&scene, b"x").unwrap().header("x-oss-hash-crc64ecma"), Some(crc64(b"x").as_str()));
    assert_eq!(scene.head("demo/k").header("x-oss-hash-crc64ecma"), Some(crc64(b"x").as_str()));
    let id = scene.initiate("k");
    scene.upload_part("k", &id, 1, b"y").expect(200);
    let list = || scene.get(&format!("demo/k?uploadId={id}")).element("HashCrc64ecma").unwrap();
    assert_ne!(list(), crc64(b"y"));
    assert_eq!(list(), crc64(b"y"));
}

#[test]
fn a_flipped_byte_is_stored_and_told_by_its_crc() {
    let scene = Scene::with_faults(
        "[[fault]]\nat='put_object'\nnth=1\ndo='corrupt-body'\nafter=70000\n[[fault]]\nat='get_object'\nnth=2\ndo='corrupt-body'\nafter='100%'\n[[fault]]\nat='get_object'\nnth=3\ndo='corrupt-body'\nafter='99%'",
    );
    let body = bytes(1, 600_000);
    let mut hurt = body.clone();
    hurt[70_000] ^= 1;
    let answer = put(&scene, &body).unwrap();
    assert_eq!(answer.expect(200).header("x-oss-hash-crc64ecma"), Some(crc64(&hurt).as_str()));
    assert!(scene.get("demo/k").body == hurt);
    assert!(scene.get("demo/k").body == hurt, "there is no byte after the last");
    let got = scene.get("demo/k").body;
    assert_eq!((0..600_000).filter(|at| got[*at] != hurt[*at]).collect::<Vec<_>>(), [594_000]);
}

#[test]
fn a_listing_lies_as_asked() {
    let scene = Scene::with_faults(
        "[[fault]]\nat='list_parts'\nnth=1\ndo='omit-part'\nnumber=2\n[[fault]]\nat='list_parts'\nnth=2\ndo='alter-part'\nnumber=2\nchange='size'\n\
         [[fault]]\nat='list_parts'\nnth=2\ndo='alter-part'\nnumber=1\nchange='etag'\n[[fault]]\nat='list_parts'\nnth=2\ndo='alter-part'\nnumber=3\nchange='without-crc'\n\
         [[fault]]\nat='list_parts'\nnth=3\ndo='lose-part'\nnumber=2",
    );
    let id = scene.initiate("k");
    let etags: Vec<_> = (1..=3).map(|number| scene.upload_part("k", &id, number, b"xyz").etag()).collect();
    let list = || scene.get(&format!("demo/k?uploadId={id}"));
    assert_eq!(list().elements("PartNumber"), ["1", "3"]);
    let altered = list();
    assert_eq!(altered.elements("Size"), ["3", "4", "3"]);
    assert_eq!(altered.elements("HashCrc64ecma").len(), 2);
    assert_ne!(altered.elements("ETag")[0], etags[0]);
    assert_eq!(list().elements("PartNumber"), ["1", "3"]);
    assert_eq!(list().elements("PartNumber"), ["1", "3"], "a lost part stays lost");
}

#[test]
fn an_upload_is_forgotten_or_completed_behind_the_clients_back() {
    let scene = Scene::with_faults(
        "[[fault]]\nat='upload_part'\npart=2\nnth=1\ndo='forget-upload'\n[[fault]]\nat='complete'\ndo='complete-elsewhere'",
    );
    let id = scene.initiate("k");
    scene.upload_part("k", &id, 1, b"x").expect(200);
    scene.upload_part("k", &id, 2, b"x").refused(404, "NoSuchUpload");
    let id = scene.initiate("k");
    let etag = scene.upload_part("k", &id, 1, b"x").etag();
    scene.complete("k", &id, &[(1, etag)]).refused(404, "NoSuchUpload");
    assert_eq!(scene.get("demo/k").body, b"x");
}

#[test]
fn a_token_expires_for_good() {
    let scene = Scene::with(|settings| {
        settings.access_keys = ["STS.a:s:t1", "STS.a:s:t2"].map(|key| key.parse().unwrap()).to_vec();
        settings.faults =
            oss_emulator::faults::Script::parse("[[fault]]\nat='put_object'\nnth=2\ndo='expire-token'")
                .unwrap();
    });
    let ask = Ask::new("PUT", "demo/k").body(b"x");
    let send = |token| scene.client.as_key("STS.a", "s", Some(token)).send(&ask).unwrap();
    send("t1").expect(200);
    send("t1").refused(403, "SecurityTokenExpired");
    send("t1").refused(403, "SecurityTokenExpired");
    send("t2").expect(200);
}

#[test]
fn the_clock_is_off_at_the_requests_that_the_script_names() {
    let scene = Scene::with_faults("[[fault]]\nat='put_object'\nnth=1\ndo='skew'\nby='-20m'");
    put(&scene, b"x").unwrap().refused(403, "RequestTimeTooSkewed");
    put(&scene, b"x").unwrap().expect(200);
}

#[test]
fn a_rule_looks_at_its_operation_key_and_part_only() {
    let scene = Scene::with_faults(
        "[[fault]]\nat='upload_part'\npart=3\nkey='k'\nnth=2\ndo='refuse'\nstatus=500\ncode='InternalError'",
    );
    let (id, other) = (scene.initiate("k"), scene.initiate("other"));
    for _ in 0..2 {
        scene.upload_part("k", &id, 2, b"x").expect(200);
        scene.upload_part("other", &other, 3, b"x").expect(200);
    }
    scene.upload_part("k", &id, 3, b"x").expect(200);
    scene.upload_part("k", &id, 3, b"x").refused(500, "InternalError");
    scene.upload_part("k", &id, 3, b"x").expect(200);
}
