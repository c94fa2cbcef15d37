//! One async function an action: what it takes from the machine is taken when it is started.

use std::{future::Future, io, sync::Arc, time::Duration};

use http::{HeaderValue, header};
use oss_checkpoint::{ByteCount, ByteRange, SourceStamp, UploadId};
use oss_transport::{Body, Timeouts};

use super::{
    bandwidth::BandwidthLimit,
    buffers::Buffers,
    client::{Client, Replied, in_full},
    in_flight::{CancelOnDrop, Done, InFlight, Kind},
    journal::Journal,
    laggards::Laggards,
    part_body::{PartBody, Reading},
    range_reader::{RangeReader, ReadError, ReadOut},
    scarcity,
    source::Source,
    threads::apart,
};
use crate::{
    Action, Event, Fault, FaultClass, Part, Ticket, Upload, UploadedPart,
    wire::{self, Operation, Target},
};

/// Starts what the machine asks for.
pub(crate) struct Performer {
    client: Client,
    source: Arc<dyn Source>,
    /// Of the transfers of this run; their number is known when it starts.
    buffers: Arc<Buffers>,
    limit: Option<BandwidthLimit>,
}

impl Performer {
    /// Blocks are kept for so many transfers; more transfers than that make blocks anew.
    const TRANSFERS: usize = 64;

    pub(crate) fn new(client: Client, source: Arc<dyn Source>) -> Self {
        Self { client, source, buffers: Buffers::new(Self::TRANSFERS), limit: None }
    }

    /// From now on, bodies go out under this limit.
    pub(crate) fn limit(&mut self, limit: BandwidthLimit) {
        self.limit = Some(limit);
    }

    /// Whether bodies may be made to wait.
    pub(crate) const fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// Starts `action`, or does it on the spot and gives its reply.
    pub(crate) fn start(
        &self,
        action: Action,
        upload: &Upload,
        journal: &Journal,
        in_flight: &mut InFlight,
        laggards: &mut Laggards,
    ) -> Option<Event> {
        let ticket = action.ticket();
        match action {
            Action::InspectSource { .. } => {
                let reading = Arc::<Reading>::default();
                let work = self.inspect_source(ticket, upload, Arc::clone(&reading));
                in_flight.start(ticket, Kind::Source(reading), work);
            }
            Action::ChecksumPart { part, .. } => {
                let reading = Arc::<Reading>::default();
                let work = self.checksum_part(ticket, part, Arc::clone(&reading));
                in_flight.start(ticket, Kind::Source(reading), work);
            }
            Action::UploadPart { part, .. } => {
                let (body, reading) = self.body(part.range, None);
                let body = Load { body, asks: upload.asks_before_body(&action) };
                let work = self.upload_part(ticket, part, upload, body, Arc::clone(&reading));
                laggards.starts(ticket, part, Arc::clone(&reading));
                in_flight.start(ticket, Kind::Transfer(reading), work);
            }
            Action::PutObject { .. } => {
                let stamp = upload.stamp();
                let range = ByteRange { start: 0, len: stamp.map_or(ByteCount::ZERO, |stamp| stamp.len) };
                let (body, reading) = self.body(range, stamp);
                let body = Load { body, asks: upload.asks_before_body(&action) };
                let work = self.put_object(ticket, upload, body, Arc::clone(&reading));
                in_flight.start(ticket, Kind::Transfer(reading), work);
            }
            Action::FindUploads { .. } => {
                in_flight.start(ticket, Kind::Question, self.find_uploads(ticket, upload));
            }
            Action::Initiate { .. } => in_flight.start(ticket, Kind::Question, self.initiate(ticket, upload)),
            Action::ListParts { after, .. } => {
                in_flight.start(ticket, Kind::Question, self.list_parts(ticket, upload, after));
            }
            Action::Complete { .. } => in_flight.start(ticket, Kind::Question, self.complete(ticket, upload)),
            Action::InspectObject { .. } => {
                in_flight.start(ticket, Kind::Question, self.inspect_object(ticket, upload));
            }
            Action::Abort { .. } => in_flight.start(ticket, Kind::Question, self.abort(ticket, upload)),
            Action::Save { upto, durability, .. } => {
                let records = upload.unsaved(upto);
                if let Some(saved) = journal.append_at_once(records, durability) {
                    return Some(
                        saved.map_or_else(|fault| failed(ticket, fault), |()| Event::Saved { ticket }),
                    );
                }
                let append = journal.clone().append(records.to_vec(), durability);
                in_flight.start(
                    ticket,
                    Kind::Journal,
                    settle(ticket, append, move |()| Event::Saved { ticket }),
                );
            }
            Action::Retire { .. } => {
                let retire = journal.clone().retire();
                in_flight.start(
                    ticket,
                    Kind::Journal,
                    settle(ticket, retire, move |()| Event::Retired { ticket }),
                );
            }
            Action::Cancel { .. } => {
                in_flight.cancel(ticket);
                laggards.ends(ticket, false);
            }
        }
        None
    }

