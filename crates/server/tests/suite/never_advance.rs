//! GHSA-xp7f-xjjx-gwm8: an empty answer, a wrong `component` or a GET for a POST never advances a plan, whatever stage
//! asks.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use vestibule_testkit::Client;

use crate::app::App;
use crate::conformance::Findings;

const EXECUTOR: &str = "/api/v3/flows/executor/every-stage/?query=";
const PASSWORD: &str = " a password ";

/// The component that the person meets now.
async fn present(client: &mut Client) -> String {
    for _ in 0..10 {
        let answer = client.get(EXECUTOR).await;
        if answer.status == 200 {
            return answer.json()["component"].as_str().unwrap_or_default().to_owned();
        }
    }
    panic!("the flow goes in circles");
}

/// A flow of stages, in this order.
async fn flow(app: &App, slug: &str, stages: &[(&str, Value)]) {
    let mut admin = app.admin();
    let body = json!({"name": slug, "slug": slug, "title": slug, "designation": "authentication"});
    let flow = admin.post("/api/v3/flows/instances/", body).await.expect(201)["pk"].clone();
    for (order, (path, body)) in stages.iter().enumerate() {
        let mut body = body.clone();
        body["name"] = format!("{slug} {order}").into();
        let stage = admin.post(&format!("/api/v3/stages/{path}/"), body).await.expect(201)["pk"].clone();
        let binding = json!({"target": flow, "stage": stage, "order": order});
        admin.post("/api/v3/flows/bindings/", binding).await.expect(201);
    }
}

/// What is sent besides a right answer: method, media type, body.
fn bad_answers(component: &str, right: &Value) -> Vec<(Method, Option<&'static str>, String)> {
    let json = Some("application/json");
    let mut answers: Vec<(Method, Option<&'static str>, String)> =
        ["", "{}", "null", "[]", "\"x\"", "5", "true", "{", "[{}]", "{\"component\": null}", "{\"component\": 5}"]
            .map(|text| (Method::POST, json, text.to_owned()))
            .into();
    answers.push((Method::POST, None, String::new()));
    let components =
        ["ak-stage-nothing", "xak-flow-redirect", "ak-stage-consent", "ak-stage-dummy", "ak-stage-identification", ""];
    for other in components.into_iter().filter(|other| *other != component) {
        let mut answer = right.clone();
        answer["component"] = other.into();
        answers.push((Method::POST, json, answer.to_string()));
    }
    // The fields of the answer, emptied, or of another type.
    for value in [json!(null), json!(""), json!([]), json!({}), json!("\u{0}")] {
        let mut answer = json!({"component": component});
        for name in right.as_object().unwrap().keys().filter(|name| *name != "component") {
            answer[name] = value.clone();
        }
        if answer.as_object().unwrap().len() > 1 {
            answers.push((Method::POST, json, answer.to_string()));
        }
    }
    // The right answer, where none is taken.
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        answers.push((method, json, right.to_string()));
    }
    for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json"] {
        answers.push((Method::POST, Some(media), right.to_string()));
    }
    answers
}

