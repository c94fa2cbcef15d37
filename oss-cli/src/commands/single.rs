//! What the commands but `cp` have in common: a few requests that are short, and a deadline.

use std::{future::Future, time::Duration};

use oss_checkpoint::BucketName;
use oss_resumable::{Fault, driver::Client};

use crate::{
    compose::Connection, exit::ExitStatus, failure::Failure, hint, quantity::Span, settings::Service,
};

/// Connects, runs `ask` with a client, and gives advice where it fails.
///
/// # Errors
/// That of `ask`, or that the deadline came first.
pub(crate) fn run<T, Asked>(
    service: &Service,
    bucket: Option<&BucketName>,
    deadline: Option<Duration>,
    ask: impl FnOnce(Client) -> Asked,
) -> Result<T, Failure>
where
    Asked: Future<Output = Result<T, Fault>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::local(format!("cannot start: {error}")))?;
    let connection = Connection::make(service)?;
    let client = connection.client()?;
    let asked = runtime.block_on(async {
        let asking = ask(client);
        match deadline {
            Some(deadline) => tokio::time::timeout(deadline, asking).await.map_err(|_| deadline),
            None => Ok(asking.await),
        }
    });
    match asked {
        Ok(asked) => asked.map_err(|fault| {
            let circumstances = connection.circumstances(bucket.map(BucketName::as_str));
            Failure::of_fault(&fault).advised(|failure| hint::for_failure(failure, &circumstances))
        }),
        Err(deadline) => Err(Failure::new(
            ExitStatus::Deadline,
            format!("not done within the deadline of {}", Span(deadline)),
        )),
    }
}
