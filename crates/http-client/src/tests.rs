//! The client against a server on loopback.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use vestibule_kernel::address::EgressGuard;

use super::{ANSWER_LIMIT, FetchError, HttpClient, http_url};

async fn double() -> SocketAddr {
    let router = Router::new()
        .route("/json", get(|| async { r#"{"a": 1}"# }))
        .route("/form", post(|body: String| async move { json!({ "got": body }).to_string() }))
        .route("/html", get(|| async { "<html>" }))
        .route("/away", get(|| async { Redirect::temporary("/json") }))
        .route("/large", get(|| async { vec![b' '; ANSWER_LIMIT + 1] }))
        .route("/never", get(std::future::pending::<String>));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn open() -> HttpClient {
    let guard = EgressGuard::new(vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
    HttpClient::with_timeout(guard, Duration::from_millis(300))
}

#[tokio::test]
async fn it_reads_json_and_nothing_else() {
    let (client, at) = (open(), double().await);
    assert_eq!(client.get(&format!("http://{at}/json")).await, Ok(json!({"a": 1})));
    let posted = client.post_form(&format!("http://{at}/form"), &[("secret", "a&b"), ("response", "ü")]).await;
    assert_eq!(posted, Ok(json!({"got": "secret=a%26b&response=%C3%BC"})));
    let posted = client.post_json(&format!("http://{at}/form"), &json!({"a": "b"})).await;
    assert_eq!(posted, Ok(json!({"got": "{\"a\":\"b\"}"})));
    for (path, error) in [
        ("html", FetchError::NotJson),
        ("away", FetchError::Status(307)),
        ("large", FetchError::TooLarge),
        ("never", FetchError::TimedOut),
        ("nothing", FetchError::Status(404)),
    ] {
        assert_eq!(client.get(&format!("http://{at}/{path}")).await, Err(error), "{path}");
    }
}

#[tokio::test]
async fn it_stays_outside() {
    let at = double().await;
    let client = HttpClient::new(EgressGuard::default());
    let port = at.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
    ] {
        assert_eq!(client.get(&format!("http://{host}:{port}/json")).await, Err(FetchError::NotPermitted), "{host}");
    }
}

#[tokio::test]
async fn a_name_is_resolved_to_permitted_addresses() {
    let at = double().await;
    assert_eq!(open().get(&format!("http://localhost:{}/json", at.port())).await, Ok(json!({"a": 1})));
}

#[tokio::test]
async fn nobody_there() {
    // Bound and closed again: nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_eq!(open().get(&format!("http://127.0.0.1:{port}/")).await, Err(FetchError::Unreachable));
}

#[tokio::test]
async fn only_http_addresses() {
    for address in
        ["", "x", "file:///etc/passwd", "ftp://example.com/", "javascript:alert(1)", "//example.com/", "http://"]
    {
        assert!(http_url(address).is_none(), "{address}");
        assert_eq!(open().get(address).await, Err(FetchError::Address), "{address}");
    }
    assert!(http_url("https://example.com/a?b").is_some());
}

/// Answers 200 to whatever it is told, over TLS, with a certificate that signs itself; its address and that certificate.
async fn behind_tls() -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let settings = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let settings = settings.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(settings));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Whoever does not believe the certificate goes away.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\ntaken").await;
            let _ = stream.shutdown().await;
        }
    });
    (address, made.cert.pem())
}

#[tokio::test]
async fn an_authority_of_its_own_is_believed_and_no_other() {
    let (at, own) = behind_tls().await;
    let (_, other) = behind_tls().await;
    let (client, address) = (open(), format!("https://localhost:{}/", at.port()));
    assert_eq!(client.notify(&address, &json!({}), &[], Some(&own)).await, Ok((200, "taken".into())));
    assert_eq!(client.notify(&address, &json!({}), &[], Some(&other)).await, Err(FetchError::Unreachable));
    assert_eq!(client.notify(&address, &json!({}), &[], None).await, Err(FetchError::Unreachable));
    for broken in ["", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"] {
        assert_eq!(
            client.notify(&address, &json!({}), &[], Some(broken)).await,
            Err(FetchError::Authority),
            "{broken}"
        );
    }
    let closed = HttpClient::new(EgressGuard::default());
    assert_eq!(closed.notify(&address, &json!({}), &[], Some(&own)).await, Err(FetchError::NotPermitted));
}
