//! Text from elsewhere (names, server messages) made fit for a terminal, and for a shell.

use std::{
    ffi::OsStr,
    fmt::{self, Write as _},
};

use serde_json::Value;

/// Shows `text` without a character that a terminal would act on: control characters and those that change the
/// direction of writing are written as Rust writes them, `\u{1b}`.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if acts_on_a_terminal(character) {
            let _ = write!(shown, "{}", character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// The same for an object in one line: what stands in its strings is still the same to whoever parses it.
pub(crate) fn printable_json(object: &Value) -> String {
    let text = object.to_string();
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if acts_on_a_terminal(character) {
            // Only strings hold such characters, and all of them are of the basic plane.
            let _ = write!(shown, "\\u{:04x}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

fn acts_on_a_terminal(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line that a POSIX shell with `$'…'` reads back as exactly these arguments.
pub(crate) struct ShellLine<'a>(pub(crate) &'a [std::ffi::OsString]);

impl fmt::Display for ShellLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, argument) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_char(' ')?;
            }
            write_quoted(f, argument)?;
        }
        Ok(())
    }
}

fn write_quoted(f: &mut fmt::Formatter<'_>, argument: &OsStr) -> fmt::Result {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:=,@+%".contains(byte);
    let bytes = argument.as_encoded_bytes();
    if !bytes.is_empty() && bytes.iter().all(plain) {
        return f.write_str(&argument.to_string_lossy());
    }
    match argument.to_str() {
        Some(text) if !text.chars().any(acts_on_a_terminal) => write!(f, "'{}'", text.replace('\'', r"'\''")),
        _ => {
            f.write_str("$'")?;
            for byte in bytes {
                match byte {
                    b'\'' | b'\\' => write!(f, "\\{}", char::from(*byte))?,
                    b' '..=b'~' => f.write_char(char::from(*byte))?,
                    // Three octal digits: a digit behind them is not taken for a fourth.
                    _ => write!(f, "\\{byte:03o}")?,
                }
            }
            f.write_char('\'')
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt as _, process::Command};

    use super::*;

    // Rows: 98
    #[test]
    fn no_escape_sequence_reaches_the_terminal() {
        let check = |text: &str, shown: &str| assert_eq!(printable(text), shown);
        check("plain \u{4e2d} text", "plain \u{4e2d} text");
        check("\u{1b}[31mred", "\\u{1b}[31mred");
        check("two\nlines\r", "two\\nlines\\r");
        check("\u{9b}2J\u{202e}gpj\u{7f}", "\\u{9b}2J\\u{202e}gpj\\u{7f}");
    }

    #[test]
    fn an_object_stays_the_same_to_whoever_parses_it() {
        let object = serde_json::json!({ "a\u{9b}": "\u{1b}[2J\u{7f}\u{202e}\n\u{4e2d}\"\\" });
        let shown = printable_json(&object);
        assert!(!shown.contains(acts_on_a_terminal), "{shown:?}");
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), object);
    }

    #[test]
    fn words_without_meaning_to_a_shell_stay_bare() {
        let line = |words: &[&str]| ShellLine(&words.iter().map(Into::into).collect::<Vec<_>>()).to_string();
        assert_eq!(line(&["oss", "cp", "a.iso", "oss://b/k-1"]), "oss cp a.iso oss://b/k-1");
        assert_eq!(line(&["oss", "", "a b", "it's", "~x", "$HOME"]), r"oss '' 'a b' 'it'\''s' '~x' '$HOME'");
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        let arguments: Vec<OsString> = [
            &b"plain"[..],
            b"",
            b"a b",
            b"it's",
            b"new\nline 7",
            b"\x1b[31m",
            b"\xff\xfe9",
            "\u{202e}x\u{4e2d}".as_bytes(),
            b"$(x) `y` \\ \" ! * ?",
            b"'\\'\t",
        ]
        .iter()
        .map(|bytes| OsString::from_vec(bytes.to_vec()))
        .collect();
        let script = format!("printf '%s\\0' {}", ShellLine(&arguments));
        let output = Command::new("bash").arg("-c").arg(script).output().unwrap();
        let read: Vec<_> = output.stdout.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
        let given: Vec<_> = arguments.into_iter().map(OsString::into_vec).chain([Vec::new()]).collect();
        assert_eq!(read, given);
    }
}
