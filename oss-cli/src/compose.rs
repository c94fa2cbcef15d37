//! The composition root: settings become a transport, credentials, a store and a server if there is to be one.

use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt as _, path::Path, sync::Arc};

use oss_checkpoint::{FileStore, ServiceName};
use oss_emulator::Emulator;
use oss_resumable::{
    driver::{Client, Uploader},
    wire::{Endpoint, EndpointSettings},
};
use oss_sign::Credentials;
use oss_transport::{HyperTransport, Transport};

use crate::{
    args::Lock,
    failure::{Failure, with_causes},
    hint::Circumstances,
    late_retire::{LateRetire, Waiting},
    settings::{Place, Service},
};

/// A service that can be talked to, and the server behind it where that is inside.
pub(crate) struct Connection {
    endpoint: Endpoint,
    credentials: Credentials,
    transport: Arc<dyn Transport>,
    /// Under which name journals know the service, if not by its endpoint.
    service: Option<ServiceName>,
    circumstances: Circumstances,
    /// Ends with the connection.
    _emulator: Option<oss_emulator::Running>,
}

impl Connection {
    /// Makes everything that requests need; sends none.
    ///
    /// # Errors
    /// When the server inside cannot be started.
    pub(crate) fn make(service: &Service) -> Result<Self, Failure> {
        let mut transport = HyperTransport::builder().as_guest();
        if let Some(file) = &service.ca_file {
            transport = transport.ca_file(file);
        }
        let connection = match &service.place {
            Place::Remote { endpoint, credentials } => Self {
                endpoint: endpoint.clone(),
                credentials: credentials.clone(),
                transport: Arc::new(transport.build()),
                service: None,
                circumstances: Circumstances {
                    local: false,
                    endpoint: endpoint.authority().to_owned(),
                    region: endpoint.region().to_owned(),
                    bucket: None,
                    token: credentials.security_token().is_some(),
                    ..Circumstances::default()
                },
                _emulator: None,
            },
            Place::Local { root, region } => {
                let emulator = emulator(root, region)?;
                let settings = EndpointSettings {
                    endpoint: Some(emulator.endpoint()),
                    region: Some(region.clone()),
                    ..EndpointSettings::default()
                };
                let bug =
                    |error: &dyn std::error::Error| Failure::local(format!("the server inside: {error}"));
                let endpoint = Endpoint::resolve(&settings).map_err(|error| bug(&error))?;
                Self {
                    circumstances: Circumstances {
                        local: true,
                        endpoint: endpoint.authority().to_owned(),
                        region: region.clone(),
                        bucket: None,
                        token: false,
                        ..Circumstances::default()
                    },
                    endpoint,
                    credentials: Credentials::new("local", "local").map_err(|error| bug(&error))?,
                    transport: Arc::new(transport.no_proxy().build()),
                    service: Some(ServiceName::new("local").map_err(|error| bug(&error))?),
                    _emulator: Some(emulator),
                }
            }
        };
        Ok(connection)
    }

    /// For single operations.
    ///
    /// # Errors
    /// When the endpoint cannot be signed for.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Client::new(self.endpoint.clone(), Arc::new(self.credentials.clone()), Arc::clone(&self.transport))
            .map_err(|error| Failure::usage(with_causes(&error)))
    }

    /// For uploads, with journals in this store.
    ///
    /// # Errors
    /// When the endpoint cannot be signed for.
    pub(crate) fn uploader(&self, store: Arc<Journals>) -> Result<Uploader, Failure> {
        let mut uploader = Uploader::builder(self.endpoint.clone())
            .transport(Arc::clone(&self.transport))
            .credentials(self.credentials.clone())
            .store(store);
        if let Some(service) = &self.service {
            uploader = uploader.service(service.clone());
        }
        uploader.build().map_err(|error| Failure::usage(with_causes(&error)))
    }

    /// Leaves the server inside as a killed process would, instead of waiting for what it still stores.
    pub(crate) fn leave(self) {
        std::mem::forget(self);
    }

    /// What hints may name, for a command about this bucket.
    pub(crate) fn circumstances(&self, bucket: Option<&str>) -> Circumstances {
        Circumstances { bucket: bucket.map(str::to_owned), ..self.circumstances.clone() }
    }
}

/// Journals in a directory.
pub(crate) type Journals = LateRetire<FileStore>;

/// The journals in this directory; those that are done with wait in `waiting`.
pub(crate) fn journals(checkpoint_dir: &Path, lock: Lock, waiting: &Waiting) -> Arc<Journals> {
    let store = FileStore::new(checkpoint_dir);
    let store = match lock {
        Lock::Auto => store,
        Lock::None => store.without_locks(),
    };
    Arc::new(LateRetire::new(store, waiting.clone()))
}

fn emulator(root: &Path, region: &str) -> Result<oss_emulator::Running, Failure> {
    let cannot = |what: String| Failure::local(format!("cannot start the server inside: {what}"));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(root)
        .map_err(|error| cannot(format!("{}: {error}", root.display())))?;
    let mut settings = oss_emulator::Settings::new(root);
    region.clone_into(&mut settings.region);
    settings.create_buckets = true;
    Emulator::bind(settings).and_then(Emulator::start).map_err(|error| cannot(with_causes(&error)))
}
