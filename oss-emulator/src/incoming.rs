//! Receives the body of a request: counted, summed, checked, and hurt where a rule says so.

use std::fs::File;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;
use md5::{Digest, Md5};

use crate::call::{Call, Stop};
use crate::faults::Action;
use crate::refusal::Refusal;

/// Most that one request may bring: 5 GiB. <https://www.alibabacloud.com/help/doc-detail/31827.htm>
const MAX_DATA: u64 = 5 << 30;

/// Most that the XML of a request may have: 10,000 parts with room to spare.
const MAX_XML: usize = 4 << 20;

/// What the bytes of an object or part were.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) size: u64,
    pub(crate) crc64: u64,
    /// Upper-case hex: the MD5, or something opaque where no MD5 is computed.
    pub(crate) etag: String,
    /// Base64 of the MD5, if it is known.
    pub(crate) content_md5: Option<String>,
}

/// Receives data into `sink`, or into nothing.
///
/// # Errors
/// The refusal of a body that is too long, of unknown length or not as its `Content-MD5` says; [`Stop::Gone`] when it ended early.
pub(crate) async fn receive_data(call: &mut Call, sink: Option<&File>) -> Result<Received, Stop> {
    let digest = expected_md5(&call.parts.headers)?;
    let mut md5 = (digest.is_some() || !call.server.settings.discard).then(Md5::new);
    let mut crc = crc64fast::Digest::new();
    let mut size = 0;
    while let Some(block) = call.next_block(size).await? {
        size += block.len() as u64;
        if size > MAX_DATA {
            return Err(too_large(size).into());
        }
        crc.write(&block);
        call.entry.body_crc64 = Some(crc.sum64());
        if let Some(md5) = &mut md5 {
            md5.update(&block);
        }
        if let Some(mut sink) = sink {
            sink.write_all(&block).map_err(Refusal::from)?;
        }
    }
    let crc64 = crc.sum64();
    call.entry.body_crc64 = Some(crc64);
    let md5: Option<[u8; 16]> = md5.map(|md5| md5.finalize().into());
    if digest.is_some() && digest != md5 {
        return Err(wrong_digest().into());
    }
    Ok(Received {
        size,
        crc64,
        etag: md5.map_or_else(|| format!("{crc64:016X}{size:016X}"), |md5| crate::store::hex(&md5)),
        content_md5: md5.map(|md5| STANDARD.encode(md5)),
    })
}

/// Receives a body of XML, or an empty one.
pub(crate) async fn receive_xml(call: &mut Call) -> Result<Vec<u8>, Stop> {
    let digest = expected_md5(&call.parts.headers)?;
    let mut xml = Vec::new();
    while let Some(block) = call.next_block(xml.len() as u64).await? {
        if xml.len() + block.len() > MAX_XML {
            return Err(too_large((xml.len() + block.len()) as u64).into());
        }
        xml.extend_from_slice(&block);
    }
    if digest.is_some_and(|digest| digest != <[u8; 16]>::from(Md5::digest(&xml))) {
        return Err(wrong_digest().into());
    }
    Ok(xml)
}

/// Refuses what can be refused before a byte of it is read.
pub(crate) fn check_length(call: &Call) -> Result<(), Refusal> {
    if call.content_length().is_none() && !call.parts.headers.contains_key("transfer-encoding") {
        let message = "You must provide the Content-Length HTTP header.";
        return Err(Refusal::new(411, "MissingContentLength", "0017-00000411", message));
    }
    match call.content_length() {
        Some(length) if length > MAX_DATA => Err(too_large(length)),
        _ => expected_md5(&call.parts.headers).map(|_| ()),
    }
}

impl Call {
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.parts.headers.get("content-length")?.to_str().ok()?.parse().ok()
    }

    /// The next bytes of the body; `seen` is how many came before.
    async fn next_block(&mut self, seen: u64) -> Result<Option<Bytes>, Stop> {
        self.hurt_request(seen).await?;
        loop {
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let frame = frame.map_err(|error| {
                tracing::debug!(%error, "the body ended early");
                Stop::Gone
            })?;
            let Ok(block) = frame.into_data() else { continue };
            if block.is_empty() {
                continue;
            }
            self.entry.body_bytes += block.len() as u64;
            return Ok(Some(self.hurt_block(block, seen)));
        }
    }

    /// Stalls or cuts the request once that much of it has come.
    async fn hurt_request(&mut self, seen: u64) -> Result<(), Stop> {
        let length = self.content_length();
        let cut = self.mischief.find(|action| match action {
            Action::CutRequest { after, parting } if after.in_body(length) <= seen => Some(*parting),
            _ => None,
        });
        if let Some(parting) = cut {
            self.line.part(parting);
            return Err(Stop::Gone);
        }
        let due = |action: &Action| matches!(action, Action::StallRequest { after, .. } if after.in_body(length) <= seen);
        if let Some(place) = self.mischief.actions.iter().position(due)
            && let Action::StallRequest { pause, .. } = self.mischief.actions.remove(place)
        {
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    /// Flips a bit, as a broken proxy would.
    fn hurt_block(&self, block: Bytes, seen: u64) -> Bytes {
        let length = self.content_length();
        let place = self.mischief.find(|action| match action {
            Action::CorruptBody { after } => after.in_body(length).checked_sub(seen),
            _ => None,
        });
        match place.and_then(|place| usize::try_from(place).ok()).filter(|place| *place < block.len()) {
            Some(place) => {
                let mut hurt = block.to_vec();
                hurt[place] ^= 1;
                hurt.into()
            }
            None => block,
        }
    }

    /// Reads what is left of the body and drops it.
    pub(crate) async fn drain(&mut self) -> Result<(), Stop> {
        while self.next_block(self.entry.body_bytes).await?.is_some() {}
        Ok(())
    }
}

/// The MD5 that the client states for its body.
fn expected_md5(headers: &HeaderMap) -> Result<Option<[u8; 16]>, Refusal> {
    let Some(header) = headers.get("content-md5") else { return Ok(None) };
    let digest = STANDARD.decode(header.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    let message = "The Content-MD5 you specified is not valid.";
    digest.map(Some).ok_or_else(|| Refusal::invalid_digest("0017-00000502", message))
}

fn wrong_digest() -> Refusal {
    Refusal::invalid_digest("0017-00000504", "The Content-MD5 you specified did not match what we received.")
}

fn too_large(size: u64) -> Refusal {
    let message = "Your proposed upload exceeds the maximum allowed object size.";
    Refusal::new(400, "EntityTooLarge", "0017-00000209", message)
        .with("MaxSizeAllowed", MAX_DATA.to_string())
        .with("ProposedSize", size.to_string())
}
