//! A client as plain as can be: one connection a request, bytes in, bytes out, signed by `oss-sign`.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::SystemTime;

use http::request::Parts;
use oss_emulator::{Emulator, Running, Settings};
use oss_sign::{Credentials, Region, Resource, SecurityToken, Signer, SigningTime, encode};

/// A server with a folder of its own and a bucket `demo`, and a client of it.
pub(crate) struct Scene {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) running: Running,
    pub(crate) client: Client,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with_faults(script: &str) -> Self {
        Self::with(|settings| settings.faults = oss_emulator::faults::Script::parse(script).unwrap())
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(folder.path());
        settings.create_buckets = true;
        change(&mut settings);
        let running = Emulator::bind(settings).unwrap().start().unwrap();
        let client = Client::of(running.address());
        Self { folder, running, client }
    }

    /// Another server on the same folder.
    pub(crate) fn beside(&self) -> (Running, Client) {
        let running = Emulator::bind(Settings::new(self.folder.path())).unwrap().start().unwrap();
        let client = Client::of(running.address());
        (running, client)
    }

    /// The same folder after the server was stopped.
    pub(crate) fn restarted(self) -> Self {
        self.running.stop();
        let running = Emulator::bind(Settings::new(self.folder.path())).unwrap().start().unwrap();
        let client = Client::of(running.address());
        Self { folder: self.folder, running, client }
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        self.client.send(&Ask::new("GET", target)).unwrap()
    }

    pub(crate) fn head(&self, target: &str) -> Answer {
        self.client.send(&Ask::new("HEAD", target)).unwrap()
    }

    pub(crate) fn delete(&self, target: &str) -> Answer {
        self.client.send(&Ask::new("DELETE", target)).unwrap()
    }

    pub(crate) fn put(&self, target: &str, body: &[u8]) -> Answer {
        self.client.send(&Ask::new("PUT", target).body(body)).unwrap()
    }

    pub(crate) fn post(&self, target: &str, body: &str) -> Answer {
        self.client.send(&Ask::new("POST", target).body(body.as_bytes())).unwrap()
    }

    pub(crate) fn initiate(&self, key: &str) -> String {
        let answer = self.post(&format!("demo/{key}?uploads"), "");
        answer.expect(200).element("UploadId").unwrap()
    }

    pub(crate) fn upload_part(&self, key: &str, id: &str, number: u32, body: &[u8]) -> Answer {
        self.put(&format!("demo/{key}?partNumber={number}&uploadId={id}"), body)
    }

    pub(crate) fn complete(&self, key: &str, id: &str, parts: &[(u32, String)]) -> Answer {
        self.post(&format!("demo/{key}?uploadId={id}"), &part_list(parts))
    }
}

/// The body of Complete.
pub(crate) fn part_list(parts: &[(u32, String)]) -> String {
    let parts: Vec<String> = parts
        .iter()
        .map(|(number, etag)| format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"))
        .collect();
    format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.concat())
}

/// `length` bytes that differ with `seed`.
pub(crate) fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

pub(crate) fn crc64(bytes: &[u8]) -> String {
    let mut digest = crc64fast::Digest::new();
    digest.write(bytes);
    digest.sum64().to_string()
}

/// A request to be signed. The target is `bucket/key?query` with the key as it is and the query encoded.
#[derive(Clone)]
pub(crate) struct Ask {
    method: String,
    bucket: String,
    key: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Ask {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.rsplit_once('?').unwrap_or((target, ""));
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        Self::of(method, bucket, key, query)
    }

    /// For keys with a question mark.
    pub(crate) fn of(method: &str, bucket: &str, key: &str, query: &str) -> Self {
        Self {
            method: method.to_owned(),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The path of path style, encoded, with the query.
    pub(crate) fn uri(&self) -> String {
        let path = match self.bucket.as_str() {
            "" => String::new(),
            bucket => format!("{bucket}/{}", encode::encode_path(&self.key)),
        };
        let query = match self.query.as_str() {
            "" => String::new(),
            query => format!("?{query}"),
        };
        format!("/{path}{query}")
    }

    pub(crate) fn resource(&self) -> Resource<'_> {
        match (self.bucket.as_str(), self.key.as_str()) {
            ("", _) => Resource::Service,
            (bucket, "") => Resource::Bucket { bucket },
            (bucket, key) => Resource::Object { bucket, key },
        }
    }

    fn parts(&self) -> Parts {
        let mut builder = http::Request::builder().method(self.method.as_str()).uri(self.uri());
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        builder.body(()).unwrap().into_parts().0
    }
}

pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) host: String,
    pub(crate) credentials: Credentials,
    pub(crate) region: String,
}

impl Client {
    pub(crate) fn of(address: SocketAddr) -> Self {
        Self {
            address,
            host: address.to_string(),
            credentials: Credentials::new("local", "local").unwrap(),
            region: "cn-hangzhou".to_owned(),
        }
    }

