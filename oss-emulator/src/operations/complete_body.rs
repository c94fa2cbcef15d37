//! Reads the list of parts that Complete brings.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

/// A part as the client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedPart {
    pub(crate) number: u64,
    /// Without quotes.
    pub(crate) etag: String,
}

/// Most elements inside each other.
const MAX_DEPTH: usize = 8;

/// The parts of a `CompleteMultipartUpload` in their order. `None` for anything else, and for no part at all. Unknown elements
/// are ignored, and so are name spaces.
pub(crate) fn parse(body: &[u8]) -> Option<Vec<NamedPart>> {
    let mut reader = Reader::from_str(std::str::from_utf8(body).ok()?);
    let mut open: Vec<String> = Vec::new();
    let mut parts = Vec::new();
    let (mut number, mut etag, mut text) = (None, None, String::new());
    let mut ended = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                open.push(element.local_name().as_ref().to_owned());
                let root_is_right = open[0] == "CompleteMultipartUpload";
                if ended || !root_is_right || open.len() > MAX_DEPTH {
                    return None;
                }
                text.clear();
            }
            Event::End(_) => {
                match path(&open).as_slice() {
                    ["PartNumber", "Part"] => number = Some(text.trim().parse().ok()?),
                    ["ETag", "Part"] => etag = Some(text.trim().trim_matches('"').to_owned()),
                    ["Part"] => parts.push(NamedPart { number: number.take()?, etag: etag.take()? }),
                    _ => {}
                }
                open.pop()?;
                ended |= open.is_empty();
            }
            Event::Text(piece) => text.push_str(&piece.xml10_content()),
            Event::CData(piece) => text.push_str(&piece),
            Event::GeneralRef(name) => match name.resolve_char_ref().ok()? {
                Some(character) => text.push(character),
                None => text.push_str(resolve_predefined_entity(&name)?),
            },
            Event::DocType(_) => return None,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    (ended && !parts.is_empty()).then_some(parts)
}

/// The open elements under the root, the innermost first.
fn path(open: &[String]) -> Vec<&str> {
    open.iter().skip(1).rev().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str) -> Option<Vec<(u64, String)>> {
        parse(body.as_bytes()).map(|parts| parts.into_iter().map(|part| (part.number, part.etag)).collect())
    }

    #[test]
    fn parts_are_read_in_each_spelling_of_an_etag() {
        for etag in [
            "\"AB\"",
            "AB",
            "&quot;AB&quot;",
            "&#34;AB&#34;",
            "&#x22;AB&#x22;",
            " \"AB\"\n",
            "<![CDATA[\"AB\"]]>",
        ] {
            let body = format!(
                "<?xml version=\"1.0\"?><CompleteMultipartUpload xmlns=\"http://x\"><New>1</New><Part><ETag>{etag}</ETag>\
                 <PartNumber> 7 </PartNumber></Part></CompleteMultipartUpload>\n"
            );
            assert_eq!(check(&body), Some(vec![(7, "AB".to_owned())]), "{body}");
        }
    }

    #[test]
    fn what_is_no_list_of_parts_is_nothing() {
        let part = "<Part><PartNumber>1</PartNumber><ETag>A</ETag></Part>";
        let deep = "<a>".repeat(20);
        for body in [
            String::new(),
            "{}".to_owned(),
            "<CompleteMultipartUpload/>".to_owned(),
            "<CompleteMultipartUpload></CompleteMultipartUpload>".to_owned(),
            format!("<Complete>{part}</Complete>"),
            format!("<CompleteMultipartUpload>{part}"),
            format!("<CompleteMultipartUpload>{part}</CompleteMultipartUpload><x></x>"),
            format!("<!DOCTYPE x><CompleteMultipartUpload>{part}</CompleteMultipartUpload>"),
            format!("<CompleteMultipartUpload>{deep}"),
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>".to_owned(),
            "<CompleteMultipartUpload><Part><PartNumber>x</PartNumber><ETag>A</ETag></Part></CompleteMultipartUpload>"
                .to_owned(),
        ] {
            assert_eq!(check(&body), None, "{body}");
        }
    }
}
