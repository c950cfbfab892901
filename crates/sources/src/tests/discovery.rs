//! The metadata and the keys of a provider, fetched from a double on loopback.

use std::net::SocketAddr;

use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;

use super::server;

/// A provider that describes itself.
async fn double() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let metadata = json!({
        "issuer": "https://idp.example/",
        "authorization_endpoint": "https://idp.example/a",
        "token_endpoint": "https://idp.example/t",
        "userinfo_endpoint": "https://idp.example/u",
        "jwks_uri": format!("http://{at}/keys"),
    });
    let router = Router::new()
        .route("/metadata", get(|| async { Json(metadata) }))
        .route("/keys", get(|| async { Json(json!({"keys": [{"kid": "1"}]})) }))
        .route("/other", get(|| async { Json(json!({"a": 1})) }))
        .route("/list", get(|| async { Json(json!([])) }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    at
}

#[tokio::test]
async fn metadata_fill_in_what_is_left_out() {
    let (server, at) = (server("127.0.0.0/8").await, double().await);
    let well_known = format!("http://{at}/metadata");
    let further = json!({"oidc_well_known_url": well_known, "profile_url": "https://mine.example/p"});
    let (status, source) = server.create("oidc", "openidconnect", further).await;
    assert_eq!(status, StatusCode::CREATED, "{source}");
    assert_eq!(source["authorization_url"], "https://idp.example/a");
    assert_eq!(source["access_token_url"], "https://idp.example/t");
    assert_eq!(source["profile_url"], "https://mine.example/p");
    assert_eq!(source["oidc_jwks_url"], format!("http://{at}/keys"));
    assert_eq!(source["oidc_jwks"], json!({"keys": [{"kid": "1"}]}));
    // A change elsewhere asks nobody.
    let (status, _) = server.ask("PATCH", "sources/oauth/oidc/", Some(json!({"name": "n"}))).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn keys_alone_are_fetched_too() {
    let (server, at) = (server("127.0.0.0/8").await, double().await);
    let (status, source) = server.create("a", "discord", json!({"oidc_jwks_url": format!("http://{at}/keys")})).await;
    assert_eq!((status, &source["oidc_jwks"]), (StatusCode::CREATED, &json!({"keys": [{"kid": "1"}]})));
}

#[tokio::test]
async fn what_cannot_be_fetched_is_said_and_nothing_is_written() {
    let (server, at) = (server("127.0.0.0/8").await, double().await);
    for (field, path, message) in [
        ("oidc_well_known_url", "nothing", "The answer has status 404."),
        ("oidc_well_known_url", "other", "Invalid well-known configuration"),
        ("oidc_well_known_url", "list", "The answer is not a JSON object."),
        ("oidc_jwks_url", "other", "The answer is not a set of keys."),
    ] {
        let answer = server.create("a", "openidconnect", json!({field: format!("http://{at}/{path}")})).await;
        assert_eq!(answer, (StatusCode::BAD_REQUEST, json!({field: [message]})), "{path}");
    }
    let (_, list) = server.ask("GET", "sources/oauth/", None).await;
    assert_eq!(list["pagination"]["count"], 0);
}

#[tokio::test]
async fn the_inside_is_not_fetched() {
    let (server, at) = (server("").await, double().await);
    for address in [format!("http://{at}/metadata"), "http://169.254.169.254/latest/".into()] {
        let (status, errors) = server.create("a", "openidconnect", json!({"oidc_well_known_url": address})).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(errors["oidc_well_known_url"][0].as_str().unwrap().contains("may not fetch"), "{errors}");
    }
}
