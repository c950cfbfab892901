//! Tests of the captcha stage, with a provider on loopback.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::{Value, json};
use vestibule_http_client::HttpClient;
use vestibule_kernel::address::EgressGuard;
use vestibule_testkit::{TestApp, Walker};

use crate::test_support::families;

/// What a provider was asked: each body as it came.
type Asked = Arc<Mutex<Vec<String>>>;

/// Bodies that were good once.
type Used = Arc<Mutex<BTreeSet<String>>>;

struct Double {
    at: SocketAddr,
    asked: Asked,
}

/// A provider whose tokens say what becomes of them; a good one is good once.
async fn double() -> Double {
    let asked = Asked::default();
    let used = Used::default();
    let handler = |State((asked, used)): State<(Asked, Used)>, Path(how): Path<String>, body: String| async move {
        asked.lock().unwrap().push(body.clone());
        answer(&how, &used, body).await
    };
    let router = Router::new().route("/{how}", post(handler)).with_state((asked.clone(), used));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    Double { at, asked }
}

async fn answer(how: &str, used: &Used, body: String) -> Response {
    let json = |value: Value| value.to_string().into_response();
    match how {
        "verify" if !body.contains("good") => {
            json(json!({"success": false, "error-codes": ["invalid-input-response"]}))
        }
        "verify" if used.lock().unwrap().insert(body) => json(json!({"success": true, "hostname": "x"})),
        "verify" => json(json!({"success": false, "error-codes": ["timeout-or-duplicate"]})),
        "secret" => json(json!({"success": false, "error-codes": ["invalid-input-secret"]})),
        "late" => json(json!({"success": false, "error-codes": ["expired-input-response"]})),
        "seen" => json(json!({"success": false, "error-codes": ["already-seen-response"]})),
        "silent" => json(json!({"success": false})),
        "never" => std::future::pending().await,
        "html" => "<html>".into_response(),
        "list" => json(json!([true])),
        "text" => json(json!({"success": "true"})),
        "error" => axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "away" => axum::response::Redirect::temporary("/verify").into_response(),
        score => json(json!({"success": true, "score": serde_json::from_str::<Value>(score).unwrap()})),
    }
}

pub(super) async fn app(allowed: &str) -> TestApp {
    let mut families = families();
    let guard = EgressGuard::new(allowed.split_whitespace().map(|network| network.parse().unwrap()).collect());
    let client = HttpClient::with_timeout(guard, Duration::from_millis(300));
    families.extensions = families.extensions.with(Arc::new(client));
    TestApp::start(families).await
}

/// A flow of a captcha and a dummy; somebody at its beginning.
pub(super) async fn arrange(app: &TestApp, slug: &str, captcha: Value) -> Walker {
    let mut stage = json!({"name": slug, "public_key": "site", "private_key": "s&cret"});
    for (name, value) in captcha.as_object().unwrap() {
        stage[name] = value.clone();
    }
    let flow = json!({"name": slug, "slug": slug, "title": slug, "designation": "authentication"});
    let flow = app.create("authentik_flows.flow", flow).await;
    let captcha = app.create("authentik_stages_captcha.captchastage", stage).await;
    let dummy = app.create("authentik_stages_dummy.dummystage", json!({"name": format!("{slug} dummy")})).await;
    for (order, stage) in [captcha, dummy].iter().enumerate() {
        let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": order});
        app.create("authentik_flows.flowstagebinding", binding).await;
    }
    app.walker(slug)
}

pub(super) fn error(challenge: &Value) -> &str {
    challenge["response_errors"]["token"][0]["string"].as_str().unwrap_or_default()
}

pub(super) fn passed(challenge: &Value) -> bool {
    challenge["component"] == "ak-stage-dummy"
}

pub(super) const STALE: &str = "Invalid captcha response. Retrying may solve this issue.";
pub(super) const REFUSED: &str = "Invalid captcha response";
pub(super) const UNVERIFIED: &str = "Failed to validate token";

