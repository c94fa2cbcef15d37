//! `oss check`: is the object what the file is? Nothing is transferred.

use oss_checkpoint::ByteCount;
use oss_resumable::{
    StoredObject,
    driver::{Checksummed, Difference},
    wire::{HeadObject, Target},
};
use serde_json::json;

use super::{reading, single};
use crate::{
    exit::ExitStatus,
    failure::Failure,
    progress::{Drawing, Pen},
    settings::{Comparison, Global},
    text::ShellLine,
};

/// Looks at the object, and reads the file only where its size leaves the question open.
///
/// # Errors
/// When they differ or cannot be compared, the file cannot be read or changed meanwhile, the service cannot be asked or
/// refuses, it was stopped, or the result cannot be written.
pub(crate) fn run(comparison: &Comparison, global: Global) -> Result<ExitStatus, Failure> {
    let Comparison { service, source, bucket, key, .. } = comparison;
    reading::length(source)?;
    let drawing = Drawing::begin(global.style);
    let pen = drawing.pen();
    let compared = single::run(service, Some(bucket), global.deadline, async |client| {
        let target = Target { endpoint: client.endpoint().clone(), bucket: bucket.clone(), key: key.clone() };
        let compare = async {
            let found = client.ask(&HeadObject { target: &target }).await?;
            Ok(comparison.with(found, &pen).await)
        };
        reading::unless_stopped(compare).await.unwrap_or_else(|stopped| Ok(Err(stopped)))
    });
    drop(drawing);
    let (object, read) = compared??;
    global.output.result(
        || {
            let (file, size) = (source.display(), read.stamp.len);
            format!("{file} is oss://{bucket}/{key}: {size}, the same CRC-64 {}", read.crc64)
        },
        || {
            json!({
                "v": 1,
                "outcome": ExitStatus::Done.word(),
                "exit": ExitStatus::Done.code(),
                "source": source.to_string_lossy(),
                "bucket": bucket.as_str(),
                "key": key.as_str(),
                "size": read.stamp.len.get(),
                "crc64": read.crc64.to_string(),
                "etag": object.etag.as_ref().map(ToString::to_string),
                "version_id": object.version_id,
            })
        },
    )?;
    Ok(ExitStatus::Done)
}

impl Comparison {
    /// Compares with what was found.
    async fn with(
        &self,
        found: Option<StoredObject>,
        pen: &Pen,
    ) -> Result<(StoredObject, Checksummed), Failure> {
        let Self { source, bucket, key, threads, .. } = self;
        let Some(object) = found else {
            return Err(self.not_the_same(&format!("there is no object oss://{bucket}/{key}"), Vec::new()));
        };
        let length = reading::length(source)?;
        if object.size != Some(length) {
            return Err(self.differs(size(length, object.size)));
        }
        let Some(crc64) = object.crc64 else {
            let message = format!(
                "oss://{bucket}/{key} has the same size, {length}, and the service states no CRC-64 of it to compare with"
            );
            return Err(Failure::new(ExitStatus::ProofFailed, message)
                .with_hint("to be sure, fetch the object and compare it with the file"));
        };
        let read = reading::read(source, *threads, pen).await?;
        // It may have grown since its length was looked at.
        if read.stamp.len != length {
            return Err(self.differs(size(read.stamp.len, object.size)));
        }
        if read.crc64 != crc64 {
            let (expected, found) = (read.crc64.to_string(), Some(crc64.to_string()));
            return Err(self.differs(Difference { field: "crc64", expected, found }));
        }
        Ok((object, read))
    }

    fn differs(&self, difference: Difference) -> Failure {
        let Self { source, bucket, key, .. } = self;
        let message = format!("oss://{bucket}/{key} is not {}: {difference}", source.display());
        self.not_the_same(&message, vec![difference])
    }

    fn not_the_same(&self, message: &str, differs: Vec<Difference>) -> Failure {
        let Self { source, bucket, key, .. } = self;
        let upload = ["oss".into(), "cp".into(), source.into(), format!("oss://{bucket}/{key}").into()];
        let hint = format!("the file is uploaded by {}", ShellLine(&upload));
        Failure { differs, ..Failure::new(ExitStatus::ProofFailed, message).with_hint(hint) }
    }
}

fn size(here: ByteCount, there: Option<ByteCount>) -> Difference {
    let digits = |size: ByteCount| size.get().to_string();
    Difference { field: "size", expected: digits(here), found: there.map(digits) }
}
