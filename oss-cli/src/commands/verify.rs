//! `oss verify`: is the object still the one that the receipt is about?

use oss_resumable::{
    driver::{Claim, Difference, ReceiptProof, Verdict},
    wire::{HeadObject, Target},
};
use serde_json::json;

use super::single;
use crate::{
    exit::ExitStatus,
    failure::Failure,
    output::say,
    settings::{Global, Verification},
};

/// Looks at the object once, and says in one line what is proved.
///
/// # Errors
/// When the object is another one or gone, the service cannot be asked or refuses, or the result cannot be written.
pub(crate) fn run(verification: &Verification, global: Global) -> Result<ExitStatus, Failure> {
    let Verification { service, claim, finished, require_proof } = verification;
    let Claim { bucket, key, .. } = claim;
    let found = single::run(service, Some(bucket), global.deadline, async |client| {
        let target = Target { endpoint: client.endpoint().clone(), bucket: bucket.clone(), key: key.clone() };
        client.ask(&HeadObject { target: &target }).await
    })?;
    let proof = match claim.compare(found.as_ref()) {
        Verdict::Same { proof } => proof,
        Verdict::Differs(differs) => return Err(differing(claim, finished, differs)),
        Verdict::Gone => {
            let message = format!("oss://{bucket}/{key} is gone: there is no object of that name any more");
            return Err(Failure::new(ExitStatus::ProofFailed, message)
                .with_hint("upload it again, or look for another version of it in a versioned bucket"));
        }
    };
    if proof == ReceiptProof::None {
        let unproved = format!("the service states no CRC-64 of oss://{bucket}/{key}");
        if *require_proof {
            let message = format!("{unproved}, and --require-proof was given");
            return Err(Failure::new(ExitStatus::ProofFailed, message)
                .with_hint("to be sure, fetch the object and compare it with the file"));
        }
        say(&format!("warning: {unproved}, so its content could not be compared"));
    }
    global.output.result(
        || {
            let proved = match proof {
                ReceiptProof::None => "not proved, CRC-64 in the receipt",
                ReceiptProof::Object | ReceiptProof::PartsAndObject => "proved by CRC-64",
            };
            let mut line = format!("oss://{bucket}/{key}: {}, {proved} {}", claim.size, claim.crc64);
            let mut say = |name: &str, value: Option<String>| {
                if let Some(value) = value {
                    line = format!("{line}, {name} {value}");
                }
            };
            say("ETag", claim.etag.as_ref().map(ToString::to_string));
            say("version", claim.version_id.clone());
            format!("{line}, as of {finished}")
        },
        || {
            json!({
                "v": 1,
                "outcome": ExitStatus::Done.word(),
                "exit": ExitStatus::Done.code(),
                "service": claim.service.as_str(),
                "bucket": bucket.as_str(),
                "key": key.as_str(),
                "size": claim.size.get(),
                "crc64": claim.crc64.to_string(),
                "etag": claim.etag.as_ref().map(ToString::to_string),
                "version_id": claim.version_id,
                "proof": proof,
                "finished": finished,
            })
        },
    )?;
    Ok(ExitStatus::Done)
}

fn differing(claim: &Claim, finished: &str, differs: Vec<Difference>) -> Failure {
    let words: Vec<_> = differs.iter().map(Difference::to_string).collect();
    let message = format!(
        "oss://{}/{} is not the object of the receipt: {}",
        claim.bucket,
        claim.key,
        words.join("; ")
    );
    let is_content = |difference: &Difference| matches!(difference.field, "size" | "crc64");
    let hint = if differs.iter().any(is_content) {
        format!("it was replaced after {finished}, or is damaged; oss stat shows what is there")
    } else {
        format!("nothing speaks against its content; it was stored again after {finished}")
    };
    Failure { differs, ..Failure::new(ExitStatus::ProofFailed, message).with_hint(hint) }
}
