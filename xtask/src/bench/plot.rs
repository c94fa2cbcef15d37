//! A bar a row, as SVG: the median, a line from the least to the most, and the median in figures.

use std::fmt::Write as _;

pub(super) struct Bar {
    pub(super) label: String,
    /// Whether it is the program's.
    pub(super) ours: bool,
    /// `None`: the client gave up.
    pub(super) value: Option<Value>,
}

pub(super) struct Value {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
    /// The median, in words.
    pub(super) text: String,
}

// All in pixels.
const WIDTH: f64 = 760.0;
const LABELS_END: f64 = 246.0;
const BARS_END: f64 = 690.0;
const TOP: f64 = 64.0;
const ROW: f64 = 28.0;
const BAR: f64 = 16.0;

/// Readable on white and on black: it brings its own ground, and follows what the reader prefers.
const STYLE: &str = "\
    .ground { fill: #ffffff } text { fill: #1f2328; font: 13px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif } \
    .title { font-size: 15px; font-weight: 600 } .axis { fill: #59636e; font-size: 12px } \
    .ours { fill: #1a7f64 } .peer { fill: #b4bcc6 } .range { stroke: #1f2328; stroke-width: 1.5 } \
    @media (prefers-color-scheme: dark) { .ground { fill: #0d1117 } text { fill: #f0f6fc } .axis { fill: #9198a1 } \
    .ours { fill: #2fb38e } .peer { fill: #4b5563 } .range { stroke: #f0f6fc } }";

pub(super) fn svg(title: &str, axis: &str, bars: &[Bar]) -> String {
    let most = bars.iter().filter_map(|bar| bar.value.as_ref()).map(|value| value.most).fold(0.0, f64::max);
    let x = |value: f64| {
        if most > 0.0 { LABELS_END + value / most * (BARS_END - LABELS_END) } else { LABELS_END }
    };
    let mut lines = Vec::new();
    let mut y = TOP;
    for Bar { label, ours, value } in bars {
        let (middle, text_y) = (y + BAR / 2.0, y + BAR / 2.0 + 4.5);
        let mut line = format!(
            r#"<text x="{}" y="{text_y}" text-anchor="end">{}</text>"#,
            LABELS_END - 10.0,
            escaped(label)
        );
        let (end, text) = match value {
            Some(value) => {
                let class = if *ours { "ours" } else { "peer" };
                let width = x(value.median) - LABELS_END;
                let _ = write!(
                    line,
                    r#"<rect class="{class}" x="{LABELS_END}" y="{y}" width="{width:.1}" height="{BAR}" rx="2"/>"#
                );
                let (left, right) = (x(value.least), x(value.most));
                let _ = write!(
                    line,
                    r#"<path class="range" d="M{left:.1} {middle}H{right:.1}M{left:.1} {0}v6M{right:.1} {0}v6"/>"#,
                    middle - 3.0
                );
                (right.max(x(value.median)), value.text.as_str())
            }
            None => (LABELS_END, "gave up"),
        };
        let _ = write!(line, r#"<text x="{:.1}" y="{text_y}">{}</text>"#, end + 8.0, escaped(text));
        lines.push(line);
        y += ROW;
    }
    let height = y + 8.0;
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">
<title>{title}</title>
<style>{STYLE}</style>
<rect class="ground" width="{WIDTH}" height="{height}" rx="6"/>
<text class="title" x="20" y="28">{title}</text>
<text class="axis" x="20" y="47">{axis}</text>
{}
</svg>
"#,
        lines.join("\n"),
        title = escaped(title),
        axis = escaped(axis),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_fills_the_width_and_one_that_gave_up_has_none() {
        let value = |median, most| Some(Value { median, least: median, most, text: format!("{median}") });
        let bars = [
            Bar { label: "oss".into(), ours: true, value: value(1.0, 1.0) },
            Bar { label: "a < b".into(), ours: false, value: value(4.0, 4.0) },
            Bar { label: "c".into(), ours: false, value: None },
        ];
        let svg = svg("t", "s", &bars);
        assert!(svg.contains(r#"width="444.0""#) && svg.contains(r#"width="111.0""#), "{svg}");
        assert!(svg.contains("a &lt; b") && svg.contains(">gave up<"), "{svg}");
        assert_eq!(svg.matches("<path").count(), 2);
    }
}
