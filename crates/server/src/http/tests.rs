//! What surrounds every request, through the router and over connections.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use http::{Method, Request, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tower::ServiceExt as _;
use vestibule_directory::client::ClientInfo;

use super::{Peer, listener};
use crate::test_support::{header, request, started, text};

async fn echo(request: Request<Body>) -> String {
    let (parts, _) = request.into_parts();
    let ClientInfo { ip, secure, host, .. } = ClientInfo::of(&parts);
    format!("{ip} {secure} {host}")
}

#[tokio::test]
async fn every_answer_has_an_id_and_the_headers_that_protect() {
    let started = started().await;
    for path in ["/-/health/live/", "/nothing", "/api/v3/core/users/", "/static/vestibule/page.css"] {
        let mut request = request(Method::GET, path);
        request.headers_mut().insert("x-authentik-id", "mine".parse().unwrap());
        let response = started.ask(request).await;
        let id = header(&response, "x-authentik-id");
        assert!(id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit()), "{path}: {id}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&response, "referrer-policy"), "same-origin", "{path}");
        assert_eq!(header(&response, "x-frame-options"), "DENY", "{path}");
        assert!(header(&response, "content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert!(!header(&response, "content-security-policy").contains("unsafe"), "{path}");
    }
}

/// Beside a secret nothing is compressed that somebody else may have chosen.
#[tokio::test]
async fn the_openapi_document_is_compressed_and_other_answers_of_the_api_are_not() {
    let started = started().await;
    for (path, encoding) in
        [("/api/v3/schema/?format=json", "gzip"), ("/api/v3/root/config/", ""), ("/api/v3/nothing/", "")]
    {
        let mut request = request(Method::GET, path);
        request.headers_mut().insert("accept-encoding", "gzip".parse().unwrap());
        let response = started.ask(request).await;
        assert_eq!(header(&response, "content-encoding"), encoding, "{path}");
    }
}

#[tokio::test]
async fn health_is_answered_and_metrics_are_elsewhere() {
    let started = started().await;
    for path in ["/-/health/live/", "/-/health/ready/"] {
        for method in [Method::GET, Method::HEAD] {
            let response = started.ask(request(method, path)).await;
            assert_eq!((response.status(), text(response).await.as_str()), (StatusCode::OK, ""));
        }
    }
    assert_eq!(started.ask(request(Method::GET, "/-/metrics/")).await.status(), StatusCode::NOT_FOUND);
    let metrics = started.server.metrics().oneshot(request(Method::GET, "/-/metrics/")).await.unwrap();
    let metrics = text(metrics).await;
    assert!(metrics.contains("vestibule_requests_total{method=\"GET\",status=\"200\"} 2"), "{metrics}");
    assert!(metrics.contains("vestibule_sql_statements_total") && metrics.contains("vestibule_uptime_seconds"));
    started.server.front.draining.store(true, std::sync::atomic::Ordering::Relaxed);
    let response = started.ask(request(Method::GET, "/-/health/ready/")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&response, "connection"), "close");
}

#[tokio::test]
async fn where_nothing_is_people_get_a_page_and_programs_an_empty_405() {
    let started = started().await;
    for path in ["/nothing", "/api/v3/stages/identification", "/api/v3/stages/identification//"] {
        let response = started.ask(request(Method::GET, path)).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        let id = header(&response, "x-authentik-id").to_owned();
        let page = text(response).await;
        assert!(page.to_ascii_lowercase().starts_with("<!doctype html"), "{page}");
        assert!(page.contains(&id), "the page names its request");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let response = started.ask(request(method, "/api/v3/stages/identification")).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(header(&response, "allow"), "GET, HEAD, OPTIONS");
        assert_eq!(text(response).await, "");
    }
}

#[tokio::test]
async fn cve_2023_36456_only_trusted_proxies_are_believed() {
    let started = started().await;
    let ask = async |peer: &str, headers: &[(&str, &str)]| {
        let router = started.around(Router::new().route("/echo", get(echo)));
        let mut request = request(Method::GET, "/echo");
        request.extensions_mut().insert(Peer { address: peer.parse::<IpAddr>().unwrap(), tls: false });
        for (name, value) in headers {
            request.headers_mut().append(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        text(router.oneshot(request).await.unwrap()).await
    };
    let all = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "evil.example")];
    assert_eq!(ask("198.51.100.7", &all).await, "198.51.100.7 false idp.example");
    assert_eq!(ask("10.0.0.1", &all).await, "1.2.3.4 true evil.example");
    assert_eq!(ask("10.0.0.1", &[]).await, "10.0.0.1 false idp.example");
    assert_eq!(ask("10.0.0.1", &[("x-forwarded-host", "a.example, b.example")]).await, "10.0.0.1 false b.example");
    assert_eq!(ask("10.0.0.1", &[("x-forwarded-host", "a/../\"<b>")]).await, "10.0.0.1 false ");
    assert_eq!(ask("10.0.0.1", &[("x-forwarded-for", "a")]).await, "10.0.0.1 false idp.example");
}

async fn panics() -> String {
    panic!("a test of panics")
}

#[tokio::test]
async fn a_panic_is_answered_and_a_body_too_large_refused() {
    let started = started().await;
    let router =
        started.around(Router::new().route("/panic", get(panics)).route("/body", post(|body: String| async { body })));
    let response = router.clone().oneshot(request(Method::GET, "/panic")).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let id = header(&response, "x-authentik-id").to_owned();
    let body: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(body["request_id"], id);
    assert!(!body.to_string().contains("a test of panics"));

    let send = async |body: Body| {
        let request = Request::builder().method(Method::POST).uri("/body").body(body).unwrap();
        router.clone().oneshot(request).await.unwrap().status()
    };
    assert_eq!(send(Body::from("x".repeat(1000))).await, StatusCode::OK);
    assert_eq!(send(Body::from("x".repeat(1002))).await, StatusCode::PAYLOAD_TOO_LARGE);
    let endless =
        futures::stream::repeat_with(|| Ok::<_, std::convert::Infallible>(bytes::Bytes::from_static(&[b'x'; 100])));
    assert!(send(Body::from_stream(endless)).await.is_client_error());
}

#[tokio::test]
async fn static_files_are_kept_for_ever_under_their_hash() {
    let started = started().await;
    let url = vestibule_web::asset_url("page.css");
    let mut asked = request(Method::GET, &url);
    asked.headers_mut().insert("accept-encoding", "gzip".parse().unwrap());
    let response = started.ask(asked).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(header(&response, "content-encoding"), "gzip");
    assert_eq!(header(&response, "vary"), "accept-encoding");
    let tag = header(&response, "etag").to_owned();
    let mut again = request(Method::GET, &url);
    again.headers_mut().insert("if-none-match", tag.parse().unwrap());
    assert_eq!(started.ask(again).await.status(), StatusCode::NOT_MODIFIED);
    for path in ["/static/vestibule/none.css", "/static/vestibule/..%2fCargo.toml"] {
        assert_eq!(started.ask(request(Method::GET, path)).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn stopping_loses_no_request() {
    let slow = Router::new().route(
        "/slow",
        get(|| async {
            tokio::time::sleep(Duration::from_millis(400)).await;
            "answered"
        }),
    );
    let socket = listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = socket.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let served = tokio::spawn(listener::serve(socket, None, slow, stopped));

    let ask = b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut busy = TcpStream::connect(address).await.unwrap();
    busy.write_all(ask).await.unwrap();
    let mut connected = TcpStream::connect(address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.send(true).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    connected.write_all(ask).await.unwrap();
    assert!(read_all(&mut busy).await.ends_with("answered"), "what was begun is finished");
    assert!(read_all(&mut connected).await.ends_with("answered"), "who was connected is answered");
    served.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody else is let in");
}
