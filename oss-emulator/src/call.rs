//! One request while it is being served, and what the operations need for it.

use std::sync::Arc;

use http::request::Parts;
use hyper::body::Incoming;
use jiff::Timestamp;

use crate::address::Address;
use crate::faults::Mischief;
use crate::line::Line;
use crate::query::Query;
use crate::refusal::Refusal;
use crate::requests::Request;
use crate::server::Server;
use crate::store::{Bucket, BucketRecord, Store};

/// A request whose operation is known.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) server: Arc<Server>,
    pub(crate) line: Arc<Line>,
    pub(crate) parts: Parts,
    pub(crate) body: Incoming,
    pub(crate) address: Address,
    pub(crate) query: Query,
    pub(crate) mischief: Mischief,
    /// By the server's clock.
    pub(crate) now: Timestamp,
    pub(crate) entry: Request,
}

/// Why an operation has no answer of its own.
#[derive(Debug)]
pub(crate) enum Stop {
    Refused(Refusal),
    /// The connection ends without an answer.
    Gone,
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Call {
    /// The key of an operation on objects.
    pub(crate) fn key(&self) -> String {
        self.address.key.clone().unwrap_or_default()
    }

    pub(crate) fn bucket_name(&self) -> String {
        self.address.bucket.clone().unwrap_or_default()
    }

    pub(crate) fn upload_id(&self) -> String {
        self.query.get("uploadId").unwrap_or_default().to_owned()
    }

    /// The value of a header, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    /// Whether a header says `true`.
    pub(crate) fn says_true(&self, name: &str) -> bool {
        self.header(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Runs `work` where it may block.
    pub(crate) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Stop> {
        let server = Arc::clone(&self.server);
        let done = tokio::task::spawn_blocking(move || work(&server.store)).await;
        // A runtime that stops drops the work, and a panic is a bug that has been reported.
        done.map_err(|_| Stop::Gone)?.map_err(Stop::from)
    }

    /// Runs `work` on the bucket of this request, where it may block.
    pub(crate) async fn in_bucket<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Bucket<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Stop> {
        let name = self.bucket_name();
        let create = self.server.settings.create_buckets;
        self.on_disk(move |store| {
            if create && store.bucket(&name)?.is_none() {
                store.create_bucket(&BucketRecord::new(&name))?;
            }
            let bucket = store.bucket(&name)?.ok_or_else(|| Refusal::no_such_bucket(&name))?;
            work(&bucket)
        })
        .await
    }
}

/// A lock that was asked for and is there; none if the bucket has been removed meanwhile.
pub(crate) fn held<G>(bucket: &Bucket<'_>, guard: Option<G>) -> Result<G, Refusal> {
    guard.ok_or_else(|| Refusal::no_such_bucket(&bucket.record().name))
}
