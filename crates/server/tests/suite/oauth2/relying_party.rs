//! An application written with the crate `openidconnect`, unmodified: what it checks are the standards as others read them.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;

use axum::Router;
use axum::body::Body;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::HOST;
use http_body_util::BodyExt as _;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreIdTokenClaims, CoreJwsSigningAlgorithm, CoreProviderMetadata,
    CoreUserInfoClaims,
};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IntrospectionUrl,
    IssuerUrl, LogoutRequest, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    PostLogoutRedirectUrl, RedirectUrl, Scope, TokenIntrospectionResponse as _, TokenResponse as _,
};
use serde_json::json;
use tower::ServiceExt as _;
use vestibule_testkit::{Client, noon};

use super::{CALLBACK, SECRET, Site, alice, key_pair, parameters};
use crate::app::App;

type Carried = Pin<Box<dyn Future<Output = Result<HttpResponse, Infallible>> + Send>>;

/// Carries what the crate sends to the server of this process.
fn carrier(router: &Router) -> impl Fn(HttpRequest) -> Carried {
    let router = router.clone();
    move |request| {
        let router = router.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let host = parts.uri.authority().unwrap().as_str().parse().unwrap();
            parts.headers.insert(HOST, host);
            let answer = router.oneshot(http::Request::from_parts(parts, Body::from(body))).await.unwrap();
            let (parts, body) = answer.into_parts();
            let bytes = body.collect().await.unwrap().to_bytes().to_vec();
            Ok(http::Response::from_parts(parts, bytes))
        })
    }
}

async fn discover(app: &App, id: &str) -> CoreProviderMetadata {
    let issuer = IssuerUrl::new(format!("http://localhost/application/o/{id}/")).unwrap();
    CoreProviderMetadata::discover_async(issuer, &carrier(&app.router)).await.unwrap()
}

/// What the crate knows of an application.
macro_rules! client {
    ($metadata:expr) => {
        CoreClient::from_provider_metadata(
            $metadata.clone(),
            ClientId::new("wiki".into()),
            Some(ClientSecret::new(SECRET.into())),
        )
        .set_redirect_uri(RedirectUrl::new(CALLBACK.into()).unwrap())
    };
}

/// A browser goes where the crate sends it, and comes back with a code.
async fn allow(browser: &mut Client, address: &str, state: &CsrfToken) -> AuthorizationCode {
    let answer = browser.get(address.strip_prefix("http://localhost").unwrap()).await;
    assert!(answer.location().starts_with(CALLBACK), "{} {}", answer.status, answer.text);
    let found = parameters(answer.location());
    assert_eq!(&found["state"], state.secret());
    AuthorizationCode::new(found["code"].clone())
}

fn now() -> DateTime<Utc> {
    noon()
}

fn tomorrow() -> DateTime<Utc> {
    noon() + TimeDelta::days(1)
}

#[tokio::test]
async fn openidconnect_signs_somebody_in_whatever_the_key() {
    let app = App::start().await;
    let (_, mut browser) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let http = carrier(&app.router);
    for (key, algorithm) in [
        ("rsa", CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256),
        ("ecdsa", CoreJwsSigningAlgorithm::EcdsaP256Sha256),
        ("", CoreJwsSigningAlgorithm::HmacSha256),
    ] {
        let key = if key.is_empty() { json!(null) } else { key_pair(&app, key, key).await };
        site.set(json!({"signing_key": key})).await;
        let metadata = discover(&app, "wiki").await;
        assert_eq!(metadata.id_token_signing_alg_values_supported(), &vec![algorithm.clone()]);
        let client = client!(metadata);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state, nonce) = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("profile".into()))
            .add_scope(Scope::new("offline_access".into()))
            .set_pkce_challenge(challenge)
            .url();
        let code = allow(&mut browser, address.as_str(), &state).await;
        let asked = client.exchange_code(code).unwrap().set_pkce_verifier(verifier);
        let tokens = asked.request_async(&http).await.unwrap();
        let checks = client.id_token_verifier().set_allowed_algs([algorithm.clone()]).set_time_fn(now);
        let told: &CoreIdToken = tokens.id_token().unwrap();
        let claims: &CoreIdTokenClaims = told.claims(&checks, &nonce).unwrap();
        assert_eq!(claims.preferred_username().map(|name| name.as_str()), Some("alice"));
        // It looks: another nonce, another time, and another way to sign are refused.
        assert!(told.claims(&checks, &Nonce::new("other".into())).is_err());
        let late = client.id_token_verifier().set_allowed_algs([algorithm.clone()]).set_time_fn(tomorrow);
        assert!(told.claims(&late, &nonce).is_err(), "it ended long ago");
        let others = client.id_token_verifier().set_allowed_algs([CoreJwsSigningAlgorithm::RsaSsaPssSha256]);
        assert!(told.claims(&others.set_time_fn(now), &nonce).is_err());
        let hash = claims.access_token_hash().unwrap();
        // The crate makes this hash with keys that are published.
        if algorithm != CoreJwsSigningAlgorithm::HmacSha256 {
            let (alg, key) = (told.signing_alg().unwrap(), told.signing_key(&checks).unwrap());
            assert_eq!(*hash, AccessTokenHash::from_token(tokens.access_token(), alg, key).unwrap());
        }
        let asked = client.user_info(tokens.access_token().clone(), Some(claims.subject().clone())).unwrap();
        let info: CoreUserInfoClaims = asked.request_async(&http).await.unwrap();
        assert_eq!(info.preferred_username(), claims.preferred_username());
        // A refresh tells the same person, and the old token is used up.
        let refresh = tokens.refresh_token().unwrap();
        let renewed = client.exchange_refresh_token(refresh).unwrap().request_async(&http).await.unwrap();
        let again = renewed.id_token().unwrap().claims(&checks, |_: Option<&Nonce>| Ok(())).unwrap();
        assert!(again.subject() == claims.subject() && again.nonce().is_none());
        assert!(client.exchange_refresh_token(refresh).unwrap().request_async(&http).await.is_err());
    }
}

