//! `If-Match` and its kin. <https://www.alibabacloud.com/help/doc-detail/31980.htm>

use http::HeaderMap;
use jiff::Timestamp;

use crate::clock::parse_http_date;

/// What the conditions of a request say of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Holds,
    /// 304.
    NotModified,
    /// 412.
    Failed,
}

/// A condition on the time is only looked at when there is none on the `ETag` of the same direction. `modified` counts in whole
/// seconds, as headers do; a time that cannot be read is no condition.
pub(super) fn check(headers: &HeaderMap, etag: &str, modified: Timestamp) -> Verdict {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let time = |name| text(name).and_then(parse_http_date).map(Timestamp::as_second);
    let modified = modified.as_second();
    let proceeds = match text("if-match") {
        Some(tags) => names(tags, etag),
        None => time("if-unmodified-since").is_none_or(|time| modified <= time),
    };
    if !proceeds {
        return Verdict::Failed;
    }
    let is_news = match text("if-none-match") {
        Some(tags) => !names(tags, etag),
        None => time("if-modified-since").is_none_or(|time| modified > time),
    };
    if is_news { Verdict::Holds } else { Verdict::NotModified }
}

fn names(tags: &str, etag: &str) -> bool {
    tags.split(',')
        .map(|tag| tag.trim().trim_matches('"'))
        .any(|tag| tag == "*" || tag.eq_ignore_ascii_case(etag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_say_what_http_says() {
        let before = "Thu, 02 Jan 2025 03:04:04 GMT";
        let same = "Thu, 02 Jan 2025 03:04:05 GMT";
        let modified = Timestamp::from_millisecond(1_735_787_045_900).unwrap();
        let cases = [
            (vec![], Verdict::Holds),
            (vec![("if-match", "\"AB\"")], Verdict::Holds),
            (vec![("if-match", "ab")], Verdict::Holds),
            (vec![("if-match", "\"x\", \"ab\"")], Verdict::Holds),
            (vec![("if-match", "\"x\"")], Verdict::Failed),
            (vec![("if-none-match", "\"AB\"")], Verdict::NotModified),
            (vec![("if-none-match", "*")], Verdict::NotModified),
            (vec![("if-none-match", "\"x\"")], Verdict::Holds),
            (vec![("if-modified-since", same)], Verdict::NotModified),
            (vec![("if-modified-since", before)], Verdict::Holds),
            (vec![("if-unmodified-since", same)], Verdict::Holds),
            (vec![("if-unmodified-since", before)], Verdict::Failed),
            (vec![("if-match", "AB"), ("if-unmodified-since", before)], Verdict::Holds),
            (vec![("if-none-match", "x"), ("if-modified-since", same)], Verdict::Holds),
            (vec![("if-modified-since", "yesterday")], Verdict::Holds),
        ];
        for (conditions, expected) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in &conditions {
                headers.insert(*name, value.parse().unwrap());
            }
            assert_eq!(check(&headers, "AB", modified), expected, "{conditions:?}");
        }
    }
}
