//! Pages of sorted names: prefix, delimiter, markers, `encoding-type`. Shared by objects and uploads.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::query::Query;
use crate::refusal::Refusal;

/// Most that a page can hold.
const MAX_PAGE: usize = 1000;

/// All but the unreserved characters of RFC 3986: a bare `+` would be read as a space by some SDKs.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How names are written in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Url,
}

impl Encoding {
    /// # Errors
    /// `InvalidArgument` for any `encoding-type` but `url`.
    pub(crate) fn of(query: &Query) -> Result<Self, Refusal> {
        match query.text("encoding-type") {
            None => Ok(Self::Plain),
            Some(text) if text.eq_ignore_ascii_case("url") => Ok(Self::Url),
            Some(text) => Err(Refusal::invalid_argument(
                "0017-00000221",
                "encoding-type",
                text,
                "Invalid Encoding Method specified in Request.",
            )),
        }
    }

    pub(crate) fn encode(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Plain => Cow::Borrowed(text),
            Self::Url => utf8_percent_encode(text, ENCODED).into(),
        }
    }

    /// Says in the answer that names are encoded, if they are.
    pub(crate) fn announce(self, xml: &mut crate::xml::Writer) {
        if self == Self::Url {
            xml.text("EncodingType", "url");
        }
    }
}

/// Which names are wanted.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) delimiter: Option<&'a str>,
    /// At most so many names and common prefixes.
    pub(crate) limit: usize,
}

/// A page of `T`s and the prefixes that stand for others.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) common_prefixes: Vec<String>,
    pub(crate) truncated: bool,
    /// What comes next begins after this; `None` if the page is empty.
    pub(crate) last: Option<Last<T>>,
}

/// The end of a page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Last<T> {
    Item(T),
    CommonPrefix(String),
}

/// Makes a page of names in byte order. `is_past` says of a name whether the marker is before it, and of a common prefix
/// (with no item) likewise.
pub(crate) fn page<T: Clone>(
    items: impl Iterator<Item = T>,
    name: impl Fn(&T) -> &str,
    wanted: &Wanted<'_>,
    is_past: impl Fn(&str, Option<&T>) -> bool,
) -> Page<T> {
    let mut page = Page { items: Vec::new(), common_prefixes: Vec::new(), truncated: false, last: None };
    for item in items {
        let Some(rest) = name(&item).strip_prefix(wanted.prefix) else { continue };
        let group = wanted.delimiter.and_then(|delimiter| {
            let end = rest.find(delimiter)? + delimiter.len();
            Some(format!("{}{}", wanted.prefix, &rest[..end]))
        });
        let is_new = match &group {
            Some(group) => page.common_prefixes.last() != Some(group) && is_past(group, None),
            None => is_past(name(&item), Some(&item)),
        };
        if !is_new {
            continue;
        }
        if page.items.len() + page.common_prefixes.len() == wanted.limit {
            page.truncated = true;
            break;
        }
        if let Some(group) = group {
            page.last = Some(Last::CommonPrefix(group.clone()));
            page.common_prefixes.push(group);
        } else {
            page.last = Some(Last::Item(item.clone()));
            page.items.push(item);
        }
    }
    page
}

/// The size of a page that a query asks for, at most 1000.
///
/// # Errors
/// `InvalidArgument` for what is not a positive number.
pub(crate) fn limit(query: &Query, name: &'static str, default: usize) -> Result<usize, Refusal> {
    match query.text(name) {
        None => Ok(default),
        Some(text) => match text.parse::<usize>() {
            Ok(limit) if limit > 0 => Ok(limit.min(MAX_PAGE)),
            _ => Err(Refusal::invalid_argument(
                "0017-00000222",
                name,
                text,
                format!("Argument {name} must be an integer between 1 and 1000."),
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages through `names` and gives what each page holds.
    fn pages(names: &[&str], prefix: &str, delimiter: Option<&str>, limit: usize) -> Vec<String> {
        let mut marker = String::new();
        let mut pages = Vec::new();
        loop {
            let wanted = Wanted { prefix, delimiter, limit };
            let page = page(names.iter().copied(), |name| name, &wanted, |name, _| name > marker.as_str());
            pages.push(format!("{} {}", page.items.join(","), page.common_prefixes.join(",")));
            marker = match page.last {
                Some(Last::Item(name)) => name.to_owned(),
                Some(Last::CommonPrefix(prefix)) => prefix,
                None => return pages,
            };
            if !page.truncated {
                return pages;
            }
        }
    }

    #[test]
    fn each_name_is_on_one_page_and_groups_count_as_one() {
        let names = ["a", "b/1", "b/2", "b/3/4", "c", "d/1"];
        assert_eq!(pages(&names, "", None, 4), ["a,b/1,b/2,b/3/4 ", "c,d/1 "]);
        assert_eq!(pages(&names, "", Some("/"), 2), ["a b/", "c d/"]);
        assert_eq!(pages(&names, "b/", Some("/"), 1), ["b/1 ", "b/2 ", " b/3/"]);
        assert_eq!(pages(&names, "x", Some("/"), 1), [" "]);
        assert_eq!(pages(&names, "", None, 6), ["a,b/1,b/2,b/3/4,c,d/1 "]);
    }

    #[test]
    fn encoded_names_have_no_plus_and_no_control_character() {
        assert_eq!(Encoding::Url.encode("a b+/\u{1}é~"), "a%20b%2B%2F%01%C3%A9~");
        assert_eq!(Encoding::Plain.encode("a b"), "a b");
    }
}