#[tokio::test]
async fn openidconnect_is_refused_what_it_should_be() {
    let app = App::start().await;
    let (_, mut browser) = alice(&app).await;
    let _site = Site::new(&app, "wiki", json!({})).await;
    let http = carrier(&app.router);
    let client = client!(discover(&app, "wiki").await);
    let (challenge, _) = PkceCodeChallenge::new_random_sha256();
    let (address, state, _) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .set_pkce_challenge(challenge)
        .url();
    let code = allow(&mut browser, address.as_str(), &state).await;
    let wrong = PkceCodeVerifier::new("w".repeat(43));
    let refused = client.exchange_code(code).unwrap().set_pkce_verifier(wrong).request_async(&http).await;
    let openidconnect::RequestTokenError::ServerResponse(said) = refused.unwrap_err() else { panic!("no answer") };
    assert_eq!(said.error().as_ref(), "invalid_grant");
}

#[tokio::test]
async fn openidconnect_asks_for_itself_and_signs_out() {
    let app = App::start().await;
    let (_, mut browser) = alice(&app).await;
    let _site = Site::new(&app, "wiki", json!({})).await;
    let http = carrier(&app.router);
    let metadata = discover(&app, "wiki").await;
    let looking = IntrospectionUrl::new("http://localhost/application/o/introspect/".into()).unwrap();
    let client = client!(metadata).set_introspection_url(looking);
    let asked = client.exchange_client_credentials().unwrap().add_scope(Scope::new("profile".into()));
    let tokens = asked.request_async(&http).await.unwrap();
    let seen = client.introspect(tokens.access_token()).request_async(&http).await.unwrap();
    assert_eq!((seen.active(), seen.client_id().map(|id| id.as_str())), (true, Some("wiki")));
    // Signing out leads back to the application.
    let (address, state, nonce) =
        client.authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random).url();
    let code = allow(&mut browser, address.as_str(), &state).await;
    let tokens = client.exchange_code(code).unwrap().request_async(&http).await.unwrap();
    let algorithms = [CoreJwsSigningAlgorithm::HmacSha256];
    let checks = client.id_token_verifier().set_allowed_algs(algorithms).set_time_fn(now);
    let told = tokens.id_token().unwrap();
    told.claims(&checks, &nonce).unwrap();
    let end = "http://localhost/application/o/wiki/end-session/".to_owned();
    let leaving = LogoutRequest::from(openidconnect::EndSessionUrl::new(end).unwrap())
        .set_id_token_hint(told)
        .set_state(CsrfToken::new("gone".into()))
        .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new("https://wiki.example/bye".into()).unwrap());
    let address = leaving.http_get_url();
    let answer = browser.get(address.as_str().strip_prefix("http://localhost").unwrap()).await;
    assert_eq!(answer.location(), "https://wiki.example/bye?state=gone");
    let seen = client.introspect(tokens.access_token()).request_async(&http).await.unwrap();
    assert!(!seen.active());
}
