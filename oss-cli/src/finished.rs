//! What is told of an upload that is done.

use std::{fs::OpenOptions, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path, time::Duration};

use oss_checkpoint::ByteCount;
use oss_resumable::driver::{Receipt, ReceiptProof};
use serde_json::{Value, json};

use crate::{exit::ExitStatus, failure::Failure, quantity::Span};

/// What is told of a finished upload.
pub(crate) struct Finished<'a> {
    /// What is known of the object.
    pub(crate) receipt: &'a Receipt,
    /// Bytes that were on the server before this run.
    pub(crate) resumed: u64,
    /// How long this run took.
    pub(crate) took: Duration,
}

impl Finished<'_> {
    fn sent(&self) -> u64 {
        if self.receipt.already { 0 } else { self.receipt.size.saturating_sub(self.resumed) }
    }

    /// One line for people.
    pub(crate) fn text(&self) -> String {
        let receipt = self.receipt;
        let amount = ByteCount::new;
        let mut line = format!(
            "oss://{}/{}: {} in {}",
            receipt.bucket,
            receipt.key,
            amount(receipt.size),
            Span(self.took)
        );
        if receipt.already {
            line.push_str(", was complete already");
        } else {
            line = format!("{line}, {} sent", amount(self.sent()));
        }
        if self.resumed > 0 && !receipt.already {
            line = format!("{line}, {} resumed", amount(self.resumed));
        }
        if receipt.settled {
            line.push_str(", settled by asking");
        }
        let proof = match receipt.proof {
            ReceiptProof::PartsAndObject | ReceiptProof::Object => "proved by CRC-64",
            ReceiptProof::None => "not proved, CRC-64 here",
        };
        format!("{line}, {proof} {}", receipt.crc64)
    }

    /// The receipt with facts of this run beside.
    pub(crate) fn json(&self) -> Value {
        let mut object = json!(self.receipt);
        object["outcome"] = json!(ExitStatus::Done.word());
        object["exit"] = json!(ExitStatus::Done.code());
        object["run"] = json!({
            "bytes_sent": self.sent(),
            "bytes_resumed": if self.receipt.already { 0 } else { self.resumed },
            "already": self.receipt.already,
            "milliseconds": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
        });
        object
    }
}

/// Writes a receipt beside its place and moves it there, so that there is all of it or none.
///
/// # Errors
/// That it cannot be written, with the path.
pub(crate) fn write_receipt(path: &Path, receipt: &Receipt) -> Result<(), Failure> {
    let shown = path.display();
    let failed = |error: std::io::Error| {
        Failure::local(format!(
            "the object is stored and proved, but the receipt {shown} cannot be written: {error}"
        ))
    };
    let mut text = serde_json::to_string_pretty(receipt).map_err(|error| failed(error.into()))?;
    text.push('\n');
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{:08x}", fastrand::u32(..)));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| {
        // Whatever was written is of no use; that it may not be there is why this can fail.
        let _ = std::fs::remove_file(&beside);
        failed(error)
    })
}
