//! A ready driver: carries out what the machine asks for, over ports that its user chooses.
//!
//! [`Driver::run`] is one task on the caller's runtime. It owns nothing but its ports and lends the machine to nobody:
//! poll, start what was asked for, wait for the first of a finished piece, a stop and a point in time, hand it in, poll
//! again. Nothing that it starts outlives it, but a thread that hangs in a read of the source.
//!
//! The ports are [`oss_transport::Transport`], [`oss_checkpoint::Slot`], [`Source`] and [`ProvideCredentials`]; an
//! [`Observer`] looks on. [`Uploader`] puts them together for a file in a few lines.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use oss_checkpoint::{BucketName, CheckpointStore, ObjectKey};
//! # use oss_resumable::{driver::Uploader, wire::{Endpoint, EndpointSettings}};
//! # use oss_sign::Credentials;
//! # use oss_transport::Transport;
//! # async fn example(
//! #     transport: Arc<dyn Transport>,
//! #     store: Arc<dyn CheckpointStore>,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let settings = EndpointSettings { region: Some("cn-hangzhou".to_owned()), ..EndpointSettings::default() };
//! let uploader = Uploader::builder(Endpoint::resolve(&settings)?)
//!     .transport(transport)
//!     .credentials(Credentials::new("access key id", "access key secret")?)
//!     .store(store)
//!     .build()?;
//! let upload = uploader
//!     .upload_file("backup.tar", BucketName::new("demo-bucket")?, ObjectKey::new("backup.tar")?)
//!     .progress(|consumed, total| println!("{consumed} of {total:?} bytes"));
//! // Pauses or aborts it from elsewhere; the same call later goes on.
//! let handle = upload.handle();
//! let receipt = upload.run().await?;
//! println!("CRC-64 {}", receipt.crc64);
//! # drop(handle);
//! # Ok(())
//! # }
//! ```

mod bandwidth;
mod buffers;
mod checksum;
mod claim;
mod client;
mod clock;
mod credentials;
mod handle;
mod in_flight;
mod journal;
mod keyring;
mod laggards;
mod observer;
mod part_body;
mod perform;
mod pulse;
mod range_reader;
mod receipt;
mod remove;
mod scarcity;
mod source;
mod threads;
mod upload_builder;
mod upload_error;
mod uploader;

