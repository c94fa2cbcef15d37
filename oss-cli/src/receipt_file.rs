//! A receipt, read as strictly as it was written.

use std::{fs::File, io::Read as _, path::Path};

use oss_resumable::driver::Receipt;
use serde_json::Value;

use crate::failure::Failure;

/// Larger than the receipt of an object with 10,000 parts, in bytes.
const LARGEST: u64 = 16 << 20;

/// Fields that may be null and are there all the same.
const NULLABLE: [&str; 3] = ["etag", "version_id", "upload_id"];

/// Reads the receipt in `file`. Fields that are not known are left alone: later programs may add some.
///
/// # Errors
/// That it cannot be read, or that it is no receipt, or one of another version.
pub(crate) fn read(file: &Path) -> Result<Receipt, Failure> {
    let shown = file.display();
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| Failure::local(format!("cannot read {shown}: {error}")))?;
    let no_receipt = |why: &str| {
        Failure::usage(format!("{shown} is no receipt: {why}"))
            .with_hint("a receipt is what oss cp --receipt FILE writes")
    };
    if bytes.len() as u64 > LARGEST {
        return Err(no_receipt("it is larger than any"));
    }
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| no_receipt(&error.to_string()))?;
    match value.get("v") {
        Some(version) if version.as_u64() == Some(1) => {}
        Some(version) if version.is_u64() => {
            let message = format!("{shown} is a receipt of version {version}; this program reads version 1");
            return Err(Failure::usage(message).with_hint("use the newer program that wrote it"));
        }
        _ => return Err(no_receipt("it says no version")),
    }
    if let Some(missing) = NULLABLE.into_iter().find(|name| value.get(name).is_none()) {
        return Err(no_receipt(&format!("it has no field {missing:?}")));
    }
    serde_json::from_slice(&bytes).map_err(|error| no_receipt(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::exit::ExitStatus;

    fn read_text(text: &str) -> Result<Receipt, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("receipt");
        std::fs::write(&file, text).unwrap();
        read(&file)
    }

    #[test]
    fn what_was_written_is_read_and_what_a_later_program_adds_is_left_alone() {
        let receipt = crate::finished::tests::receipt();
        let mut value = json!(receipt);
        assert_eq!(read_text(&value.to_string()).unwrap(), receipt);
        value["more"] = json!({ "of": "it" });
        assert_eq!(read_text(&value.to_string()).unwrap(), receipt);
    }

    #[test]
    fn what_is_no_receipt_is_refused_by_what_it_lacks() {
        let check = |text: &str, part: &str| {
            let failure = read_text(text).unwrap_err();
            assert_eq!(failure.status, ExitStatus::Usage, "{text}");
            assert!(failure.message.contains(part), "{text}: {}", failure.message);
        };
        let receipt = json!(crate::finished::tests::receipt());
        let changed = |name: &str, value: Value| {
            let mut receipt = receipt.clone();
            receipt[name] = value;
            receipt.to_string()
        };
        check("", "no receipt");
        check("{", "no receipt");
        check("[1]", "no version");
        check("{}", "no version");
        check(&changed("v", json!("1")), "no version");
        check(&changed("v", json!(2)), "version 2");
        check(&format!("{receipt} {receipt}"), "trailing");
        check(&changed("size", json!(-1)), "-1");
        check(&changed("size", json!("3072")), "3072");
        check(&changed("crc64", json!(17)), "17");
        check(&changed("proof", json!("much")), "much");
        check(&changed("parts", json!(null)), "null");
        for name in receipt.as_object().unwrap().keys().filter(|name| *name != "v") {
            let mut without = receipt.clone();
            without.as_object_mut().unwrap().remove(name);
            check(&without.to_string(), name);
        }
        let twice = receipt.to_string().replacen("\"size\":", "\"size\":1,\"size\":", 1);
        check(&twice, "duplicate field");
    }

    #[test]
    fn what_cannot_be_read_is_said_and_what_is_endless_is_not_read() {
        for path in ["/no/such/file", "/"] {
            assert_eq!(read(Path::new(path)).unwrap_err().status, ExitStatus::Local, "{path}");
        }
        assert!(read(Path::new("/dev/zero")).unwrap_err().message.contains("larger"));
    }
}
