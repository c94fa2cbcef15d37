//! https: whom it trusts, and what a cut connection is taken for.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::Command,
    sync::{Arc, OnceLock},
};

use oss_transport::{HyperTransport, TransportError, Unsent};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::{
    HandshakeKind, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};

use crate::{
    peer::{Caller, Peer},
    request::{Counting, answered, get, put, send, told},
};

/// A certificate authority of our own, and the file that holds its certificate.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: PathBuf,
}

pub(crate) fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(|| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("ca-{}.pem", std::process::id()));
        std::fs::write(&file, issuer.pem()).unwrap();
        Authority { issuer, file }
    })
}

impl Authority {
    pub(crate) fn trusting(&self) -> HyperTransport {
        HyperTransport::builder().no_proxy().ca_file(&self.file).build()
    }

    pub(crate) fn trusting_through(&self, proxy: &str) -> HyperTransport {
        HyperTransport::builder().proxy(proxy.parse().unwrap()).ca_file(&self.file).build()
    }

    /// What a server needs to be `name`, with a certificate that ended long ago or not.
    pub(crate) fn server(&self, name: &str, is_expired: bool) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if is_expired {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from(certificate.der().to_vec())],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
        Arc::new(config)
    }
}

pub(crate) type Secure = StreamOwned<ServerConnection, TcpStream>;

pub(crate) fn accept(config: &Arc<ServerConfig>, caller: Caller) -> Secure {
    StreamOwned::new(ServerConnection::new(Arc::clone(config)).unwrap(), caller.into_stream())
}

/// Reads one request by its `content-length`; false at the end of the connection.
pub(crate) fn request(stream: &mut Secure) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return false,
        }
    }
    let length = crate::peer::stated_length(&String::from_utf8(head).unwrap());
    let mut body = Vec::new();
    stream.take(length).read_to_end(&mut body).is_ok_and(|count| count as u64 == length)
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn serving(config: Arc<ServerConfig>) -> Peer {
    Peer::new(move |_, caller| {
        let mut stream = accept(&config, caller);
        while request(&mut stream) {
            stream.write_all(OK).unwrap();
        }
    })
}

fn url(peer: &Peer, host: &str) -> String {
    format!("https://{host}:{}/", peer.address().port())
}

#[test]
fn a_second_connection_resumes_the_session_of_the_first() {
    let config = authority().server("localhost", false);
    let (tell, told) = std::sync::mpsc::channel();
    let peer = Peer::new(move |_, caller| {
        let mut stream = accept(&config, caller);
        while request(&mut stream) {
            tell.send(stream.conn.handshake_kind()).unwrap();
            // The next one needs a connection of its own.
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok").unwrap();
        }
    });
    let transport = authority().trusting();
    for expected in [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed] {
        assert_eq!(answered(send(&transport, get(&url(&peer, "localhost")))), (200, "ok".into()));
        assert_eq!(told.recv().unwrap(), Some(expected));
    }
}

#[test]
fn a_certificate_of_the_ca_file_is_accepted() {
    for host in ["localhost", "127.0.0.1"] {
        let peer = serving(authority().server(host, false));
        let transport = authority().trusting();
        for _ in 0..3 {
            let body = Counting::new(3_000_000, 262_144).body();
            assert_eq!(answered(send(&transport, put(&url(&peer, host), body))), (200, "ok".into()));
        }
        assert_eq!(peer.accepted(), 1);
    }
}

// Rows: 22, 23
#[test]
fn a_wrong_certificate_is_refused() {
    let strangers = HyperTransport::builder().no_proxy().build();
    let cases = [
        ("UnknownIssuer", strangers, authority().server("localhost", false)),
        ("expired", authority().trusting(), authority().server("localhost", true)),
        ("not valid for name", authority().trusting(), authority().server("other.example", false)),
    ];
    for (words, transport, config) in cases {
        let peer = serving(config);
        let error = send(&transport, get(&url(&peer, "localhost"))).unwrap_err();
        assert!(
            matches!(error, TransportError::NotSent { reason: Unsent::Certificate, .. }),
            "{words}: {}",
            told(&error)
        );
        assert!(told(&error).contains(words), "{words}: {}", told(&error));
    }
}

#[test]
fn a_file_without_a_certificate_to_trust_is_named_and_nothing_is_sent() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (missing, key) = (folder.join("missing.pem"), folder.join("key.pem"));
    std::fs::write(&key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
    for (file, words) in [(missing, "missing.pem: "), (key, "key.pem: there is no certificate in this file")]
    {
        let peer = serving(authority().server("localhost", false));
        let transport = HyperTransport::builder().no_proxy().ca_file(file).build();
        let error = send(&transport, get(&url(&peer, "localhost"))).unwrap_err();
        assert!(matches!(error, TransportError::NotSent { reason: Unsent::Request, .. }), "{}", told(&error));
        assert!(told(&error).contains(words), "{}", told(&error));
    }
}

#[test]
fn a_host_that_no_certificate_can_name_is_refused() {
    let host = "a".repeat(64);
    let error = send(&authority().trusting(), get(&format!("https://{host}.example/"))).unwrap_err();
    assert!(matches!(error, TransportError::NotSent { reason: Unsent::Request, .. }), "{}", told(&error));
}

