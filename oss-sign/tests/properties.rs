//! What holds for every request: what is signed is verified, and nothing that the signature covers can be changed.

#![expect(clippy::unwrap_used, reason = "the functions beside the tests are tests, too")]

use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Uri};
use oss_sign::encode::{encode_component, encode_path};
use oss_sign::{Credentials, Form, Region, Resource, SecurityToken, Signer, SigningTime, Verified, Verifier};
use proptest::prelude::*;
use proptest::sample::Index;

/// A request to sign, as text.
#[derive(Clone, Debug)]
struct Case {
    method: &'static str,
    key: String,
    query: Vec<(String, Option<String>)>,
    /// Signed anyway: `x-oss-meta-*`.
    metadata: Vec<(String, String)>,
    token: Option<String>,
    additional: bool,
    unix: i64,
    form: Form,
}

fn case() -> impl Strategy<Value = Case> {
    let method = prop::sample::select(vec!["GET", "PUT", "POST", "HEAD", "DELETE"]);
    let key = prop_oneof![any::<String>(), "[a-z/.%+ ]{0,40}"];
    let query = prop::collection::vec((".{1,5}", prop::option::of(".{0,8}")), 0..5);
    let metadata = prop::collection::vec(("[a-z0-9-]{1,8}", "[ -~]{0,12}"), 0..5);
    let token = prop::option::of("[!-~]{1,60}");
    let form = prop_oneof![Just(Form::Header), Just(Form::Query)];
    (method, key, query, metadata, token, any::<bool>(), 0..4_000_000_000_i64, form).prop_map(
        |(method, key, query, metadata, token, additional, unix, form)| Case {
            method,
            key,
            query,
            metadata,
            token,
            additional,
            unix,
            form,
        },
    )
}

impl Case {
    fn resource(&self) -> Resource<'_> {
        Resource::Object { bucket: "bucket", key: &self.key }
    }

    fn credentials(&self) -> Credentials {
        let pair = Credentials::new("ak", "sk").unwrap();
        match &self.token {
            Some(token) => pair.with_security_token(SecurityToken::new(token).unwrap()),
            None => pair,
        }
    }

    fn time(&self) -> SigningTime {
        SigningTime::from_unix(self.unix).unwrap()
    }

    fn head(&self) -> Parts {
        let mut uri = format!("https://bucket.oss-cn-hangzhou.aliyuncs.com/{}", encode_path(&self.key));
        for (position, (name, value)) in self.query.iter().enumerate() {
            uri.push(if position == 0 { '?' } else { '&' });
            uri.push_str(&encode_component(name));
            if let Some(value) = value {
                uri.push('=');
                uri.push_str(&encode_component(value));
            }
        }
        let mut head = Request::builder().method(self.method).uri(uri).body(()).unwrap().into_parts().0;
        for (name, value) in &self.metadata {
            let name = HeaderName::try_from(format!("x-oss-meta-{name}")).unwrap();
            head.headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        head.headers.insert("content-type", HeaderValue::from_static("text/plain"));
        head.headers.insert("range", HeaderValue::from_static("bytes=0-9"));
        head.headers.insert("user-agent", HeaderValue::from_static("any"));
        head
    }

    fn signed(&self) -> Parts {
        let mut signer = Signer::new(region());
        if self.additional {
            signer = signer.with_additional_headers([HeaderName::from_static("range")]);
        }
        let (mut head, credentials) = (self.head(), self.credentials());
        match self.form {
            Form::Header => signer.sign(&mut head, self.resource(), &credentials, self.time()),
            Form::Query => {
                signer.presign(&mut head, self.resource(), &credentials, self.time(), Duration::from_mins(10))
            }
        }
        .unwrap();
        head
    }

    fn verify(&self, head: &Parts, resource: Resource<'_>) -> Option<Verified> {
        Verifier::new(region()).verify(head, resource, &|_| Some(self.credentials()), self.time()).ok()
    }

    #[track_caller]
    fn holds(&self, head: &Parts) {
        let verified = self.verify(head, self.resource()).unwrap_or_else(|| panic!("must hold: {head:?}"));
        assert_eq!((verified.access_key_id.as_str(), verified.form), ("ak", self.form));
    }

    #[track_caller]
    fn fails(&self, head: &Parts) {
        assert_eq!(self.verify(head, self.resource()), None, "must fail: {head:?}");
    }
}

fn region() -> Region {
    Region::new("cn-hangzhou").unwrap()
}

/// `text` with another character at one place.
fn changed(text: &str, place: Index) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let place = place.index(characters.len());
    characters[place] = if characters[place] == 'x' { 'y' } else { 'x' };
    characters.into_iter().collect()
}

fn with_query(head: &mut Parts, query: &str) {
    let mut uri = head.uri.clone().into_parts();
    uri.path_and_query = Some(format!("{}?{query}", head.uri.path()).parse().unwrap());
    head.uri = Uri::from_parts(uri).unwrap();
}

