//! The outermost part of the server: what happens to every request before and after it is answered.

mod fallback;
mod health;
pub mod listener;
pub mod metrics;
mod reference;
mod statics;
#[cfg(test)]
mod tests;
pub mod tls;
mod wakeful;

use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, VARY,
};
use http::header::{X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use http_body_util::Limited;
use tower_http::compression::CompressionLayer;
use tracing::Instrument as _;
use vestibule_directory::client::ClientInfo;
use vestibule_flow::FlowState;
use vestibule_kernel::address::client_address;
use vestibule_kernel::{ApiError, Ctx};
use vestibule_resource::call::json_answer;
use vestibule_resource::http::error_answer;
use vestibule_store::Store;

use self::metrics::Metrics;
use crate::geoip::GeoIp;

/// Names a request: on its answer, in its log entries, on its pages.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-authentik-id");

/// The longest that an answer may take.
const REQUEST_TIME: Duration = Duration::from_mins(1);

/// What the connection knows of a request; absent in tests that call the router directly.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The other end of the connection.
    pub address: IpAddr,
    /// Whether the connection is TLS.
    pub tls: bool,
}

/// What the outermost part works with. Cheap to clone.
#[derive(Clone)]
pub struct Front {
    /// Database and configuration.
    pub store: Store,
    /// Time and randomness.
    pub ctx: Ctx,
    /// Counts requests.
    pub metrics: Arc<Metrics>,
    /// Networks whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Arc<[ipnet::IpNet]>,
    /// Knows where addresses are.
    pub geoip: GeoIp,
    /// Largest request body, bytes.
    pub body_limit: usize,
    /// Set when the server is about to stop: connections are to be closed after their answer.
    pub draining: Arc<AtomicBool>,
}

/// Everything that is served, inside of what happens to every request.
pub fn router(front: &Front, flow: &FlowState, inner: Router) -> Router {
    let inner = inner.merge(health::routes(front)).merge(statics::routes()).merge(reference::routes(front, flow));
    fallback::add(inner, flow)
        .layer(CompressionLayer::new().compress_when(is_description))
        .layer(DefaultBodyLimit::max(front.body_limit))
        .layer(from_fn_with_state(Arc::new(front.clone()), outermost))
}

/// Whether an answer is the OpenAPI document: a megabyte without a secret in it. What has secrets is not compressed beside
/// what somebody else may have chosen (BREACH).
fn is_description(_: StatusCode, _: Version, headers: &HeaderMap, _: &http::Extensions) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.starts_with("application/vnd.oai.openapi")
}

async fn outermost(State(front): State<Arc<Front>>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let request_id = front.ctx.uuid().simple().to_string();
    let client = client(&front, &request);
    let (method, path, version) = (request.method().clone(), shown_path(request.uri().path()), request.version());
    let span = tracing::info_span!("request", request_id = %request_id);
    let ip = client.ip;
    if front.geoip.is_set() {
        request.extensions_mut().insert(front.geoip.locate(ip));
    }
    request.extensions_mut().insert(client);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        // Whoever answers finds it here; what a client sent under this name is nobody's concern.
        request.headers_mut().insert(REQUEST_ID, value);
    }
    let mut response = answer(&front, request, next, &request_id).instrument(span.clone()).await;
    headers(&mut response, &request_id);
    if front.draining.load(Ordering::Relaxed) && version <= Version::HTTP_11 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let (status, took) = (response.status(), begun.elapsed());
    front.metrics.request(&method, status, took);
    let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    span.in_scope(|| {
        if path.starts_with("/-/health/") || path.starts_with("/static/") {
            tracing::debug!(%method, path, status = status.as_u16(), microseconds, client_ip = %ip, "request");
        } else {
            tracing::info!(%method, path, status = status.as_u16(), microseconds, client_ip = %ip, "request");
        }
    });
    response
}

/// The answer of what lies inside, which may be too slow, or panic.
async fn answer(front: &Front, request: Request, next: Next, request_id: &str) -> Response {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > front.body_limit) {
        return error_answer(&ApiError::TooLarge);
    }
    // One byte more than the handlers' own limit: theirs answers in their own words.
    let request = request.map(|body| Body::new(Limited::new(body, front.body_limit.saturating_add(1))));
    let answered = AssertUnwindSafe(tokio::time::timeout(REQUEST_TIME, next.run(request))).catch_unwind().await;
    match answered {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!("a request took too long");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Err(_) => panicked(request_id),
    }
}

/// 500 with the reference that the log has. What the panic said was logged by its hook.
fn panicked(request_id: &str) -> Response {
    tracing::error!("a request panicked");
    let mut body = ApiError::internal("panic").body();
    if let Some(body) = body.as_object_mut() {
        body.insert("request_id".into(), request_id.into());
    }
    json_answer(StatusCode::INTERNAL_SERVER_ERROR, &body)
}

/// Where a request comes from. Only trusted proxies are believed what they say of it.
fn client(front: &Front, request: &Request) -> ClientInfo {
    let unknown = Peer { address: IpAddr::V4(Ipv4Addr::LOCALHOST), tls: false };
    let peer = request.extensions().get::<Peer>().copied().unwrap_or(unknown);
    let (trusted, address) = (&front.trusted_proxies, peer.address.to_canonical());
    let headers = request.headers();
    let forwarded_for: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    let ip = client_address(address, forwarded_for.into_iter(), trusted);
    let believed = trusted.iter().any(|network| network.contains(&address));
    let said = |name: &str| if believed { last(headers, name) } else { None };
    let secure = said("x-forwarded-proto").map_or(peer.tls, |scheme| scheme.eq_ignore_ascii_case("https"));
    let own = || headers.get(HOST).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let host = said("x-forwarded-host").or_else(own).or_else(|| Some(request.uri().authority()?.to_string()));
    ClientInfo { ip, secure, host: host.filter(|host| is_host(host)).unwrap_or_default() }
}

/// What the proxy next to us said: the last of a list.
fn last(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    let last = value.rsplit(',').next()?.trim();
    (!last.is_empty()).then(|| last.to_owned())
}

/// Whether a text can be a host with a port, and nothing else: it comes back in addresses.
fn is_host(text: &str) -> bool {
    text.len() <= 255
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']'))
}

/// A path as logs show it: never with a token that opens something.
fn shown_path(path: &str) -> String {
    const TOKEN: &str = "/recovery/use-token/";
    if path.starts_with(TOKEN) { format!("{TOKEN}...") } else { path.to_owned() }
}

/// Headers of every answer; what a handler set itself stays.
fn headers(response: &mut Response, request_id: &str) {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, value);
    }
    let defaults = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (X_FRAME_OPTIONS, "DENY"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    for (name, value) in defaults {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    // What is the same for everybody says so itself.
    if headers.get(CACHE_CONTROL).is_some_and(|value| value.as_bytes().starts_with(b"public")) {
        return;
    }
    let varies = headers.get(VARY).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    if varies.is_empty() {
        headers.insert(VARY, HeaderValue::from_static("Accept-Language, Cookie"));
    } else if !varies.contains("Cookie")
        && let Ok(value) = HeaderValue::from_str(&format!("{varies}, Accept-Language, Cookie"))
    {
        headers.insert(VARY, value);
    }
}
