//! Nobody answers, or nobody who can be trusted.

use std::{
    fs,
    net::TcpListener,
    sync::Arc,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};

use crate::support::{Ended, Front, PART, Scene};

/// Says that it ended with exit code 3 and one line of advice that holds `advice`.
#[track_caller]
fn is_unreachable(ended: Ended, what: &str, advice: &str) {
    let ended = ended.expect(3);
    ended.says("the service cannot be reached").says(what);
    let hints: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("hint: ")).collect();
    assert!(matches!(hints[..], [hint] if hint.contains(advice)), "{hints:?}");
}

// Rows: 4
#[test]
fn a_port_where_nobody_listens_is_tried_three_times_in_about_five_seconds() {
    let scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, 13 * PART);
    // Taken and given back: nobody listens there.
    let nobody = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let started = Instant::now();
    let ended = scene.cp(&path, "object").env("OSS_ENDPOINT", format!("http://{nobody}")).run();
    let took = started.elapsed();
    is_unreachable(ended, "Connection refused", "right endpoint");
    assert!((Duration::from_secs(3)..Duration::from_secs(9)).contains(&took), "{took:?}");
    scene.cp(&path, "object").run().expect(0);
    scene.expect_object("object", &bytes);
}

// Rows: 1
#[test]
fn a_name_that_does_not_resolve_is_told() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, PART);
    let ended = scene.cp(&path, "object").env("OSS_ENDPOINT", "http://oss.nowhere.invalid").run();
    is_unreachable(ended, "does not resolve", "slip in oss.nowhere.invalid");
}

// Rows: 24
#[test]
fn plain_http_is_no_https() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, PART);
    let endpoint = format!("https://{}", scene.emulator.address());
    let ended = scene.cp(&path, "object").env("OSS_ENDPOINT", endpoint).run();
    is_unreachable(ended, "TLS", "http://");
    assert_eq!(scene.log().len(), 0);
}

/// A certificate for `name` by an authority that nobody knows, and the authority's own in PEM.
fn certificate(name: &str) -> (Arc<ServerConfig>, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate.der().to_vec())],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    (Arc::new(config), issuer.pem())
}

// Rows: 23
#[test]
fn a_certificate_by_nobody_known_is_refused_at_once_and_trusted_when_told_so() {
    let scene = Scene::new();
    let (path, bytes) = scene.file("source", 1, 13 * PART);
    let (config, authority) = certificate("127.0.0.1");
    let front = Front::secure(scene.emulator.address(), config);
    let cp = || scene.cp(&path, "object").env("OSS_ENDPOINT", front.endpoint());
    let started = Instant::now();
    is_unreachable(cp().run(), "certificate", "--ca-file");
    assert!(started.elapsed() < Duration::from_secs(3), "what is not trusted is not tried again");
    assert_eq!(scene.log().len(), 0, "no request went to somebody unknown");

    let file = scene.path("authority.pem");
    fs::write(&file, authority).unwrap();
    cp().arg("--ca-file").arg(&file).run().expect(0);
    scene.expect_object("object", &bytes);
    scene.expect_nothing_left();
}

// Rows: 23
#[test]
fn a_certificate_for_another_name_is_refused() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, 13 * PART);
    let (config, authority) = certificate("oss.example");
    let file = scene.path("authority.pem");
    fs::write(&file, authority).unwrap();
    let front = Front::secure(scene.emulator.address(), config);
    let cp = scene.cp(&path, "object").env("OSS_ENDPOINT", front.endpoint());
    is_unreachable(cp.arg("--ca-file").arg(&file).run(), "certificate", "--ca-file");
    assert_eq!(scene.log().len(), 0);
}

#[test]
fn a_ca_file_without_a_certificate_is_told_as_that() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, 13 * PART);
    let (config, _) = certificate("127.0.0.1");
    let front = Front::secure(scene.emulator.address(), config);
    let file = scene.path("key.pem");
    fs::write(&file, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let cp = scene.cp(&path, "object").env("OSS_ENDPOINT", front.endpoint());
    let ended = cp.arg("--ca-file").arg(&file).run();
    assert!(!ended.stderr.contains("refused"), "nobody refused anything: {}", ended.stderr);
    is_unreachable(ended, "key.pem: there is no certificate in this file", "at least one certificate");
    assert_eq!(scene.log().len(), 0);
}

#[test]
fn a_ca_file_that_is_none_is_told_by_name() {
    let scene = Scene::new();
    let (path, _) = scene.file("source", 1, 13 * PART);
    let (config, _) = certificate("127.0.0.1");
    let front = Front::secure(scene.emulator.address(), config);
    let file = scene.path("nonsense.pem");
    fs::write(&file, "-----BEGIN NONSENSE-----\n").unwrap();
    for file in [file, scene.path("not-there.pem"), scene.folder().to_owned()] {
        let cp = scene.cp(&path, "object").env("OSS_ENDPOINT", front.endpoint());
        let ended = cp.arg("--ca-file").arg(&file).run().expect(3);
        ended.says(&file.display().to_string());
    }
    assert_eq!(scene.log().len(), 0);
}