proptest! {
    // A shrunk failure becomes a named test, not a file of seeds.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_signed_is_verified(case in case()) {
        case.holds(&case.signed());
    }

    #[test]
    fn signing_again_is_like_signing_once(case in case(), later in 0..1_000_000_i64) {
        let mut twice = case.signed();
        let again = Case { unix: case.unix + later, token: None, ..case.clone() };
        let signer = Signer::new(region());
        let (credentials, time) = (again.credentials(), again.time());
        match case.form {
            Form::Header => signer.sign(&mut twice, again.resource(), &credentials, time),
            Form::Query => signer.presign(&mut twice, again.resource(), &credentials, time, Duration::from_secs(1)),
        }.unwrap();
        again.holds(&twice);
    }

    #[test]
    fn a_changed_method_fails(case in case()) {
        let mut head = case.signed();
        head.method = if head.method == Method::PUT { Method::POST } else { Method::PUT };
        case.fails(&head);
    }

    #[test]
    fn a_changed_resource_fails(case in case(), place in any::<Index>()) {
        let head = case.signed();
        let longer = format!("{}x", case.key);
        let mut others = vec![longer];
        if !case.key.is_empty() {
            others.push(changed(&case.key, place));
        }
        for key in others {
            prop_assert_eq!(case.verify(&head, Resource::Object { bucket: "bucket", key: &key }), None);
        }
        prop_assert_eq!(case.verify(&head, Resource::Object { bucket: "bucket2", key: &case.key }), None);
        prop_assert_eq!(case.verify(&head, Resource::Service), None);
    }

    #[test]
    fn a_changed_byte_of_the_query_fails(case in case(), place in any::<Index>()) {
        let mut head = case.signed();
        // Escapes are left whole, since `%2f` and `%2F` are one parameter; so are separators that end an empty value.
        let query = head.uri.query().unwrap_or("").to_owned();
        let places: Vec<usize> = query
            .char_indices()
            .filter(|(at, c)| (c.is_ascii_alphanumeric() || "-._~".contains(*c)) && !in_escape(&query, *at))
            .map(|(at, _)| at)
            .collect();
        prop_assume!(!places.is_empty());
        let at = places[place.index(places.len())];
        let mut bytes = query.into_bytes();
        bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
        with_query(&mut head, std::str::from_utf8(&bytes).unwrap());
        case.fails(&head);
    }

    #[test]
    fn an_added_or_removed_parameter_fails(case in case()) {
        let mut more = case.signed();
        let query = more.uri.query().map(|query| format!("{query}&added=1"));
        with_query(&mut more, query.as_deref().unwrap_or("added=1"));
        case.fails(&more);

        let mut fewer = case.signed();
        let query = fewer.uri.query().unwrap_or("").to_owned();
        if let Some((first, rest)) = query.split_once('&') && first != "=" {
            with_query(&mut fewer, rest);
            case.fails(&fewer);
        }
    }

    #[test]
    fn the_order_of_parameters_means_nothing(case in case(), seed in any::<Index>()) {
        let mut head = case.signed();
        let query = head.uri.query().unwrap_or("").to_owned();
        let mut parameters: Vec<&str> = query.split('&').collect();
        let middle = seed.index(parameters.len());
        parameters.rotate_left(middle);
        with_query(&mut head, &parameters.join("&"));
        case.holds(&head);
    }

    #[test]
    fn the_order_of_headers_means_nothing(case in case()) {
        let mut head = case.signed();
        let mut names: Vec<HeaderName> = head.headers.keys().cloned().collect();
        names.reverse();
        let mut turned = HeaderMap::new();
        for name in names {
            for value in head.headers.get_all(&name) {
                turned.append(name.clone(), value.clone());
            }
        }
        head.headers = turned;
        case.holds(&head);
    }

    #[test]
    fn white_space_around_a_value_means_nothing(case in case()) {
        let mut head = case.signed();
        for value in head.headers.values_mut() {
            let padded = [b"  \t", value.as_bytes(), b" \t "].concat();
            *value = HeaderValue::from_bytes(&padded).unwrap();
        }
        case.holds(&head);
    }

    #[test]
    fn a_changed_added_or_removed_signed_header_fails(case in case(), place in any::<Index>()) {
        let signed = case.signed();
        let covered = |name: &str| {
            name.starts_with("x-oss-") || name == "content-type" || case.additional && name == "range"
        };
        for name in signed.headers.keys().filter(|name| covered(name.as_str())) {
            let mut removed = signed.clone();
            removed.headers.remove(name);
            case.fails(&removed);

            let mut altered = signed.clone();
            let value = altered.headers.get_mut(name).unwrap();
            let text = value.to_str().unwrap().trim();
            let text = if text.is_empty() { "x".to_owned() } else { changed(text, place) };
            *value = HeaderValue::from_str(&text).unwrap();
            case.fails(&altered);
        }
        let mut added = signed;
        added.headers.append("x-oss-zzz", HeaderValue::from_static("1"));
        case.fails(&added);
    }

    #[test]
    fn what_is_not_covered_may_change(case in case()) {
        let mut head = case.signed();
        head.headers.insert("user-agent", HeaderValue::from_static("another"));
        head.headers.remove("date");
        if !case.additional {
            head.headers.remove("range");
        }
        case.holds(&head);
    }

    #[test]
    fn a_changed_digit_of_the_signature_fails(case in case(), place in 0_usize..64) {
        let mut head = case.signed();
        match case.form {
            Form::Header => {
                let text = head.headers[AUTHORIZATION].to_str().unwrap().to_owned();
                let text = with_other_digit(&text, text.len() - 64 + place);
                head.headers.insert(AUTHORIZATION, text.parse().unwrap());
            }
            Form::Query => {
                let query = head.uri.query().unwrap().to_owned();
                with_query(&mut head, &with_other_digit(&query, query.len() - 64 + place));
            }
        }
        case.fails(&head);
    }

    #[test]
    fn no_head_makes_the_verifier_panic(
        authorization in prop_oneof![".*", "OSS4-HMAC-SHA256 [A-Za-z=/,; 0-9_-]{0,80}", "OSS4-HMAC-SHA256 Credential=[a-z/0-9]{0,40},Signature=[0-9a-f]{60,70}"],
        query in "[a-z0-9=&%x-]{0,60}",
        date in ".{0,30}",
    ) {
        let mut head = Request::get(format!("/k?{query}")).body(()).unwrap().into_parts().0;
        for (name, value) in [("authorization", &authorization), ("x-oss-date", &date)] {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                head.headers.insert(name, value);
            }
        }
        let resource = Resource::Object { bucket: "b", key: "k" };
        let credentials = Credentials::new("ak", "sk").unwrap();
        let now = SigningTime::from_unix(0).unwrap();
        prop_assert!(Verifier::new(region()).verify(&head, resource, &|_| Some(credentials.clone()), now).is_err());
    }

    #[test]
    fn presigning_refuses_other_lives_and_leaves_the_head(case in case(), seconds in 604_801_u64..) {
        let mut head = case.head();
        for given in [Duration::ZERO, Duration::from_millis(999), Duration::from_secs(seconds), Duration::from_millis(604_800_001)] {
            prop_assert!(Signer::new(region()).presign(&mut head, case.resource(), &case.credentials(), case.time(), given).is_err());
            prop_assert_eq!(&head.uri, &case.head().uri);
        }
    }
}

