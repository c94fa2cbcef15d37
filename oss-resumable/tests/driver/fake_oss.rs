//! Just enough of OSS in memory, behind the port of a transport.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Write as _,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, checksum};
use http::{Method, Response, StatusCode, request::Parts};
use oss_sign::SigningTime;
use oss_transport::{Answer, Body, Exchange, Transport, TransportError};

/// The service; clones are one.
#[derive(Clone, Default)]
pub(crate) struct FakeOss {
    state: Arc<Mutex<State>>,
    pub(crate) exchanges: Arc<AtomicUsize>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) objects: BTreeMap<String, Bytes>,
    pub(crate) uploads: BTreeMap<String, BTreeMap<u16, Bytes>>,
    /// Each request that came in whole: what it was, and the status of its answer.
    pub(crate) requests: Vec<(String, u16)>,
    /// Seconds that its clock is ahead of the local one.
    pub(crate) ahead: i64,
    /// Access key ids that have ended.
    pub(crate) ended: BTreeSet<String>,
    /// How many other exchanges were under way when an upload was aborted.
    pub(crate) under_way_at_abort: Option<usize>,
    /// The part whose requests come in and are never answered.
    pub(crate) never_answers: Option<&'static str>,
    /// Where the blocks of bodies lay in memory.
    pub(crate) blocks: BTreeSet<usize>,
    upload_ids: u32,
}

impl State {
    pub(crate) fn count(&self, operation: &str) -> usize {
        self.requests.iter().filter(|(seen, _)| seen == operation).count()
    }
}

impl FakeOss {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn answer(&self, head: &Parts, body: Bytes) -> Response<Bytes> {
        let mut state = self.state();
        let query: BTreeMap<&str, &str> = head
            .uri
            .query()
            .unwrap_or("")
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .collect();
        let operation = operation(&head.method, &query);
        let answer = state.refusal(head).unwrap_or_else(|| state.carry_out(operation, &query, head, body));
        state.requests.push((operation.to_owned(), answer.status().as_u16()));
        answer
    }
}

fn operation(method: &Method, query: &BTreeMap<&str, &str>) -> &'static str {
    match (method.as_str(), query.contains_key("uploads"), query.contains_key("uploadId")) {
        ("GET", true, _) => "ListMultipartUploads",
        ("POST", true, _) => "InitiateMultipartUpload",
        ("PUT", _, true) => "UploadPart",
        ("GET", _, true) => "ListParts",
        ("POST", _, true) => "CompleteMultipartUpload",
        ("DELETE", _, true) => "AbortMultipartUpload",
        ("PUT", ..) => "PutObject",
        ("HEAD", ..) => "HeadObject",
        _ => "unknown",
    }
}

impl State {
    #[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "a server has a clock")]
    fn server_time(&self) -> i64 {
        use std::time::{SystemTime, UNIX_EPOCH};

        let local = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        i64::try_from(local).unwrap() + self.ahead
    }

    fn refusal(&self, head: &Parts) -> Option<Response<Bytes>> {
        let header = |name: &str| head.headers.get(name).unwrap().to_str().unwrap();
        let signed = SigningTime::parse_basic_iso(header("x-oss-date")).unwrap();
        if (signed.unix() - self.server_time()).abs() > 900 {
            return Some(self.refuse(403, "RequestTimeTooSkewed"));
        }
        let ended = |id: &String| header("authorization").contains(&format!("Credential={id}/"));
        self.ended.iter().any(ended).then(|| self.refuse(403, "SecurityTokenExpired"))
    }

