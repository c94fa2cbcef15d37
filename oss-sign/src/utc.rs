//! The time of a signature, in the two spellings that V4 uses. The caller brings the time: nothing here reads a clock.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::error::SignError;

/// A second between 1970 and 9999, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SigningTime {
    unix: i64,
}

/// 9999-12-31T23:59:59Z.
const LAST: i64 = 253_402_300_799;
const SECONDS_A_DAY: i64 = 86_400;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

impl SigningTime {
    /// From seconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`SignError::TimeOutOfRange`] before 1970 and after 9999.
    pub fn from_unix(unix: i64) -> Result<Self, SignError> {
        if !(0..=LAST).contains(&unix) {
            return Err(SignError::TimeOutOfRange { unix });
        }
        Ok(Self { unix })
    }

    /// From the spelling of `x-oss-date`: `20250102T030405Z`. Nothing else is read.
    pub fn parse_basic_iso(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 16 {
            return None;
        }
        let parsed = Self::from_civil(
            number(&bytes[..4])?,
            number(&bytes[4..6])?,
            number(&bytes[6..8])?,
            [number(&bytes[9..11])?, number(&bytes[11..13])?, number(&bytes[13..15])?],
        )?;
        (parsed.basic_iso().as_str() == text).then_some(parsed)
    }

    /// From the spelling of `Date`: `Thu, 02 Jan 2025 03:04:05 GMT` (RFC 1123, the only one that HTTP still writes).
    ///
    /// A client whose clock was refused reads the server's time with it.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 29 {
            return None;
        }
        let month = MONTHS.iter().zip(1..).find(|(name, _)| name.as_bytes() == &bytes[8..11])?.1;
        let parsed = Self::from_civil(
            number(&bytes[12..16])?,
            month,
            number(&bytes[5..7])?,
            [number(&bytes[17..19])?, number(&bytes[20..22])?, number(&bytes[23..25])?],
        )?;
        (parsed.http_date().as_str() == text).then_some(parsed)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn unix(self) -> i64 {
        self.unix
    }

    /// As `x-oss-date` spells it: `20250102T030405Z`.
    pub fn to_basic_iso(self) -> String {
        self.basic_iso().as_str().to_owned()
    }

    /// As the header `Date` spells it: `Thu, 02 Jan 2025 03:04:05 GMT`.
    pub fn to_http_date(self) -> String {
        self.http_date().as_str().to_owned()
    }

    /// Days since 1970, which the signing key depends on.
    pub(crate) fn day(self) -> i64 {
        self.unix / SECONDS_A_DAY
    }

    pub(crate) fn basic_iso(self) -> Ascii<16> {
        let (year, month, day) = self.date();
        let [hour, minute, second] = self.clock();
        let mut text = *b"YYYYMMDDTHHMMSSZ";
        digits(&mut text[..4], year);
        digits(&mut text[4..6], month);
        digits(&mut text[6..8], day);
        digits(&mut text[9..11], hour);
        digits(&mut text[11..13], minute);
        digits(&mut text[13..15], second);
        Ascii(text)
    }

    pub(crate) fn http_date(self) -> Ascii<29> {
        let (year, month, day) = self.date();
        let [hour, minute, second] = self.clock();
        let mut text = *b"www, DD mmm YYYY HH:MM:SS GMT";
        text[..3].copy_from_slice(WEEKDAYS[index(self.day() % 7)].as_bytes());
        digits(&mut text[5..7], day);
        text[8..11].copy_from_slice(MONTHS[index(month - 1)].as_bytes());
        digits(&mut text[12..16], year);
        digits(&mut text[17..19], hour);
        digits(&mut text[20..22], minute);
        digits(&mut text[23..25], second);
        Ascii(text)
    }

    fn clock(self) -> [i64; 3] {
        let seconds = self.unix % SECONDS_A_DAY;
        [seconds / 3600, seconds / 60 % 60, seconds % 60]
    }

    /// Year, month and day of the Gregorian calendar. A year begins in March here, so that the leap day is its last;
    /// an era has 400 years.
    fn date(self) -> (i64, i64, i64) {
        let days = self.day() + DAYS_FROM_MARCH_OF_YEAR_0;
        let era = days / DAYS_AN_ERA;
        let day_of_era = days % DAYS_AN_ERA;
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        (year, month, day)
    }

    /// The second that the fields name, when they are each in a plausible range; fields such as 30 February roll over, so
    /// the callers compare the spelling of the result with what they read.
    fn from_civil(year: i64, month: i64, day: i64, [hour, minute, second]: [i64; 3]) -> Option<Self> {
        if !(1..=12).contains(&month) || year < 1970 {
            return None;
        }
        let year_from_march = if month <= 2 { year - 1 } else { year };
        let era = year_from_march / 400;
        let year_of_era = year_from_march % 400;
        let shifted_month = (month + 9) % 12;
        let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * DAYS_AN_ERA + day_of_era - DAYS_FROM_MARCH_OF_YEAR_0;
        Self::from_unix(days * SECONDS_A_DAY + hour * 3600 + minute * 60 + second).ok()
    }
}

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_FROM_MARCH_OF_YEAR_0: i64 = 719_468;
const DAYS_AN_ERA: i64 = 146_097;

