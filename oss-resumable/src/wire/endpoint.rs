//! Which host answers for a region, how a bucket is named to it, and which region its signatures hold for.

use std::net::{IpAddr, Ipv6Addr};

use http::uri::Scheme;
use oss_checkpoint::ServiceName;

/// What a user said about the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointSettings {
    /// `[http://|https://]host[:port]`; https if there is no scheme.
    pub endpoint: Option<String>,
    /// The bare id, such as `cn-hangzhou`.
    pub region: Option<String>,
    /// Use the endpoint of the region that is only reachable from inside Alibaba Cloud.
    pub internal: bool,
    /// How to name the bucket; by default in the host, and in the path where the host is an address or `localhost`.
    pub addressing_style: Option<AddressingStyle>,
}

/// Where a request names its bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressingStyle {
    /// `bucket.endpoint/key`.
    VirtualHost,
    /// `endpoint/bucket/key`; the public service refuses it.
    Path,
    /// `endpoint/key`: the endpoint is a domain that is bound to the bucket.
    Cname,
}

/// Which product a signature's scope names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Product {
    /// `oss`.
    Oss,
    /// `oss-cloudbox`; the region of the scope is then the id of the box.
    CloudBox,
}

/// Where requests go. Made from settings once, then never wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    scheme: Scheme,
    authority: String,
    style: AddressingStyle,
    region: String,
    product: Product,
    service: ServiceName,
}

/// Settings that name no endpoint, or contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Neither endpoint nor region.
    #[error("no endpoint: give --region (such as cn-hangzhou) or --endpoint")]
    Missing,
    /// The region cannot be told from the host.
    #[error("the region of {host} cannot be told from its name: give --region")]
    RegionUnknown {
        /// The host as given.
        host: String,
    },
    /// Not a region id.
    #[error("{given:?} is not a region: {rule}")]
    InvalidRegion {
        /// As given.
        given: String,
        /// What was expected.
        rule: &'static str,
    },
    /// Not an endpoint.
    #[error("{given:?} is not an endpoint: {rule}")]
    InvalidEndpoint {
        /// As given.
        given: String,
        /// What was expected.
        rule: &'static str,
    },
    /// A user name or a password in the endpoint; neither is repeated.
    #[error("the endpoint cannot hold credentials")]
    Credentials,
    /// The endpoint names a bucket.
    #[error("{host} is the host of one bucket: give {endpoint}, the bucket is added to it")]
    NamesBucket {
        /// As given.
        host: String,
        /// What was meant.
        endpoint: String,
    },
    /// Two settings that cannot both hold.
    #[error("{one} contradicts {other}")]
    Contradiction {
        /// The one.
        one: String,
        /// The other.
        other: String,
    },
}

impl Endpoint {
    /// Longest host name, in bytes (RFC 1035).
    const MAX_HOST: usize = 253;

    /// Settles what was said.
    ///
    /// # Errors
    /// [`EndpointError`] if it names no endpoint, no region, or contradicts itself.
    pub fn resolve(settings: &EndpointSettings) -> Result<Self, EndpointError> {
        let said_region = settings.region.as_deref().map(checked_region).transpose()?;
        let Some(given) = settings.endpoint.as_deref() else {
            return Self::of_region(settings, said_region.ok_or(EndpointError::Missing)?);
        };
        let address = Address::parse(given)?;
        let kind = Kind::of(&address.host);
        if settings.internal && !matches!(kind, Kind::Internal { .. }) {
            return Err(contradiction("--internal", &format!("the endpoint {}", address.host)));
        }
        let style = style_for(&address, &kind, settings.addressing_style)?;
        let region = region_for(&address, &kind, said_region)?;
        let authority = address.authority();
        let service = if kind.is_oss() { format!("oss:{region}") } else { authority.clone() };
        let product = if matches!(kind, Kind::CloudBox { .. }) { Product::CloudBox } else { Product::Oss };
        Ok(Self { scheme: address.scheme, authority, style, region, product, service: service_name(service) })
    }

