//! Sizes and durations as people type them, and durations as people read them.

use std::{fmt, num::NonZeroU64, time::Duration};

use oss_checkpoint::ByteCount;

use crate::bandwidth::LEAST;

/// Reads a size in bytes: `1048576`, `512K`, `10M`, `1.5G`, `2T`; `Ki`, `KiB`, `KB` and `kb` mean `K`, for all units
/// 1,024 of the one before. A fraction is cut to whole bytes.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn parse_size(text: &str) -> Result<ByteCount, String> {
    let wrong =
        || format!("{text:?} is not a size: write a number of bytes, or one with K, M, G or T, such as 10M");
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let shift = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "ki" | "kb" | "kib" => 10,
        "m" | "mi" | "mb" | "mib" => 20,
        "g" | "gi" | "gb" | "gib" => 30,
        "t" | "ti" | "tb" | "tib" => 40,
        _ => return Err(wrong()),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let tenth_of_a_byte = shift == 0 && number.contains('.');
    if whole.is_empty() || fraction.is_empty() || fraction.len() > 9 || tenth_of_a_byte {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let digits = u32::try_from(fraction.len()).map_err(|_| wrong())?;
    let fraction: u64 = fraction.parse().map_err(|_| wrong())?;
    let bytes = (u128::from(whole) << shift) + (u128::from(fraction) << shift) / 10_u128.pow(digits);
    u64::try_from(bytes).map(ByteCount::new).map_err(|_| format!("{text:?} is more than can be counted"))
}

/// Reads a rate, in bytes a second: a size, with or without `/s`.
///
/// # Errors
/// A sentence for the user; less than 1K is refused.
pub(crate) fn parse_rate(text: &str) -> Result<NonZeroU64, String> {
    let size = parse_size(text.strip_suffix("/s").unwrap_or(text))?;
    let rate = NonZeroU64::new(size.get()).filter(|rate| *rate >= LEAST);
    rate.ok_or_else(|| format!("{text:?} is less than 1K a second"))
}

/// Reads a duration: `90` (seconds), `500ms`, `90s`, `15m`, `2h`, `1d`, or several in a row, `1h30m`.
///
/// # Errors
/// A sentence for the user; zero is refused.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "{text:?} is not a duration: write seconds, or a number with s, m, h or d, such as 90s or 1h30m"
        )
    };
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, behind) = rest.split_at(end);
        let end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs);
        let span = match unit {
            "" if number.to_string().len() == text.len() => seconds(1),
            "ms" => Some(Duration::from_millis(number)),
            "s" => seconds(1),
            "m" => seconds(60),
            "h" => seconds(3600),
            "d" => seconds(86_400),
            _ => return Err(wrong()),
        };
        total = span.and_then(|span| total.checked_add(span)).ok_or_else(wrong)?;
        rest = behind;
    }
    if total.is_zero() {
        return Err(format!("{text:?} is not a duration: it must be more than nothing"));
    }
    Ok(total)
}

/// A span of time in its two largest units: `40 ms`, `2.5 s`, `17 s`, `3 min 20 s`, `2 h 5 min`, `12 d 3 h`.
pub(crate) struct Span(pub(crate) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let pair = |f: &mut fmt::Formatter<'_>, large: u64, one: &str, small: u64, two: &str| {
            if small == 0 { write!(f, "{large} {one}") } else { write!(f, "{large} {one} {small} {two}") }
        };
        match seconds {
            0 if !self.0.is_zero() => write!(f, "{} ms", self.0.subsec_millis()),
            1..10 if self.0.subsec_millis() >= 100 => {
                write!(f, "{seconds}.{} s", self.0.subsec_millis() / 100)
            }
            0..60 => write!(f, "{seconds} s"),
            60..3600 => pair(f, seconds / 60, "min", seconds % 60, "s"),
            3600..86_400 => pair(f, seconds / 3600, "h", seconds % 3600 / 60, "min"),
            _ => pair(f, seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_sizes_a_second() {
        assert_eq!(parse_rate("2M").unwrap().get(), 2 << 20);
        assert_eq!(parse_rate("1.5M/s").unwrap().get(), 3 << 19);
        for text in ["0", "1023", "fast", "2M/h"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_binary() {
        let check = |text: &str, bytes: Option<u64>| {
            assert_eq!(parse_size(text).ok().map(ByteCount::get), bytes, "{text:?}");
        };
        check("0", Some(0));
        check("102400", Some(102_400));
        check("17B", Some(17));
        for text in ["10M", "10m", "10MB", "10MiB", "10Mi", "10 MiB"] {
            check(text, Some(10 << 20));
        }
        check("512K", Some(512 << 10));
        check("1.5G", Some(3 << 29));
        check("48T", Some(48 << 40));
        check("0.1K", Some(102));
        for text in ["", "M", "-1", "1.M", ".5M", "1.5", "10X", "1e3", "10MM", "0x10", "1,5G", "\u{664}M"] {
            check(text, None);
        }
        check("18446744073709551615", Some(u64::MAX));
        check("18446744073709551616", None);
        check("16777216T", None);
    }

    #[test]
    fn durations_have_a_unit_or_are_seconds() {
        let check = |text: &str, milliseconds: Option<u128>| {
            assert_eq!(parse_duration(text).ok().map(|span| span.as_millis()), milliseconds, "{text:?}");
        };
        check("90", Some(90_000));
        check("90s", Some(90_000));
        check("500ms", Some(500));
        check("15m", Some(900_000));
        check("2h", Some(7_200_000));
        check("1h30m", Some(5_400_000));
        check("1d", Some(86_400_000));
        for text in ["", "0", "0s", "s", "1h30", "1x", "-5s", "1.5h", "5 s", "99999999999999999999s"] {
            check(text, None);
        }
        check("18446744073709551615d", None);
    }

    #[test]
    fn spans_show_two_units() {
        let check =
            |seconds: u64, text: &str| assert_eq!(Span(Duration::from_secs(seconds)).to_string(), text);
        let check_short = |milliseconds: u64, text: &str| {
            assert_eq!(Span(Duration::from_millis(milliseconds)).to_string(), text);
        };
        check_short(0, "0 s");
        check_short(470, "470 ms");
        check_short(1099, "1 s");
        check_short(9999, "9.9 s");
        check(59, "59 s");
        check(60, "1 min");
        check(200, "3 min 20 s");
        check(7500, "2 h 5 min");
        check(12 * 86_400 + 3 * 3600 + 59, "12 d 3 h");
    }
}
