use std::{fmt, io, path::Path, sync::Arc};

use oss_checkpoint::{BucketName, CheckpointStore, Job, ObjectKey, ServiceName};
use oss_transport::Transport;

use super::{
    client::Client, credentials::ProvideCredentials, source::Source, upload_builder::UploadBuilder,
    upload_error::UploadError,
};
use crate::wire::Endpoint;

/// Uploads to one endpoint, over ports chosen once. Cheap to clone; clones share connections and credentials.
#[derive(Clone)]
pub struct Uploader {
    pub(crate) client: Client,
    pub(crate) store: Arc<dyn CheckpointStore>,
    service: ServiceName,
}

/// An [`Uploader`] in the making.
pub struct UploaderBuilder {
    endpoint: Endpoint,
    service: Option<ServiceName>,
    transport: Option<Arc<dyn Transport>>,
    credentials: Option<Arc<dyn ProvideCredentials>>,
    store: Option<Arc<dyn CheckpointStore>>,
}

impl Uploader {
    /// Begins to make one. Transport, credentials and store have to be given.
    pub fn builder(endpoint: Endpoint) -> UploaderBuilder {
        UploaderBuilder { endpoint, service: None, transport: None, credentials: None, store: None }
    }

    /// The client underneath, for single operations.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// An upload of a file. What identifies it beside the target is its canonical path, which is looked up when the
    /// upload starts.
    #[cfg(unix)]
    pub fn upload_file(&self, path: impl AsRef<Path>, bucket: BucketName, key: ObjectKey) -> UploadBuilder {
        UploadBuilder::of_file(self.clone(), path.as_ref().to_owned(), bucket, key)
    }

    /// An upload of any source; `identity` tells it from others in the journals, as the canonical path does for files.
    pub fn upload(
        &self,
        source: Arc<dyn Source>,
        identity: impl Into<Vec<u8>>,
        bucket: BucketName,
        key: ObjectKey,
    ) -> UploadBuilder {
        UploadBuilder::of_source(self.clone(), source, identity.into(), bucket, key)
    }

    pub(crate) fn job(&self, bucket: BucketName, key: ObjectKey, source: Vec<u8>) -> Job {
        Job { service: self.service.clone(), bucket, key, source }
    }
}

impl UploaderBuilder {
    /// What carries the requests.
    #[must_use]
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Who signs; [`oss_sign::Credentials`] are a provider of themselves.
    #[must_use]
    pub fn credentials(mut self, credentials: impl ProvideCredentials + 'static) -> Self {
        self.credentials = Some(Arc::new(credentials));
        self
    }

    /// Where the journals are.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn CheckpointStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Which service the endpoint belongs to, if not what [`Endpoint::service`] says: two endpoints of one service
    /// share their journals.
    #[must_use]
    pub fn service(mut self, service: ServiceName) -> Self {
        self.service = Some(service);
        self
    }

    /// The uploader.
    ///
    /// # Errors
    /// [`UploadError::Incomplete`] without transport, credentials or store; [`UploadError::Sign`] for an endpoint without a
    /// region.
    pub fn build(self) -> Result<Uploader, UploadError> {
        let service = self.service.unwrap_or_else(|| self.endpoint.service().clone());
        let transport = self.transport.ok_or(UploadError::Incomplete("transport"))?;
        let credentials = self.credentials.ok_or(UploadError::Incomplete("credentials"))?;
        let store = self.store.ok_or(UploadError::Incomplete("store"))?;
        Ok(Uploader { client: Client::new(self.endpoint, credentials, transport)?, store, service })
    }
}

impl fmt::Debug for Uploader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploader").field("endpoint", self.client.endpoint()).finish_non_exhaustive()
    }
}

/// The path that names a file whatever way it was written; of a file that is gone, the one that it had.
pub(crate) fn canonical(path: &Path) -> io::Result<std::path::PathBuf> {
    match std::fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (Some(name), Some(parent)) = (path.file_name(), path.parent()) else { return Err(error) };
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            Ok(std::fs::canonicalize(parent).map_err(|_| error)?.join(name))
        }
        found => found,
    }
}