// Rows: 24
#[test]
fn plain_http_on_the_tls_port_is_said_in_words() {
    let peer = Peer::new(|_, mut caller| {
        caller.bytes(5);
        caller.say("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        caller.drained();
    });
    let error = send(&authority().trusting(), get(&url(&peer, "localhost"))).unwrap_err();
    assert!(matches!(error, TransportError::NotSent { reason: Unsent::Tls, .. }), "{}", told(&error));
    assert!(told(&error).contains("plain HTTP"), "{}", told(&error));
}

// Rows: 24
#[test]
fn a_handshake_that_ends_or_is_nonsense_is_not_sent() {
    for said in [&b""[..], b"\x15\x03\x03\x00\x02\x02\x28", b"\x16\x03\x03\x00\x04\x99\x00\x00\x00"] {
        let peer = Peer::new(move |_, mut caller| {
            caller.bytes(5);
            caller.say(said);
            caller.end();
            caller.drained();
        });
        let error = send(&authority().trusting(), get(&url(&peer, "localhost"))).unwrap_err();
        assert!(matches!(error, TransportError::NotSent { reason: Unsent::Tls, .. }), "{}", told(&error));
    }
}

/// An end without `close_notify` is a cut, also where the body has no other end than the connection's.
// Rows: 25
#[test]
fn a_cut_inside_tls_is_unanswered() {
    let config = authority().server("localhost", false);
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\n",
    ] {
        for garbage in [false, true] {
            let config = Arc::clone(&config);
            let peer = Peer::new(move |_, caller| {
                let mut stream = accept(&config, caller);
                request(&mut stream);
                stream.write_all(answer.as_bytes()).unwrap();
                stream.flush().unwrap();
                if garbage {
                    drop(stream.sock.write_all(b"\x17\x03\x03\x00\x20nonsense nonsense nonsense nonse"));
                }
            });
            let outcome = send(&authority().trusting(), get(&url(&peer, "localhost")));
            assert!(matches!(outcome, Err(TransportError::Unanswered { .. })), "{answer:?}: {outcome:?}");
        }
    }
}

#[test]
fn an_end_with_close_notify_is_an_end() {
    let config = authority().server("localhost", false);
    let peer = Peer::new(move |_, caller| {
        let mut stream = accept(&config, caller);
        request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello").unwrap();
        stream.conn.send_close_notify();
        stream.flush().unwrap();
    });
    let outcome = send(&authority().trusting(), get(&url(&peer, "localhost")));
    assert_eq!(answered(outcome), (200, "hello".into()));
}

/// What came before the request went out cannot be its answer. The bytes come with the handshake, so they
/// are there for certain before the request.
// Rows: 34
#[test]
fn bytes_before_the_request_are_no_answer() {
    let mut config = Arc::unwrap_or_clone(authority().server("localhost", false));
    config.send_half_rtt_data = true;
    let config = Arc::new(config);
    let peer = Peer::new(move |_, caller| {
        let mut stream = accept(&config, caller);
        stream.conn.writer().write_all(OK).unwrap();
        while request(&mut stream) {
            stream.write_all(OK).unwrap();
        }
    });
    let outcome = send(&authority().trusting(), get(&url(&peer, "localhost")));
    assert!(matches!(outcome, Err(TransportError::NotSent { reason: Unsent::Closed, .. })), "{outcome:?}");
}

// Rows: 16
#[test]
fn an_early_answer_counts_inside_tls() {
    let config = authority().server("localhost", false);
    let peer = Peer::new(move |_, caller| {
        let mut stream = accept(&config, caller);
        stream.read_exact(&mut vec![0; 50_000]).unwrap();
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 6\r\n\r\ndenied").unwrap();
        stream.flush().unwrap();
        drop(std::io::copy(&mut stream.sock, &mut std::io::sink()));
    });
    for _ in 0..10 {
        let body = Counting::new(200_000_000, 262_144).body();
        let outcome = send(&authority().trusting(), put(&url(&peer, "localhost"), body));
        assert_eq!(answered(outcome), (403, "denied".into()));
    }
}

/// The test runs itself again, without the certificates of this machine.
// Rows: 26
#[test]
fn without_certificates_of_the_system_the_bundled_ones_are_used() {
    const NAME: &str = "secure::without_certificates_of_the_system_the_bundled_ones_are_used";
    const BARE: &str = "TRANSPORT_TEST_BARE";
    if std::env::var_os(BARE).is_none() {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", NAME])
            .env(BARE, "1")
            .env("SSL_CERT_FILE", "/dev/null")
            .env_remove("SSL_CERT_DIR");
        let output = child.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let peer = serving(authority().server("localhost", false));
    let error =
        send(&HyperTransport::builder().no_proxy().build(), get(&url(&peer, "localhost"))).unwrap_err();
    assert!(
        told(&error).contains("UnknownIssuer"),
        "roots are there, ours is none of them: {}",
        told(&error)
    );
    assert_eq!(answered(send(&authority().trusting(), get(&url(&peer, "localhost")))).0, 200);
}