    fn body(&self, range: ByteRange, required: Option<SourceStamp>) -> (Body, Arc<Reading>) {
        PartBody::make(
            Arc::clone(&self.source),
            Arc::clone(&self.buffers),
            self.limit.clone(),
            range,
            required,
        )
    }

    fn target(&self, upload: &Upload) -> Target {
        let job = &upload.spec().job;
        Target { endpoint: self.client.endpoint().clone(), bucket: job.bucket.clone(), key: job.key.clone() }
    }

    fn inspect_source(
        &self,
        ticket: Ticket,
        upload: &Upload,
        reading: Arc<Reading>,
    ) -> impl Future<Output = Done> + Send + use<> {
        let source = Arc::clone(&self.source);
        let name = String::from_utf8_lossy(&upload.spec().job.source).into_owned();
        let inspect = async move {
            let stamp = apart("oss-source", move || reading.pulse().during(|| source.inspect())).await;
            stamp.and_then(|stamp| stamp).map_err(|error| {
                let message = format!("the source {name} cannot be read: {}", in_full(&error));
                Fault::new(FaultClass::Local, message)
            })
        };
        settle(ticket, inspect, move |stamp| Event::SourceInspected { ticket, stamp })
    }

    fn checksum_part(
        &self,
        ticket: Ticket,
        part: Part,
        reading: Arc<Reading>,
    ) -> impl Future<Output = Done> + Send + use<> {
        let (source, buffers) = (Arc::clone(&self.source), Arc::clone(&self.buffers));
        let checksum = async move {
            let (_guard, cancelled) = CancelOnDrop::new();
            let pass = move || -> Result<ReadOut, ReadError> {
                let pulse = reading.pulse();
                let mut reader = pulse.during(|| RangeReader::open(&source, &buffers, part.range, None))?;
                while pulse.during(|| reader.next())?.is_some() {
                    if cancelled.yet() {
                        return Err(ReadError::Moved("nobody waits for its checksum"));
                    }
                }
                reader.end().ok_or(ReadError::Moved("it was not read to its end"))
            };
            let pass = Arc::new(pass);
            let mut pauses = 0;
            loop {
                let pass = Arc::clone(&pass);
                let read = apart("oss-checksum", move || pass()).await.map_err(|error| unreadable(&error))?;
                match read.map_err(|error| error.fault()) {
                    Err(fault) if fault.class == FaultClass::Scarce && pauses < scarcity::PAUSES => {
                        pauses += 1;
                        tokio::time::sleep(scarcity::PAUSE).await;
                    }
                    Err(fault) if fault.class == FaultClass::Scarce => {
                        return Err(Fault { class: FaultClass::Local, ..fault });
                    }
                    read => return read,
                }
            }
        };
        settle(ticket, checksum, move |ReadOut { crc64, stamp, at_rest }| Event::PartChecksummed {
            ticket,
            crc64,
            stamp,
            at_rest,
        })
    }

    fn upload_part(
        &self,
        ticket: Ticket,
        part: Part,
        upload: &Upload,
        load: Load,
        reading: Arc<Reading>,
    ) -> impl Future<Output = Done> + Send + use<> {
        let (client, target, upload_id) =
            (self.client.clone(), self.target(upload), upload.upload_id().cloned());
        let send = async move {
            let upload_id = needed(upload_id)?;
            let operation = wire::UploadPart { target: &target, upload_id: &upload_id, number: part.number };
            let replied = carry(&client, &operation, load, &reading).await?;
            let read = all_read(&reading)?;
            Ok(UploadedPart {
                etag: replied.reply.etag,
                local: read.crc64,
                server: replied.reply.crc64,
                stamp: read.stamp,
                at_rest: read.at_rest,
            })
        };
        settle(ticket, send, move |part| Event::PartUploaded { ticket, part })
    }

