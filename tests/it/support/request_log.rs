//! What the emulator was asked, as its request log tells it.

use std::{fs, path::Path};

use oss_emulator::Request;

/// Requests in the order in which they ended.
#[derive(Clone, Debug)]
pub(crate) struct RequestLog {
    requests: Vec<Request>,
}

impl RequestLog {
    /// What stands in the file so far; a line that is still being written is left out.
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let requests = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self { requests }
    }

    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }

    /// What came after the first `seen` requests.
    pub(crate) fn since(&self, seen: usize) -> Self {
        Self { requests: self.requests[seen..].to_vec() }
    }

    /// What was asked about one object.
    pub(crate) fn of_key(&self, key: &str) -> Self {
        let about = self.requests.iter().filter(|request| request.key.as_deref() == Some(key));
        Self { requests: about.cloned().collect() }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter()
    }

    /// Requests of one operation, in the words of the fault script.
    pub(crate) fn of(&self, operation: &str) -> impl Iterator<Item = &Request> {
        self.requests.iter().filter(move |request| request.operation == operation)
    }

    pub(crate) fn count(&self, operation: &str) -> usize {
        self.of(operation).count()
    }

    /// Numbers of the parts that were sent, whatever became of them, sorted; a part that was sent twice stands here twice.
    pub(crate) fn parts_sent(&self) -> Vec<u16> {
        let mut parts: Vec<u16> = self.of("upload_part").filter_map(|request| request.part).collect();
        parts.sort_unstable();
        parts
    }

    /// Those of them that were stored.
    pub(crate) fn parts_stored(&self) -> Vec<u16> {
        let stored = self.of("upload_part").filter(|request| request.applied);
        let mut parts: Vec<u16> = stored.filter_map(|request| request.part).collect();
        parts.sort_unstable();
        parts
    }

    /// Bytes of objects and parts that arrived.
    pub(crate) fn data_bytes(&self) -> u64 {
        let data = |request: &&Request| matches!(request.operation.as_str(), "upload_part" | "put_object");
        self.iter().filter(data).map(|request| request.body_bytes).sum()
    }

    /// Uploads that were begun, by id.
    pub(crate) fn uploads(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = self.iter().filter_map(|request| request.upload_id.as_deref()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// A line a request, for messages.
    pub(crate) fn in_short(&self) -> Vec<String> {
        let line = |request: &Request| {
            let Request { seq, time, operation, body_bytes, status, applied, .. } = request;
            let part = request.part.map_or(String::new(), |part| format!(" {part}"));
            let id = request.upload_id.as_deref().map_or("", |id| id.get(..6).unwrap_or(id));
            format!("{time} {seq} {operation}{part} {id}: {body_bytes} bytes, {status:?}, applied: {applied}")
        };
        self.iter().map(line).collect()
    }

    /// Every operation in order, for messages.
    pub(crate) fn operations(&self) -> Vec<&str> {
        self.iter().map(|request| request.operation.as_str()).collect()
    }
}