    fn of_region(settings: &EndpointSettings, region: &str) -> Result<Self, EndpointError> {
        match settings.addressing_style {
            None | Some(AddressingStyle::VirtualHost) => {}
            Some(AddressingStyle::Path) => {
                let reason = "the public service, which refuses it; give --endpoint";
                return Err(contradiction("--addressing-style path", reason));
            }
            Some(AddressingStyle::Cname) => {
                return Err(contradiction("--addressing-style cname", "no --endpoint"));
            }
        }
        let internal = if settings.internal { "-internal" } else { "" };
        let authority = format!("oss-{region}{internal}.aliyuncs.com");
        // The name of the service must not depend on whether the region or its host was given.
        let kind = Kind::of(&authority);
        let is_endpoint = matches!(kind, Kind::Public { .. } | Kind::Internal { .. });
        if !is_endpoint || kind.region().is_some_and(|named| named != region) {
            let rule =
                "no endpoint is named after it; expected an id such as cn-hangzhou, or give --endpoint";
            return Err(EndpointError::InvalidRegion { given: region.to_owned(), rule });
        }
        Ok(Self {
            scheme: Scheme::HTTPS,
            authority,
            style: AddressingStyle::VirtualHost,
            region: region.to_owned(),
            product: Product::Oss,
            service: service_name(format!("oss:{region}")),
        })
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// `host[:port]`, IPv6 in brackets, without the port that the scheme implies.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Where requests name the bucket.
    pub fn style(&self) -> AddressingStyle {
        self.style
    }

    /// The bare id that signatures are made for; of a cloud box, its id.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The product that signatures are made for.
    pub fn product(&self) -> Product {
        self.product
    }

    /// Which service this is, whatever endpoint reaches it: `oss:<region>` for OSS's own, else the authority.
    pub fn service(&self) -> &ServiceName {
        &self.service
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

/// What was given, taken apart.
struct Address {
    scheme: Scheme,
    host: String,
    port: Option<u16>,
    ip: Option<IpAddr>,
}

impl Address {
    fn parse(given: &str) -> Result<Self, EndpointError> {
        let invalid =
            |rule| EndpointError::InvalidEndpoint { given: given.chars().take(300).collect(), rule };
        let text = given.trim();
        if text.contains('@') {
            return Err(EndpointError::Credentials);
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (Scheme::HTTPS, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (Scheme::HTTP, rest),
            Some(_) => return Err(invalid("the scheme is http or https")),
            None => (Scheme::HTTPS, text),
        };
        let rest = rest.trim_end_matches('/');
        if rest.contains(['/', '?', '#']) {
            return Err(invalid("it ends behind host and port, without path or query"));
        }
        let (host, port) = split_port(rest).ok_or_else(|| invalid("the port is a number from 1 to 65535"))?;
        let implied = if scheme == Scheme::HTTPS { 443 } else { 80 };
        let port = port.filter(|port| *port != implied);
        if let Some(ip) = address_of(host) {
            let host = match ip {
                IpAddr::V4(ip) => ip.to_string(),
                IpAddr::V6(ip) => format!("[{ip}]"),
            };
            return Ok(Self { scheme, host, port, ip: Some(ip) });
        }
        let host = host.to_ascii_lowercase();
        if !host.is_ascii() {
            return Err(invalid("write names beyond ASCII in Punycode (xn--...)"));
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let good_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(fits);
        if host.len() > Endpoint::MAX_HOST || !host.split('.').all(good_label) {
            return Err(invalid("expected [http://|https://]host[:port]"));
        }
        let last = host.rsplit('.').next().unwrap_or_default();
        if last.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid("an address is written with all its four numbers"));
        }
        Ok(Self { scheme, host, port, ip: None })
    }

    fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    fn takes_no_bucket(&self) -> bool {
        self.ip.is_some() || self.host == "localhost"
    }
}

/// `None` if what follows the last colon is no port.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return Some((text, None));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            let digits = port.bytes().all(|byte| byte.is_ascii_digit());
            let port = port.parse().ok().filter(|port| digits && *port != 0)?;
            Some((host, Some(port)))
        }
        _ => Some((text, None)),
    }
}

