//! Secrets that stand out, a log that nobody may write one to, and what is printed of all that holds one.

use std::{
    fmt::{self, Write as _},
    panic::catch_unwind,
    sync::Once,
};

use oss_sign::{Credentials, Region, Resource, SecurityToken, Signer, SigningTime};
use oss_transport::{Body, HyperTransport};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::support::uploader;

/// The secret of every key pair.
pub(crate) const SECRET: &str = "SingtDerKanarienvogel7c1f";
/// The token of those that have one.
pub(crate) const TOKEN: &str = "CAISKanarienvogelToken3b9e";

/// What begins a signature, in a header and in a URL.
const SIGNATURES: [&str; 3] = ["OSS4-HMAC-SHA256 Credential", "Signature=", "x-oss-signature="];

/// A pair of that name, with a token.
pub(crate) fn credentials(access_key_id: &str) -> Credentials {
    Credentials::new(access_key_id, SECRET).unwrap().with_security_token(SecurityToken::new(TOKEN).unwrap())
}

/// From here on, every thread of this process that logs a secret, at any level, panics.
pub(crate) fn watch_the_log() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| tracing::subscriber::set_global_default(Watch).unwrap());
}

fn secret_in(text: &str) -> Option<&'static str> {
    [SECRET, TOKEN].into_iter().chain(SIGNATURES).find(|secret| text.contains(secret))
}

/// Takes every event and every span, and looks at each of their fields.
struct Watch;

impl Subscriber for Watch {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        attributes.record(&mut Look);
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Look);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Look);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Look;

impl Visit for Look {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        let _ = write!(text, "{value:?}");
        if let Some(secret) = secret_in(&text) {
            panic!("{secret} is logged as {field}: {text}");
        }
    }
}

// Rows: 89
#[test]
fn a_secret_in_the_log_is_a_panic() {
    tracing::subscriber::with_default(Watch, || {
        tracing::info!(id = "set", "nothing");
        for told in [SECRET.to_owned(), format!("GET /?x-oss-signature={}", "0".repeat(64))] {
            assert!(catch_unwind(|| tracing::trace!(%told)).is_err());
            assert!(catch_unwind(|| tracing::debug!("it is {told}")).is_err());
            assert!(catch_unwind(|| drop(tracing::info_span!("span", told))).is_err());
        }
    });
}

// Rows: 89, 90
#[test]
fn nothing_that_holds_a_secret_shows_it() {
    let proxy = format!("http://user:{SECRET}@proxy.example:3128").parse().unwrap();
    let uploader = uploader(HyperTransport::builder().proxy(proxy).build());
    let credentials = credentials("LTAI5tCanary");
    let (mut head, ()) = http::Request::put("https://oss.example.com/key").body(()).unwrap().into_parts();
    let signer = Signer::new(Region::new("cn-hangzhou").unwrap());
    let (resource, time) =
        (Resource::Object { bucket: "demo", key: "key" }, SigningTime::from_unix(0).unwrap());
    let trace = signer.sign_traced(&mut head, resource, &credentials, time).unwrap();
    assert!(head.headers.values().any(|value| value.as_bytes().ends_with(TOKEN.as_bytes())));
    let sent = http::Request::from_parts(head, Body::Empty);
    let shown: Vec<(&str, String)> = vec![
        ("credentials", format!("{credentials:?} {credentials:#?}")),
        ("a signed request", format!("{sent:?} {sent:#?}")),
        ("what was signed", format!("{trace:?} {trace:#?}")),
        ("an uploader", format!("{uploader:?} {uploader:#?}")),
        ("a transport with a proxy", format!("{:?}", HyperTransport::builder())),
    ];
    for (what, text) in shown {
        assert_eq!(secret_in(&text), None, "{what}: {text}");
    }
}
