//! TLS by rustls with ring; the roots are loaded when the first https exchange asks for them.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use rustls::{
    CipherSuite, ClientConfig, InvalidMessage, RootCertStore,
    client::WebPkiServerVerifier,
    client::danger::ServerCertVerifier,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use tokio_rustls::TlsConnector;

use super::{
    dial::{Refusal, refuse},
    fault::Fault,
    wire::{Metered, Wire},
};
use crate::{BoxError, Unsent};

/// Bytes of ciphertext that a connection may hold back: one block of the body.
const BUFFER_LIMIT: usize = 256 * 1024;

/// How connections are secured; cheap until it is used.
pub(super) struct Tls {
    ca_file: Option<PathBuf>,
    config: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl Tls {
    pub(super) fn new(ca_file: Option<PathBuf>) -> Self {
        Self { ca_file, config: OnceLock::new() }
    }

    /// Shakes hands over `stream` as a client of `host`.
    pub(super) async fn secure(&self, stream: Metered, host: &str) -> Result<Wire, Refusal> {
        let config = self
            .config
            .get_or_init(|| load(self.ca_file.as_deref()).map_err(|error| error.to_string()).map(Arc::new));
        let config = match config {
            Ok(config) => Arc::clone(config),
            Err(words) => return Err(refuse(Unsent::Certificate, Fault::Words(words.clone()))),
        };
        let name = ServerName::try_from(host.to_owned()).map_err(|error| refuse(Unsent::Request, error))?;
        let mut stream = TlsConnector::from(config).connect(name, stream).await.map_err(classify)?;
        stream.get_mut().1.set_buffer_limit(Some(BUFFER_LIMIT));
        Ok(Wire::Tls(Box::new(stream)))
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

/// ring, with AES-128-GCM before AES-256-GCM: it is the faster of the two and no weaker here.
fn provider() -> CryptoProvider {
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    provider
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, BoxError> {
    let broken = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let found: Vec<_> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|error| broken(&error))?;
    if found.is_empty() {
        return Err(broken(&"no certificate in it").into());
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

fn classify(error: io::Error) -> Refusal {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            refuse(Unsent::Certificate, error)
        }
        Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            refuse(Unsent::Tls, Fault::NotTls)
        }
        _ => refuse(Unsent::Tls, error),
    }
}
