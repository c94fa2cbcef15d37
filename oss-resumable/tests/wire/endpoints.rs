use oss_resumable::wire::{AddressingStyle, Endpoint, EndpointSettings};

/// `-e`, `--region`, `--internal`, `--addressing-style` as one line, and what it settles to.
fn resolved(line: &str) -> String {
    let mut settings = EndpointSettings::default();
    for word in line.split_whitespace() {
        match word.split_once('=') {
            Some(("region", region)) => settings.region = Some(region.to_owned()),
            Some(("endpoint", endpoint)) => settings.endpoint = Some(endpoint.to_owned()),
            None if word == "internal" => settings.internal = true,
            None if word == "virtual" => settings.addressing_style = Some(AddressingStyle::VirtualHost),
            None if word == "path" => settings.addressing_style = Some(AddressingStyle::Path),
            None if word == "cname" => settings.addressing_style = Some(AddressingStyle::Cname),
            _ => panic!("{word}"),
        }
    }
    match Endpoint::resolve(&settings) {
        Ok(endpoint) => format!(
            "{endpoint} {:?} {} {:?} {}",
            endpoint.style(),
            endpoint.region(),
            endpoint.product(),
            endpoint.service()
        ),
        Err(error) => format!("refused: {error}"),
    }
}

#[test]
fn settings_settle_to_one_endpoint_or_say_why_not() {
    let mut cases = 0;
    let table =
        include_str!("endpoints.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in table {
        let (given, expected) = line.split_once(" -> ").unwrap_or_else(|| panic!("{line}"));
        assert_eq!(resolved(given.trim()), expected.trim(), "{given}");
        cases += 1;
    }
    assert!(cases > 50, "{cases} cases");
}

#[test]
fn an_endpoint_with_a_blank_in_it_is_refused() {
    for endpoint in ["oss-cn- hangzhou.aliyuncs.com", "a\nb", "h\u{0}st", "b\u{fc}cher.example", ""] {
        let settings = EndpointSettings {
            endpoint: Some(endpoint.to_owned()),
            region: Some("cn-hangzhou".to_owned()),
            ..EndpointSettings::default()
        };
        let error = Endpoint::resolve(&settings).expect_err(endpoint).to_string();
        assert!(error.contains("is not an endpoint") && !error.contains('\n'), "{error}");
    }
}
