//! What time the server says it is, and how it spells it.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The server's clock: the machine's, shifted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    skew: SignedDuration,
}

impl Clock {
    pub(crate) fn shifted(skew: SignedDuration) -> Self {
        Self { skew }
    }

    /// Now, as this server sees it. A shift out of the calendar is no shift.
    pub(crate) fn now(self) -> Timestamp {
        let machine = Timestamp::now();
        machine.checked_add(self.skew).unwrap_or(machine)
    }
}

/// As headers spell it: `Thu, 02 Jan 2025 03:04:05 GMT`.
pub(crate) fn http_date(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// As XML bodies spell it: `2012-02-23T07:01:34.000Z`. The milliseconds are always zero, and oss2 reads nothing else.
pub(crate) fn xml_date(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// Reads the spelling of headers; anything else is `None`, which the conditions take as absent.
pub(crate) fn parse_http_date(text: &str) -> Option<Timestamp> {
    let civil = jiff::civil::DateTime::strptime("%a, %d %b %Y %H:%M:%S GMT", text.trim()).ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_of_a_second_are_not_shown() {
        assert_eq!(
            xml_date(Timestamp::from_millisecond(1_735_787_045_770).unwrap()),
            "2025-01-02T03:04:05.000Z"
        );
    }

    #[test]
    fn both_spellings_are_those_of_the_documentation() {
        let time = Timestamp::from_second(1_735_787_045).unwrap();
        assert_eq!(http_date(time), "Thu, 02 Jan 2025 03:04:05 GMT");
        assert_eq!(xml_date(time), "2025-01-02T03:04:05.000Z");
        let later = time + SignedDuration::from_millis(688);
        assert_eq!(xml_date(later), "2025-01-02T03:04:05.000Z");
        assert_eq!(parse_http_date("Thu, 02 Jan 2025 03:04:05 GMT"), Some(time));
        assert_eq!(parse_http_date("2025-01-02"), None);
    }

    #[test]
    fn a_shift_out_of_the_calendar_is_no_shift() {
        assert!(Clock::shifted(SignedDuration::MAX).now() >= Timestamp::UNIX_EPOCH);
    }
}
