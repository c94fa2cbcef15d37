//! Just enough XML, strictly: exact root, exact end, few levels, no document type, no scalar twice.
//!
//! Nothing is built from a document but what its shape asks for: the reader walks over it once and keeps one stack of
//! at most [`MAX_DEPTH`] names and the text of one element.

use std::{fmt::Display, str::FromStr};

use quick_xml::{Reader, events::Event};

/// Deepest nesting that is read; the deepest answer of OSS has 4 levels.
pub(super) const MAX_DEPTH: usize = 8;

/// Why a document was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum XmlError {
    #[error("it is not XML: {}", .0.escape_debug())]
    Malformed(String),
    #[error("it is <{}> where <{wanted}> was due", found.escape_debug())]
    WrongRoot { found: String, wanted: &'static str },
    #[error("it ends early")]
    Cut,
    #[error("something follows its end")]
    Trailing,
    #[error("it is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("it has a document type")]
    DocumentType,
    #[error("it has an entity that is not one of XML's five: &{};", .0.escape_debug())]
    Entity(String),
    #[error("it mixes text and elements")]
    Mixed,
    #[error("<{0}> is there twice")]
    Doubled(&'static str),
    #[error("<{0}> is missing")]
    Missing(&'static str),
    #[error("<{name}> cannot be {}: {reason}", value.escape_debug())]
    Value { name: &'static str, value: String, reason: String },
}

/// What the reader comes across below the root; the path has the local names from there on, with slashes between.
pub(super) enum Node<'a> {
    /// An element begins.
    Open,
    /// It ends; its text, empty if it had elements.
    Close(&'a str),
}

/// Longest piece of an answer's text that is kept for a message, in characters.
const SHOWN: usize = 80;

/// Walks over a document.
pub(super) fn read(
    body: &[u8],
    root: &'static str,
    mut visit: impl FnMut(&str, Node<'_>) -> Result<(), XmlError>,
) -> Result<(), XmlError> {
    let mut reader = Reader::from_str(text_of(body)?);
    let mut walk =
        Walk { root, path: String::new(), ends: Vec::new(), has_elements: false, text: String::new() };
    let mut ended = false;
    loop {
        let event = reader.read_event().map_err(|error| XmlError::Malformed(shown(&error.to_string())))?;
        match event {
            Event::Start(start) if !ended => walk.open(start.local_name().as_ref(), &mut visit)?,
            Event::Empty(start) if !ended => {
                walk.open(start.local_name().as_ref(), &mut visit)?;
                ended = walk.close(&mut visit)?;
            }
            Event::Start(_) | Event::Empty(_) => return Err(XmlError::Trailing),
            Event::End(_) => ended = walk.close(&mut visit)?,
            Event::Text(text) => walk.add(&text.xml10_content(), ended)?,
            Event::CData(data) => walk.add(&data.xml10_content(), ended)?,
            Event::GeneralRef(reference) => {
                let character = match reference.resolve_char_ref() {
                    Ok(Some(character)) => Some(character),
                    Ok(None) => predefined(&reference.xml10_content()),
                    Err(_) => None,
                };
                let character =
                    character.ok_or_else(|| XmlError::Entity(shown(&reference.xml10_content())))?;
                walk.add(character.encode_utf8(&mut [0; 4]), ended)?;
            }
            Event::Decl(_) if walk.ends.is_empty() && !ended => {}
            Event::Decl(_) => return Err(XmlError::Malformed("a declaration is not at its head".to_owned())),
            Event::Comment(_) | Event::PI(_) => {}
            Event::DocType(_) => return Err(XmlError::DocumentType),
            Event::Eof => return if ended { Ok(()) } else { Err(XmlError::Cut) },
        }
    }
}

/// The local name of the root, if the body begins like a document.
pub(super) fn root(body: &[u8]) -> Option<String> {
    let mut reader = Reader::from_str(text_of(body).ok()?);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => return Some(start.local_name().as_ref().to_owned()),
            Event::Text(text) if text.xml10_content().trim().is_empty() => {}
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            _ => return None,
        }
    }
}

/// Takes a scalar that may be there once.
pub(super) fn once<T>(slot: &mut Option<T>, name: &'static str, value: T) -> Result<(), XmlError> {
    if slot.replace(value).is_some() {
        return Err(XmlError::Doubled(name));
    }
    Ok(())
}

/// A number without sign, blank or point.
pub(super) fn number<T: FromStr<Err: Display>>(name: &'static str, text: &str) -> Result<T, XmlError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid(name, text, "not a decimal number"));
    }
    text.parse().map_err(|error: T::Err| invalid(name, text, error))
}

/// `true` or `false`.
pub(super) fn truth(name: &'static str, text: &str) -> Result<bool, XmlError> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid(name, text, "neither true nor false")),
    }
}

/// A value that the service cannot have meant.
pub(super) fn invalid(name: &'static str, value: &str, reason: impl Display) -> XmlError {
    XmlError::Value { name, value: shown(value), reason: reason.to_string() }
}

/// Where the reader is.
struct Walk {
    root: &'static str,
    /// Names below the root, with slashes between.
    path: String,
    /// Length of the path before each open element; its own length is the depth.
    ends: Vec<usize>,
    /// Whether the innermost open element has had elements.
    has_elements: bool,
    text: String,
}

impl Walk {
    fn open(
        &mut self,
        name: &str,
        visit: &mut impl FnMut(&str, Node<'_>) -> Result<(), XmlError>,
    ) -> Result<(), XmlError> {
        if self.ends.len() == MAX_DEPTH {
            return Err(XmlError::TooDeep);
        }
        if !self.text.trim().is_empty() {
            return Err(XmlError::Mixed);
        }
        self.text.clear();
        self.has_elements = false;
        if self.ends.is_empty() {
            if name != self.root {
                return Err(XmlError::WrongRoot { found: shown(name), wanted: self.root });
            }
            self.ends.push(0);
            return Ok(());
        }
        self.ends.push(self.path.len());
        if !self.path.is_empty() {
            self.path.push('/');
        }
        self.path.push_str(name);
        visit(&self.path, Node::Open)
    }

    /// Whether that was the root.
    fn close(
        &mut self,
        visit: &mut impl FnMut(&str, Node<'_>) -> Result<(), XmlError>,
    ) -> Result<bool, XmlError> {
        let before = self.ends.pop().ok_or(XmlError::Trailing)?;
        if self.has_elements && !self.text.trim().is_empty() {
            return Err(XmlError::Mixed);
        }
        let ended = self.ends.is_empty();
        if !ended {
            visit(&self.path, Node::Close(if self.has_elements { "" } else { &self.text }))?;
            self.path.truncate(before);
        }
        self.text.clear();
        self.has_elements = true;
        Ok(ended)
    }

    fn add(&mut self, text: &str, ended: bool) -> Result<(), XmlError> {
        if !self.ends.is_empty() {
            self.text.push_str(text);
            return Ok(());
        }
        match (text.trim().is_empty(), ended) {
            (true, _) => Ok(()),
            (false, true) => Err(XmlError::Trailing),
            (false, false) => Err(XmlError::Malformed("text before its root".to_owned())),
        }
    }
}

/// UTF-8 without NUL; the reader skips a byte order mark.
fn text_of(body: &[u8]) -> Result<&str, XmlError> {
    let text = str::from_utf8(body).map_err(|error| XmlError::Malformed(error.to_string()))?;
    if text.contains('\0') {
        return Err(XmlError::Malformed("a NUL".to_owned()));
    }
    Ok(text)
}

fn predefined(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect::<String>()
}
