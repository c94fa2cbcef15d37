//! What the arguments mean together with the environment: checked, complete, and nothing left to be wrong about but the
//! world.

mod emulator;
mod service;
mod verify;

use std::{
    ffi::OsString,
    num::{NonZeroU16, NonZeroU64, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use etcetera::base_strategy::{BaseStrategy as _, choose_base_strategy};
use oss_checkpoint::{BucketName, ByteCount, ObjectKey, ObjectOptions, PartPlan};
use oss_resumable::{Adopt, OnChange, PartSize, UploadSpec, Verify};

pub(crate) use self::{
    service::{Place, Service},
    verify::Verification,
};
use crate::{
    args::{
        self, Arguments, CheckArguments, CommandArguments, CpArguments, GlobalArguments, HashArguments,
        JobsArguments,
    },
    failure::Failure,
    object_options,
    output::Output,
    progress::Style,
    receipt_place::ReceiptPlace,
    source,
};

/// Everything about one run.
#[derive(Debug)]
pub(crate) struct Settings {
    /// What holds for every command.
    pub(crate) global: Global,
    /// What to do.
    pub(crate) command: Command,
}

/// What holds for every command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Global {
    /// Where results go.
    pub(crate) output: Output,
    /// How progress is drawn.
    pub(crate) style: Style,
    /// How long the run may take.
    pub(crate) deadline: Option<Duration>,
}

/// What to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// Upload a file.
    Cp(Box<Copy>),
    /// List buckets.
    ListBuckets(Service),
    /// List the objects whose keys begin so.
    ListObjects { service: Service, bucket: BucketName, prefix: String },
    /// Look at an object.
    Stat { service: Service, bucket: BucketName, key: ObjectKey },
    /// Make a bucket.
    MakeBucket { service: Service, bucket: BucketName },
    /// Prove a receipt.
    Verify(Box<Verification>),
    /// Compare a file with an object.
    Check(Box<Comparison>),
    /// Say checksums of files.
    Hash { sources: Vec<PathBuf>, threads: NonZeroUsize },
    /// List the journals of a directory.
    ListJobs { checkpoint_dir: PathBuf },
    /// Be the server.
    Emulate(Box<oss_emulator::Settings>),
}

/// One upload.
#[derive(Debug)]
pub(crate) struct Copy {
    /// Who is asked.
    pub(crate) service: Service,
    /// The file, as it was named.
    pub(crate) source: PathBuf,
    /// Where to.
    pub(crate) bucket: BucketName,
    /// As what.
    pub(crate) key: ObjectKey,
    /// What the object is given, as the user says.
    pub(crate) options: ObjectOptions,
    /// The content type if the user says none.
    pub(crate) guessed_content_type: String,
    /// Size of the parts of a new upload.
    pub(crate) part_size: PartSize,
    /// From which size on in parts.
    pub(crate) threshold: ByteCount,
    /// Parts in flight; found out without.
    pub(crate) parallel: Option<NonZeroU16>,
    /// Most bytes a second.
    pub(crate) bandwidth_limit: Option<NonZeroU64>,
    /// Where journals are kept.
    pub(crate) checkpoint_dir: PathBuf,
    /// Whether journals are locked.
    pub(crate) lock: args::Lock,
    /// What to do about a lock that is held.
    pub(crate) on_locked: args::OnLocked,
    /// What to do about a changed source.
    pub(crate) on_change: OnChange,
    /// What to read again.
    pub(crate) verify: Verify,
    /// Whether to look for uploads begun elsewhere.
    pub(crate) adopt: Adopt,
    /// Whether an unfinished upload is given up first.
    pub(crate) no_resume: bool,
    /// How long nothing may be accepted.
    pub(crate) give_up_after: Option<Duration>,
    /// Where the receipt goes.
    pub(crate) receipt: Option<ReceiptPlace>,
    /// Whether success needs a proof.
    pub(crate) require_proof: bool,
    /// What to do with a wrong object.
    pub(crate) on_mismatch: args::OnMismatch,
}

/// One file beside one object.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// Who is asked.
    pub(crate) service: Service,
    /// The file, as it was named.
    pub(crate) source: PathBuf,
    /// Where the object is.
    pub(crate) bucket: BucketName,
    /// Which one it is.
    pub(crate) key: ObjectKey,
    /// How many threads read the file.
    pub(crate) threads: NonZeroUsize,
}