    fn carry_out(
        &mut self,
        operation: &str,
        query: &BTreeMap<&str, &str>,
        head: &Parts,
        body: Bytes,
    ) -> Response<Bytes> {
        let key = head.uri.path().trim_start_matches('/').split_once('/').unwrap().1.to_owned();
        let id = query.get("uploadId").copied().unwrap_or_default();
        match operation {
            "ListMultipartUploads" => {
                let key = query["prefix"];
                let mut xml = "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>".to_owned();
                for id in self.uploads.keys() {
                    write!(xml, "<Upload><Key>{key}</Key><UploadId>{id}</UploadId></Upload>").unwrap();
                }
                self.ok(&[], xml + "</ListMultipartUploadsResult>")
            }
            "InitiateMultipartUpload" => {
                self.upload_ids += 1;
                let id = format!("UPLOAD{}", self.upload_ids);
                self.uploads.insert(id.clone(), BTreeMap::new());
                let name = "InitiateMultipartUploadResult";
                self.ok(&[], format!("<{name}><UploadId>{id}</UploadId></{name}>"))
            }
            "PutObject" => {
                let (etag, crc64) = (etag(&body), crc_of(&body));
                self.objects.insert(key, body);
                self.ok(&[("etag", &etag), ("x-oss-hash-crc64ecma", &crc64)], String::new())
            }
            "HeadObject" => match self.objects.get(&key) {
                None => self.refuse(404, "NoSuchKey"),
                Some(object) => {
                    let length = object.len().to_string();
                    self.ok(
                        &[
                            ("etag", &etag(object)),
                            ("x-oss-hash-crc64ecma", &crc_of(object)),
                            ("content-length", &length),
                        ],
                        String::new(),
                    )
                }
            },
            _ if !self.uploads.contains_key(id) => self.refuse(404, "NoSuchUpload"),
            "UploadPart" => {
                let (etag, crc64) = (etag(&body), crc_of(&body));
                let parts = self.uploads.get_mut(id).unwrap();
                parts.insert(query["partNumber"].parse().unwrap(), body);
                self.ok(&[("etag", &etag), ("x-oss-hash-crc64ecma", &crc64)], String::new())
            }
            "ListParts" => {
                let mut xml = "<ListPartsResult><IsTruncated>false</IsTruncated>".to_owned();
                for (number, part) in &self.uploads[id] {
                    let (size, etag, crc64) = (part.len(), etag(part), crc_of(part));
                    write!(
                        xml,
                        "<Part><PartNumber>{number}</PartNumber><Size>{size}</Size><ETag>{etag}</ETag>\
                         <HashCrc64ecma>{crc64}</HashCrc64ecma></Part>"
                    )
                    .unwrap();
                }
                self.ok(&[], xml + "</ListPartsResult>")
            }
            "CompleteMultipartUpload" => {
                let parts = self.uploads.remove(id).unwrap();
                let object: Bytes = parts.values().flatten().copied().collect::<Vec<_>>().into();
                let headers = [("etag", etag(&object)), ("x-oss-hash-crc64ecma", crc_of(&object))];
                self.objects.insert(key, object);
                let name = "CompleteMultipartUploadResult";
                let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
                self.ok(&headers, format!("<{name}></{name}>"))
            }
            "AbortMultipartUpload" => {
                self.uploads.remove(id);
                let mut answer = self.ok(&[], String::new());
                *answer.status_mut() = StatusCode::NO_CONTENT;
                answer
            }
            other => panic!("{other}: {head:?}"),
        }
    }

    fn ok(&self, headers: &[(&str, &str)], body: String) -> Response<Bytes> {
        let mut answer = Response::builder()
            .header("x-oss-request-id", format!("REQUEST{}", self.requests.len()))
            .header("date", SigningTime::from_unix(self.server_time()).unwrap().to_http_date());
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        answer.body(Bytes::from(body)).unwrap()
    }

    fn refuse(&self, status: u16, code: &str) -> Response<Bytes> {
        let mut answer = self.ok(&[], format!("<Error><Code>{code}</Code><Message>no</Message></Error>"));
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        answer
    }
}

fn crc_of(bytes: &[u8]) -> String {
    checksum(CrcAlgorithm::Crc64Xz, bytes).to_string()
}

fn etag(bytes: &[u8]) -> String {
    format!("\"{:X}\"", checksum(CrcAlgorithm::Crc32IsoHdlc, bytes))
}

#[async_trait]
impl Transport for FakeOss {
    async fn send(&self, exchange: Exchange) -> Result<Response<Answer>, TransportError> {
        let _counted = Counted::new(&self.exchanges);
        let (head, body) = exchange.request.into_parts();
        let body = match body {
            Body::Empty => Bytes::new(),
            Body::Bytes(bytes) => bytes,
            Body::Chunks { len, source } => self.read(len, source.as_ref()).await?,
        };
        tokio::task::yield_now().await;
        let never = self.state().never_answers;
        if never.is_some_and(|part| head.uri.query().unwrap_or("").split('&').any(|pair| pair == part)) {
            std::future::pending::<()>().await;
        }
        if head.method == Method::DELETE {
            self.state().under_way_at_abort = Some(self.exchanges.load(Ordering::SeqCst) - 1);
        }
        Ok(self.answer(&head, body).map(Answer::Whole))
    }
}

impl FakeOss {
    /// Keeps a block while the next one is read, as a connection does.
    async fn read(&self, len: u64, source: &dyn oss_transport::ChunkSource) -> Result<Bytes, TransportError> {
        let body = |source| TransportError::Body { source };
        let (mut chunks, mut queue, mut all) = (source.open().map_err(body)?, VecDeque::new(), Vec::new());
        while let Some(block) = chunks.next().map_err(body)? {
            self.state().blocks.insert(block.as_ptr() as usize);
            all.extend_from_slice(&block);
            queue.push_back(block);
            if queue.len() > 2 {
                queue.pop_front();
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(all.len() as u64, len, "a body has the length that it said");
        Ok(all.into())
    }
}

/// One of those that are under way.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
