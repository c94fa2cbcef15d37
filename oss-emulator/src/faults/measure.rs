//! Lengths of time, sizes and places, as a script writes them.

use std::time::Duration;

use jiff::SignedDuration;
use serde::de::{Deserialize, Deserializer, Error, Unexpected};

use super::action::Offset;

/// `"150ms"`, `"2s"`, `"1m 30s"`, `"-20m"`, or a number of seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time(pub(super) SignedDuration);

impl Time {
    /// As a pause; a negative time is none.
    pub(super) fn pause(self) -> Duration {
        Duration::try_from(self.0).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Scalar::deserialize(deserializer)? {
            Scalar::Number(seconds) => Ok(Self(SignedDuration::from_secs(seconds))),
            Scalar::Text(text) => text.parse().map(Self).map_err(|_| {
                D::Error::invalid_value(
                    Unexpected::Str(&text),
                    &"a time such as \"150ms\", \"2s\" or \"-20m\"",
                )
            }),
        }
    }
}

/// `65536`, `"64KiB"`, `"1M"`: bytes, in powers of 1024.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size(pub(super) u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = &"a size such as 65536, \"64KiB\" or \"1M\"";
        match Scalar::deserialize(deserializer)? {
            Scalar::Number(bytes) => u64::try_from(bytes)
                .map(Self)
                .map_err(|_| D::Error::invalid_value(Unexpected::Signed(bytes), expected)),
            Scalar::Text(text) => {
                size(&text).map(Self).ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), expected))
            }
        }
    }
}

/// A size, or `"50%"` of the request's body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(pub(super) Offset);

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = &"a place such as 65536, \"64KiB\" or \"50%\"";
        match Scalar::deserialize(deserializer)? {
            Scalar::Number(bytes) => u64::try_from(bytes)
                .map(|bytes| Self(Offset::Bytes(bytes)))
                .map_err(|_| D::Error::invalid_value(Unexpected::Signed(bytes), expected)),
            Scalar::Text(text) => place(&text)
                .map(Self)
                .ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), expected)),
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(untagged, expecting = "expected a number or text")]
enum Scalar {
    Number(i64),
    Text(String),
}

fn place(text: &str) -> Option<Offset> {
    match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse().ok().filter(|percent| *percent <= 100).map(Offset::Percent),
        None => size(text).map(Offset::Bytes),
    }
}

fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let shift = match unit.trim() {
        "" | "B" => 0,
        "K" | "KB" | "KiB" => 10,
        "M" | "MB" | "MiB" => 20,
        "G" | "GB" | "GiB" => 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_places_are_read() {
        assert_eq!(size("64KiB"), Some(65_536));
        assert_eq!(size("1 M"), Some(1 << 20));
        assert_eq!(size("7"), Some(7));
        for text in ["", "K", "1X", "-1", "99999999999999999999", "18446744073709551615G"] {
            assert_eq!(size(text), None, "{text}");
        }
        assert_eq!(place("50%"), Some(Offset::Percent(50)));
        assert_eq!(place("101%"), None);
        assert_eq!(Offset::Percent(50).in_body(Some(u64::MAX)), u64::MAX / 2);
    }
}
