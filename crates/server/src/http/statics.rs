//! The static files, kept by browsers for ever under an address that holds their hash.

use std::io::Read as _;

use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use flate2::read::GzDecoder;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderName, StatusCode};
use tower_http::compression::CompressionLayer;
use vestibule_kernel::ApiError;
use vestibule_resource::http::error_answer;
use vestibule_web::{Asset, Bundled, accent_css, asset, bundled};

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const A_WHILE: &str = "public, max-age=300";

pub(super) fn routes() -> Router {
    Router::new()
        .route("/static/vestibule/{*path}", get(file))
        .route("/static/authentik/sources/{name}", get(source_icon))
        .layer(CompressionLayer::new())
}

/// The picture of a type of provider, where the API says that it is.
async fn source_icon(Path(name): Path<String>, query: RawQuery, headers: HeaderMap) -> Response {
    file(Path(format!("sources/{name}")), query, headers).await
}

async fn file(Path(path): Path<String>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    if let Some(css) = accent_css(&path) {
        return ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, FOR_EVER)], css).into_response();
    }
    let (hash, file) = match (asset(&path), bundled(&path)) {
        (Some(asset), _) => (format!("{:016x}", asset.hash), File::Plain(asset)),
        (None, Some(bundled)) => (bundled.hash.to_owned(), File::Packed(bundled)),
        (None, None) => return StatusCode::NOT_FOUND.into_response(),
    };
    // Weak: the same file goes out compressed in different ways.
    let tag = format!("W/\"{hash}\"");
    let named = matches!(&file, File::Packed(bundled) if bundled.is_named_by_content());
    let current = named || query.is_some_and(|query| query == format!("v={hash}"));
    let caching: [(HeaderName, &str); 2] = [(ETAG, &tag), (CACHE_CONTROL, if current { FOR_EVER } else { A_WHILE })];
    if headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).is_some_and(|known| known.contains(&tag)) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    match file {
        File::Plain(asset) => (caching, [(CONTENT_TYPE, asset.content_type)], asset.bytes).into_response(),
        File::Packed(bundled) => (caching, packed(bundled, &headers)).into_response(),
    }
}

/// A file as it is kept.
enum File {
    Plain(&'static Asset),
    Packed(&'static Bundled),
}

/// A file that is kept compressed. Few ask for it as it was.
fn packed(file: &'static Bundled, headers: &HeaderMap) -> Response {
    let described = [(CONTENT_TYPE, file.content_type), (VARY, "Accept-Encoding")];
    if accepts(headers, "gzip") {
        return (described, [(CONTENT_ENCODING, "gzip")], file.gzip).into_response();
    }
    let mut plain = Vec::new();
    match GzDecoder::new(file.gzip).read_to_end(&mut plain) {
        Ok(_) => (described, plain).into_response(),
        Err(error) => error_answer(&ApiError::internal(error)),
    }
}

/// Whether `Accept-Encoding` names an encoding, and not to refuse it.
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let refused = parts.any(|part| {
            let quality = part.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
            quality.is_some_and(|(_, quality)| quality.trim().parse().is_ok_and(|quality: f32| quality <= 0.0))
        });
        named && !refused
    })
}
