//! Secrets that stand out: every scene is used with them, and whatever the program says or leaves on a disk is searched for them.
// Rows: 89, 90

use std::{fs, path::Path};

/// The id of the key pair; it is no secret.
pub(crate) const ACCESS_KEY_ID: &str = "LTAI5tCanary";

/// The secret of the key pair.
pub(crate) const ACCESS_KEY_SECRET: &str = "SingtDerKanarienvogel7c1f";

/// A security token, for tests that use one.
pub(crate) const SECURITY_TOKEN: &str = "CAISKanarienvogelToken3b9e";

/// What is searched for: these, and the beginning of a signature.
const SECRETS: [&str; 3] = [ACCESS_KEY_SECRET, SECURITY_TOKEN, "OSS4-HMAC-SHA256 Credential"];

/// Larger files are data, and only that, in bytes.
const LARGEST: u64 = 4 << 20;

/// Larger files are searched only if they are text: data is random bytes, in bytes.
const BINARY: usize = 64 << 10;

/// Says that no secret stands in what `place` holds.
#[track_caller]
pub(crate) fn expect_none_in(place: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret:?} stands in {place}:\n{text}");
    }
}

/// Says that no secret stands in any file of the folder, or in the name of one.
#[track_caller]
pub(crate) fn expect_none_below(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        expect_none_in("the name of a file", path.as_os_str().as_encoded_bytes());
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        if metadata.is_dir() {
            expect_none_below(&path);
        } else if metadata.is_file()
            && metadata.len() <= LARGEST
            && let Ok(bytes) = fs::read(&path)
            && (bytes.len() <= BINARY || str::from_utf8(&bytes).is_ok())
        {
            expect_none_in(&path.display().to_string(), &bytes);
        }
    }
}