fn in_escape(query: &str, at: usize) -> bool {
    let before = &query.as_bytes()[..at];
    before.last() == Some(&b'%') || before.len() > 1 && before[before.len() - 2] == b'%'
}

fn with_other_digit(text: &str, at: usize) -> String {
    let digit = if &text[at..=at] == "0" { "1" } else { "0" };
    [&text[..at], digit, &text[at + 1..]].concat()
}

#[test]
fn a_url_that_cannot_take_a_query_is_refused_by_name() {
    let credentials = Credentials::new("ak", "sk").unwrap();
    let (signer, time) = (Signer::new(region()), SigningTime::from_unix(0).unwrap());
    let long = format!("/{}", "k".repeat(65_300));
    for (uri, expected) in
        [("*", "no path"), ("b.example.com:80", "no path"), (long.as_str(), "more than a URI")]
    {
        let mut head = Request::get(uri).body(()).unwrap().into_parts().0;
        let error = signer
            .presign(&mut head, Resource::Service, &credentials, time, Duration::from_secs(1))
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(head.uri, uri);
    }
}

#[test]
fn a_head_with_no_room_is_refused_and_left_as_it_was() {
    let mut head = Request::get("/").body(()).unwrap().into_parts().0;
    let mut number = 0;
    let mut try_another = || {
        number += 1;
        head.headers
            .try_insert(HeaderName::try_from(format!("h{number}")).unwrap(), HeaderValue::from_static(""))
            .is_ok()
    };
    while try_another() {}
    let count = head.headers.len();
    let credentials = Credentials::new("ak", "sk").unwrap();
    let time = SigningTime::from_unix(0).unwrap();
    let error = Signer::new(region()).sign(&mut head, Resource::Service, &credentials, time).unwrap_err();
    assert_eq!(error, oss_sign::SignError::TooManyHeaders { count });
    assert_eq!(head.headers.len(), count);
}

#[test]
fn many_threads_share_one_signer() {
    let signer = Signer::new(region());
    let case = Case {
        method: "PUT",
        key: "k".to_owned(),
        query: Vec::new(),
        metadata: Vec::new(),
        token: None,
        additional: false,
        unix: 86_399,
        form: Form::Header,
    };
    std::thread::scope(|threads| {
        for thread in 0..8_i64 {
            let (signer, case) = (&signer, case.clone());
            threads.spawn(move || {
                for turn in 0..200 {
                    let case = Case { unix: 86_390 + (thread + turn) % 20, ..case.clone() };
                    let mut head = case.head();
                    signer.sign(&mut head, case.resource(), &case.credentials(), case.time()).unwrap();
                    case.holds(&head);
                }
            });
        }
    });
}
