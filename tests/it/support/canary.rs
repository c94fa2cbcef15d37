//! Secrets that stand out: every scene is used with them, and whatever the program says or leaves on a disk is searched for them.

use std::{fmt::Write as _, fs, path::Path, sync::LazyLock};

/// The id of the key pair; it is no secret.
pub(crate) const ACCESS_KEY_ID: &str = "LTAI5tCanary";

/// The secret of the key pair.
pub(crate) const ACCESS_KEY_SECRET: &str = "SingtDerKanarienvogel7c1f";

/// A security token, for tests that use one.
pub(crate) const SECURITY_TOKEN: &str = "CAISKanarienvogelToken3b9e";

/// A password of a proxy, for tests that use one.
pub(crate) const PROXY_PASSWORD: &str = "KanarienvogelVorDemTor5d2a";

/// What is searched for: these in every form that a program may write them in, and the beginning of a signature.
const SECRETS: [&str; 3] = [ACCESS_KEY_SECRET, SECURITY_TOKEN, PROXY_PASSWORD];

static HIDDEN: LazyLock<Vec<String>> = LazyLock::new(|| {
    let signatures = ["OSS4-HMAC-SHA256 Credential", "Signature=", "x-oss-signature="];
    SECRETS.into_iter().flat_map(forms).chain(signatures.map(str::to_owned)).collect()
});

/// Plain, backwards, in the other case, in hexadecimal digits, percent-encoded, and in base64 wherever it may begin there.
fn forms(secret: &str) -> Vec<String> {
    let other_case = |letter: char| match letter {
        'a'..='z' => letter.to_ascii_uppercase(),
        _ => letter.to_ascii_lowercase(),
    };
    let (mut hex, mut percent) = (String::new(), String::new());
    for byte in secret.bytes() {
        let _ = write!(hex, "{byte:02x}");
        let _ = write!(percent, "%{byte:02X}");
    }
    let mut forms =
        vec![secret.to_owned(), secret.chars().rev().collect(), secret.chars().map(other_case).collect()];
    forms.extend([hex.to_ascii_uppercase(), percent.to_ascii_lowercase(), hex, percent]);
    forms.extend((0..3).map(|before| base64_behind(before, secret.as_bytes())));
    forms
}

/// The characters of base64 that `bytes` alone decide when so many others stand before them.
fn base64_behind(before: usize, bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    // Six bits are a character, and the first one may be shared with what stands before.
    let shared = (6 - before * 8 % 6) % 6;
    let digits = bits[shared..].chunks_exact(6);
    let value = |digit: &[u8]| digit.iter().fold(0, |value, bit| value << 1 | usize::from(*bit));
    digits.map(|digit| char::from(DIGITS[value(digit)])).collect()
}

/// Larger files are data, and only that, in bytes.
const LARGEST: u64 = 4 << 20;

/// Larger files are searched only if they are text: data is random bytes, in bytes.
const BINARY: usize = 64 << 10;

/// Says that no secret stands in what `place` holds.
#[track_caller]
pub(crate) fn expect_none_in(place: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for secret in &*HIDDEN {
        assert!(!text.contains(secret.as_str()), "{secret:?} stands in {place}:\n{text}");
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
            // What a server is to say, as the test has written it.
            && path.file_name().is_none_or(|name| name != "server.faults.toml")
            && metadata.len() <= LARGEST
            && let Ok(bytes) = fs::read(&path)
            && (bytes.len() <= BINARY || str::from_utf8(&bytes).is_ok())
        {
            expect_none_in(&path.display().to_string(), &bytes);
        }
    }
}

#[test]
fn a_secret_is_found_in_every_form() {
    // What any other encoder makes of `Man` and of `xxMan`.
    assert_eq!(base64_behind(0, b"Man"), "TWFu");
    assert_eq!(base64_behind(1, b"Man"), "1hb");
    assert_eq!(base64_behind(2, b"Man"), "NYW");
    let hides = |text: &str| HIDDEN.iter().any(|secret| text.contains(secret.as_str()));
    assert!(HIDDEN.iter().all(|secret| hides(&format!("before {secret} behind"))));
    assert!(!hides("SignatureDoesNotMatch for LTAI5tCanary"));
}