impl TryFrom<SystemTime> for SigningTime {
    type Error = SignError;

    /// Fractions of a second are cut off.
    fn try_from(time: SystemTime) -> Result<Self, SignError> {
        let since =
            time.duration_since(SystemTime::UNIX_EPOCH).map_err(|before| SignError::TimeOutOfRange {
                unix: i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds.max(1)),
            })?;
        Self::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}

impl From<SigningTime> for SystemTime {
    fn from(time: SigningTime) -> Self {
        SystemTime::UNIX_EPOCH + Duration::from_secs(time.unix.unsigned_abs())
    }
}

impl fmt::Display for SigningTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.basic_iso().as_str())
    }
}

/// ASCII text of fixed length, on the stack.
#[derive(Clone, Copy)]
pub(crate) struct Ascii<const N: usize>([u8; N]);

impl<const N: usize> Ascii<N> {
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("built from ASCII only")
    }
}

fn digits(place: &mut [u8], mut number: i64) {
    for digit in place.iter_mut().rev() {
        *digit = b"0123456789"[index(number % 10)];
        number /= 10;
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

fn index(number: i64) -> usize {
    usize::try_from(number).expect("times are not before 1970")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_spellings_are_those_of_the_documentation() {
        let cases = [
            (0, "19700101T000000Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
            (1_735_787_045, "20250102T030405Z", "Thu, 02 Jan 2025 03:04:05 GMT"),
            (1_709_164_800, "20240229T000000Z", "Thu, 29 Feb 2024 00:00:00 GMT"),
            (LAST, "99991231T235959Z", "Fri, 31 Dec 9999 23:59:59 GMT"),
        ];
        for (unix, basic, http) in cases {
            let time = SigningTime::from_unix(unix).unwrap();
            assert_eq!((time.to_basic_iso().as_str(), time.to_http_date().as_str()), (basic, http));
        }
        assert!(SigningTime::from_unix(-1).is_err());
        assert!(SigningTime::from_unix(LAST + 1).is_err());
    }

    #[test]
    fn only_the_exact_spelling_is_read() {
        for text in [
            "20250102T030405",
            "20250230T000000Z",
            "20250102t030405Z",
            "20250102T030460Z",
            "2025-01-02T03:04Z",
            "20251301T000000Z",
            "20250100T000000Z",
            "+0250102T030405Z",
            "19690101T000000Z",
            "\u{e9}0250102T03040Z",
        ] {
            assert_eq!(SigningTime::parse_basic_iso(text), None, "{text}");
        }
        for text in [
            "Fri, 02 Jan 2025 03:04:05 GMT",
            "Thu, 02 Jan 2025 03:04:05 UTC",
            "Thursday, 02-Jan-25 03:04:05 GMT",
            "Thu, 2 Jan 2025 03:04:05 GMT",
            "Thu, 02 jan 2025 03:04:05 GMT",
            "",
        ] {
            assert_eq!(SigningTime::parse_http_date(text), None, "{text}");
        }
    }

    #[test]
    fn system_times_are_taken_and_given() {
        let time = SigningTime::from_unix(1_735_787_045).unwrap();
        assert_eq!(SigningTime::try_from(SystemTime::from(time) + Duration::from_millis(999)), Ok(time));
        assert!(SigningTime::try_from(SystemTime::UNIX_EPOCH - Duration::from_millis(1)).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn both_spellings_agree_with_an_independent_calendar(unix in 0..=253_402_207_200_i64) {
            let time = SigningTime::from_unix(unix).unwrap();
            let zoned = Timestamp::from_second(unix).unwrap().to_zoned(TimeZone::UTC);
            prop_assert_eq!(time.to_basic_iso(), zoned.strftime("%Y%m%dT%H%M%SZ").to_string());
            prop_assert_eq!(time.to_http_date(), zoned.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
            prop_assert_eq!(SigningTime::parse_basic_iso(&time.to_basic_iso()), Some(time));
            prop_assert_eq!(SigningTime::parse_http_date(&time.to_http_date()), Some(time));
        }

        #[test]
        fn no_text_makes_the_readers_panic(text in any::<String>(), digits in "[0-9TZ]{16}") {
            let _ = (SigningTime::parse_basic_iso(&text), SigningTime::parse_http_date(&text));
            let _ = SigningTime::parse_basic_iso(&digits);
        }
    }
}
