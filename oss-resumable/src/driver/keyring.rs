//! The credentials in force: kept, since where they come from may be slow or away, and renewed once for all who wait.
//!
//! One lock around all of it. It is held while somebody waits for credentials that can be used, so that everybody else
//! waits too; nobody holds it while there are some. A provider's answer under way is kept beside them, and is waited for
//! by whoever needs it next: it survives a request that is dropped.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use oss_sign::{Credentials, SigningTime};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until, timeout_at},
};

use super::credentials::{CredentialsError, ProvideCredentials};
use crate::{Fault, FaultClass};

/// Between two asks of one kind.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a provider may take.
const LIMIT: Duration = Duration::from_secs(15);

/// Who signs, for all requests of one client.
pub(crate) struct Keyring {
    provider: Arc<dyn ProvideCredentials>,
    held: Mutex<Held>,
    /// How many asks have failed: who waited meanwhile takes over how the last one ended.
    failures: AtomicU64,
}

#[derive(Default)]
struct Held {
    kept: Option<Kept>,
    ask: Option<Ask>,
    /// When the provider was last asked for those in force.
    looked: Option<Instant>,
    /// And when for others.
    renewed: Option<Instant>,
    /// How the last wait ended, if there was nothing then.
    failed: Option<Fault>,
}

/// The set that was given last.
struct Kept {
    set: Credentials,
    standing: Standing,
}

/// What is known of it.
enum Standing {
    /// Nothing speaks against it but perhaps the time at which it ends.
    Given,
    /// The provider has no other, whatever is known: the service has the last word.
    Insisted,
    /// The service refused it with this fault.
    Ended { fault: Fault, no_others_since: Option<Instant> },
}

/// An answer of the provider's under way.
struct Ask {
    answer: Pin<Box<dyn Future<Output = Answered> + Send>>,
    deadline: Instant,
    /// Others than those that have ended are wanted.
    for_others: bool,
}

type Answered = Result<Credentials, CredentialsError>;

impl Keyring {
    pub(crate) fn new(provider: Arc<dyn ProvideCredentials>) -> Self {
        Self { provider, held: Mutex::default(), failures: AtomicU64::new(0) }
    }

    /// The credentials to sign with at `now`. While those that are kept can be used, nothing is waited for; else the
    /// provider is, for at most 15 s or `patience`.
    pub(crate) async fn in_force(&self, now: SigningTime, patience: Duration) -> Result<Credentials, Fault> {
        let failures = self.failures.load(Ordering::Acquire);
        let mut held = self.held.lock().await;
        if held.can_be_used(now) {
            self.glance(&mut held).await;
        } else if let Some(fault) = held.without_others() {
            // Somebody may have given it some in the meantime.
            held.looked = None;
            self.glance(&mut held).await;
            if !held.can_be_used(now) {
                return Err(fault);
            }
        } else {
            self.wait_for_some(&mut held, failures, patience).await?;
        }
        let kept = held.kept.as_ref().map(|kept| kept.set.clone());
        kept.ok_or_else(|| Fault::new(FaultClass::Local, "there are no credentials"))
    }

    /// The service refused `ended` with this fault: sees that there are others.
    ///
    /// # Errors
    /// What stands in for the fault if there are none.
    pub(crate) async fn renew(
        &self,
        ended: &Credentials,
        fault: &Fault,
        patience: Duration,
    ) -> Result<(), Fault> {
        let failures = self.failures.load(Ordering::Acquire);
        let mut held = self.held.lock().await;
        let Some(kept) = held.kept.as_mut().filter(|kept| kept.set.is_same(ended)) else { return Ok(()) };
        if !matches!(kept.standing, Standing::Ended { .. }) {
            kept.standing = Standing::Ended { fault: fault.clone(), no_others_since: None };
        }
        match held.without_others() {
            Some(fault) => Err(fault),
            None => self.wait_for_some(&mut held, failures, patience).await,
        }
    }

    /// Looks whether the provider has others by now, and does not wait for it.
    async fn glance(&self, held: &mut Held) {
        if held.ask.is_none() {
            if held.looked.is_some_and(|at| at.elapsed() < PAUSE) {
                return;
            }
            held.looked = Some(Instant::now());
            held.ask = Some(self.ask(None, LIMIT));
        }
        let Some(ask) = &mut held.ask else { return };
        let answered = poll_fn(|context| match ask.answer.as_mut().poll(context) {
            Poll::Ready(answered) => Poll::Ready(Some(answered)),
            Poll::Pending => Poll::Ready(None),
        });
        let answered = match answered.await {
            Some(answered) => answered,
            None if Instant::now() < ask.deadline => return,
            None => Err(silent()),
        };
        held.ask = None;
        match answered {
            Ok(set) => held.take(set),
            Err(error) => tracing::warn!(%error, "the credentials in force are kept"),
        }
    }