#[tokio::test]
async fn a_good_token_passes_and_a_bad_one_does_not() {
    let (app, double) = (app("127.0.0.0/8").await, double().await);
    let at = double.at;
    let mut walker = arrange(&app, "a", json!({"api_url": format!("http://{at}/verify"), "interactive": true})).await;
    let challenge = walker.challenge().await;
    assert_eq!(challenge["component"], "ak-stage-captcha");
    assert_eq!((&challenge["site_key"], &challenge["interactive"]), (&json!("site"), &json!(true)));
    assert_eq!(challenge["js_url"], "https://www.recaptcha.net/recaptcha/api.js");
    assert!(!challenge.to_string().contains("s&cret"));
    // A bad token, no token, an empty one: the same question again.
    assert_eq!(error(&walker.answer(json!({"token": "bad"})).await), STALE);
    assert_eq!(error(&walker.answer(json!({})).await), "This field is required.");
    assert_eq!(error(&walker.answer(json!({"token": " "})).await), "This field may not be blank.");
    assert!(passed(&walker.answer(json!({"token": "good one"})).await));
    let asked = double.asked.lock().unwrap().clone();
    assert_eq!(asked[0], "secret=s%26cret&response=bad&remoteip=0.0.0.0");
    assert_eq!(asked[1], "secret=s%26cret&response=good+one&remoteip=0.0.0.0");
}

#[tokio::test]
async fn a_token_is_asked_about_once_and_a_replay_is_refused() {
    let (app, double) = (app("127.0.0.0/8").await, double().await);
    let url = format!("http://{}/verify", double.at);
    let captcha = json!({"api_url": url, "request_content_type": "application/json"});
    let mut one = arrange(&app, "a", captcha).await;
    let mut other = app.walker("a");
    assert!(passed(&one.answer(json!({"token": "good"})).await));
    assert_eq!(error(&other.answer(json!({"token": "good"})).await), STALE);
    let asked = double.asked.lock().unwrap().clone();
    let expected = json!({"secret": "s&cret", "response": "good", "remoteip": "0.0.0.0"});
    let asked: Vec<Value> = asked.iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    assert_eq!(asked, [expected.clone(), expected]);
}

#[tokio::test]
async fn what_is_not_a_clear_yes_does_not_pass() {
    let (app, double) = (app("127.0.0.0/8").await, double().await);
    for (how, message) in [
        ("secret", REFUSED),
        ("late", STALE),
        ("seen", STALE),
        ("silent", REFUSED),
        ("text", REFUSED),
        ("never", UNVERIFIED),
        ("html", UNVERIFIED),
        ("list", UNVERIFIED),
        ("error", UNVERIFIED),
        ("away", UNVERIFIED),
    ] {
        let url = format!("http://{}/{how}", double.at);
        // Leniency is about scores, not about whether there was a yes.
        let mut walker = arrange(&app, how, json!({"api_url": url, "error_on_invalid_score": false})).await;
        assert_eq!(error(&walker.answer(json!({"token": "good"})).await), message, "{how}");
    }
    assert_eq!(double.asked.lock().unwrap().len(), 10);
}

#[tokio::test]
async fn scores_are_held_against_both_thresholds() {
    let (app, double) = (app("127.0.0.0/8").await, double().await);
    let (least, most) = ("score_min_threshold", "score_max_threshold");
    for (position, (score, settings, passes)) in [
        ("0.5", json!({}), true),
        ("0.49", json!({}), false),
        ("1", json!({}), true),
        ("1.01", json!({}), false),
        ("\"0.7\"", json!({least: 0.7}), true),
        ("\"x\"", json!({}), false),
        ("null", json!({}), true),
        ("0.1", json!({"error_on_invalid_score": false}), true),
        ("0", json!({least: -1}), true),
        ("9", json!({most: -1}), true),
    ]
    .into_iter()
    .enumerate()
    {
        let mut settings = settings;
        settings["api_url"] = format!("http://{}/{}", double.at, score.replace('"', "%22")).into();
        let mut walker = arrange(&app, &format!("f{position}"), settings).await;
        let next = walker.answer(json!({"token": "good"})).await;
        assert_eq!(passed(&next), passes, "{score}: {next}");
    }
}

