//! Exchanges as data: `recorded.txt` has a title, an operation, the request that it makes (`>`), an answer (`<`) and what
//! that means (`=`). The answers have the shape of those in the service's documentation.

use http::HeaderMap;
use oss_resumable::Fault;

use crate::world::{OPERATIONS, World, head};

#[derive(Default)]
struct Case<'a> {
    title: &'a str,
    operation: &'a str,
    request: Vec<&'a str>,
    reply: Vec<&'a str>,
    meaning: Vec<&'a str>,
}

fn cases(file: &str) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    for line in file.lines().filter(|line| !line.starts_with('#')) {
        if let Some(title) = line.strip_prefix("== ") {
            cases.push(Case { title, ..Case::default() });
            continue;
        }
        if line.is_empty() {
            continue;
        }
        let case = cases.last_mut().unwrap();
        let rest = line.get(2..).unwrap_or_default();
        match &line[..1] {
            "@" => case.operation = rest,
            ">" => case.request.push(rest),
            "<" => case.reply.push(rest),
            "=" => case.meaning.push(rest),
            _ => panic!("{line}"),
        }
    }
    cases
}

// Rows: 67, 68, 69
#[test]
fn each_recorded_exchange_means_what_it_says() {
    let world = World::new();
    let cases = cases(include_str!("recorded.txt"));
    let mut differing = Vec::new();
    for operation in OPERATIONS {
        assert!(cases.iter().any(|case| case.operation == operation), "{operation} has no recording");
    }
    for case in cases {
        let (status, lines) = case.reply.split_first().unwrap();
        let end = lines.iter().position(|line| line.is_empty()).unwrap_or(lines.len());
        let headers: Vec<(&str, &str)> =
            lines[..end].iter().map(|line| line.split_once(": ").unwrap()).collect();
        let body = lines.get(end + 1..).unwrap_or_default().join("\n");
        let exchange =
            world.exchange(case.operation, &head(status.parse().unwrap(), &headers), body.as_bytes());

        let request = exchange.request.unwrap();
        let mut sent = vec![format!("{} {}", request.method(), request.uri())];
        sent.extend(lines_of(request.headers()));
        if !request.body().is_empty() {
            sent.push(String::new());
            sent.push(String::from_utf8(request.body().to_vec()).unwrap());
        }
        if !case.request.is_empty() && sent != case.request {
            differing.push(format!("== {}\n> {}", case.title, sent.join("\n> ")));
        }
        let meaning = exchange.reply.unwrap_or_else(|fault| described(&fault));
        if meaning.lines().ne(case.meaning) {
            let lines: Vec<&str> = meaning.lines().collect();
            differing.push(format!("== {}\n= {}", case.title, lines.join("\n= ")));
        }
    }
    assert!(differing.is_empty(), "what the code says instead:\n{}", differing.join("\n"));
}

/// Headers but the one that all requests have.
fn lines_of(headers: &HeaderMap) -> Vec<String> {
    assert_eq!(headers["accept-encoding"], "identity");
    let rest = headers.iter().filter(|(name, _)| *name != "accept-encoding");
    let mut lines: Vec<String> =
        rest.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.sort();
    lines
}

fn described(fault: &Fault) -> String {
    let refusal = fault.refusal.as_deref().cloned().unwrap_or_default();
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let (ec, id) = (or_none(refusal.ec), or_none(refusal.request_id));
    format!("{:?} {ec} {id}\n{}", fault.class, fault.message)
}
