//! What is told of an upload that is done.

use std::time::Duration;

use oss_checkpoint::ByteCount;
use oss_resumable::driver::{Receipt, ReceiptProof};
use serde_json::{Value, json};

use crate::{exit::ExitStatus, quantity::Span};

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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One of an upload in parts.
    pub(crate) fn receipt() -> Receipt {
        let text = r#"{
            "v": 1, "service": "local", "bucket": "demo", "key": "a", "size": 3072, "crc64": "17", "etag": "T",
            "version_id": null, "upload_id": "U", "proof": "parts+object", "settled": false,
            "source": {"path": "/a", "mtime_ns": 1, "ctime_ns": 2, "device": 3, "inode": 4}, "parts": [],
            "started": "2026-01-02T03:04:05Z", "finished": "2026-01-02T03:04:06Z", "request_ids": {}
        }"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_line_says_what_was_sent_and_what_was_there() {
        let check = |receipt: &Receipt, resumed: u64, line: &str| {
            let finished = Finished { receipt, resumed, took: Duration::from_millis(1500) };
            assert_eq!(finished.text(), line);
        };
        let mut receipt = receipt();
        check(&receipt, 0, "oss://demo/a: 3 KiB in 1.5 s, 3 KiB sent, proved by CRC-64 17");
        check(&receipt, 1024, "oss://demo/a: 3 KiB in 1.5 s, 2 KiB sent, 1 KiB resumed, proved by CRC-64 17");
        receipt.settled = true;
        check(
            &receipt,
            0,
            "oss://demo/a: 3 KiB in 1.5 s, 3 KiB sent, settled by asking, proved by CRC-64 17",
        );
        receipt.settled = false;
        receipt.proof = ReceiptProof::None;
        check(&receipt, 0, "oss://demo/a: 3 KiB in 1.5 s, 3 KiB sent, not proved, CRC-64 here 17");
        receipt.already = true;
        check(
            &receipt,
            3072,
            "oss://demo/a: 3 KiB in 1.5 s, was complete already, not proved, CRC-64 here 17",
        );
    }

    #[test]
    fn json_is_the_receipt_with_the_run_beside() {
        let receipt = receipt();
        let object = Finished { receipt: &receipt, resumed: 1024, took: Duration::from_millis(1500) }.json();
        for (name, value) in json!(receipt).as_object().unwrap() {
            assert_eq!(object[name], *value, "{name}");
        }
        assert_eq!((&object["outcome"], &object["exit"]), (&json!("done"), &json!(0)));
        let run =
            json!({ "bytes_sent": 2048, "bytes_resumed": 1024, "already": false, "milliseconds": 1500 });
        assert_eq!(object["run"], run);
    }
}