#[tokio::test]
async fn ghsa_xp7f_xjjx_gwm8_nothing_but_an_answer_advances() {
    let app = App::start().await;
    app.user("alice", PASSWORD).await;
    let captcha = json!({"public_key": "p", "private_key": "k", "api_url": "http://127.0.0.1:9/"});
    let password = json!({"backends": ["authentik.core.auth.InbuiltBackend"], "failed_attempts_before_cancel": 1000});
    let prompt = json!({"name": "wish", "field_key": "wish", "label": "Wish", "type": "text"});
    let prompt = app.admin().post("/api/v3/stages/prompt/prompts/", prompt).await.expect(201)["pk"].clone();
    let stages = [
        ("identification", json!({"user_fields": ["username"], "pretend_user_exists": false})),
        ("password", password),
        ("user_login", json!({"remember_me_offset": "hours=1"})),
        ("dummy", json!({})),
        ("prompt/stages", json!({"fields": [prompt]})),
        ("consent", json!({})),
        ("captcha", captcha),
        ("deny", json!({})),
    ];
    flow(&app, "every-stage", &stages).await;
    let steps = [
        ("ak-stage-identification", json!({"component": "ak-stage-identification", "uid_field": "alice"})),
        ("ak-stage-password", json!({"component": "ak-stage-password", "password": PASSWORD})),
        ("ak-stage-user-login", json!({"component": "ak-stage-user-login", "remember_me": true})),
        ("ak-stage-dummy", json!({"component": "ak-stage-dummy"})),
        ("ak-stage-prompt", json!({"component": "ak-stage-prompt", "wish": "peace"})),
        ("ak-stage-consent", json!({"component": "ak-stage-consent", "token": ""})),
        ("ak-stage-captcha", json!({"component": "ak-stage-captcha", "token": ""})),
    ];
    let asking: BTreeSet<&str> = {
        let entries = app.server.flow.stages.entries().iter();
        // Those of second factors have tests of their own, with authenticators; so has the one that no answer leads past.
        let factor =
            |component: &str| component.starts_with("ak-stage-authenticator-") || component == "ak-stage-email";
        entries.filter(|entry| entry.page.is_some() && !factor(entry.component)).map(|entry| entry.component).collect()
    };
    assert_eq!(steps.iter().map(|(component, _)| *component).collect::<BTreeSet<_>>(), asking, "every stage that asks");

    let mut client = app.anonymous().with_header("sec-fetch-site", "same-origin");
    let mut findings = Findings::default();
    for (component, mut right) in steps {
        findings.check(present(&mut client).await == component, || format!("{component} is not reached"));
        if component == "ak-stage-consent" {
            right["token"] = client.get(EXECUTOR).await.json()["token"].clone();
        }
        for (method, media, body) in bad_answers(component, &right) {
            let answer = client.send(method.clone(), EXECUTOR, media, body.clone().into_bytes()).await;
            findings
                .check(!answer.status.is_server_error(), || format!("{component}: {method} {body}: {}", answer.text));
            let now = present(&mut client).await;
            findings.check(now == component, || format!("{component}: {method} {media:?} {body} advanced to {now}"));
        }
        // In the address, a right answer is none either.
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("uid_field", "alice"), ("password", PASSWORD), ("component", component)])
            .finish();
        client.get(&format!("{EXECUTOR}&{query}")).await;
        assert_eq!(present(&mut client).await, component);
        if component != "ak-stage-captcha" {
            client.post(EXECUTOR, right).await;
        }
    }
    findings.none();
}

/// Stages that ask nothing let nobody pass whom they should not.
#[tokio::test]
async fn stages_that_ask_nothing_deny_strangers() {
    let app = App::start().await;
    let silent = [
        ("deny", json!({})),
        ("user_login", json!({})),
        // A passkey would tell who is there; nothing else does.
        ("authenticator/validate", json!({"device_classes": ["totp"]})),
        ("authenticator/validate", json!({"device_classes": ["static"], "not_configured_action": "deny"})),
    ];
    for (number, (path, body)) in silent.into_iter().enumerate() {
        let slug = format!("silent-{number}");
        flow(&app, &slug, &[(path, body), ("dummy", json!({}))]).await;
        let mut client = app.anonymous();
        let executor = format!("/api/v3/flows/executor/{slug}/?query=");
        for body in ["", "{}", "{\"component\":\"ak-stage-dummy\"}", "{\"component\":\"ak-stage-access-denied\"}"] {
            for method in [Method::GET, Method::POST] {
                let json = Some("application/json");
                let mut answer = client.send(method.clone(), &executor, json, body.into()).await;
                if answer.status == 302 {
                    answer = client.get(&executor).await;
                }
                assert_eq!(answer.json()["component"], "ak-stage-access-denied", "{path} {method} {body}");
            }
        }
    }
}

/// An answer that comes twice at once advances once.
#[tokio::test]
async fn of_two_answers_at_once_one_counts() {
    let app = App::start().await;
    let captcha = json!({"public_key": "p", "private_key": "k"});
    flow(&app, "every-stage", &[("dummy", json!({})), ("dummy", json!({})), ("captcha", captcha)]).await;
    let mut client = app.anonymous();
    assert_eq!(present(&mut client).await, "ak-stage-dummy");
    // The first one makes the session.
    client.post(EXECUTOR, json!({"component": "ak-stage-dummy"})).await;
    let mut other = client.clone();
    let answer = json!({"component": "ak-stage-dummy"});
    let (one, two) = tokio::join!(client.post(EXECUTOR, answer.clone()), other.post(EXECUTOR, answer));
    assert!(!one.status.is_server_error() && !two.status.is_server_error(), "{} {}", one.text, two.text);
    assert_eq!(present(&mut client).await, "ak-stage-captcha");
}
