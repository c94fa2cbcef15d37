//! One line of advice for what failed.

use std::{io, time::Duration};

use oss_checkpoint::{Holder, StoreError};
use oss_resumable::Refusal;
use rustix::io::Errno;

use crate::{exit::ExitStatus, failure::Failure, quantity::Span};

/// What a hint may name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Circumstances {
    /// `--local` was given.
    pub(crate) local: bool,
    /// Authority of the endpoint.
    pub(crate) endpoint: String,
    /// Region that is signed for.
    pub(crate) region: String,
    /// The bucket in question.
    pub(crate) bucket: Option<String>,
    /// Whether a security token was given.
    pub(crate) token: bool,
    /// Parts were sent, and none was answered.
    pub(crate) no_part_gets_through: bool,
}

/// Advice for a journal that may not grow.
const LIMITED: &str =
    "raise the limit on the size of files (ulimit -f), or put the journal elsewhere with --checkpoint-dir";

/// Advice for a failed command.
pub(crate) fn for_failure(failure: &Failure, around: &Circumstances) -> Option<String> {
    match (&failure.refusal, failure.status) {
        (Some(refusal), _) if refusal.code == "AccessDenied" && failure.message.starts_with("head_object ") => {
            let bucket = around.bucket.as_deref().unwrap_or("BUCKET");
            Some(format!("this key may not look at objects: its policy needs oss:GetObject on {bucket}"))
        }
        (Some(refusal), _) => for_refusal(refusal, around),
        (None, ExitStatus::ProofFailed) => Some(
            "do not trust this object; run the same command again, and if it fails again suspect memory, disk or what \
             lies between here and the service"
                .to_owned(),
        ),
        (None, ExitStatus::SourceChanged) => Some(
            "wait until nothing writes to the file; without --on-change fail only the parts that differ are sent again"
                .to_owned(),
        ),
        (None, _) => for_message(&failure.message, around),
    }
}

/// Advice for what the service refuses. <https://www.alibabacloud.com/help/en/oss/developer-reference/error-responses-2>
fn for_refusal(refusal: &Refusal, around: &Circumstances) -> Option<String> {
    let bucket = around.bucket.as_deref().unwrap_or("BUCKET");
    if let Some(endpoint) = refusal.endpoint.as_deref().filter(|endpoint| !endpoint.is_empty()) {
        return Some(format!("this bucket has another endpoint: use -e {endpoint}"));
    }
    if matches!(refusal.ec.as_deref(), Some("0002-00000226" | "0002-00000228")) {
        return Some(format!(
            "{} does not belong to region {}: give the bucket's own with --region",
            around.endpoint, around.region
        ));
    }
    let advice = match refusal.code.as_str() {
        "NoSuchBucket" if around.local => format!("make the bucket first: oss --local mb oss://{bucket}"),
        "NoSuchBucket" => format!(
            "look for a slip in the name, or make the bucket in {}: oss mb oss://{bucket}",
            around.region
        ),
        "NoSuchKey" => format!("see what is there: oss ls oss://{bucket}"),
        "AccessDenied" => format!(
            "this key may not do that: its policy needs oss:PutObject, oss:ListParts and oss:AbortMultipartUpload on {bucket}"
        ),
        "InvalidAccessKeyId" if around.token => {
            "check OSS_ACCESS_KEY_ID and OSS_SESSION_TOKEN: they were made together and may have ended"
                .to_owned()
        }
        "InvalidAccessKeyId" => {
            "check OSS_ACCESS_KEY_ID; a temporary key needs its OSS_SESSION_TOKEN too".to_owned()
        }
        "SignatureDoesNotMatch" => {
            "check that OSS_ACCESS_KEY_SECRET belongs to OSS_ACCESS_KEY_ID and has no blank or line end in it"
                .to_owned()
        }
        "InvalidSecurityToken" | "SecurityTokenExpired" => {
            "set fresh temporary credentials and run the same command again".to_owned()
        }
        "RequestTimeTooSkewed" => "set the clock of this machine; the service allows 15 minutes".to_owned(),
        "SecondLevelDomainForbidden" => "leave out --addressing-style path for this endpoint".to_owned(),
        "FileAlreadyExists" => {
            "an object of this name is there; without --forbid-overwrite it is replaced".to_owned()
        }
        "FileImmutable" => "a retention rule protects the object: take another key".to_owned(),
        "BucketAlreadyExists" => "names of buckets are shared by all accounts: take another".to_owned(),
        "UserDisable" => "the account is disabled or in arrears".to_owned(),
        "EntityTooLarge" => "one request carries at most 5 GiB: lower --bigfile-threshold".to_owned(),
        "QpsLimitExceeded"
        | "UploadTrafficRateLimitExceeded"
        | "TotalQpsLimitExceeded"
        | "MetaOperationQpsLimitExceeded"
        | "ActiveRequestLimitExceeded"
        | "CpuLimitExceeded" => {
            "the service throttles: run the same command again later, with a lower --parallel".to_owned()
        }
        _ if refusal.status >= 500 => "the service has trouble: run the same command again later".to_owned(),
        _ => return None,
    };
    Some(advice)
}

