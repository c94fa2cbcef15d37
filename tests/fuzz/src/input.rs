//! Bytes taken for choices, texts and numbers, and taken for messages of HTTP.

use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header::HeaderMap, request, response};

/// What is left of an input whose bytes are choices. When nothing is left every choice is the first one.
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *byte
    }

    pub(crate) fn one_in(&mut self, choices: u8) -> bool {
        self.byte() % choices == choices - 1
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::from(u16::from_le_bytes([self.byte(), self.byte()])) % limit.max(1)
    }

    /// Near zero, near the ends, or anything.
    pub(crate) fn number(&mut self) -> u64 {
        let kind = self.byte();
        let small = u64::from(self.byte());
        match kind % 8 {
            0 => small,
            1 => u64::MAX - small,
            2 => (1 << 63) - small,
            3 => (1 << 63) + small,
            4 => (1 << 32) - small,
            5 => small << 20,
            6 => small << 40,
            _ => {
                let mut bytes = [0; 8];
                bytes.fill_with(|| self.byte());
                u64::from_le_bytes(bytes)
            }
        }
    }
}

/// A text up to a line feed, and what is behind it.
pub(crate) fn line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (data[..end].strip_suffix(b"\r").unwrap_or(&data[..end]), &data[end + 1..]),
        None => (data, &[]),
    }
}

/// A status line, headers as far as they are some, an empty line and a body: an answer.
pub(crate) fn answer(data: &[u8]) -> (response::Parts, &[u8]) {
    let (status, rest) = line(data);
    let status = str::from_utf8(status).ok().and_then(|status| status.trim().parse().ok());
    let (mut head, ()) = Response::new(()).into_parts();
    head.status = status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
    let body = headers(rest, &mut head.headers);
    (head, body)
}

/// A request line, headers and a body; `None` if the first line cannot be one.
pub(crate) fn request(data: &[u8]) -> Option<(request::Parts, &[u8])> {
    let (first, rest) = line(data);
    let (method, target) = str::from_utf8(first).ok()?.split_once(' ')?;
    let target = target.strip_suffix(" HTTP/1.1").unwrap_or(target);
    let (mut head, ()) = Request::builder().method(method).uri(target).body(()).ok()?.into_parts();
    let body = headers(rest, &mut head.headers);
    Some((head, body))
}

/// Takes headers up to an empty line, and gives what is behind it. HTTP libraries refuse more than some hundred.
fn headers<'a>(mut data: &'a [u8], headers: &mut HeaderMap) -> &'a [u8] {
    loop {
        let (text, rest) = line(data);
        data = rest;
        if text.is_empty() {
            return data;
        }
        let colon = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
        let (name, value) = text.split_at(colon);
        let name = HeaderName::from_bytes(name.trim_ascii());
        let value = HeaderValue::from_bytes(value.strip_prefix(b":").unwrap_or(value).trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value)
            && headers.len() < 100
        {
            headers.append(name, value);
        }
    }
}
