//! Who is asked about a receipt: the service that it names, however that is reached.

use oss_checkpoint::ServiceName;
use oss_resumable::driver::Claim;

use super::{Environment, Place, Service};
use crate::{
    args::{GlobalArguments, VerifyArguments},
    failure::Failure,
    receipt_file,
};

/// A receipt that is to be proved.
#[derive(Debug)]
pub(crate) struct Verification {
    /// Who is asked.
    pub(crate) service: Service,
    /// What is to be proved.
    pub(crate) claim: Claim,
    /// When the object was finished, as the receipt says it.
    pub(crate) finished: String,
    /// Whether success needs a checksum.
    pub(crate) require_proof: bool,
}

/// Of the server inside.
const LOCAL: &str = "local";

impl Verification {
    pub(super) fn settle(
        said: &GlobalArguments,
        arguments: &VerifyArguments,
        environment: Environment<'_>,
    ) -> Result<Self, Failure> {
        let receipt = receipt_file::read(&arguments.receipt)?;
        let claim = Claim::try_from(&receipt).map_err(|error| {
            Failure::usage(format!("{} is no receipt: {error}", arguments.receipt.display()))
        })?;
        Ok(Self {
            service: service_of(&claim.service, said, environment)?,
            claim,
            finished: receipt.finished,
            require_proof: arguments.require_proof,
        })
    }
}

/// The service that flags and environment lead to, which has to be the one of the receipt.
fn service_of(
    wanted: &ServiceName,
    said: &GlobalArguments,
    environment: Environment<'_>,
) -> Result<Service, Failure> {
    let name = wanted.as_str();
    let of_the_receipt = |given: &str| {
        Failure::usage(format!("the receipt is of the service {wanted}, and {given}")).with_hint(way_to(name))
    };
    if (name == LOCAL) != said.local {
        let given = if said.local { "--local asks another one" } else { "--local is not given" };
        return Err(of_the_receipt(given));
    }
    let is_set = |name: &str| environment(name).is_some_and(|value| !value.is_empty());
    let says_where = said.endpoint.is_some() || is_set("OSS_ENDPOINT");
    let says_region = said.region.is_some() || is_set("OSS_REGION");
    let mut said = said.clone();
    match name.strip_prefix("oss:") {
        Some(region) if !says_where && !says_region => said.region = Some(region.to_owned()),
        None if name != LOCAL && !says_where => return Err(of_the_receipt("no endpoint is given")),
        _ => {}
    }
    let service = Service::settle(&said, environment)?;
    match &service.place {
        Place::Remote { endpoint, .. } if endpoint.service() != wanted => {
            Err(of_the_receipt(&format!("{} is of {}", endpoint.authority(), endpoint.service())))
        }
        Place::Remote { .. } | Place::Local { .. } => Ok(service),
    }
}

fn way_to(service: &str) -> String {
    match service.strip_prefix("oss:") {
        Some(region) => format!("give --region {region}, or an endpoint of it with -e, and no --local"),
        None if service == LOCAL => "give --local".to_owned(),
        None => format!("give -e http://{service} or -e https://{service}, and --region"),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::Parser as _;

    use super::*;
    use crate::{args::Arguments, exit::ExitStatus};

    const KEYS: [(&str, &str); 2] = [("OSS_ACCESS_KEY_ID", "id"), ("OSS_ACCESS_KEY_SECRET", "secret")];

    /// Where the question about a receipt of `service` goes, with these flags and variables.
    fn asked(service: &str, flags: &str, environment: &[(&str, &str)]) -> Result<String, Failure> {
        let line = format!("oss stat oss://demo/a{flags}");
        let arguments = Arguments::try_parse_from(line.split(' ')).unwrap();
        let environment = |name: &str| {
            let mut all = KEYS.iter().chain(environment);
            all.find(|(other, _)| *other == name).map(|(_, value)| OsString::from(value))
        };
        let service = service_of(&ServiceName::new(service).unwrap(), &arguments.global, &environment)?;
        Ok(match service.place {
            Place::Local { .. } => LOCAL.to_owned(),
            Place::Remote { endpoint, .. } => endpoint.authority().to_owned(),
        })
    }

    #[test]
    fn a_receipt_says_whom_to_ask_and_flags_say_how() {
        let check = |service: &str, flags: &str, environment: &[(&str, &str)], asked_is: &str| {
            assert_eq!(asked(service, flags, environment).unwrap(), asked_is, "{service}{flags}");
        };
        let public = "oss-cn-hangzhou.aliyuncs.com";
        check("oss:cn-hangzhou", "", &[], public);
        check("oss:cn-hangzhou", "", &[("OSS_REGION", "cn-hangzhou"), ("OSS_ENDPOINT", "")], public);
        let internal = "oss-cn-hangzhou-internal.aliyuncs.com";
        check("oss:cn-hangzhou", " --internal", &[], internal);
        check("oss:cn-hangzhou", &format!(" -e {internal}"), &[], internal);
        check("10.0.0.1:8000", " -e http://10.0.0.1:8000 --region r", &[], "10.0.0.1:8000");
        check("local", " --local", &[], "local");
    }

    #[test]
    fn a_contradiction_is_said_with_the_way_out() {
        let check = |service: &str, flags: &str, environment: &[(&str, &str)], part: &str| {
            let failure = asked(service, flags, environment).unwrap_err();
            assert_eq!(failure.status, ExitStatus::Usage, "{service}{flags}");
            assert!(failure.message.contains(service), "{}", failure.message);
            let hint = failure.hint.unwrap_or_default();
            assert!(hint.contains(part), "{service}{flags}: {hint}");
        };
        check("oss:cn-hangzhou", " --region cn-beijing", &[], "--region cn-hangzhou");
        check("oss:cn-hangzhou", "", &[("OSS_REGION", "cn-beijing")], "--region cn-hangzhou");
        check(
            "oss:cn-hangzhou",
            "",
            &[("OSS_ENDPOINT", "oss-cn-beijing.aliyuncs.com")],
            "--region cn-hangzhou",
        );
        check("oss:cn-hangzhou", " --local", &[], "no --local");
        check("10.0.0.1:8000", "", &[("OSS_REGION", "cn-beijing")], "-e http://10.0.0.1:8000");
        check("10.0.0.1:8000", " -e http://10.0.0.1:8001 --region r", &[], "-e http://10.0.0.1:8000");
        check("local", " --region cn-hangzhou", &[], "give --local");
    }
}
