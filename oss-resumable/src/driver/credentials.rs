use async_trait::async_trait;
use oss_sign::Credentials;

/// Where credentials come from. Asked for each request, since a long upload outlives a security token.
#[async_trait]
pub trait ProvideCredentials: Send + Sync {
    /// The credentials in force. Called often: keep them.
    ///
    /// # Errors
    /// [`CredentialsError`].
    async fn credentials(&self) -> Result<Credentials, CredentialsError>;

    /// The service said that those in force have ended: gets others, if there are any. Called once for all transfers,
    /// and at most once a second. To give the same ones again means that there are no others.
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
    /// There are none, and asking again does not help.
    #[error("no credentials: {0}")]
    Missing(String),
    /// Their source does not answer just now; requests wait and ask again.
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