#[tokio::test]
async fn the_inside_is_not_asked() {
    let (app, double) = (app("").await, double().await);
    let mut walker = arrange(&app, "a", json!({"api_url": format!("http://{}/verify", double.at)})).await;
    assert_eq!(error(&walker.answer(json!({"token": "good"})).await), UNVERIFIED);
    assert!(double.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn cure53_ath_01_013_addresses_are_http_and_the_secret_stays_inside() {
    let app = app("").await;
    let mut admin = app.admin().await;
    let path = "/api/v3/stages/captcha/";
    for address in ["javascript:alert(1)", "data:text/javascript,1", "not a url", "//x.example/a.js"] {
        let body = json!({"name": "c", "public_key": "p", "private_key": "q", "js_url": address, "api_url": address});
        let errors = admin.post(path, body).await.expect(400);
        let message = json!(["Enter a valid URL."]);
        assert_eq!(errors, json!({"js_url": message, "api_url": message}), "{address}");
    }
    let body = json!({"name": "rec-c", "public_key": "pub", "private_key": "sunken treasure"});
    let stage = admin.post(path, body).await.expect(201);
    let mut shown = stage.clone();
    shown.as_object_mut().unwrap().shift_remove("pk");
    let expected = json!({
        "name": "rec-c", "component": "ak-stage-captcha-form", "verbose_name": "Captcha Stage",
        "verbose_name_plural": "Captcha Stages", "meta_model_name": "authentik_stages_captcha.captchastage",
        "flow_set": [], "public_key": "pub", "js_url": "https://www.recaptcha.net/recaptcha/api.js",
        "api_url": "https://www.recaptcha.net/recaptcha/api/siteverify",
        "request_content_type": "application/x-www-form-urlencoded", "interactive": false,
        "score_min_threshold": 0.5, "score_max_threshold": 1.0, "error_on_invalid_score": true,
    });
    assert_eq!(shown, expected);
    let rows = app.store().database().query("SELECT document FROM configuration", vec![]).await.unwrap();
    let stored: String = rows.iter().map(|row| row.json("document").unwrap().to_string()).collect();
    assert!(stored.contains("rec-c") && !stored.contains("treasure"));
    let detail = format!("{path}{}/", stage["pk"].as_str().unwrap());
    let errors = admin.put(&detail, json!({"name": "rec-c", "public_key": "pub"})).await.expect(400);
    assert_eq!(errors, json!({"private_key": ["This field is required."]}));
    let patched = admin.patch(&detail, json!({"public_key": "pub2"})).await.expect(200);
    assert_eq!(patched["public_key"], "pub2");
    // A bad type is said alone, before addresses are looked at.
    let body = json!({"name": "c", "public_key": "p", "private_key": "q", "score_min_threshold": "x", "js_url": "no"});
    let errors = admin.post(path, body).await.expect(400);
    assert_eq!(errors, json!({"score_min_threshold": ["A valid number is required."]}));
}

#[tokio::test]
async fn beside_the_name_everyone_is_checked_alike() {
    let (app, double) = (app("127.0.0.0/8").await, double().await);
    let captcha = json!({
        "name": "c", "public_key": "p", "private_key": "q", "api_url": format!("http://{}/verify", double.at),
    });
    let captcha = app.create("authentik_stages_captcha.captchastage", captcha).await;
    let who = json!({"name": "who", "user_fields": ["username"], "captcha_stage": captcha["pk"]});
    let who = app.create("authentik_stages_identification.identificationstage", who).await;
    let dummy = app.create("authentik_stages_dummy.dummystage", json!({"name": "dummy"})).await;
    let flow = json!({"name": "f", "slug": "f", "title": "f", "designation": "authentication"});
    let flow = app.create("authentik_flows.flow", flow).await;
    for (order, stage) in [who, dummy].iter().enumerate() {
        let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": order});
        app.create("authentik_flows.flowstagebinding", binding).await;
    }
    app.user("alice", "x", json!({})).await;
    for name in ["alice", "nobody"] {
        let mut walker = app.walker("f");
        assert_eq!(walker.challenge().await["captcha_stage"]["site_key"], "p");
        for token in [json!("bad"), json!(""), Value::Null] {
            let again = walker.answer(json!({"uid_field": name, "captcha_token": token})).await;
            assert_eq!(again["response_errors"]["captcha_token"][0]["string"], STALE, "{name} {token}");
            let whole = &again["response_errors"]["non_field_errors"][0]["string"];
            assert_eq!(whole, "Failed to authenticate.", "{name} {token}");
        }
        let token = format!("good for {name}");
        assert!(passed(&walker.answer(json!({"uid_field": name, "captcha_token": token})).await), "{name}");
        let again = app.walker("f").answer(json!({"uid_field": name, "captcha_token": token})).await;
        assert_eq!(again["response_errors"]["captcha_token"][0]["string"], STALE, "{name}");
    }
    // Tokens that are none are not worth a question: one bad, one good, one replayed for each.
    assert_eq!(double.asked.lock().unwrap().len(), 6);
}