/// Reads a variable of the environment; an empty one is as good as none.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl Settings {
    /// Settles what was typed.
    ///
    /// # Errors
    /// What makes no sense, with the flag or variable that says it.
    pub(crate) fn settle(arguments: Arguments, environment: Environment<'_>) -> Result<Self, Failure> {
        let said = &arguments.global;
        let style = if said.no_progress { Style::Silent } else { Style::for_stderr() };
        let output = Output::new(said.output_format);
        let global = Global { output, style, deadline: said.deadline };
        let command = match arguments.command {
            CommandArguments::Cp(cp) => Command::Cp(Box::new(Copy::settle(said, *cp, environment)?)),
            CommandArguments::Ls(ls) => match ls.target {
                None => Command::ListBuckets(Service::settle(said, environment)?),
                Some(target) => Command::ListObjects {
                    service: Service::settle(said, environment)?,
                    bucket: target.bucket,
                    prefix: target.rest,
                },
            },
            CommandArguments::Stat(stat) => Command::Stat {
                key: stat.target.object().map_err(Failure::usage)?,
                bucket: stat.target.bucket,
                service: Service::settle(said, environment)?,
            },
            CommandArguments::Mb(mb) => Command::MakeBucket {
                bucket: mb.target.only_bucket().map_err(Failure::usage)?.clone(),
                service: Service::settle(said, environment)?,
            },
            CommandArguments::Verify(verify) => {
                Command::Verify(Box::new(Verification::settle(said, &verify, environment)?))
            }
            CommandArguments::Check(check) => {
                Command::Check(Box::new(Comparison::settle(said, check, environment)?))
            }
            CommandArguments::Hash(HashArguments { sources, parallel }) => {
                Command::Hash { sources, threads: reading_threads(parallel) }
            }
            CommandArguments::Jobs(JobsArguments::Ls) => {
                Command::ListJobs { checkpoint_dir: checkpoint_dir(said)? }
            }
            CommandArguments::Emulate(emulate) => {
                Command::Emulate(Box::new(emulator::settle(said, *emulate)?))
            }
        };
        Ok(Self { global, command })
    }
}

impl Copy {
    fn settle(
        said: &GlobalArguments,
        arguments: CpArguments,
        environment: Environment<'_>,
    ) -> Result<Self, Failure> {
        source::check(&arguments.source)?;
        let key = arguments.target.object_for(&arguments.source).map_err(Failure::usage)?;
        let options = object_options::read(&arguments).map_err(Failure::usage)?;
        let part_size = arguments.part_size;
        if let Some(part_size) = part_size
            && !(PartPlan::MIN_PART..=PartPlan::MAX_PART).contains(&part_size)
        {
            let range = format!("{} to {}", PartPlan::MIN_PART, PartPlan::MAX_PART);
            return Err(Failure::usage(format!(
                "--part-size {part_size} is not in the range of OSS, {range}"
            )));
        }
        let threshold = arguments.bigfile_threshold.unwrap_or(UploadSpec::DEFAULT_THRESHOLD);
        if threshold > PartPlan::MAX_PART {
            return Err(Failure::usage(format!(
                "--bigfile-threshold {threshold} is more than one request carries, {}",
                PartPlan::MAX_PART
            )));
        }
        let parallel = arguments.parallel;
        if let Some(parallel) = parallel
            && parallel.get() > MAX_PARALLEL
        {
            return Err(Failure::usage(format!("--parallel {parallel} is more than {MAX_PARALLEL}")));
        }
        let receipt = arguments.receipt.as_deref().map(ReceiptPlace::find).transpose()?;
        Ok(Self {
            service: Service::settle(said, environment)?,
            source: arguments.source,
            bucket: arguments.target.bucket,
            guessed_content_type: object_options::guessed_content_type(&key),
            key,
            options,
            part_size: part_size.map_or(PartSize::Auto, PartSize::Wished),
            threshold,
            parallel,
            bandwidth_limit: arguments.bandwidth_limit,
            checkpoint_dir: checkpoint_dir(said)?,
            lock: arguments.lock,
            on_locked: arguments.on_locked,
            on_change: match arguments.on_change {
                args::OnChange::Heal => OnChange::Heal,
                args::OnChange::Fail => OnChange::Fail,
                args::OnChange::Restart => OnChange::Restart,
            },
            verify: match arguments.verify {
                args::Verify::Auto => Verify::Auto,
                args::Verify::Full => Verify::Full,
                args::Verify::None => Verify::None,
            },
            adopt: match arguments.adopt {
                args::Adopt::Auto => Adopt::Auto,
                args::Adopt::Never => Adopt::Never,
                args::Adopt::This(upload_id) => Adopt::This(upload_id),
            },
            no_resume: arguments.no_resume,
            give_up_after: said.give_up_after,
            receipt,
            require_proof: arguments.require_proof,
            on_mismatch: arguments.on_mismatch,
        })
    }
}

