//! TLS by rustls with ring; the roots are loaded when the first https exchange asks for them.

use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use http::Uri;
use hyper_rustls::{DefaultServerNameResolver, HttpsConnector, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use rustls::{
    CipherSuite, ClientConfig, InvalidMessage, RootCertStore,
    client::WebPkiServerVerifier,
    client::danger::ServerCertVerifier,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, InvalidDnsNameError, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use tower_service::Service;

use super::{
    dial::{Refusal, refuse},
    fault::Fault,
    way::Way,
    wire::Metered,
};
use crate::{BoxError, Unsent};

/// Bytes of ciphertext that a connection may hold back. More than this is freed and mapped anew by the C library's allocator with
/// each block (it trims what is free from 128 KiB on), and the page faults cost a sixth of all CPU time.
const BUFFER_LIMIT: usize = 64 * 1024;

/// How connections are secured; cheap until it is used.
pub(super) struct Tls {
    ca_file: Option<PathBuf>,
    config: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl Tls {
    pub(super) fn new(ca_file: Option<PathBuf>) -> Self {
        Self { ca_file, config: OnceLock::new() }
    }

    /// Goes `way` to `server`, and shakes hands at its end.
    pub(super) async fn secure(
        &self,
        way: Way,
        server: Uri,
    ) -> Result<MaybeHttpsStream<TokioIo<Metered>>, Refusal> {
        let names = Arc::new(DefaultServerNameResolver::default());
        let mut connector = HttpsConnector::new(way, self.config()?, true, names);
        let mut stream = connector.call(server).await.map_err(classify)?;
        if let MaybeHttpsStream::Https(tls) = &mut stream {
            tls.inner_mut().get_mut().1.set_buffer_limit(Some(BUFFER_LIMIT));
        }
        Ok(stream)
    }

    fn config(&self) -> Result<Arc<ClientConfig>, Refusal> {
        let config = self
            .config
            .get_or_init(|| load(self.ca_file.as_deref()).map_err(|error| error.to_string()).map(Arc::new));
        match config {
            Ok(config) => Ok(Arc::clone(config)),
            Err(words) => {
                let words = format!("the certificates to trust cannot be loaded: {words}");
                Err(refuse(Unsent::Request, Fault::Words(words)))
            }
        }
    }
}

fn load(ca_file: Option<&Path>) -> Result<ClientConfig, BoxError> {
    let provider = Arc::new(provider());
    let extra = ca_file.map_or_else(|| Ok(Vec::new()), certificates)?;
    let verifier: Arc<dyn ServerCertVerifier> = match Verifier::new(Arc::clone(&provider)) {
        Ok(verifier) if extra.is_empty() => Arc::new(verifier),
        Ok(_) => Arc::new(Verifier::new_with_extra_roots(extra, Arc::clone(&provider))?),
        Err(error) => {
            tracing::warn!(%error, "no certificates of the system; the bundled ones are used");
            bundled(extra, Arc::clone(&provider))?
        }
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// ring, with the fastest cipher first that this processor has: AES-128-GCM, which is no weaker here than AES-256-GCM, or
/// ChaCha20-Poly1305 where AES would be done without instructions of its own.
fn provider() -> CryptoProvider {
    let mut provider = rustls::crypto::ring::default_provider();
    let has_aes = has_aes();
    provider.cipher_suites.sort_by_key(|suite| rank(suite.suite(), has_aes));
    provider
}

/// A smaller one comes first.
const fn rank(suite: CipherSuite, has_aes: bool) -> u8 {
    match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => 1,
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
        | CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => {
            if has_aes {
                3
            } else {
                0
            }
        }
        _ => 2,
    }
}

/// Whether this processor has instructions for AES and for the multiplication of GCM.
fn has_aes() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    let found = is_x86_feature_detected!("aes") && is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    let found = std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    let found = false;
    found
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, BoxError> {
    let broken = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let found: Vec<_> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|error| broken(&error))?;
    if found.is_empty() {
        return Err(broken(&"there is no certificate in this file").into());
    }
    Ok(found)
}

fn bundled(
    extra: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, BoxError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in extra {
        roots.add(certificate)?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
    Ok(verifier)
}

/// What the connector says, as the step that failed: the way's own refusal, the name, or the handshake.
fn classify(error: BoxError) -> Refusal {
    let error = match error.downcast::<Refusal>() {
        Ok(refusal) => return *refusal,
        Err(error) => error,
    };
    if error.is::<InvalidDnsNameError>() {
        return refuse(Unsent::Request, error);
    }
    match handshake_error(&*error) {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            refuse(Unsent::Certificate, error)
        }
        Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            refuse(Unsent::Tls, Fault::NotTls)
        }
        _ => refuse(Unsent::Tls, error),
    }
}

/// The word of rustls, which comes inside errors of io.
fn handshake_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    match error.downcast_ref::<io::Error>() {
        Some(outer) => handshake_error(outer.get_ref()?),
        None => error.downcast_ref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_cipher_of_the_processor_comes_first() {
        let first = |has_aes| {
            let mut suites = rustls::crypto::ring::default_provider().cipher_suites;
            suites.sort_by_key(|suite| rank(suite.suite(), has_aes));
            suites.into_iter().map(|suite| suite.suite()).collect::<Vec<_>>()
        };
        assert_eq!(first(true)[0], CipherSuite::TLS13_AES_128_GCM_SHA256);
        assert_eq!(first(false)[0], CipherSuite::TLS13_CHACHA20_POLY1305_SHA256);
        assert_eq!(first(true).len(), first(false).len());
    }
}