    /// Waits until there are credentials that can be used. `failures` were counted before the lock was had.
    async fn wait_for_some(&self, held: &mut Held, failures: u64, patience: Duration) -> Result<(), Fault> {
        if failures != self.failures.load(Ordering::Acquire)
            && let Some(fault) = &held.failed
        {
            return Err(fault.clone());
        }
        let ended = held.kept.as_ref().map(|kept| kept.set.clone());
        if held.ask.as_ref().is_none_or(|ask| ask.for_others != ended.is_some()) {
            let asked = if ended.is_some() { &mut held.renewed } else { &mut held.looked };
            if let Some(before) = *asked {
                sleep_until(before + PAUSE).await;
            }
            *asked = Some(Instant::now());
            held.ask = Some(self.ask(ended, LIMIT.min(patience)));
        }
        let Some(ask) = &mut held.ask else { return Ok(()) };
        let answered = timeout_at(ask.deadline, &mut ask.answer).await.unwrap_or_else(|_| Err(silent()));
        held.ask = None;
        let outcome = match answered {
            Ok(set) => held.take_for_others(set),
            Err(error) => Err(held.without_answer(&error)),
        };
        held.failed = outcome.clone().err();
        if outcome.is_err() {
            self.failures.fetch_add(1, Ordering::Release);
        }
        outcome
    }

    /// Asks for those in force, or for others than `ended`.
    fn ask(&self, ended: Option<Credentials>, limit: Duration) -> Ask {
        let (provider, for_others) = (Arc::clone(&self.provider), ended.is_some());
        let answer = async move {
            let in_force = provider.credentials().await;
            match (ended, in_force) {
                (None, answered) => answered,
                (Some(ended), Ok(set)) if !set.is_same(&ended) => Ok(set),
                (Some(_), _) => provider.refresh().await,
            }
        };
        Ask { answer: Box::pin(answer), deadline: Instant::now() + limit, for_others }
    }
}

impl Held {
    fn can_be_used(&self, now: SigningTime) -> bool {
        self.kept.as_ref().is_some_and(|kept| match kept.standing {
            Standing::Given => kept.set.ends_at().is_none_or(|end| now < end),
            Standing::Insisted => true,
            Standing::Ended { .. } => false,
        })
    }

    /// What was given unasked; the same set stays what it is.
    fn take(&mut self, set: Credentials) {
        match &mut self.kept {
            Some(kept) if kept.set.is_same(&set) => kept.set = set,
            _ => self.kept = Some(Kept { set, standing: Standing::Given }),
        }
    }

    /// What was given when there was nothing to sign with.
    fn take_for_others(&mut self, set: Credentials) -> Result<(), Fault> {
        let Some(kept) = self.kept.as_mut().filter(|kept| kept.set.is_same(&set)) else {
            self.kept = Some(Kept { set, standing: Standing::Given });
            return Ok(());
        };
        match &mut kept.standing {
            Standing::Ended { fault, no_others_since: since @ None } => {
                *since = Some(Instant::now());
                Err(no_others(fault))
            }
            // Asked again later the provider still means these.
            Standing::Ended { .. } | Standing::Given | Standing::Insisted => {
                *kept = Kept { set, standing: Standing::Insisted };
                Ok(())
            }
        }
    }

    /// The fault that stands while the provider has said less than a second ago that there are no others.
    fn without_others(&self) -> Option<Fault> {
        match &self.kept.as_ref()?.standing {
            Standing::Ended { fault, no_others_since: Some(since) } if since.elapsed() < PAUSE => {
                Some(no_others(fault))
            }
            _ => None,
        }
    }

    /// Why nothing can be signed: that the provider fails, and the service's refusal where there was one.
    fn without_answer(&self, error: &CredentialsError) -> Fault {
        let ended = match self.kept.as_ref().map(|kept| &kept.standing) {
            Some(Standing::Ended { fault, .. }) => Some(fault),
            _ => None,
        };
        let class = match (error, ended) {
            (CredentialsError::Unavailable(_), _) => FaultClass::Unreachable,
            (CredentialsError::Missing(_), None) => FaultClass::Local,
            (CredentialsError::Missing(_), Some(_)) => FaultClass::Refused,
        };
        match ended {
            None => Fault::new(class, error.to_string()),
            Some(ended) => {
                Fault { class, message: format!("{}; {error}", ended.message).into(), ..ended.clone() }
            }
        }
    }
}

fn no_others(fault: &Fault) -> Fault {
    Fault {
        class: FaultClass::Refused,
        message: format!("{}; and there are no other credentials", fault.message).into(),
        ..fault.clone()
    }
}

fn silent() -> CredentialsError {
    CredentialsError::Unavailable("their source has not answered in time".to_owned())
}
