//! The header `Range`, as OSS reads it. <https://www.alibabacloud.com/help/doc-detail/31980.htm>

/// What of an object a request is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Selected {
    /// All of it, with 200.
    Whole,
    /// `length` bytes from `start`, with 206.
    Part { start: u64, length: u64 },
    /// Nothing, with 416.
    Unsatisfiable,
}

/// How a range that leaves the object is taken (`x-oss-range-behavior`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behavior {
    /// As if it were not there.
    Lenient,
    /// As HTTP says.
    Standard,
}

/// What `range` selects of `size` bytes. A range that cannot be read selects all.
pub(super) fn select(range: Option<&str>, behavior: Behavior, size: u64) -> Selected {
    let Some((first, last)) = range.and_then(parse) else { return Selected::Whole };
    let (start, end) = match (first, last) {
        (Some(first), Some(last)) if first > last => return Selected::Whole,
        (Some(first), Some(last)) => (first, last.checked_add(1)),
        (Some(first), None) => (first, Some(size.max(first.saturating_add(1)))),
        (None, Some(suffix)) => (size.saturating_sub(suffix), Some(size.max(suffix))),
        (None, None) => return Selected::Whole,
    };
    let suffix_of_nothing = first.is_none() && last == Some(0);
    let fits = end.is_some_and(|end| end <= size) && start < size;
    match behavior {
        _ if fits && !suffix_of_nothing => Selected::Part { start, length: end.unwrap_or(size) - start },
        Behavior::Lenient => Selected::Whole,
        Behavior::Standard if start >= size || suffix_of_nothing => Selected::Unsatisfiable,
        Behavior::Standard => Selected::Part { start, length: size - start },
    }
}

/// `bytes=a-b`, `bytes=a-`, `bytes=-n`.
fn parse(range: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (first, last) = range.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok().map(Some),
        _ => None,
    };
    Some((number(first)?, number(last)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_select_what_oss_says() {
        use Behavior::{Lenient, Standard};
        use Selected::{Part, Unsatisfiable, Whole};
        let part = |start, length| Part { start, length };
        let cases = [
            ("bytes=0-9", part(0, 10), part(0, 10)),
            ("bytes=99-99", part(99, 1), part(99, 1)),
            ("bytes=90-", part(90, 10), part(90, 10)),
            ("bytes=-10", part(90, 10), part(90, 10)),
            ("bytes=-100", part(0, 100), part(0, 100)),
            ("bytes=90-100", Whole, part(90, 10)),
            ("bytes=-101", Whole, part(0, 100)),
            ("bytes=100-", Whole, Unsatisfiable),
            ("bytes=100-200", Whole, Unsatisfiable),
            ("bytes=-0", Whole, Unsatisfiable),
            ("bytes=9-0", Whole, Whole),
            ("bytes=0-18446744073709551615", Whole, part(0, 100)),
            ("bytes=18446744073709551615-", Whole, Unsatisfiable),
            ("bytes=0-99999999999999999999", Whole, Whole),
            ("bytes=-", Whole, Whole),
            ("bytes=0-1,3-4", Whole, Whole),
            ("chunks=0-1", Whole, Whole),
        ];
        for (range, lenient, standard) in cases {
            assert_eq!(select(Some(range), Lenient, 100), lenient, "{range}");
            assert_eq!(select(Some(range), Standard, 100), standard, "{range}");
        }
        assert_eq!(select(None, Standard, 0), Whole);
        assert_eq!(select(Some("bytes=0-"), Standard, 0), Unsatisfiable);
    }
}
