//! Who is asked, and in whose name: flags win over the environment.

use std::path::PathBuf;

use oss_resumable::wire::{self, Endpoint, EndpointSettings};
use oss_sign::{AccessKeyId, AccessKeySecret, Credentials, SecurityToken};

use super::{Environment, state_folder};
use crate::{
    args::{self, GlobalArguments},
    failure::Failure,
};

/// Who is asked.
#[derive(Debug)]
pub(crate) struct Service {
    /// Where it is.
    pub(crate) place: Place,
    /// Certificates to trust beside the system's.
    pub(crate) ca_file: Option<PathBuf>,
}

/// Where the service is.
#[derive(Debug)]
pub(crate) enum Place {
    /// Inside this process, with its state in this folder.
    Local { root: PathBuf, region: String },
    /// Somewhere else.
    Remote { endpoint: Endpoint, credentials: Credentials },
}

/// Region of the server inside, without a flag.
const LOCAL_REGION: &str = "cn-hangzhou";
impl Service {
    pub(super) fn settle(said: &GlobalArguments, environment: Environment<'_>) -> Result<Self, Failure> {
        let place = if said.local {
            let region = said.region.as_deref().unwrap_or(LOCAL_REGION).to_owned();
            Place::Local { root: state_folder("local")?, region }
        } else {
            let endpoint = endpoint(said, environment)?;
            Place::Remote { endpoint, credentials: credentials(environment)? }
        };
        if let Some(file) = &said.ca_file {
            // It is read where the first https exchange needs it; a slip in its name shows at once.
            std::fs::File::open(file).map_err(|error| {
                Failure::local(format!("cannot read --ca-file {}: {error}", file.display()))
            })?;
        }
        Ok(Self { place, ca_file: said.ca_file.clone() })
    }
}

fn endpoint(said: &GlobalArguments, environment: Environment<'_>) -> Result<Endpoint, Failure> {
    let settings = EndpointSettings {
        endpoint: flag_or_variable(said.endpoint.as_ref(), environment, "OSS_ENDPOINT")?,
        region: flag_or_variable(said.region.as_ref(), environment, "OSS_REGION")?,
        internal: said.internal,
        addressing_style: said.addressing_style.map(|style| match style {
            args::AddressingStyle::Virtual => wire::AddressingStyle::VirtualHost,
            args::AddressingStyle::Path => wire::AddressingStyle::Path,
            args::AddressingStyle::Cname => wire::AddressingStyle::Cname,
        }),
    };
    let nowhere = settings.endpoint.is_none() && settings.region.is_none();
    Endpoint::resolve(&settings).map_err(|error| {
        let failure = Failure::usage(error.to_string());
        if nowhere {
            failure.with_hint(format!("set OSS_REGION or OSS_ENDPOINT; {WITHOUT_ACCOUNT}"))
        } else {
            failure
        }
    })
}

fn credentials(environment: Environment<'_>) -> Result<Credentials, Failure> {
    const ID: &str = "OSS_ACCESS_KEY_ID";
    const SECRET: &str = "OSS_ACCESS_KEY_SECRET";
    const TOKEN: &str = "OSS_SESSION_TOKEN";
    let missing = |name: &str| {
        let hint = format!("set {ID} and {SECRET}, and {TOKEN} for temporary ones; {WITHOUT_ACCOUNT}");
        Failure::usage(format!("no credentials: {name} is not set")).with_hint(hint)
    };
    // What is wrong with a secret is said without the secret.
    let malformed =
        |name: &str| Failure::usage(format!("{name} is malformed: it has characters that no key has"));
    let id = variable(environment, ID)?.ok_or_else(|| missing(ID))?;
    let secret = variable(environment, SECRET)?.ok_or_else(|| missing(SECRET))?;
    let id = AccessKeyId::new(id).map_err(|_| malformed(ID))?;
    let secret = AccessKeySecret::new(secret).map_err(|_| malformed(SECRET))?;
    let credentials = Credentials::from_parts(id, secret);
    match variable(environment, TOKEN)? {
        Some(token) => {
            let token = SecurityToken::new(token).map_err(|_| malformed(TOKEN))?;
            Ok(credentials.with_security_token(token))
        }
        None => Ok(credentials),
    }
}

/// How to get by with no account.
const WITHOUT_ACCOUNT: &str = "or try it without an account: oss --local cp FILE oss://demo/";

fn flag_or_variable(
    flag: Option<&String>,
    environment: Environment<'_>,
    name: &str,
) -> Result<Option<String>, Failure> {
    match flag {
        Some(value) => Ok(Some(value.clone())),
        None => variable(environment, name),
    }
}

fn variable(environment: Environment<'_>, name: &str) -> Result<Option<String>, Failure> {
    let Some(value) = environment(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    value.into_string().map(Some).map_err(|_| Failure::usage(format!("{name} is not UTF-8")))
}