/// Advice for what failed before the service could answer.
fn for_message(message: &str, around: &Circumstances) -> Option<String> {
    use oss_transport::Unsent;

    let says = |reason: Unsent| message.contains(&reason.to_string());
    let advice = if message.contains(&said_by_the_system(Errno::MFILE)) {
        "raise the limit of open files (ulimit -n), or lower --parallel".to_owned()
    } else if message.contains(&said_by_the_system(Errno::AGAIN)) {
        "raise the limit of processes and threads (ulimit -u), or of memory (ulimit -v)".to_owned()
    } else if says(Unsent::Resolve) {
        format!("look for a slip in {}, and see whether names resolve here at all", around.endpoint)
    } else if message.contains("the certificates to trust") {
        "--ca-file takes a file in PEM with at least one certificate (-----BEGIN CERTIFICATE-----)".to_owned()
    } else if says(Unsent::Certificate) {
        "trust the server's authority with --ca-file FILE, and see whether the clock of this machine is right"
            .to_owned()
    } else if says(Unsent::Tls) {
        format!("the server may not speak TLS: try -e http://{}", around.endpoint)
    } else if says(Unsent::Proxy) {
        "see HTTPS_PROXY, HTTP_PROXY and NO_PROXY".to_owned()
    } else if says(Unsent::Connect) || says(Unsent::Timeout) {
        format!("see whether {} is the right endpoint and a firewall lets you through", around.endpoint)
    } else if around.no_part_gets_through
        && (message.contains(" within ") || message.contains("took no byte"))
    {
        "small requests get through and parts do not, as where the way loses large packets: try a smaller MTU on this machine \
         (ip link set dev DEVICE mtu 1400), or another way"
            .to_owned()
    } else if around.no_part_gets_through && message.contains("no answer from") {
        "each connection ended before a part was through: try a smaller --part-size".to_owned()
    } else if message.contains("another run has written to") {
        OVERTAKEN.to_owned()
    } else if message.contains(&said_by_the_system(Errno::NOSPC)) {
        "make room, or put the journal elsewhere with --checkpoint-dir".to_owned()
    } else if message.contains(&said_by_the_system(Errno::FBIG)) {
        LIMITED.to_owned()
    } else {
        return None;
    };
    Some(advice)
}

/// Advice when the lock was removed under a run and another one came.
const OVERTAKEN: &str = "nothing was written over; the same command again goes on with what is there";

/// Advice for a journal that cannot be had.
pub(crate) fn for_store(error: &StoreError) -> Option<String> {
    match error {
        StoreError::Locked { holder } => Some(match holder {
            Some(holder) => format!("it is {}; --on-locked wait waits for it", describe(holder, now())),
            None => "--on-locked wait waits for it".to_owned(),
        }),
        StoreError::NoLocks { .. } => Some(
            "put it on another file system with --checkpoint-dir, or, if no other run can interfere, give --lock none"
                .to_owned(),
        ),
        StoreError::Foreign { .. } => Some("move the file away, or choose another --checkpoint-dir".to_owned()),
        StoreError::Newer { .. } => Some("use the newer program, or begin anew with another --checkpoint-dir".to_owned()),
        StoreError::Io { source, .. } if source.kind() == io::ErrorKind::FileTooLarge => Some(LIMITED.to_owned()),
        StoreError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
            Some("make room, or put the journal elsewhere with --checkpoint-dir".to_owned())
        }
        StoreError::Io { source, .. }
            if matches!(
                source.kind(),
                io::ErrorKind::PermissionDenied
                    | io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::NotFound
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::AlreadyExists
            ) =>
        {
            Some("choose a folder that can be written with --checkpoint-dir".to_owned())
        }
        StoreError::Overtaken { .. } => Some(OVERTAKEN.to_owned()),
        StoreError::Damaged { .. } => {
            Some("the next run of that upload sets it aside and asks the server what it has".to_owned())
        }
        StoreError::Io { .. } | StoreError::Record { .. } => None,
    }
}

