//! What an event tells of the request that caused it.

use std::fmt;

use http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::cleanse::cleanse;

/// Most that is kept of a text that a client sent, characters.
const LONGEST: usize = 512;
/// Most arguments of an address that are kept.
const ARGUMENTS: usize = 50;
/// What an address may contain that opens something.
const TOKEN_PATH: &str = "/recovery/use-token/";

/// What is known of a request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where it came from.
    pub client_ip: Option<String>,
    /// Path, method, arguments, browser, name; null when there was none.
    pub http: Value,
    /// The brand of the host that was asked.
    pub brand: Value,
    /// Who really acts, while they impersonate somebody.
    pub impersonator: Option<Value>,
    /// Where the address is, as far as a database tells: continent, country, city, latitude, longitude; null: unknown.
    pub geo: Value,
    /// The autonomous system that the address belongs to: its number, who runs it, the network; null: unknown.
    pub asn: Value,
    /// What is written is no news: what the server brings along at its first start.
    pub quiet: bool,
    /// What the client sent. Expressions may look at it, events do not tell of it.
    pub sent: Sent,
}

/// What a client sent, its secrets among it.
#[derive(Clone, Default)]
pub struct Sent {
    /// Header fields.
    pub headers: HeaderMap,
    /// The query of the address, encoded.
    pub query: String,
    /// The origin of the server's pages, as the client asked for it (`https://id.example`).
    pub origin: String,
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sent")
    }
}

/// What stands for the brand where no host was asked, or none that has one.
pub fn no_brand() -> Value {
    json!({"pk": "00000000000000000000000000000000", "app": "authentik_brands", "name": "Brand fallback", "model_name": "brand"})
}

impl Default for Request {
    fn default() -> Self {
        let (http, brand) = (Value::Null, no_brand());
        Self {
            client_ip: None,
            http,
            brand,
            impersonator: None,
            geo: Value::Null,
            asn: Value::Null,
            quiet: false,
            sent: Sent::default(),
        }
    }
}

impl Request {
    /// A request by its parts, whose brand is for the caller to name; secrets in its arguments are left out.
    pub fn new(client_ip: String, method: &str, path: &str, query: &str, user_agent: &str, request_id: &str) -> Self {
        let path = if path.starts_with(TOKEN_PATH) { format!("{TOKEN_PATH}...") } else { cut(path) };
        let http = json!({
            "path": path,
            "method": method,
            "args": arguments(query),
            "user_agent": cut(user_agent),
            "request_id": request_id,
        });
        let (brand, geo, asn) = (Value::Null, Value::Null, Value::Null);
        let (client_ip, sent) = (Some(client_ip), Sent::default());
        Self { client_ip, http, brand, impersonator: None, geo, asn, quiet: false, sent }
    }
}

/// Arguments of an address; those of a flow are wrapped in one of it.
fn arguments(query: &str) -> Value {
    let read = |text: &str| -> Map<String, Value> {
        let pairs = url::form_urlencoded::parse(text.as_bytes()).take(ARGUMENTS);
        pairs.map(|(name, value)| (cut(&name), cleanse(&name, &cut(&value).into()))).collect()
    };
    let outer = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "query");
    Value::Object(match outer {
        Some((_, inner)) => read(inner.trim_start_matches('?')),
        None => read(query),
    })
}

/// What is kept of a client's text: databases refuse NUL.
fn cut(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(LONGEST).collect()
}
