use async_trait::async_trait;
use oss_sign::Credentials;

/// Where credentials come from. A long upload outlives a security token, so they are asked for all the while.
///
/// The [`Client`](super::Client) keeps the last set that it was given and goes on with it while this is slow or fails,
/// until the service says that it has ended or the time has come at which it is known to
/// ([`Credentials::ending_at`]). Then all transfers wait together, for at most 15 s each time; a request that still has no
/// credentials counts as one that did not reach the service, and is tried again.
///
/// Futures of both methods may be dropped half way, and must not block their thread.
#[async_trait]
pub trait ProvideCredentials: Send + Sync {
    /// The credentials in force. Asked about once a second while requests are sent.
    ///
    /// # Errors
    /// [`CredentialsError`].
    async fn credentials(&self) -> Result<Credentials, CredentialsError>;

    /// Those in force have ended: gets others, if there are any. Called once for all transfers, at most once a second, and
    /// only while [`Self::credentials`] has no others either. To give the same ones again means that there are no others,
    /// and ends an upload; what it has done is kept.
    ///
    /// # Errors
    /// [`CredentialsError`].
    async fn refresh(&self) -> Result<Credentials, CredentialsError> {
        self.credentials().await
    }
}

/// Why there are no credentials. The messages are for a person, and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// There are none, and asking again does not help. Those that were given before are used while they last.
    #[error("no credentials: {0}")]
    Missing(String),
    /// Their source does not answer just now. Those that were given before are used while they last; then requests wait
    /// and ask again.
    #[error("the credentials cannot be had: {0}")]
    Unavailable(String),
}

/// Always the same ones.
#[async_trait]
impl ProvideCredentials for Credentials {
    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        Ok(self.clone())
    }
}
