//! A second way to what is stored: a server inside the test on the same folder, that believes any signature and keeps its own log.
//! It is asked in plain HTTP, so that nothing of the program or its codec takes part in the reading.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
};

use oss_emulator::{Emulator, Settings};

/// The server beside.
#[derive(Debug)]
pub(crate) struct BackDoor {
    running: oss_emulator::Running,
}

impl BackDoor {
    /// On the folder of another server.
    pub(crate) fn open(root: &Path) -> Self {
        let mut settings = Settings::new(root);
        settings.create_buckets = true;
        settings.no_verify = true;
        settings.log_file = Some(root.with_extension("back-door.jsonl"));
        Self { running: Emulator::bind(settings).unwrap().start().unwrap() }
    }

    /// Asks for `/bucket/key?query`, all of it encoded already.
    pub(crate) fn ask(&self, method: &str, target: &str, body: &[u8]) -> Answer {
        let address = self.running.address();
        let mut stream = TcpStream::connect(address).unwrap();
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        Answer::parse(&bytes, method == "HEAD")
    }

    /// The object, byte for byte; `None` if there is none.
    pub(crate) fn object(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let answer = self.ask("GET", &format!("/{bucket}/{}", encoded(key)), b"");
        match answer.status {
            200 => Some(answer.body),
            404 => None,
            _ => panic!("{answer:?}"),
        }
    }

    /// What HEAD says of an object, by lower-case names.
    pub(crate) fn headers(&self, bucket: &str, key: &str) -> BTreeMap<String, String> {
        let answer = self.ask("HEAD", &format!("/{bucket}/{}", encoded(key)), b"");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.headers
    }

    /// Keys and ids of the unfinished uploads of a bucket.
    pub(crate) fn uploads(&self, bucket: &str) -> Vec<(String, String)> {
        let answer = self.ask("GET", &format!("/{bucket}?uploads"), b"");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.elements("Key").into_iter().zip(answer.elements("UploadId")).collect()
    }

    /// Begins an upload, as another tool would, and gives its id.
    pub(crate) fn initiate(&self, bucket: &str, key: &str) -> String {
        let answer = self.ask("POST", &format!("/{bucket}/{}?uploads", encoded(key)), b"");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.elements("UploadId").remove(0)
    }

    /// Sends a part of it, and gives the ETag.
    pub(crate) fn upload_part(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        number: u16,
        bytes: &[u8],
    ) -> String {
        let target = format!("/{bucket}/{}?partNumber={number}&uploadId={upload_id}", encoded(key));
        let answer = self.ask("PUT", &target, bytes);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.headers["etag"].clone()
    }

    /// Numbers of the parts that an upload has.
    pub(crate) fn parts(&self, bucket: &str, key: &str, upload_id: &str) -> Vec<u16> {
        let answer = self.ask("GET", &format!("/{bucket}/{}?uploadId={upload_id}", encoded(key)), b"");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.elements("PartNumber").iter().map(|number| number.parse().unwrap()).collect()
    }

    /// The same with the CRC-64 of each; none if the upload has just ended.
    pub(crate) fn part_checksums(&self, bucket: &str, key: &str, upload_id: &str) -> Vec<(u16, u64)> {
        let answer = self.ask("GET", &format!("/{bucket}/{}?uploadId={upload_id}", encoded(key)), b"");
        assert!(matches!(answer.status, 200 | 404), "{answer:?}");
        let numbers = answer.elements("PartNumber").into_iter().map(|number| number.parse().unwrap());
        numbers.zip(answer.elements("HashCrc64ecma").iter().map(|crc| crc.parse().unwrap())).collect()
    }

    pub(crate) fn abort(&self, bucket: &str, key: &str, upload_id: &str) {
        let answer = self.ask("DELETE", &format!("/{bucket}/{}?uploadId={upload_id}", encoded(key)), b"");
        assert_eq!(answer.status, 204, "{answer:?}");
    }
}

/// A key as it stands in a path: everything but letters, digits, `-._~` and `/` is a percent sign and two digits.
pub(crate) fn encoded(key: &str) -> String {
    let mut encoded = String::new();
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8], is_head: bool) -> Self {
        let end =
            bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer has a head") + 4;
        let head = String::from_utf8_lossy(&bytes[..end]);
        let status =
            head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a head has a status");
        let headers: BTreeMap<String, String> = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let body = bytes[end..].to_vec();
        if let Some(length) = headers.get("content-length").filter(|_| !is_head) {
            assert_eq!(body.len().to_string(), *length, "an answer was cut short");
        }
        Self { status, headers, body }
    }

    /// Texts of all XML elements of that name; keys here need no unescaping.
    fn elements(&self, name: &str) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.body);
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        text.split(&open)
            .skip(1)
            .filter_map(|rest| rest.split_once(&close))
            .map(|(text, _)| text.to_owned())
            .collect()
    }
}