/// `process 4711 on host lab, since 5 min 3 s`.
pub(crate) fn describe(holder: &Holder, now: i64) -> String {
    let mut text = format!("process {}", holder.pid);
    if !holder.host.is_empty() {
        text = format!("{text} on host {}", holder.host);
    }
    if let Ok(seconds) = u64::try_from(now.saturating_sub(holder.since))
        && holder.since > 0
    {
        text = format!("{text}, since {}", Span(Duration::from_secs(seconds)));
    }
    text
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// An error of the system in its words, as messages have it.
fn said_by_the_system(error: Errno) -> String {
    error.to_string().split(" (").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around() -> Circumstances {
        Circumstances {
            endpoint: "oss-cn-hangzhou.aliyuncs.com".to_owned(),
            region: "cn-hangzhou".to_owned(),
            bucket: Some("demo".to_owned()),
            ..Circumstances::default()
        }
    }

    #[test]
    fn refusals_come_with_what_to_do() {
        let check = |code: &str, part: &str| {
            let refusal = Refusal { status: 403, code: code.to_owned(), ..Refusal::default() };
            let failure =
                Failure { refusal: Some(refusal.into()), ..Failure::new(ExitStatus::Refused, "no") };
            let hint = for_failure(&failure, &around()).unwrap_or_default();
            assert!(hint.contains(part), "{code}: {hint}");
        };
        check("NoSuchBucket", "oss mb oss://demo");
        check("AccessDenied", "oss:PutObject");
        check("SignatureDoesNotMatch", "OSS_ACCESS_KEY_SECRET");
        check("InvalidAccessKeyId", "OSS_ACCESS_KEY_ID");
        check("RequestTimeTooSkewed", "clock");
        check("NoSuchKey", "oss ls");
        check("FileAlreadyExists", "--forbid-overwrite");
    }

    // Rows: 70
    #[test]
    fn who_may_not_look_at_objects_is_told_which_permission_that_takes() {
        let refusal = Refusal { status: 403, code: "AccessDenied".to_owned(), ..Refusal::default() };
        let message = "head_object was refused: 403 AccessDenied";
        let failure = Failure { refusal: Some(refusal.into()), ..Failure::new(ExitStatus::Refused, message) };
        assert!(for_failure(&failure, &around()).unwrap_or_default().contains("oss:GetObject on demo"));
    }

    // Rows: 20
    #[test]
    fn another_endpoint_and_another_region_are_told() {
        let hint = |refusal: Refusal| {
            let failure =
                Failure { refusal: Some(refusal.into()), ..Failure::new(ExitStatus::Refused, "no") };
            for_failure(&failure, &around()).unwrap_or_default()
        };
        let endpoint = Some("oss-cn-beijing.aliyuncs.com".to_owned());
        let elsewhere = Refusal { code: "AccessDenied".to_owned(), endpoint, ..Refusal::default() };
        assert!(hint(elsewhere).contains("-e oss-cn-beijing.aliyuncs.com"));
        let ec = Some("0002-00000228".to_owned());
        let region = Refusal { code: "InvalidArgument".to_owned(), ec, ..Refusal::default() };
        assert!(hint(region).contains("--region"));
    }

    #[test]
    fn what_cannot_be_reached_comes_with_what_to_look_at() {
        use oss_transport::Unsent;

        let check = |reason: Unsent, part: &str| {
            let failure = Failure::local(format!("could not reach host: {reason}"));
            let hint = for_failure(&failure, &around()).unwrap_or_default();
            assert!(hint.contains(part), "{reason}: {hint}");
        };
        check(Unsent::Resolve, "resolve");
        check(Unsent::Connect, "oss-cn-hangzhou.aliyuncs.com");
        check(Unsent::Certificate, "--ca-file");
        check(Unsent::Tls, "http://");
        check(Unsent::Proxy, "NO_PROXY");
        let full = Failure::local(format!("cannot write x: {}", io::Error::from_raw_os_error(28)));
        assert!(for_failure(&full, &around()).unwrap_or_default().contains("--checkpoint-dir"));
        let limited = Failure::local(format!("cannot write x: {}", io::Error::from_raw_os_error(27)));
        assert!(for_failure(&limited, &around()).unwrap_or_default().contains("ulimit -f"));
    }

    // Rows: 121, 124
    #[test]
    fn a_place_that_takes_no_journal_comes_with_the_flag_that_names_another() {
        for number in [1, 2, 13, 17, 20, 27, 28, 30] {
            let source = io::Error::from_raw_os_error(number);
            let error = StoreError::Io { what: "write", path: "/x".into(), source };
            assert!(for_store(&error).unwrap_or_default().contains("--checkpoint-dir"), "{error:?}");
        }
    }

    // Rows: 134
    #[test]
    fn a_lock_says_who_holds_it() {
        let holder = Holder { pid: 17, host: "lab".to_owned(), since: 1_000 };
        assert_eq!(describe(&holder, 1_303), "process 17 on host lab, since 5 min 3 s");
        assert_eq!(describe(&holder, 900), "process 17 on host lab");
        let locked = StoreError::Locked { holder: Some(holder) };
        assert!(for_store(&locked).unwrap_or_default().contains("process 17"));
    }
}
