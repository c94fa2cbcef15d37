//! What a server is started with.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use jiff::SignedDuration;

use crate::error::StartError;
use crate::faults::Script;

/// Everything that can be chosen about a server. Start from [`Settings::new`] and change fields.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each a flag of the program")]
pub struct Settings {
    /// Address and port to listen on; port 0 takes a free one. Default `127.0.0.1:0`.
    pub listen: SocketAddr,
    /// Accept a listen address that is not loopback. Default no: whoever reaches the port can fill the disk.
    pub allow_remote: bool,
    /// Folder of the state; made when missing. Several servers may share it.
    pub root: PathBuf,
    /// Region that signatures must name. Default `cn-hangzhou`.
    pub region: String,
    /// Key pairs that are accepted; when empty, [`AccessKey::local`].
    pub access_keys: Vec<AccessKey>,
    /// Make a bucket the first time that a request names it. Default no: `NoSuchBucket`.
    pub create_buckets: bool,
    /// Keep sizes and CRC-64s and no bytes, for benchmarks: `ETag`s are opaque, `GetObject` is refused. Default no.
    pub discard: bool,
    /// Accept any signature, of any version, and none at all. Default no.
    pub no_verify: bool,
    /// Refuse a `Host` that is neither a loopback name, an IP address, an OSS endpoint nor a custom domain of `cnames`: a web
    /// page whose name was pointed at this machine. Default no.
    pub strict_host: bool,
    /// Rules by which the server misbehaves. Default none.
    pub faults: Script,
    /// Custom domains and the bucket that each stands for.
    pub cnames: Vec<Cname>,
    /// Shift of the server's clock, seen in `Date` and in the check of signatures. Default zero.
    pub clock_skew: SignedDuration,
    /// Bytes a second that each connection may carry in each direction. Default no limit.
    pub bandwidth: Option<u64>,
    /// File to which the request log is appended; default `requests.jsonl` in the root.
    pub log_file: Option<PathBuf>,
}

impl Settings {
    /// The defaults, with state under `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_remote: false,
            root: root.into(),
            region: "cn-hangzhou".to_owned(),
            access_keys: Vec::new(),
            create_buckets: false,
            discard: false,
            no_verify: false,
            strict_host: false,
            faults: Script::default(),
            cnames: Vec::new(),
            clock_skew: SignedDuration::ZERO,
            bandwidth: None,
            log_file: None,
        }
    }
}

/// A key pair that the server knows, with its security token if it is a temporary one. `Debug` shows the id only.
#[derive(Clone)]
pub struct AccessKey {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

impl AccessKey {
    /// The pair `local` / `local`.
    pub fn local() -> Self {
        Self { id: "local".to_owned(), secret: "local".to_owned(), token: None }
    }

    /// The public half.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl FromStr for AccessKey {
    type Err = StartError;

    /// Reads `ID:SECRET` or `ID:SECRET:TOKEN`; a token may contain colons.
    ///
    /// # Errors
    /// [`StartError::MalformedAccessKey`], which does not repeat the text.
    fn from_str(text: &str) -> Result<Self, StartError> {
        let mut pieces = text.splitn(3, ':');
        let mut piece = || pieces.next().filter(|piece| !piece.is_empty()).map(str::to_owned);
        match (piece(), piece(), piece()) {
            (Some(id), Some(secret), token) if !id.contains(',') => Ok(Self { id, secret, token }),
            _ => Err(StartError::MalformedAccessKey),
        }
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey")
            .field("id", &self.id)
            .field("secret", &"***")
            .field("token", &self.token.as_ref().map(|_| "***"))
            .finish()
    }
}

/// A custom domain that stands for a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cname {
    /// Host name, without port.
    pub host: String,
    /// Name of the bucket.
    pub bucket: String,
}

impl FromStr for Cname {
    type Err = StartError;

    /// Reads `HOST=BUCKET`.
    ///
    /// # Errors
    /// [`StartError::MalformedCname`].
    fn from_str(text: &str) -> Result<Self, StartError> {
        match text.split_once('=') {
            Some((host, bucket)) if !host.is_empty() && !bucket.is_empty() => {
                Ok(Self { host: host.to_ascii_lowercase(), bucket: bucket.to_owned() })
            }
            _ => Err(StartError::MalformedCname { text: text.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Rows: 89
    #[test]
    fn an_access_key_is_read_and_never_shown() {
        let key: AccessKey = "id:canary-secret:canary:token".parse().unwrap();
        assert_eq!((key.id(), key.token.as_deref()), ("id", Some("canary:token")));
        assert!(!format!("{key:?}").contains("canary"));
        for text in ["", "id", "id:", ":secret", "a,b:secret"] {
            let refused = text.parse::<AccessKey>().unwrap_err();
            assert!(!refused.to_string().contains("secret:"), "{text}");
        }
    }

    #[test]
    fn a_custom_domain_needs_a_bucket() {
        assert_eq!(
            "A.b=c".parse::<Cname>().unwrap(),
            Cname { host: "a.b".to_owned(), bucket: "c".to_owned() }
        );
        assert!("a.b".parse::<Cname>().is_err());
        assert!("=c".parse::<Cname>().is_err());
    }
}
