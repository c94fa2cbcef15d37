//! A redirect is told and never followed: what would go with it are credentials.

use std::{io::ErrorKind, net::TcpListener};

use crate::support::{PART, Scene};

// Rows: 20, 21, 90
#[test]
fn a_redirect_to_another_host_is_told_and_not_followed() {
    let trap = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    trap.set_nonblocking(true).unwrap();
    let place = trap.local_addr().unwrap();
    for status in [301, 302, 303, 307, 308] {
        for length in [13 * PART, 1] {
            let faults = format!(
                "
                [[fault]]
                at = 'any'
                do = 'refuse'
                status = {status}
                code = 'TemporaryRedirect'
                [[fault]]
                at = 'any'
                do = 'header'
                name = 'location'
                value = 'http://{place}/demo/object?x-oss-signature=0'
                "
            );
            let scene = Scene::with_faults(&faults);
            let (path, _) = scene.file("source", 1, length);
            let ended = scene.cp(&path, "object").run().expect(2);
            ended.says(&place.to_string());
            assert!(!ended.stderr.contains("x-oss-signature"), "{}", ended.stderr);
            scene.expect_nothing_left_on_the_server();
        }
    }
    let visited = trap.accept().map(|(_, from)| from);
    assert_eq!(visited.unwrap_err().kind(), ErrorKind::WouldBlock);
}

// Rows: 21, 29, 90
#[test]
fn a_redirect_by_something_that_is_not_the_service_is_told_too() {
    let faults = "
        [[fault]]
        at = 'any'
        do = 'body'
        status = 302
        text = '<html>moved</html>'
        [[fault]]
        at = 'any'
        do = 'header'
        name = 'location'
        value = 'https://user:pass@login.example/portal?session=1'
    ";
    let scene = Scene::with_faults(faults);
    let (path, _) = scene.file("source", 1, 13 * PART);
    let ended = scene.cp(&path, "object").run().expect(2);
    ended.says("login.example");
    assert!(!ended.stderr.contains("pass@") && !ended.stderr.contains("session"), "{}", ended.stderr);
    scene.expect_nothing_left_on_the_server();
}
