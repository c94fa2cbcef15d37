//! What was typed, and nothing of what it means.

use std::{
    ffi::OsString,
    net::SocketAddr,
    num::{NonZeroU16, NonZeroU64},
    path::PathBuf,
    time::Duration,
};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use oss_checkpoint::{ByteCount, InvalidName, UploadId};

use crate::{
    exit,
    oss_url::OssUrl,
    quantity::{parse_duration, parse_rate, parse_size},
};

/// Resumable, proven uploads to Alibaba Cloud OSS.
#[derive(Debug, Parser)]
#[command(name = "oss", version, about, after_help = exit::HELP, arg_required_else_help = true, max_term_width = 120)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: CommandArguments,
}

/// Flags that work before and after the command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArguments {
    /// Use a server inside this program, with its own buckets and no account; OSS_* variables are not looked at
    #[arg(long, global = true, conflicts_with_all = ["endpoint", "internal", "addressing_style"])]
    pub(crate) local: bool,
    /// Where the service is: a host, or a URL with http or https (which is the default)
    #[arg(short, long, global = true, value_name = "ENDPOINT")]
    pub(crate) endpoint: Option<String>,
    /// Region of the bucket, such as cn-hangzhou; alone it gives the endpoint
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Use the region's internal endpoint
    #[arg(long, global = true)]
    pub(crate) internal: bool,
    /// How a bucket is addressed; path for IP addresses and localhost, else virtual
    #[arg(long, global = true, value_name = "STYLE")]
    pub(crate) addressing_style: Option<AddressingStyle>,
    /// Trust the certificates of this PEM file too
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Where journals of unfinished uploads are kept [default: oss/uploads in the user's state directory]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) checkpoint_dir: Option<PathBuf>,
    /// How results are written to stdout
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub(crate) output_format: OutputFormat,
    /// Draw no progress
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
    /// Give up when nothing was accepted for this long [default: 15m]
    #[arg(long, global = true, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) give_up_after: Option<Duration>,
    /// Stop after this time, whatever happens; an upload is kept and can be resumed
    #[arg(long, global = true, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) deadline: Option<Duration>,
    /// Write a log to stderr; twice for more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AddressingStyle {
    /// The bucket is the first label of the host
    Virtual,
    /// The bucket is the first segment of the path
    Path,
    /// The endpoint is a custom domain that stands for the bucket
    Cname,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// Lines for people
    Text,
    /// One object a line
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CommandArguments {
    /// Upload a file; the same command again sends only what is missing
    Cp(Box<CpArguments>),
    /// List buckets, or the objects of one
    Ls(LsArguments),
    /// Show what is known of an object
    Stat(StatArguments),
    /// Make a bucket
    Mb(MbArguments),
    /// Prove a receipt: one request, and the object is still what was uploaded, or exit code 11
    Verify(VerifyArguments),
    /// Compare a file with an object by size and CRC-64; nothing is transferred, and exit code 11 says that they differ
    Check(CheckArguments),
    /// Say the CRC-64 of files, as OSS states it of objects
    Hash(HashArguments),
    /// Look after unfinished uploads
    #[command(subcommand)]
    Jobs(JobsArguments),
    /// Run a server that answers as OSS does, until a signal stops it
    Emulate(Box<EmulateArguments>),
}

#[derive(Debug, Args)]
pub(crate) struct CpArguments {
    /// The file to upload
    #[arg(value_name = "FILE")]
    pub(crate) source: PathBuf,
    /// Where to: oss://bucket/key, or oss://bucket/dir/ to keep the file's name
    #[arg(value_name = "oss://BUCKET/KEY")]
    pub(crate) target: OssUrl,

    /// Size of each part, 100K to 5G; grows where 10,000 parts are not enough [default: chosen from the size of the file, 1M or more]
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = "Parts")]
    pub(crate) part_size: Option<ByteCount>,
    /// Files of at least this size go up in parts [default: 10M]
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = "Parts")]
    pub(crate) bigfile_threshold: Option<ByteCount>,
    /// Parts in flight at once [default: 4, and up to 16 where that is faster]
    #[arg(long, value_name = "N", help_heading = "Parts")]
    pub(crate) parallel: Option<NonZeroU16>,

    /// Send no more than this a second, such as 2M; while it runs, SIGUSR1 halves it and SIGUSR2 doubles it
    #[arg(long, value_name = "SIZE", value_parser = parse_rate, help_heading = "Parts")]
    pub(crate) bandwidth_limit: Option<NonZeroU64>,

    /// What to do when the file changed since its parts were sent
    #[arg(long, value_name = "WHAT", default_value = "heal", help_heading = "Resuming")]
    pub(crate) on_change: OnChange,
    /// What to read again of parts that were sent earlier
    #[arg(long, value_name = "WHAT", default_value = "auto", help_heading = "Resuming")]
    pub(crate) verify: Verify,
    /// Whether to go on with an unfinished upload that was begun elsewhere: auto (when exactly one fits, and no option of the
    /// object was given), never, or the id of the one to go on with
    #[arg(long, value_name = "auto|never|UPLOAD_ID", default_value = "auto", help_heading = "Resuming", value_parser = parse_adopt)]
    pub(crate) adopt: Adopt,
    /// Abort the unfinished upload of this file, if there is one, and begin anew
    #[arg(long, help_heading = "Resuming")]
    pub(crate) no_resume: bool,
    /// What to do when another run has this upload
    #[arg(long, value_name = "WHAT", default_value = "fail", help_heading = "Resuming")]
    pub(crate) on_locked: OnLocked,
    /// Whether to lock the journal; none only where the file system knows no locks
    #[arg(long, value_name = "HOW", default_value = "auto", help_heading = "Resuming")]
    pub(crate) lock: Lock,

    /// Refuse to replace an object that is already there
    #[arg(long, help_heading = "Object")]
    pub(crate) forbid_overwrite: bool,
    /// Content-Type [default: guessed from the key's extension]
    #[arg(long, value_name = "TYPE", help_heading = "Object")]
    pub(crate) content_type: Option<String>,
    /// User metadata (x-oss-meta-NAME); may be repeated
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Object")]
    pub(crate) meta: Vec<String>,
    /// Cache-Control
    #[arg(long, value_name = "VALUE", help_heading = "Object")]
    pub(crate) cache_control: Option<String>,
    /// Content-Disposition
    #[arg(long, value_name = "VALUE", help_heading = "Object")]
    pub(crate) content_disposition: Option<String>,
    /// Content-Encoding
    #[arg(long, value_name = "VALUE", help_heading = "Object")]
    pub(crate) content_encoding: Option<String>,
    /// Expires, an HTTP date
    #[arg(long, value_name = "DATE", help_heading = "Object")]
    pub(crate) expires: Option<String>,
    /// Storage class, such as Standard, IA or Archive
    #[arg(long, value_name = "CLASS", help_heading = "Object")]
    pub(crate) storage_class: Option<String>,
    /// Who may read and write the object
    #[arg(long, value_name = "ACL", help_heading = "Object")]
    pub(crate) acl: Option<Acl>,
    /// Tags, URL-encoded: key=value&key=value
    #[arg(long, value_name = "TAGS", help_heading = "Object")]
    pub(crate) tagging: Option<String>,

    /// Write the receipt of the upload to this file, as JSON
    #[arg(long, value_name = "FILE", help_heading = "Proof")]
    pub(crate) receipt: Option<PathBuf>,
    /// Fail where the server states no checksum to compare with
    #[arg(long, help_heading = "Proof")]
    pub(crate) require_proof: bool,
    /// What to do with an object that this upload has made and whose checksum is wrong
    #[arg(long, value_name = "WHAT", default_value = "keep", help_heading = "Proof")]
    pub(crate) on_mismatch: OnMismatch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnMismatch {
    /// Leave it, and the journal, as evidence
    Keep,
    /// Remove it, if it still is that object
    Delete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnChange {
    /// Find the parts that differ and send them again
    Heal,
    /// Stop with exit code 10
    Fail,
    /// Begin a new upload
    Restart,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Verify {
    /// What the file's times and identity do not vouch for
    Auto,
    /// All of it
    Full,
    /// Nothing: what is not vouched for is sent again
    None,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Adopt {
    /// When exactly one fits, and no option of the object was given.
    Auto,
    /// Never.
    Never,
    /// This one.
    This(UploadId),
}

fn parse_adopt(text: &str) -> Result<Adopt, InvalidName> {
    match text {
        "auto" => Ok(Adopt::Auto),
        "never" => Ok(Adopt::Never),
        id => UploadId::new(id).map(Adopt::This),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnLocked {
    /// Stop with exit code 12
    Fail,
    /// Wait until it is free
    Wait,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lock {
    /// Always
    Auto,
    /// Never
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Acl {
    /// That of the bucket
    Default,
    /// Nobody else
    Private,
    /// Everybody may read
    PublicRead,
    /// Everybody may read and write
    PublicReadWrite,
}

#[derive(Debug, Args)]
pub(crate) struct LsArguments {
    /// A bucket, or the beginning of keys; without it, all buckets
    #[arg(value_name = "oss://BUCKET[/PREFIX]")]
    pub(crate) target: Option<OssUrl>,
}

#[derive(Debug, Args)]
pub(crate) struct StatArguments {
    /// The object
    #[arg(value_name = "oss://BUCKET/KEY")]
    pub(crate) target: OssUrl,
}

#[derive(Debug, Args)]
pub(crate) struct MbArguments {
    /// The bucket
    #[arg(value_name = "oss://BUCKET")]
    pub(crate) target: OssUrl,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// What `oss cp --receipt` wrote
    #[arg(value_name = "RECEIPT")]
    pub(crate) receipt: PathBuf,
    /// Fail where the server states no checksum to compare with
    #[arg(long)]
    pub(crate) require_proof: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The file
    #[arg(value_name = "FILE")]
    pub(crate) source: PathBuf,
    /// The object: oss://bucket/key, or oss://bucket/dir/ for the file's name in it
    #[arg(value_name = "oss://BUCKET/KEY")]
    pub(crate) target: OssUrl,
    /// Threads that read the file [default: the cores of this machine]
    #[arg(long, value_name = "N")]
    pub(crate) parallel: Option<NonZeroU16>,
}

#[derive(Debug, Args)]
pub(crate) struct HashArguments {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    pub(crate) sources: Vec<PathBuf>,
    /// Threads that read a file [default: the cores of this machine]
    #[arg(long, value_name = "N")]
    pub(crate) parallel: Option<NonZeroU16>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobsArguments {
    /// List unfinished uploads of this machine
    Ls,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches")]
pub(crate) struct EmulateArguments {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Folder of its state [default: oss/emulator in the user's state directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// Misbehave as this TOML script says
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// A key pair to answer for; may be repeated [default: local:local]
    #[arg(long, value_name = "ID:SECRET[:TOKEN]")]
    pub(crate) access_key: Vec<OsString>,
    /// Key pairs to answer for, one a line: no other user sees them, as on a command line
    #[arg(long, value_name = "FILE")]
    pub(crate) access_key_file: Option<PathBuf>,
    /// Make a bucket the first time that it is named
    #[arg(long)]
    pub(crate) create_buckets: bool,
    /// Keep no bytes, for benchmarks
    #[arg(long)]
    pub(crate) discard: bool,
    /// Accept any signature, and none
    #[arg(long)]
    pub(crate) no_verify: bool,
    /// Append the request log to this file, one JSON object a line [default: requests.jsonl in the root]
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// A custom domain and its bucket; may be repeated
    #[arg(long, value_name = "HOST=BUCKET")]
    pub(crate) cname: Vec<String>,
    /// Listen on an address that other machines can reach
    #[arg(long)]
    pub(crate) allow_remote: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn global_flags_work_before_and_after_the_command() {
        for line in [
            "oss --region r -e h --output-format json --deadline 2h cp a oss://demo/a",
            "oss cp --region r -e h --output-format json a oss://demo/a --deadline 2h",
            "oss cp a oss://demo/a --region r -e h --output-format json --deadline 2h",
        ] {
            let global = parse(line).unwrap().global;
            assert_eq!(global.region.as_deref(), Some("r"), "{line}");
            assert_eq!(global.endpoint.as_deref(), Some("h"), "{line}");
            assert_eq!(global.output_format, OutputFormat::Json, "{line}");
            assert_eq!(global.deadline, Some(Duration::from_hours(2)), "{line}");
        }
    }

    #[test]
    fn contradictions_and_nonsense_are_usage_errors() {
        for line in [
            "oss",
            "oss cp",
            "oss cp a",
            "oss cp a demo/a",
            "oss --local -e h cp a oss://demo/a",
            "oss cp a oss://demo/a --local --internal",
            "oss cp a oss://demo/a --part-size 10X",
            "oss cp a oss://demo/a --parallel 0",
            "oss cp a oss://demo/a --deadline 0s",
            "oss cp a oss://demo/a --acl everybody",
            "oss frobnicate",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
