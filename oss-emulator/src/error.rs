//! Why a server could not be started, or could not go on.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The listen address can be reached from other machines and `allow_remote` is off.
    #[error("{listen} is not a loopback address: other machines could reach it")]
    NotLoopback {
        /// The address asked for.
        listen: SocketAddr,
    },
    /// The address cannot be listened on: in use, or not of this machine.
    #[error("cannot listen on {listen}")]
    Listen {
        /// The address asked for.
        listen: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The folder of the state, or a file in it, cannot be made, read or written.
    #[error("cannot use {}", path.display())]
    Root {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No thread or event queue for the server.
    #[error("cannot start a runtime")]
    Runtime {
        /// What the system said.
        source: io::Error,
    },
    /// Not `ID:SECRET[:TOKEN]`, or with characters that no key has.
    #[error("an access key is written ID:SECRET or ID:SECRET:TOKEN")]
    MalformedAccessKey,
    /// Not `HOST=BUCKET`.
    #[error("a custom domain is written HOST=BUCKET, not {text:?}")]
    MalformedCname {
        /// What was given.
        text: String,
    },
    /// The region is not one that a signature can name.
    #[error("{region:?} is not a region")]
    MalformedRegion {
        /// What was given.
        region: String,
    },
}
