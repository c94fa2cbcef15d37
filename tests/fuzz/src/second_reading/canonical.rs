//! The canonical request of a V4 signature.
//! <https://www.alibabacloud.com/help/oss/developer-reference/recommend-to-use-signature-version-4>

use http::request::Parts;

use super::{decoded, encoded};

/// Of a signed head for an object, with these additional headers; `left_out` names a parameter that does not count.
pub(crate) fn canonical_request(
    head: &Parts,
    bucket: &str,
    key: &str,
    additional: &[&str],
    left_out: Option<&str>,
) -> Vec<u8> {
    let mut lines = vec![head.method.as_str().to_ascii_uppercase().into_bytes()];
    lines.push([b"/", bucket.as_bytes(), b"/", &encoded(key.as_bytes(), b"/")].concat());
    lines.push(query(head.uri.query().unwrap_or_default(), left_out));

    let counts = |name: &str| {
        name.starts_with("x-oss-")
            || ["content-type", "content-md5"].contains(&name)
            || additional.contains(&name)
    };
    let mut names: Vec<&str> =
        head.headers.keys().map(http::HeaderName::as_str).filter(|name| counts(name)).collect();
    names.sort_unstable();
    for name in names {
        let values: Vec<&[u8]> =
            head.headers.get_all(name).iter().map(|value| trimmed(value.as_bytes())).collect();
        lines.push([name.as_bytes(), b":", &values.join(&b","[..])].concat());
    }
    lines.push(Vec::new());
    let mut additional = additional.to_vec();
    additional.sort_unstable();
    lines.push(additional.join(";").into_bytes());
    let payload = head.headers.get("x-oss-content-sha256");
    lines.push(payload.map_or(b"UNSIGNED-PAYLOAD".to_vec(), |value| trimmed(value.as_bytes()).to_vec()));
    lines.join(&b'\n')
}

fn query(query: &str, left_out: Option<&str>) -> Vec<u8> {
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| {
            (encoded(&decoded(name.as_bytes()), b""), encoded(&decoded(value.as_bytes()), b""))
        })
        .filter(|(name, _)| left_out.is_none_or(|left_out| name != left_out.as_bytes()))
        .collect();
    pairs.sort();
    let pairs = pairs
        .into_iter()
        .map(|(name, value)| if value.is_empty() { name } else { [name, value].join(&b'=') });
    pairs.collect::<Vec<_>>().join(&b'&')
}

fn trimmed(value: &[u8]) -> &[u8] {
    let blank = |byte: &u8| [b' ', b'\t'].contains(byte);
    let start = value.iter().position(|byte| !blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    &value[start..end]
}