impl Comparison {
    fn settle(
        said: &GlobalArguments,
        arguments: CheckArguments,
        environment: Environment<'_>,
    ) -> Result<Self, Failure> {
        source::check_readable(&arguments.source)?;
        Ok(Self {
            key: arguments.target.object_for(&arguments.source).map_err(Failure::usage)?,
            bucket: arguments.target.bucket,
            service: Service::settle(said, environment)?,
            source: arguments.source,
            threads: reading_threads(arguments.parallel),
        })
    }
}

/// How many threads read a file: without a word, as many as there are cores.
fn reading_threads(said: Option<NonZeroU16>) -> NonZeroUsize {
    let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    said.map_or_else(cores, NonZeroUsize::from)
}

/// Most parts in flight: each has a connection, and a process has 1,024 files where nobody raised it.
const MAX_PARALLEL: u16 = 512;

fn checkpoint_dir(said: &GlobalArguments) -> Result<PathBuf, Failure> {
    match &said.checkpoint_dir {
        Some(directory) => Ok(directory.clone()),
        None => {
            state_folder("uploads").map_err(|failure| failure.with_hint("say where with --checkpoint-dir"))
        }
    }
}

/// `$XDG_STATE_HOME/oss/<name>`.
fn state_folder(name: &str) -> Result<PathBuf, Failure> {
    let strategy = choose_base_strategy()
        .map_err(|_| Failure::local("there is no home directory, and so no place to keep state in"))?;
    let state = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    Ok(state.join("oss").join(name))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::exit::ExitStatus;

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");

    /// Settles a command line, with `FILE` for an existing file, in this environment.
    fn settle(line: &str, environment: &[(&str, &str)]) -> Result<Settings, Failure> {
        let words = line.split(' ').map(|word| if word == "FILE" { FILE } else { word });
        let arguments = Arguments::try_parse_from(words).unwrap();
        Settings::settle(arguments, &|name| {
            environment.iter().find(|(other, _)| *other == name).map(|(_, value)| OsString::from(value))
        })
    }

    fn copy(line: &str, environment: &[(&str, &str)]) -> Copy {
        match settle(line, environment).unwrap().command {
            Command::Cp(copy) => *copy,
            other => panic!("{other:?}"),
        }
    }

    fn endpoint_of(copy: &Copy) -> String {
        match &copy.service.place {
            Place::Remote { endpoint, .. } => format!("{endpoint} {}", endpoint.region()),
            Place::Local { region, .. } => format!("local {region}"),
        }
    }

    const KEYS: [(&str, &str); 2] = [("OSS_ACCESS_KEY_ID", "id"), ("OSS_ACCESS_KEY_SECRET", "canary-secret")];

    fn with_keys<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        KEYS.into_iter().chain(more.iter().copied()).collect()
    }

    #[test]
    fn flags_win_over_the_environment() {
        let check = |line: &str, environment: &[(&str, &str)], endpoint: &str| {
            assert_eq!(endpoint_of(&copy(line, &with_keys(environment))), endpoint, "{line}");
        };
        let region = ("OSS_REGION", "cn-beijing");
        let elsewhere = ("OSS_ENDPOINT", "http://10.0.0.1:8000");
        let cp = "oss cp FILE oss://demo/a";
        check(cp, &[region], "https://oss-cn-beijing.aliyuncs.com cn-beijing");
        check(cp, &[region, elsewhere], "http://10.0.0.1:8000 cn-beijing");
        check(
            &format!("{cp} --region cn-shanghai"),
            &[region, elsewhere],
            "http://10.0.0.1:8000 cn-shanghai",
        );
        check(&format!("{cp} -e 10.0.0.2"), &[region, elsewhere], "https://10.0.0.2 cn-beijing");
        check(
            &format!("{cp} --internal"),
            &[region],
            "https://oss-cn-beijing-internal.aliyuncs.com cn-beijing",
        );
        check(cp, &[region, ("OSS_ENDPOINT", "")], "https://oss-cn-beijing.aliyuncs.com cn-beijing");
    }

    #[test]
    fn the_server_inside_needs_nothing_and_looks_at_no_variable() {
        let environment = [("OSS_ENDPOINT", "http://10.0.0.1"), ("OSS_REGION", "cn-beijing")];
        assert_eq!(endpoint_of(&copy("oss --local cp FILE oss://demo/", &environment)), "local cn-hangzhou");
    }

    #[test]
    fn what_is_missing_is_named_with_what_to_do() {
        let check = |line: &str, environment: &[(&str, &str)], part: &str| {
            let failure = settle(line, environment).unwrap_err();
            assert_eq!(failure.status, ExitStatus::Usage, "{line}");
            let text = format!("{} {}", failure.message, failure.hint.unwrap_or_default());
            assert!(text.contains(part), "{line}: {text}");
        };
        let cp = "oss cp FILE oss://demo/a";
        check(cp, &KEYS, "OSS_REGION");
        check(cp, &[("OSS_REGION", "cn-beijing")], "OSS_ACCESS_KEY_ID is not set");
        check(cp, &[("OSS_REGION", "cn-beijing"), KEYS[0]], "OSS_ACCESS_KEY_SECRET is not set");
        check("oss --local cp FILE oss://demo/a --part-size 99K", &[], "--part-size");
        check("oss --local cp FILE oss://demo/a --part-size 6G", &[], "--part-size");
        check("oss --local cp FILE oss://demo/a --bigfile-threshold 6G", &[], "--bigfile-threshold");
        check("oss --local cp FILE oss://demo/a --parallel 600", &[], "--parallel");
        check("oss --local cp FILE oss://demo/a --receipt /", &[], "--receipt");
        check("oss --local mb oss://demo/a", &[], "oss://demo");
        check("oss --local stat oss://demo", &[], "oss://demo/key");
        check("oss emulate --root /x --access-key canary", &[], "ID:SECRET");
    }

    // Rows: 89
    #[test]
    fn no_secret_is_shown() {
        let settings = settle(
            "oss cp FILE oss://demo/a --region cn-beijing",
            &with_keys(&[("OSS_SESSION_TOKEN", "canary-token")]),
        );
        assert!(!format!("{:?}", settings.unwrap()).contains("canary"));
        for (name, value) in [("OSS_ACCESS_KEY_SECRET", "canary\n"), ("OSS_SESSION_TOKEN", "canary\u{7f}")] {
            let environment = [("OSS_REGION", "cn-beijing"), (name, value), KEYS[0], KEYS[1]];
            if let Err(failure) = settle("oss cp FILE oss://demo/a", &environment) {
                assert!(!format!("{failure:?}").contains("canary"), "{name}");
            }
        }
        let emulate = settle("oss emulate --root /x --access-key id:canary", &[]);
        assert!(!format!("{:?}", emulate.unwrap()).contains("canary"));
    }

    #[test]
    fn defaults_are_meant_to_be_right() {
        let copy = copy("oss --local cp FILE oss://demo/", &[]);
        assert_eq!((copy.part_size, copy.threshold), (PartSize::Auto, ByteCount::mib(10)));
        assert_eq!((copy.parallel, copy.key.as_str()), (None, "Cargo.toml"));
        assert_eq!((copy.on_change, copy.verify, copy.adopt), (OnChange::Heal, Verify::Auto, Adopt::Auto));
        assert_eq!(
            (copy.options, copy.guessed_content_type.as_str()),
            (ObjectOptions::default(), "text/x-toml")
        );
    }
}