fn address_of(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if let Some(bare) = bare {
        return bare.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    host.parse().ok()
}

/// What a host name says by itself. <https://www.alibabacloud.com/help/en/oss/user-guide/regions-and-endpoints>
enum Kind {
    Public {
        region: Option<String>,
    },
    Internal {
        region: Option<String>,
    },
    DualStack {
        region: String,
    },
    Accelerated,
    CloudBox {
        id: String,
    },
    /// One of the above with a bucket in front.
    OfBucket {
        region: Option<String>,
        endpoint: String,
    },
    Foreign,
}

impl Kind {
    fn of(host: &str) -> Self {
        let Some(name) = host.strip_suffix(".aliyuncs.com") else {
            return Self::Foreign;
        };
        let labels: Vec<&str> = name.split('.').collect();
        match labels.as_slice() {
            [id, _region, "oss-cloudbox" | "oss-cloudbox-control"] if id.starts_with("cb-") => {
                Self::CloudBox { id: (*id).to_owned() }
            }
            [region, "oss"] if is_region(region) => Self::DualStack { region: (*region).to_owned() },
            [label] => Self::of_label(label),
            [.., region, "oss"] if is_region(region) => Self::OfBucket {
                region: Some((*region).to_owned()),
                endpoint: format!("{region}.oss.aliyuncs.com"),
            },
            [.., label] => match Self::of_label(label) {
                Self::Foreign => Self::Foreign,
                kind => Self::OfBucket {
                    region: kind.region().map(str::to_owned),
                    endpoint: format!("{label}.aliyuncs.com"),
                },
            },
            [] => Self::Foreign,
        }
    }

    fn of_label(label: &str) -> Self {
        let Some(name) = label.strip_prefix("oss-") else {
            return Self::Foreign;
        };
        if name == "accelerate" || name == "accelerate-overseas" {
            return Self::Accelerated;
        }
        let (region, internal) = match name.strip_suffix("-internal") {
            Some(region) => (region, true),
            None => (name, false),
        };
        if !region.contains('-') || !is_region(region) {
            return Self::Foreign;
        }
        // Hosts of the finance cloud, whose regions are called otherwise than they are.
        let irregular =
            region.ends_with("-pub") || ["cn-hzfinance", "cn-szfinance", "cn-hzjbp"].contains(&region);
        let region = (!irregular).then(|| region.to_owned());
        if internal { Self::Internal { region } } else { Self::Public { region } }
    }

    fn region(&self) -> Option<&str> {
        match self {
            Self::Public { region } | Self::Internal { region } | Self::OfBucket { region, .. } => {
                region.as_deref()
            }
            Self::DualStack { region } => Some(region),
            Self::CloudBox { id } => Some(id),
            Self::Accelerated | Self::Foreign => None,
        }
    }

    fn is_oss(&self) -> bool {
        !matches!(self, Self::Foreign)
    }
}

fn style_for(
    address: &Address,
    kind: &Kind,
    wanted: Option<AddressingStyle>,
) -> Result<AddressingStyle, EndpointError> {
    let endpoint = format!("the endpoint {}", address.host);
    if let (Kind::OfBucket { endpoint, .. }, None | Some(AddressingStyle::VirtualHost)) = (kind, wanted) {
        return Err(EndpointError::NamesBucket { host: address.host.clone(), endpoint: endpoint.clone() });
    }
    match wanted {
        None if address.takes_no_bucket() => Ok(AddressingStyle::Path),
        None => Ok(AddressingStyle::VirtualHost),
        Some(AddressingStyle::VirtualHost) if address.ip.is_some() => {
            Err(contradiction("--addressing-style virtual", &format!("{endpoint}, an address")))
        }
        Some(AddressingStyle::Path) if kind.is_oss() => {
            Err(contradiction("--addressing-style path", &format!("{endpoint}, which refuses it")))
        }
        Some(AddressingStyle::Cname) if address.ip.is_some() => {
            Err(contradiction("--addressing-style cname", &format!("{endpoint}, an address")))
        }
        Some(AddressingStyle::Cname) if kind.is_oss() && !matches!(kind, Kind::OfBucket { .. }) => Err(
            contradiction("--addressing-style cname", &format!("{endpoint}, which is bound to no bucket")),
        ),
        Some(style) => Ok(style),
    }
}

fn region_for(address: &Address, kind: &Kind, said: Option<&str>) -> Result<String, EndpointError> {
    match (kind.region(), said) {
        // The scope of a cloud box names the box; what was said is the region that it stands in.
        (Some(id), _) if matches!(kind, Kind::CloudBox { .. }) => Ok(id.to_owned()),
        (Some(known), Some(said)) if known != said => {
            Err(contradiction(&format!("--region {said}"), &format!("the endpoint {}", address.host)))
        }
        (Some(region), _) | (None, Some(region)) => Ok(region.to_owned()),
        (None, None) => Err(EndpointError::RegionUnknown { host: address.host.clone() }),
    }
}

fn checked_region(given: &str) -> Result<&str, EndpointError> {
    let invalid = |rule| EndpointError::InvalidRegion { given: given.chars().take(100).collect(), rule };
    if given.starts_with("oss-") {
        return Err(invalid("the id has no oss- in front, such as cn-hangzhou"));
    }
    if !is_region(given) {
        return Err(invalid("expected an id of lower-case letters, digits and hyphens, such as cn-hangzhou"));
    }
    Ok(given)
}

fn is_region(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=50).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with("oss-")
}

fn contradiction(one: &str, other: &str) -> EndpointError {
    EndpointError::Contradiction { one: one.to_owned(), other: other.to_owned() }
}

fn service_name(name: String) -> ServiceName {
    ServiceName::new(name).expect("a checked host or region is short and visible ASCII")
}
