//! The static files, kept by browsers for ever under an address that holds their hash.

use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, StatusCode};
use tower_http::compression::CompressionLayer;
use vestibule_web::{accent_css, asset};

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const A_WHILE: &str = "public, max-age=300";

pub(super) fn routes() -> Router {
    Router::new().route("/static/vestibule/{*path}", get(file)).layer(CompressionLayer::new())
}

async fn file(Path(path): Path<String>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    if let Some(css) = accent_css(&path) {
        return ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, FOR_EVER)], css).into_response();
    }
    let Some(asset) = asset(&path) else { return StatusCode::NOT_FOUND.into_response() };
    let hash = format!("{:016x}", asset.hash);
    // Weak: the same file goes out compressed in different ways.
    let tag = format!("W/\"{hash}\"");
    let current = query.is_some_and(|query| query == format!("v={hash}"));
    let caching: [(HeaderName, &str); 2] = [(ETAG, &tag), (CACHE_CONTROL, if current { FOR_EVER } else { A_WHILE })];
    if headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).is_some_and(|known| known.contains(&tag)) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(CONTENT_TYPE, asset.content_type)], asset.bytes).into_response()
}
