//! The one percent-encoding table of OSS: unreserved characters of RFC 3986 stay, `/` stays in paths, all else becomes
//! `%XX` in upper case. A space is `%20` and a plus sign `%2B`, never a bare `+`.

/// Percent-encodes an object key (or any path) and keeps its slashes. Nothing is normalised: `//`, `.` and `..` stay.
///
/// ```
/// assert_eq!(oss_sign::encode::encode_path("a b//../1+1"), "a%20b//../1%2B1");
/// ```
pub fn encode_path(path: &str) -> String {
    collect(path, write_path)
}

/// Percent-encodes the name or the value of a query parameter: like a path, but `/` becomes `%2F`.
///
/// ```
/// assert_eq!(oss_sign::encode::encode_component("fun/1+1"), "fun%2F1%2B1");
/// ```
pub fn encode_component(component: &str) -> String {
    collect(component, write_component)
}

/// Undoes percent-encoding. A `%` that two hexadecimal digits do not follow stays, and `+` is a plus sign, not a space.
///
/// ```
/// assert_eq!(oss_sign::encode::decode("1%2B1+100%"), b"1+1+100%");
/// ```
pub fn decode(text: &str) -> Vec<u8> {
    decoded(text.as_bytes()).collect()
}

/// Encodes `path` onto the end of `out`.
pub(crate) fn write_path(path: &[u8], out: &mut Vec<u8>) {
    for &byte in path {
        write_byte(byte, byte == b'/', out);
    }
}

/// Encodes `component` onto the end of `out`.
pub(crate) fn write_component(component: &[u8], out: &mut Vec<u8>) {
    for &byte in component {
        write_byte(byte, false, out);
    }
}

/// Decodes `component` and encodes it again, so that all spellings of one text become one.
pub(crate) fn rewrite_component(component: &str, out: &mut Vec<u8>) {
    for byte in decoded(component.as_bytes()) {
        write_byte(byte, false, out);
    }
}

/// The two hexadecimal digits of a byte, in lower case.
pub(crate) fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

fn collect(text: &str, write: fn(&[u8], &mut Vec<u8>)) -> String {
    let mut out = Vec::with_capacity(text.len() + text.len() / 4);
    write(text.as_bytes(), &mut out);
    String::from_utf8(out).expect("percent-encoded text is ASCII")
}

fn write_byte(byte: u8, keep: bool, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if keep || UNRESERVED[usize::from(byte)] {
        out.push(byte);
    } else {
        out.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// `A-Z a-z 0-9 - . _ ~`, RFC 3986 section 2.3.
const UNRESERVED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        #[expect(clippy::cast_possible_truncation, reason = "the loop ends at 256")]
        let character = byte as u8;
        table[byte] = character.is_ascii_alphanumeric() || matches!(character, b'-' | b'.' | b'_' | b'~');
        byte += 1;
    }
    table
};

fn decoded(text: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (&first, tail) = rest.split_first()?;
        let escaped = match (first, tail) {
            (b'%', &[high, low, ..]) => hex_digit(high).zip(hex_digit(low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            rest = &tail[2..];
            return Some(high << 4 | low);
        }
        rest = tail;
        Some(first)
    })
}

pub(crate) fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_ascii_character_is_kept_or_escaped() {
        for byte in 0..=127_u8 {
            let character = char::from(byte);
            let kept = character.is_ascii_alphanumeric() || "-._~".contains(character);
            let expected = if kept { character.to_string() } else { format!("%{byte:02X}") };
            assert_eq!(encode_component(&character.to_string()), expected);
            let in_path = if byte == b'/' { "/" } else { &expected };
            assert_eq!(encode_path(&character.to_string()), in_path);
        }
        assert_eq!(encode_path("é/文"), "%C3%A9/%E6%96%87");
    }

    #[test]
    fn a_broken_escape_stays_as_it_is() {
        for (text, expected) in
            [("%", "%"), ("%4", "%4"), ("%zz%41", "%zzA"), ("%%41", "%A"), ("100%", "100%")]
        {
            assert_eq!(decode(text), expected.as_bytes());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn decoding_undoes_encoding(text in any::<String>()) {
            prop_assert_eq!(decode(&encode_component(&text)), text.as_bytes());
            prop_assert_eq!(decode(&encode_path(&text)), text.as_bytes());
        }

        #[test]
        fn rewriting_is_settled_after_once(text in any::<String>()) {
            let mut once = Vec::new();
            rewrite_component(&text, &mut once);
            let mut twice = Vec::new();
            rewrite_component(std::str::from_utf8(&once).unwrap(), &mut twice);
            prop_assert_eq!(once, twice);
        }
    }
}
