//! Writes the XML of answers: no `xmlns`, since two SDKs look elements up by plain name.

use std::fmt::{Display, Write};

/// A document being written. Elements that were opened are closed in order by [`Writer::close`] and [`Writer::finish`].
#[derive(Debug)]
pub(crate) struct Writer {
    out: String,
    open: Vec<&'static str>,
}

impl Writer {
    pub(crate) fn document(root: &'static str) -> Self {
        let mut writer =
            Self { out: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), open: Vec::new() };
        writer.open(root);
        writer
    }

    pub(crate) fn open(&mut self, name: &'static str) -> &mut Self {
        self.tag("<", name);
        self.open.push(name);
        self
    }

    pub(crate) fn close(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            self.tag("</", name);
        }
        self
    }

    pub(crate) fn text(&mut self, name: &'static str, text: &str) -> &mut Self {
        self.tag("<", name);
        escape(text, &mut self.out);
        self.tag("</", name);
        self
    }

    pub(crate) fn value(&mut self, name: &'static str, value: impl Display) -> &mut Self {
        self.text(name, &value.to_string())
    }

    pub(crate) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.out
    }

    fn tag(&mut self, start: &str, name: &str) {
        self.out.push_str(start);
        self.out.push_str(name);
        self.out.push('>');
    }
}

fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // XML 1.0 cannot carry these at all; `encoding-type=url` is the way around them.
            control if control.is_control() && !"\t\n".contains(control) => {
                let _ = write!(out, "&#x{:X};", u32::from(control));
            }
            plain => out.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_elements_are_closed() {
        let mut xml = Writer::document("A");
        xml.open("B").text("C", "<&>\"'\r\n").value("D", 7);
        let body = xml.finish();
        assert!(body.ends_with("<A><B><C>&lt;&amp;&gt;&quot;&apos;&#xD;\n</C><D>7</D></B></A>"), "{body}");
    }
}