    pub(crate) fn as_key(&self, id: &str, secret: &str, token: Option<&str>) -> Self {
        let mut credentials = Credentials::new(id, secret).unwrap();
        if let Some(token) = token {
            credentials = credentials.with_security_token(SecurityToken::new(token).unwrap());
        }
        Self { address: self.address, host: self.host.clone(), credentials, region: self.region.clone() }
    }

    /// Signs and sends; an error is a connection that ended without a whole answer.
    pub(crate) fn send(&self, ask: &Ask) -> io::Result<Answer> {
        let now = SigningTime::try_from(SystemTime::now()).unwrap();
        self.send_at(ask, now)
    }

    pub(crate) fn send_at(&self, ask: &Ask, now: SigningTime) -> io::Result<Answer> {
        let head = self.head(ask, now);
        let mut stream = TcpStream::connect(self.address)?;
        // A server that has answered early may not read all of it.
        let sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&ask.body));
        match (read_answer(&mut stream, ask.method == "HEAD"), sent) {
            (Ok(answer), _) => Ok(answer),
            (Err(_), Err(error)) | (Err(error), Ok(())) => Err(error),
        }
    }

    /// The signed head of a request, with its `Content-Length`.
    pub(crate) fn head(&self, ask: &Ask, now: SigningTime) -> String {
        let mut parts = ask.parts();
        let signer = Signer::new(Region::new(&self.region).unwrap());
        signer.sign(&mut parts, ask.resource(), &self.credentials, now).unwrap();
        parts.headers.insert("content-length", ask.body.len().into());
        write_head(&parts, &self.host)
    }

    /// Sends a head that is not signed, and a body.
    pub(crate) fn send_unsigned(&self, ask: &Ask) -> io::Result<Answer> {
        let mut parts = ask.parts();
        parts.headers.insert("content-length", ask.body.len().into());
        self.send_raw(&[write_head(&parts, &self.host).as_bytes(), &ask.body].concat(), ask.method == "HEAD")
    }

    /// Sends bytes as they are, and then nothing more.
    pub(crate) fn send_raw(&self, bytes: &[u8], is_head: bool) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.write_all(bytes)?;
        read_answer(&mut stream, is_head)
    }

    /// Sends some of a request, hangs up, and counts what comes back until the server hangs up as well.
    pub(crate) fn send_and_hang_up(&self, bytes: &[u8]) -> io::Result<u64> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.write_all(bytes)?;
        stream.shutdown(Shutdown::Write)?;
        io::copy(&mut stream, &mut io::sink())
    }
}

fn write_head(parts: &Parts, host: &str) -> String {
    let mut lines = vec![format!("{} {} HTTP/1.1", parts.method, parts.uri), format!("Host: {host}")];
    lines.extend(parts.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())));
    lines.join("\r\n") + "\r\n\r\n"
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:#?}\n{}", self.text());
        self
    }

    /// An error of that status and code, in the form of every error.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> &Self {
        self.expect(status);
        assert_eq!(self.element("Code").as_deref(), Some(code), "{}", self.text());
        for element in ["Message", "RequestId", "HostId", "EC", "RecommendDoc"] {
            assert!(self.element(element).is_some(), "no {element} in {}", self.text());
        }
        assert_eq!(self.element("RequestId").as_deref(), self.header("x-oss-request-id"));
        assert_eq!(self.element("EC").as_deref(), self.header("x-oss-ec"));
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Text of the first element of that name.
    pub(crate) fn element(&self, name: &str) -> Option<String> {
        self.elements(name).into_iter().next()
    }

    /// Texts of all elements of that name, unescaped.
    pub(crate) fn elements(&self, name: &str) -> Vec<String> {
        let text = self.text();
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let pieces = text.split(&open).skip(1).filter_map(|rest| rest.split_once(&close));
        pieces
            .map(|(text, _)| {
                text.replace("&quot;", "\"").replace("&apos;", "'").replace("&lt;", "<").replace("&amp;", "&")
            })
            .collect()
    }

    pub(crate) fn etag(&self) -> String {
        self.header("etag").unwrap().to_owned()
    }
}

fn read_answer(stream: &mut TcpStream, is_head: bool) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    let mut block = vec![0; 64 << 10];
    loop {
        if let Some(answer) = parse(&bytes, is_head) {
            return Ok(answer);
        }
        match stream.read(&mut block)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => bytes.extend_from_slice(&block[..read]),
        }
    }
}

/// `None`: more has to come.
fn parse(bytes: &[u8], is_head: bool) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    if status == 100 {
        return parse(&bytes[end..], is_head);
    }
    let headers: BTreeMap<String, String> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let has_body = !is_head && status != 204 && status != 304;
    let length =
        if has_body { headers.get("content-length").map_or(0, |length| length.parse().unwrap()) } else { 0 };
    let body = bytes.get(end..end + length)?.to_vec();
    Some(Answer { status, headers, body })
}
