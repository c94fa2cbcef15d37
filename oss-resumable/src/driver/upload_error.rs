use std::{io, path::PathBuf};

use oss_checkpoint::{Holder, StoreError};
use oss_sign::SignError;

use crate::Failure;

/// Why an upload did not end in an object.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The uploader was not told everything that it needs.
    #[error("the uploader has no {0}")]
    Incomplete(&'static str),
    /// The endpoint cannot be signed for.
    #[error("requests cannot be signed")]
    Sign(#[from] SignError),
    /// The source cannot be one: it is not there, not readable or no regular file.
    #[error("{path} cannot be uploaded", path = path.display())]
    Source {
        /// Where it should be.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another run has this upload.
    #[error("another run has this upload")]
    Locked {
        /// Who, if it said so.
        holder: Option<Holder>,
    },
    /// The journal cannot be used.
    #[error("the journal cannot be used")]
    Store(#[source] StoreError),
    /// This machine has no thread or no memory left for it.
    #[error("the upload cannot be started")]
    Start(#[source] io::Error),
    /// The upload cannot go on.
    #[error(transparent)]
    Failed(Box<Failure>),
    /// Stopped as asked; the same call later goes on.
    #[error("the upload was paused, and goes on when it is started again")]
    Paused,
    /// Given up for good as asked; nothing is left on the server.
    #[error("the upload was aborted")]
    Aborted,
}

impl From<StoreError> for UploadError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Locked { holder } => Self::Locked { holder },
            other => Self::Store(other),
        }
    }
}