    fn put_object(
        &self,
        ticket: Ticket,
        upload: &Upload,
        load: Load,
        reading: Arc<Reading>,
    ) -> impl Future<Output = Done> + Send + use<> {
        let (client, target) = (self.client.clone(), self.target(upload));
        let (options, source) = (upload.spec().options.clone(), Arc::clone(&self.source));
        let planned = upload.stamp();
        let buffers = Arc::clone(&self.buffers);
        async move {
            let put = async {
                let operation = wire::PutObject { target: &target, options: &options };
                if !load.body.is_empty() {
                    let replied = carry(&client, &operation, load, &reading).await;
                    return Ok((replied?, all_read(&reading)?));
                }
                // No transport asks for the chunks of an empty body, so the source is looked at before it goes out.
                let looking = Arc::clone(&reading);
                let look = move || looking.pulse().during(|| read_nothing(&source, &buffers, planned));
                let read = apart("oss-source", look);
                let read = read.await.map_err(|error| unreadable(&error))?.map_err(|error| error.fault())?;
                let empty = Load { body: Body::Empty, asks: false };
                Ok((carry(&client, &operation, empty, &reading).await?, read))
            };
            match put.await {
                Ok((Replied { reply, request_id }, read)) => Done {
                    event: Event::ObjectPut { ticket, object: reply.object, local: read.crc64 },
                    request_id: request_id.map(|id| ("put_object", id)),
                    callback_failed: reply.callback_failed,
                },
                Err(fault) => failed(ticket, fault).into(),
            }
        }
    }

    fn find_uploads(&self, ticket: Ticket, upload: &Upload) -> impl Future<Output = Done> + Send + use<> {
        let (client, target) = (self.client.clone(), self.target(upload));
        let after = upload.uploads_marker().cloned();
        let find = async move {
            let operation = wire::ListUploads { target: &target, after: after.as_ref() };
            Ok(client.exchange(&operation).await?.reply)
        };
        settle(ticket, find, move |page| Event::UploadsFound { ticket, page })
    }

    fn initiate(&self, ticket: Ticket, upload: &Upload) -> impl Future<Output = Done> + Send + use<> {
        let (client, target) = (self.client.clone(), self.target(upload));
        let options = upload.spec().options.clone();
        async move {
            match client.exchange(&wire::Initiate { target: &target, options: &options }).await {
                Ok(Replied { reply, request_id }) => Done {
                    event: Event::Initiated { ticket, upload_id: reply.upload_id, at: reply.at },
                    request_id: request_id.map(|id| ("initiate", id)),
                    callback_failed: None,
                },
                Err(fault) => failed(ticket, fault).into(),
            }
        }
    }

    fn list_parts(
        &self,
        ticket: Ticket,
        upload: &Upload,
        after: Option<oss_checkpoint::PartNumber>,
    ) -> impl Future<Output = Done> + Send + use<> {
        let (client, target, upload_id) =
            (self.client.clone(), self.target(upload), upload.upload_id().cloned());
        let list = async move {
            let upload_id = needed(upload_id)?;
            let operation = wire::ListParts { target: &target, upload_id: &upload_id, after };
            Ok(client.exchange(&operation).await?.reply)
        };
        settle(ticket, list, move |page| Event::PartsListed { ticket, page })
    }

    fn complete(&self, ticket: Ticket, upload: &Upload) -> impl Future<Output = Done> + Send + use<> {
        let (client, target, upload_id) =
            (self.client.clone(), self.target(upload), upload.upload_id().cloned());
        let (options, parts) = (upload.spec().options.clone(), wire::PartList::new(upload.receipts()));
        async move {
            let complete = async {
                let upload_id = needed(upload_id)?;
                let operation = wire::Complete::of_list(&target, &upload_id, &options, parts);
                let request = operation.request()?.map(Body::Bytes);
                client.send(&operation, request, joining()).await
            };
            match complete.await {
                Ok(Replied { reply, request_id }) => Done {
                    event: Event::Completed { ticket, object: reply.object },
                    request_id: request_id.map(|id| ("complete", id)),
                    callback_failed: reply.callback_failed,
                },
                Err(fault) => failed(ticket, fault).into(),
            }
        }
    }

