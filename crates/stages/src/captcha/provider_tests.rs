//! Tests of the providers with forms of their own, each with a double on loopback.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};

use super::provider::Provider;
use super::tests::{REFUSED, STALE, UNVERIFIED, app, arrange, error, passed};

/// Each question: its path, its key, its body.
type Asked = Arc<Mutex<Vec<(String, String, Value)>>>;

/// All three providers; a good token is good once.
async fn double() -> (String, Asked) {
    let (asked, used) = (Asked::default(), Arc::new(Mutex::new(BTreeSet::new())));
    let noted = asked.clone();
    let handler = move |uri: Uri, headers: HeaderMap, body: String| async move {
        let body: Value = serde_json::from_str(&body).unwrap();
        let key = ["x-api-key", "x-goog-api-key"].iter().find_map(|name| headers.get(*name));
        let key = key.map(|key| key.to_str().unwrap().to_owned()).unwrap_or_default();
        noted.lock().unwrap().push((uri.to_string(), key, body.clone()));
        let token = ["/solution", "/response", "/event/token"].iter().find_map(|path| body.pointer(path)).unwrap();
        let token = token.as_str().unwrap().to_owned();
        if token == "never" {
            std::future::pending::<()>().await;
        }
        let fresh = token.starts_with("good") && used.lock().unwrap().insert(token.clone());
        let (status, said) = match uri.path() {
            "/api/v1/siteverify" if token == "secret" => (401, json!({"success": false, "errors": ["secret_invalid"]})),
            "/api/v1/siteverify" if fresh => (200, json!({"success": true})),
            "/api/v1/siteverify" => (200, json!({"success": false, "errors": ["solution_timeout_or_duplicate"]})),
            "/api/v2/captcha/siteverify" if token == "secret" => {
                (401, json!({"success": false, "error": {"error_code": "auth_invalid"}}))
            }
            "/api/v2/captcha/siteverify" if fresh => (200, json!({"success": true, "data": {"event_id": "e"}})),
            "/api/v2/captcha/siteverify" => {
                (200, json!({"success": false, "error": {"error_code": "response_duplicate"}}))
            }
            _ if token == "secret" => (403, json!({"error": {"code": 403, "status": "PERMISSION_DENIED"}})),
            _ if fresh => {
                let score = if token.contains("robot") { 0.1 } else { 0.9 };
                (200, json!({"tokenProperties": {"valid": true}, "riskAnalysis": {"score": score}}))
            }
            _ => (200, json!({"tokenProperties": {"valid": false, "invalidReason": "DUPE"}})),
        };
        (StatusCode::from_u16(status).unwrap(), said.to_string())
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
    (at, asked)
}

#[tokio::test]
async fn each_provider_is_asked_in_its_own_form() {
    let app = app("127.0.0.0/8").await;
    let enterprise = json!({"event": {"token": "good", "siteKey": "site", "userIpAddress": "0.0.0.0"}});
    for (slug, path, key, body) in [
        ("v1", "/api/v1/siteverify", "", json!({"solution": "good", "secret": "s&cret", "sitekey": "site"})),
        ("v2", "/api/v2/captcha/siteverify", "s&cret", json!({"response": "good", "sitekey": "site"})),
        ("e", "/v1/projects/acme/assessments", "s&cret", enterprise.clone()),
        ("k", "/v1/projects/acme/assessments?key=k", "", enterprise),
    ] {
        // Each has used up no token yet.
        let (at, asked) = double().await;
        let captcha = json!({"api_url": format!("{at}{path}")});
        let mut walker = arrange(&app, slug, captcha).await;
        assert_eq!(error(&walker.answer(json!({"token": "secret"})).await), REFUSED, "{path}");
        assert_eq!(error(&walker.answer(json!({"token": "bad"})).await), STALE, "{path}");
        assert_eq!(error(&walker.answer(json!({"token": "never"})).await), UNVERIFIED, "{path}");
        let mut other = app.walker(slug);
        assert!(passed(&walker.answer(json!({"token": "good"})).await), "{path}");
        assert_eq!(asked.lock().unwrap().last().unwrap(), &(path.to_owned(), key.to_owned(), body));
        assert_eq!(error(&other.answer(json!({"token": "good"})).await), STALE, "{path}: a replay");
    }
}

#[tokio::test]
async fn an_assessment_has_a_score() {
    let app = app("127.0.0.0/8").await;
    let (at, _) = double().await;
    let mut walker = arrange(&app, "e", json!({"api_url": format!("{at}/v1/projects/acme/assessments")})).await;
    assert_eq!(error(&walker.answer(json!({"token": "good robot"})).await), REFUSED);
    assert!(passed(&walker.answer(json!({"token": "good human"})).await));
}

#[test]
fn the_address_says_who_it_is() {
    for (address, provider) in [
        ("https://api.friendlycaptcha.com/api/v1/siteverify", Provider::FriendlyV1),
        ("https://eu-api.friendlycaptcha.eu/api/v1/siteverify", Provider::FriendlyV1),
        ("https://global.frcapi.com/api/v2/captcha/siteverify", Provider::FriendlyV2),
        ("https://recaptchaenterprise.googleapis.com/v1/projects/p/assessments?key=k", Provider::Enterprise),
        ("https://www.recaptcha.net/recaptcha/api/siteverify", Provider::SiteVerify),
        ("https://api.hcaptcha.com/siteverify", Provider::SiteVerify),
        ("https://challenges.cloudflare.com/turnstile/v0/siteverify", Provider::SiteVerify),
    ] {
        assert_eq!(Provider::of(address), provider, "{address}");
    }
}
