//! `GET /api/v3/`: the API reference, an HTML page whatever the client says that it accepts, as recorded.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use vestibule_flow::FlowState;
use vestibule_kernel::Ctx;
use vestibule_web::{reference_page, reference_policy};

use super::{Front, fallback};

pub(super) fn routes(front: &Front, flow: &FlowState) -> Router {
    let page = get(page).with_state(front.ctx.clone());
    Router::new().route("/api/v3/", page.fallback(fallback::answer).with_state(Arc::new(flow.clone())))
}

async fn page(State(ctx): State<Ctx>) -> Response {
    let nonce = ctx.token(32);
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        // The nonce is for one visit.
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, [(CONTENT_SECURITY_POLICY, reference_policy(&nonce))], reference_page(&nonce)).into_response()
}

#[cfg(test)]
mod tests {
    use http::{Method, StatusCode};
    use vestibule_web::{BUNDLE, asset_url};

    use crate::test_support::{header, request, started, text};

    #[tokio::test]
    async fn the_reference_is_a_page_whatever_is_accepted_and_for_whomever() {
        let started = started().await;
        for accept in ["text/html", "application/json", "*/*"] {
            let mut request = request(Method::GET, "/api/v3/");
            request.headers_mut().insert("accept", accept.parse().unwrap());
            let response = started.ask(request).await;
            assert_eq!(response.status(), StatusCode::OK, "{accept}");
            assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8", "{accept}");
            let page = text(response).await;
            assert!(page.contains("<title>API reference · Vestibule</title>"), "{page}");
            assert!(page.contains("/api/v3/schema/?format=json"), "{page}");
            assert_eq!(page.contains("make web"), BUNDLE.is_empty(), "{page}");
        }
        let head = started.ask(request(Method::HEAD, "/api/v3/")).await;
        assert_eq!((head.status(), header(&head, "content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
        assert_eq!(text(head).await, "");
        for (method, status) in [(Method::POST, StatusCode::METHOD_NOT_ALLOWED), (Method::OPTIONS, StatusCode::OK)] {
            let response = started.ask(request(method, "/api/v3/")).await;
            assert_eq!((response.status(), header(&response, "allow")), (status, "GET, HEAD, OPTIONS"));
        }
        assert_eq!(started.ask(request(Method::GET, "/api/v3")).await.status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn its_policy_is_strict_and_its_nonce_new_each_time() {
        let started = started().await;
        let mut nonces = Vec::new();
        for _ in 0..2 {
            let response = started.ask(request(Method::GET, "/api/v3/")).await;
            assert_eq!(header(&response, "cache-control"), "no-store");
            let policy = header(&response, "content-security-policy").to_owned();
            assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
            assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none';"), "{policy}");
            let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap().to_owned();
            assert_eq!(text(response).await.contains(&format!("nonce=\"{nonce}\"")), !BUNDLE.is_empty());
            nonces.push(nonce);
        }
        assert_ne!(nonces[0], nonces[1]);
        assert!(nonces[0].len() == 32 && nonces[0].chars().all(|c| c.is_ascii_alphanumeric()), "{}", nonces[0]);
    }

    /// Empty where nothing is bundled; the test in a browser fails there.
    #[tokio::test]
    async fn a_bundled_file_goes_out_as_the_browser_takes_it() {
        let started = started().await;
        for file in BUNDLE {
            let mut sizes = Vec::new();
            for (accepted, encoding) in
                [("gzip, deflate, br", "gzip"), ("br;q=0, gzip;q=0.5", "gzip"), ("br; q=0.0, gzip;q=0", ""), ("", "")]
            {
                let url = asset_url(file.path);
                let mut request = request(Method::GET, &url);
                request.headers_mut().insert("accept-encoding", accepted.parse().unwrap());
                let response = started.ask(request).await;
                assert_eq!(response.status(), StatusCode::OK, "{url}");
                assert_eq!(header(&response, "content-type"), file.content_type, "{url}");
                assert_eq!(header(&response, "content-encoding"), encoding, "{url}: {accepted}");
                assert_eq!(header(&response, "vary"), "Accept-Encoding", "{url}");
                assert_eq!(header(&response, "cache-control"), "public, max-age=31536000, immutable", "{url}");
                assert!(header(&response, "etag").contains(file.hash), "{url}");
                let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
                if encoding.is_empty() {
                    assert!(std::str::from_utf8(&body).is_ok(), "{url}");
                }
                sizes.push(body.len());
            }
            assert!(sizes[0] == sizes[1] && (sizes[1] < sizes[3] || sizes[3] < 500), "{}: {sizes:?}", file.path);
            let stale = started.ask(request(Method::GET, &format!("/static/vestibule/{}?v=0", file.path))).await;
            let kept =
                if file.is_named_by_content() { "public, max-age=31536000, immutable" } else { "public, max-age=300" };
            assert_eq!(header(&stale, "cache-control"), kept);
        }
    }
}