    fn inspect_object(&self, ticket: Ticket, upload: &Upload) -> impl Future<Output = Done> + Send + use<> {
        let (client, target) = (self.client.clone(), self.target(upload));
        async move {
            match client.exchange(&wire::HeadObject { target: &target }).await {
                Ok(Replied { reply, request_id }) => Done {
                    event: Event::ObjectInspected { ticket, object: reply },
                    request_id: request_id.map(|id| ("head_object", id)),
                    callback_failed: None,
                },
                Err(fault) => failed(ticket, fault).into(),
            }
        }
    }

    fn abort(&self, ticket: Ticket, upload: &Upload) -> impl Future<Output = Done> + Send + use<> {
        let (client, target, upload_id) =
            (self.client.clone(), self.target(upload), upload.upload_id().cloned());
        let abort = async move {
            let upload_id = needed(upload_id)?;
            client.exchange(&wire::Abort { target: &target, upload_id: &upload_id }).await
        };
        settle(ticket, abort, move |_| Event::Aborted { ticket })
    }
}

/// The reply to a piece of work.
async fn settle<T>(
    ticket: Ticket,
    work: impl Future<Output = Result<T, Fault>>,
    reply: impl FnOnce(T) -> Event,
) -> Done {
    match work.await {
        Ok(done) => reply(done).into(),
        Err(fault) => failed(ticket, fault).into(),
    }
}

fn failed(ticket: Ticket, fault: Fault) -> Event {
    Event::Failed { ticket, fault }
}

/// Bytes of the source, as the body of a request.
struct Load {
    body: Body,
    /// A go-ahead is asked for before they are sent.
    asks: bool,
}

/// Sends an operation with the bytes of the source as its body.
async fn carry<O: Operation + Sync>(
    client: &Client,
    operation: &O,
    load: Load,
    reading: &Reading,
) -> Result<Replied<O::Reply>, Fault> {
    let timeouts = patient(load.body.len());
    let mut request = operation.request()?.map(|_| load.body);
    if load.asks {
        request.headers_mut().insert(header::EXPECT, HeaderValue::from_static("100-continue"));
    }
    let replied = client.send(operation, request, timeouts).await;
    replied.map_err(|fault| Fault { read: reading.end().map(|read| read.crc64), ..fault })
}

/// The clocks of a request that carries `len` bytes: after the last one the answer may take 30 s and a second for each
/// megabyte.
fn patient(len: u64) -> Timeouts {
    const SLOWEST: u64 = 1_000_000;
    let timeouts = Timeouts::default();
    Timeouts { answer: timeouts.answer.saturating_add(Duration::from_secs(len / SLOWEST)), ..timeouts }
}

/// The clocks of CompleteMultipartUpload: joining thousands of parts may take minutes, and the answer may begin early
/// and end late.
fn joining() -> Timeouts {
    const LIMIT: Duration = Duration::from_mins(10);
    Timeouts { answer: LIMIT, body: LIMIT, ..Timeouts::default() }
}

fn read_nothing(
    source: &Arc<dyn Source>,
    buffers: &Arc<Buffers>,
    planned: Option<SourceStamp>,
) -> Result<ReadOut, ReadError> {
    let mut reader =
        RangeReader::open(source, buffers, ByteRange { start: 0, len: ByteCount::ZERO }, planned)?;
    reader.next()?;
    reader.end().ok_or(ReadError::Moved("it was not read to its end"))
}

fn all_read(reading: &Reading) -> Result<ReadOut, Fault> {
    reading.end().ok_or_else(|| {
        Fault::new(FaultClass::Corrupted, "the server answered before it had been sent all of the body")
    })
}

fn needed(upload_id: Option<UploadId>) -> Result<UploadId, Fault> {
    upload_id.ok_or_else(|| Fault::new(FaultClass::Local, "there is no upload id for this request"))
}

fn unreadable(error: &io::Error) -> Fault {
    Fault::new(FaultClass::Local, format!("the source cannot be read: {}", in_full(error)))
}
