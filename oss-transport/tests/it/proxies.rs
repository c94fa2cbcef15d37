//! The way through a proxy.

use std::{
    io::Write,
    process::Command,
    sync::{Mutex, mpsc},
};

use oss_transport::{HyperTransport, TransportError, Unsent};

use crate::{
    peer::Peer,
    request::{answered, get, send, told},
    secure::{accept, authority, request},
};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn through(peer: &Peer) -> HyperTransport {
    let proxy = format!("http://somebody:hush@{}", peer.address());
    HyperTransport::builder().proxy(proxy.parse().unwrap()).build()
}

#[test]
fn a_proxy_for_http_gets_the_whole_address() {
    let (sender, heads) = mpsc::channel();
    let sender = Mutex::new(sender);
    let proxy = Peer::new(move |_, mut caller| {
        while let Some((head, _)) = caller.request() {
            sender.lock().unwrap().send(head).unwrap();
            caller.say(OK);
        }
    });
    let transport = through(&proxy);
    for _ in 0..2 {
        assert_eq!(answered(send(&transport, get("http://bucket.invalid//a%2F?b"))), (200, "ok".into()));
        assert_eq!(
            heads.recv().unwrap(),
            "GET http://bucket.invalid//a%2F?b HTTP/1.1\r\nhost: bucket.invalid\r\n\
             proxy-authorization: Basic c29tZWJvZHk6aHVzaA==\r\n\r\n"
        );
    }
    assert_eq!(proxy.accepted(), 1);
}

#[test]
fn https_goes_through_a_tunnel() {
    let config = authority().server("bucket.invalid", false);
    let (sender, heads) = mpsc::channel();
    let sender = Mutex::new(sender);
    let proxy = Peer::new(move |_, mut caller| {
        sender.lock().unwrap().send(caller.head().unwrap()).unwrap();
        caller.say("HTTP/1.1 200 Connection established\r\nx: y\r\n\r\n");
        let mut stream = accept(&config, caller);
        while request(&mut stream) {
            stream.write_all(OK.as_bytes()).unwrap();
        }
    });
    let uri = format!("http://somebody:hush@{}", proxy.address());
    let transport = authority().trusting_through(&uri);
    for _ in 0..2 {
        assert_eq!(answered(send(&transport, get("https://bucket.invalid/a"))), (200, "ok".into()));
    }
    assert_eq!(
        heads.recv().unwrap(),
        "CONNECT bucket.invalid:443 HTTP/1.1\r\nHost: bucket.invalid:443\r\n\
         Proxy-Authorization: Basic c29tZWJvZHk6aHVzaA==\r\n\r\n"
    );
    assert_eq!(proxy.accepted(), 1);
}

// Rows: 27
#[test]
fn a_proxy_that_refuses_is_named_without_its_password() {
    let answers = [
        ("407", "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"),
        ("502", "HTTP/1.1 502 Bad\u{7}Gateway\r\ncontent-type: text/html\r\n\r\n<html></html>"),
        ("end of file", "HTTP/1.1 200 OK\r\n"),
        ("behind its answer", "HTTP/1.1 200 OK\r\n\r\nx"),
        ("SSH", "SSH-2.0-x\r\n\r\n"),
        ("too long", &format!("HTTP/1.1 200 OK\r\nx: {}", "a".repeat(100_000))),
    ];
    for (words, answer) in answers {
        let answer = answer.to_owned();
        let proxy = Peer::new(move |_, mut caller| {
            caller.head();
            caller.say(&answer);
        });
        let error = send(&through(&proxy), get("https://bucket.invalid/")).unwrap_err();
        let line = told(&error);
        assert!(matches!(error, TransportError::NotSent { reason: Unsent::Proxy, .. }), "{line}");
        assert!(line.contains(words) && line.contains("proxy"), "{words}: {line}");
        assert!(!line.contains("hush") && !line.contains("c29t") && !line.contains('\u{7}'), "{line}");
    }
    let gone = Peer::answering(OK);
    let transport = through(&gone);
    drop(gone);
    for url in ["http://bucket.invalid/", "https://bucket.invalid/"] {
        let error = send(&transport, get(url)).unwrap_err();
        assert!(matches!(error, TransportError::NotSent { reason: Unsent::Proxy, .. }), "{}", told(&error));
        assert!(!format!("{error:?} {transport:?}").contains("hush"));
    }
}

#[test]
fn a_proxy_that_cannot_be_spoken_to_is_refused() {
    for proxy in ["socks5://a:hush@127.0.0.1:1", "https://a:hush@127.0.0.1:1"] {
        let builder = HyperTransport::builder().proxy(proxy.parse().unwrap());
        assert!(!format!("{builder:?}").contains("hush"));
        let transport = builder.build();
        let error = send(&transport, get("http://bucket.invalid/")).unwrap_err();
        assert!(matches!(error, TransportError::NotSent { reason: Unsent::Proxy, .. }), "{}", told(&error));
    }
}

// Rows: 27
#[test]
fn this_machine_is_reached_without_a_proxy() {
    let (peer, proxy) =
        (Peer::answering(OK), Peer::answering("HTTP/1.1 502 Bad\r\ncontent-length: 0\r\n\r\n"));
    let transport = through(&proxy);
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{}/", peer.address().port());
        assert_eq!(answered(send(&transport, get(&url))).0, 200);
    }
    assert_eq!(proxy.accepted(), 0);
}

/// The test runs itself again, since a process cannot change its own environment safely.
// Rows: 27
#[test]
fn the_environment_names_the_proxy() {
    const NAME: &str = "proxies::the_environment_names_the_proxy";
    const URL: &str = "TRANSPORT_TEST_URL";
    if let Ok(url) = std::env::var(URL) {
        assert_eq!(answered(send(&HyperTransport::new(), get(&url))), (200, "ok".into()));
        return;
    }
    let (sender, lines) = mpsc::channel();
    let sender = Mutex::new(sender);
    let proxy = Peer::new(move |_, mut caller| {
        if let Some((head, _)) = caller.request() {
            sender.lock().unwrap().send(head.lines().next().unwrap().to_owned()).unwrap();
            caller.say(OK);
        }
    });
    let peer = Peer::answering(OK);
    let run = |url: &str, variable: &str, exceptions: &str| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        for unset in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
            child.env_remove(unset);
        }
        child.args(["--exact", NAME]).env(URL, url).env(variable, proxy.url("")).env("NO_PROXY", exceptions);
        child.output().unwrap().status.success()
    };
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        assert!(run("http://bucket.invalid/a", variable, "other.invalid"), "{variable}");
        assert_eq!(lines.try_recv().unwrap(), "GET http://bucket.invalid/a HTTP/1.1");
    }
    assert!(!run("http://bucket.invalid/a", "HTTP_PROXY", "bucket.invalid"), "there is no such host");
    assert!(run(&peer.url("/a"), "HTTP_PROXY", ""), "this machine needs no proxy");
    assert!(lines.try_recv().is_err());
}
