//! Keys, endpoints and `oss://` addresses.

use std::path::Path;

use http::Request;
use oss_checkpoint::{BucketName, ObjectKey};
use oss_emulator::{Settings, reading};
use oss_resumable::wire::{AddressingStyle, Endpoint, EndpointError, EndpointSettings, Target};

use crate::{
    input::line,
    second_reading::{decoded, encoded},
};

#[path = "../../../../oss-cli/src/oss_url.rs"]
mod oss_url;

/// The bytes are a key, and what is typed behind `oss://`.
pub(crate) fn object_key(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    typed(text);
    let key = ObjectKey::new(text);
    let path = String::from_utf8(encoded(data, b"/")).expect("encoded text is ASCII");
    let read = read_by_the_emulator(&format!("/demo/{path}"));
    let Ok(key) = key else {
        // An empty key is the bucket's own address.
        assert!(read.is_err() || text.is_empty(), "only the emulator takes {text:?}");
        return;
    };
    assert_eq!(key.as_str(), text, "kept as it is");
    assert_eq!(read.as_deref(), Ok(text));

    let target = Target { endpoint: local(), bucket: BucketName::new("demo").expect("a bucket"), key };
    let uri = target.uri();
    assert_eq!(decoded(uri.path().as_bytes()), [b"/demo/", data].concat());
    assert_eq!(read_by_the_emulator(uri.path()).as_deref(), Ok(text));

    let file = reading::object_file_name(text);
    assert!(file.len() == 48 && file.bytes().all(|byte| byte.is_ascii_hexdigit()), "{file}");
}

fn typed(text: &str) {
    if let Ok(url) = text.parse::<oss_url::OssUrl>() {
        assert_eq!(url.only_bucket().is_ok(), url.rest.is_empty(), "{text:?}");
    }
    for typed in [text.to_owned(), format!("oss://{text}"), format!("oss://demo/{text}")] {
        let Ok(url) = typed.parse::<oss_url::OssUrl>() else { continue };
        let again = format!("oss://{}/{}", url.bucket, url.rest);
        assert!(again == typed || (url.rest.is_empty() && again == format!("{typed}/")), "{typed:?}");
        if let Ok(key) = url.object_for(Path::new("/folder/file.bin")) {
            assert!(key.as_str() == url.rest || key.as_str() == format!("{}file.bin", url.rest), "{key:?}");
        }
    }
}

fn local() -> Endpoint {
    let settings = EndpointSettings {
        endpoint: Some("http://127.0.0.1:9".to_owned()),
        region: Some("cn-hangzhou".to_owned()),
        ..EndpointSettings::default()
    };
    Endpoint::resolve(&settings).expect("an address is an endpoint")
}

/// The key in a path.
fn read_by_the_emulator(path: &str) -> Result<String, String> {
    let request =
        Request::get(path).header("host", "127.0.0.1:9").body(()).map_err(|error| error.to_string())?;
    let read = reading::Reading::of(&request.into_parts().0, &Settings::new("unused"))?;
    Ok(read.key.unwrap_or_default())
}

/// The bytes are lines: an endpoint, a region, and a choice of the rest.
pub(crate) fn endpoint(data: &[u8]) {
    let (endpoint, rest) = line(data);
    let (region, rest) = line(rest);
    let text = |bytes: &[u8]| str::from_utf8(bytes).ok().filter(|text| !text.is_empty()).map(str::to_owned);
    let settings = EndpointSettings {
        endpoint: text(endpoint),
        region: text(region),
        internal: rest.contains(&b'i'),
        addressing_style: match rest.first() {
            Some(b'v') => Some(AddressingStyle::VirtualHost),
            Some(b'p') => Some(AddressingStyle::Path),
            Some(b'c') => Some(AddressingStyle::Cname),
            _ => None,
        },
    };
    match Endpoint::resolve(&settings) {
        Ok(resolved) => can_be_used(&resolved),
        Err(error) => says_no_more_than_it_should(&settings, &error),
    }
}

/// Requests can be addressed to it, and it is its own endpoint.
fn can_be_used(endpoint: &Endpoint) {
    let again = EndpointSettings {
        endpoint: Some(endpoint.to_string()),
        region: Some(endpoint.region().to_owned()),
        internal: false,
        addressing_style: Some(endpoint.style()),
    };
    assert_eq!(Endpoint::resolve(&again).as_ref(), Ok(endpoint));
    assert!(!endpoint.authority().contains(['@', '/', '?', '#', ' ']), "{endpoint}");

    let bucket = BucketName::new("a".repeat(63)).expect("a bucket");
    let key = ObjectKey::new("\u{e9}".repeat(511)).expect("a key");
    let uri = Target { endpoint: endpoint.clone(), bucket: bucket.clone(), key }.uri();
    let (host, bucket) = (uri.host().unwrap_or_default(), bucket.as_str());
    match endpoint.style() {
        AddressingStyle::VirtualHost => assert!(host.starts_with(&format!("{bucket}.")), "{uri}"),
        AddressingStyle::Path => assert!(uri.path().starts_with(&format!("/{bucket}/")), "{uri}"),
        AddressingStyle::Cname => assert!(!uri.to_string().contains(bucket), "{uri}"),
    }
    assert_eq!(uri.scheme(), Some(endpoint.scheme()));
}

fn says_no_more_than_it_should(settings: &EndpointSettings, error: &EndpointError) {
    let message = error.to_string();
    assert!(message.len() < 8 << 10, "{} bytes", message.len());
    assert!(!message.chars().any(char::is_control), "{message:?}");
    if settings.endpoint.as_ref().is_some_and(|given| given.contains('@')) {
        // Neither of them repeats the endpoint, which may hold a password.
        assert!(
            matches!(error, EndpointError::Credentials | EndpointError::InvalidRegion { .. }),
            "{error:?} of {settings:?}"
        );
    }
}