use std::{
    collections::BTreeMap,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use oss_checkpoint::{ByteCount, Slot};
use tokio::time::Instant;

#[cfg(unix)]
pub use self::source::FileSource;
pub use self::{
    bandwidth::BandwidthLimit,
    checksum::{Checksummed, checksum},
    claim::{Claim, Difference, ReceiptError, Verdict},
    client::{Client, Replied},
    credentials::{CredentialsError, ProvideCredentials},
    handle::Handle,
    observer::{Observer, ProgressCallback, Transfer},
    range_reader::ReadError,
    receipt::{Receipt, ReceiptPart, ReceiptProof, ReceiptSource},
    remove::Removal,
    source::{BytesSource, Source, SourceReader},
    upload_builder::{Running, UploadBuilder},
    upload_error::UploadError,
    uploader::{Uploader, UploaderBuilder},
};

use self::{
    clock::Stopwatch,
    handle::next_stop,
    in_flight::{Done, InFlight},
    journal::Journal,
    laggards::Laggards,
    perform::Performer,
    scarcity::Scarcity,
};
use crate::{Event, Fault, FaultClass, Outcome, Refusal, Step, Stop, Upload};

/// Runs uploads of one source over one client and one journal.
pub struct Driver {
    performer: Performer,
    journal: Journal,
    observer: Box<dyn Observer>,
    handle: Handle,
}

/// How a run ended, and what only the run knew.
#[derive(Clone, Debug)]
pub struct Ended {
    /// How.
    pub outcome: Outcome,
    /// Request ids of the operations that made the object, by operation: `initiate`, `complete`, `put_object`,
    /// `head_object`.
    pub request_ids: BTreeMap<&'static str, String>,
    /// The object is there, but the callback that was asked for failed.
    pub callback_failed: Option<Arc<Refusal>>,
}

/// Progress is told this often at most.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

impl Driver {
    /// Over these ports; nobody looks on.
    pub fn new(client: Client, source: Arc<dyn Source>, slot: Box<dyn Slot>) -> Self {
        Self {
            performer: Performer::new(client, source),
            journal: Journal::new(slot),
            observer: Box::new(()),
            handle: Handle::new(),
        }
    }

    /// With somebody to look on.
    #[must_use]
    pub fn with_observer(mut self, observer: Box<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Sending no faster than that.
    #[must_use]
    pub fn with_bandwidth_limit(mut self, limit: BandwidthLimit) -> Self {
        self.performer.limit(limit);
        self
    }

    /// Stopped by this handle instead of its own.
    #[must_use]
    pub fn with_handle(mut self, handle: Handle) -> Self {
        self.handle = handle;
        self
    }

    /// Stops the run from elsewhere, also before it has begun.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Drives the upload to its end.
    ///
    /// Dropping the future stops everything at once, as a crash would; a later run goes on.
    pub async fn run(&mut self, upload: &mut Upload) -> Ended {
        Run::new(self, upload.limits().give_up_after).drive(upload).await
    }
}

/// One run.
struct Run<'a> {
    driver: &'a mut Driver,
    stopwatch: Stopwatch,
    in_flight: InFlight,
    scarcity: Scarcity,
    laggards: Laggards,
    notes_told: usize,
    told: Option<(Transfer, Instant)>,
    request_ids: BTreeMap<&'static str, String>,
    callback_failed: Option<Arc<Refusal>>,
}

impl<'a> Run<'a> {
    fn new(driver: &'a mut Driver, patience: Duration) -> Self {
        // What waits for its turn looks like what does not move.
        let laggards = Laggards::new(patience, !driver.performer.is_limited());
        Self {
            driver,
            stopwatch: Stopwatch::start(),
            in_flight: InFlight::default(),
            scarcity: Scarcity::default(),
            laggards,
            notes_told: 0,
            told: None,
            request_ids: BTreeMap::new(),
            callback_failed: None,
        }
    }

    async fn drive(mut self, upload: &mut Upload) -> Ended {
        let mut stops = self.driver.handle.listen();
        let patience = upload.limits().give_up_after;
        let outcome = loop {
            let step = upload.poll(self.stopwatch.now());
            self.tell_notes(upload);
            match step {
                Step::Act(action) => {
                    self.driver.observer.action(&action, self.stopwatch.now());
                    tracing::debug!(?action);
                    let Driver { performer, journal, .. } = &mut *self.driver;
                    if let Some(event) =
                        performer.start(action, upload, journal, &mut self.in_flight, &mut self.laggards)
                    {
                        self.hand_in(upload, event);
                    }
                }
                Step::Wait { until } => {
                    debug_assert!(
                        until.is_some() || !self.in_flight.is_empty(),
                        "a machine that waits for nothing"
                    );
                    let until = until.and_then(|until| self.stopwatch.instant_of(until));
                    let look = self.in_flight.next_look(patience);
                    let beat = self.in_flight.is_asking().then(Stopwatch::next_beat);
                    let until = [until, look, self.laggards.next_look(), beat].into_iter().flatten().min();
                    let progress = self.next_progress();
                    let wake =
                        first(next_stop(&mut stops), self.in_flight.next(), at(until), at(progress)).await;
                    if let Some(planned) = [until, progress].into_iter().flatten().min() {
                        self.stopwatch.woke(planned);
                    }
                    match wake {
                        Wake::Stop(wanted) => self.hand_in(upload, Event::StopRequested(wanted)),
                        Wake::Done(done) => self.take(upload, done),
                        Wake::Until => {
                            self.give_up_what_hangs(upload, patience);
                            self.send_laggards_again(upload);
                        }
                        Wake::Progress => self.tell_progress(upload),
                    }
                }
                Step::Done => {
                    break upload.outcome().cloned().expect("a machine that is done says how it ended");
                }
            }
        };
        self.in_flight.clear().await;
        self.tell_end(upload, &outcome);
        Ended { outcome, request_ids: self.request_ids, callback_failed: self.callback_failed }
    }

    fn take(&mut self, upload: &mut Upload, done: Done) {
        let done = self.scarcity.judge(done, &self.in_flight);
        match done.event {
            Event::PartUploaded { ticket, .. } => self.laggards.ends(ticket, true),
            Event::Failed { ticket, .. } => self.laggards.ends(ticket, false),
            _ => {}
        }
        self.request_ids.extend(done.request_id);
        self.callback_failed = done.callback_failed.or(self.callback_failed.take());
        self.hand_in(upload, done.event);
        if self.next_progress().is_none_or(|due| due <= Instant::now()) {
            self.tell_progress(upload);
        }
    }

    /// A call of the source that does not come back, as on a network file system whose server is gone, would be waited
    /// for for ever.
    fn give_up_what_hangs(&mut self, upload: &mut Upload, patience: Duration) {
        while let Some(ticket) = self.in_flight.take_hung(patience) {
            let message = format!("reading the source has not come back for {} s", patience.as_secs());
            let fault = Fault::new(FaultClass::Local, message);
            self.hand_in(upload, Event::Failed { ticket, fault });
        }
    }

    fn send_laggards_again(&mut self, upload: &mut Upload) {
        while let Some((ticket, message)) = self.laggards.look() {
            self.in_flight.cancel(ticket);
            self.hand_in(
                upload,
                Event::Failed { ticket, fault: Fault::new(FaultClass::Unanswered, message) },
            );
        }
    }

    fn hand_in(&mut self, upload: &mut Upload, event: Event) {
        let now = self.stopwatch.now();
        self.driver.observer.event(&event, now);
        tracing::debug!(?event);
        upload.handle(event, now);
    }

    fn tell_notes(&mut self, upload: &Upload) {
        for note in &upload.notes()[self.notes_told..] {
            self.driver.observer.note(note);
        }
        self.notes_told = upload.notes().len();
    }

    /// When progress is due; `None` while nothing is sent and nothing was told.
    fn next_progress(&self) -> Option<Instant> {
        let (_, at) = self.told.filter(|_| self.in_flight.is_reading())?;
        Some(at + PROGRESS_INTERVAL)
    }

    fn tell_progress(&mut self, upload: &Upload) {
        let in_flight = ByteCount::new(self.in_flight.taken());
        self.tell(Transfer { progress: upload.progress(), in_flight });
    }

    fn tell_end(&mut self, upload: &Upload, outcome: &Outcome) {
        let mut progress = upload.progress();
        if let Outcome::Completed(finished) = outcome {
            progress.total = Some(finished.facts.size);
            progress.accepted = finished.facts.size;
        }
        self.tell(Transfer { progress, in_flight: ByteCount::ZERO });
    }

    fn tell(&mut self, transfer: Transfer) {
        if self.told.is_none_or(|(told, _)| told != transfer) {
            self.driver.observer.progress(&transfer);
        }
        self.told = Some((transfer, Instant::now()));
    }
}

/// What a run waits for.
enum Wake {
    Stop(Stop),
    Done(Done),
    Until,
    Progress,
}

/// The first of them, and in this order if several are there.
async fn first(
    stop: impl Future<Output = Stop>,
    done: impl Future<Output = Done>,
    until: impl Future<Output = ()>,
    progress: impl Future<Output = ()>,
) -> Wake {
    let (mut stop, mut done, mut until, mut progress) = (pin!(stop), pin!(done), pin!(until), pin!(progress));
    poll_fn(|context| {
        if let Poll::Ready(stop) = stop.as_mut().poll(context) {
            return Poll::Ready(Wake::Stop(stop));
        }
        if let Poll::Ready(done) = done.as_mut().poll(context) {
            return Poll::Ready(Wake::Done(done));
        }
        if until.as_mut().poll(context).is_ready() {
            return Poll::Ready(Wake::Until);
        }
        progress.as_mut().poll(context).map(|()| Wake::Progress)
    })
    .await
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
