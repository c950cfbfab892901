//! What the server's middleware found out about where a request comes from.

use std::net::{IpAddr, Ipv4Addr};

use http::header;
use http::request::Parts;
use serde_json::{Value, json};
use vestibule_events::{Request, Sent};
use vestibule_store::Configuration;

use crate::resources::brand::{Brand, current_brand};

/// Where a request comes from. The server's middleware puts it into the request's extensions; behind a trusted proxy
/// it tells what the proxy was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientInfo {
    /// The client's address.
    pub ip: IpAddr,
    /// Whether it was asked over TLS.
    pub secure: bool,
    /// The host that was asked, with its port where it has one.
    pub host: String,
}

/// What is known of a client's address. The server's middleware puts it into the request's extensions, where a database
/// tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Located {
    /// Continent, country, city, latitude, longitude; null: unknown.
    pub geo: Value,
    /// The autonomous system: its number, who runs it, the network; null: unknown.
    pub asn: Value,
}

/// Tells what is known of any address. The server puts it among what handlers share, where a database tells.
pub struct Locate(Box<dyn Fn(IpAddr) -> Located + Send + Sync>);

impl Locate {
    /// By a function.
    pub fn by(locate: impl Fn(IpAddr) -> Located + Send + Sync + 'static) -> Self {
        Self(Box::new(locate))
    }

    /// What is known of an address.
    pub fn of(&self, address: IpAddr) -> Located {
        (self.0)(address)
    }
}

impl ClientInfo {
    /// What the middleware left, or what the request itself tells where there was none.
    pub fn of(parts: &Parts) -> Self {
        if let Some(info) = parts.extensions.get::<Self>() {
            return info.clone();
        }
        let host = parts.headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self { ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED), secure: false, host: host.to_owned() }
    }

    /// The host without its port, in lower case.
    pub fn host_name(&self) -> String {
        let host = match self.host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => self.host.split(':').next().unwrap_or_default(),
        };
        host.to_ascii_lowercase()
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// The origin of pages of this server, as the client asked for it.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme(), self.host)
    }
}

/// The name of the header by which the server's middleware names a request.
const REQUEST_ID: &str = "x-authentik-id";

/// A request as events tell of it.
pub fn describe_request(parts: &Parts, configuration: &Configuration) -> Request {
    let client = ClientInfo::of(parts);
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    let ip = client.ip.to_string();
    let request = Request::new(ip, parts.method.as_str(), path, query, text("user-agent"), text(REQUEST_ID));
    let Located { geo, asn } = parts.extensions.get::<Located>().cloned().unwrap_or_default();
    let sent = Sent { headers: parts.headers.clone(), query: query.to_owned(), origin: client.origin() };
    Request { brand: describe_brand(configuration, &client.host_name()), geo, asn, sent, ..request }
}

/// The brand of a host as events name it.
fn describe_brand(configuration: &Configuration, host: &str) -> Value {
    let Some(brand) = current_brand(configuration, host) else { return vestibule_events::no_brand() };
    let is_default = brand.get::<Brand>().is_some_and(|brand| brand.default);
    let name = if is_default { "Default brand".to_owned() } else { format!("Brand {}", brand.text("domain")) };
    json!({"pk": brand.pk.simple().to_string(), "app": "authentik_brands", "name": name, "model_name": "brand"})
}

/// A cookie of a request.
pub fn cookie<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    let headers = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    headers
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.trim_matches('"'))
}
