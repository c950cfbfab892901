//! Sessions, cookies and passwords: what an attacker may try with each.

use serde_json::json;

use super::{FLOW, executor, login, me};
use crate::app::{App, PASSWORD};

/// A session ends at the next request after its user was deactivated or deleted, or their password changed.
#[tokio::test]
async fn cve_2025_29928_sessions_end_with_what_they_stand_on() {
    let app = App::start().await;
    let mut admin = app.admin();
    let pk = app.user("alice", PASSWORD).await;
    let path = format!("/api/v3/core/users/{pk}/");
    for way in ["password", "inactive", "deleted"] {
        let mut client = app.anonymous();
        login(&mut client, "alice", PASSWORD, "").await;
        assert_eq!((me(&mut client).await, client.get("/if/user/").await.status.as_u16()), (200, 200));
        match way {
            "password" => {
                let path = format!("{path}set_password/");
                admin.post(&path, json!({"password": PASSWORD})).await.expect(204);
            }
            "inactive" => {
                admin.patch(&path, json!({"is_active": false})).await.expect(200);
                assert_eq!(me(&mut client).await, 403);
                admin.patch(&path, json!({"is_active": true})).await.expect(200);
            }
            _ => assert_eq!(admin.delete(&path).await.status, 204),
        }
        assert_eq!(me(&mut client).await, 403, "{way}");
        assert!(client.get("/if/user/").await.location().starts_with("/flows/-/default/authentication/"), "{way}");
    }
}

/// The session has another key after the login than before it, and the one before is worthless.
#[tokio::test]
async fn session_fixation() {
    let app = App::start().await;
    let mut client = app.anonymous();
    let path = executor(FLOW, "");
    client.post(&path, json!({"component": "ak-stage-identification", "uid_field": "akadmin"})).await;
    let before = client.cookies["authentik_session"].clone();
    let mut attacker = client.clone();
    client.post(&path, json!({"component": "ak-stage-password", "password": PASSWORD})).await;
    for _ in 0..4 {
        client.get(&path).await;
    }
    assert_ne!(client.cookies["authentik_session"], before);
    assert_eq!((me(&mut client).await, me(&mut attacker).await), (200, 403));
    // A key that a client makes up is never taken over.
    let mut client = app.anonymous();
    client.cookies.insert("authentik_session".into(), "made-up-by-an-attacker".into());
    client.post(&path, json!({"component": "ak-stage-identification", "uid_field": "akadmin"})).await;
    assert_ne!(client.cookies["authentik_session"], "made-up-by-an-attacker");
}

#[tokio::test]
async fn cookie_tampering() {
    let app = App::start().await;
    let mut client = app.anonymous();
    login(&mut client, "akadmin", PASSWORD, "").await;
    let good = client.cookies["authentik_session"].clone();
    let flipped = |at: usize| {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let mut bad = vec![
        flipped(0),
        flipped(good.len() / 2),
        flipped(good.len() - 1),
        good.to_uppercase(),
        format!("{good}A"),
        good[1..].to_owned(),
        "'; DROP TABLE sessions; --".into(),
        "%00".into(),
        "null".into(),
        "{}".into(),
        "x".repeat(20_000),
    ];
    bad.push(app.store().keys().lookup_hash(&good));
    for value in bad {
        let mut client = app.anonymous();
        client.cookies.insert("authentik_session".into(), value.clone());
        assert_eq!(me(&mut client).await, 403, "{value}");
        let answer = client.get(&executor(FLOW, "")).await;
        assert_eq!(answer.json()["component"], "ak-stage-identification", "{value}: {}", answer.text);
        assert!(client.get("/if/user/").await.status == 302, "{value}");
    }
    assert_eq!(me(&mut client).await, 200);
}

/// What changes something takes a proof that it comes from this site, if a cookie says who asks.
#[tokio::test]
async fn csrf() {
    let app = App::start().await;
    let mut client = app.anonymous();
    login(&mut client, "akadmin", PASSWORD, "").await;
    let (path, body) = ("/api/v3/core/groups/", json!({"name": "forged"}));
    let forged = [
        None,
        Some(("sec-fetch-site", "cross-site")),
        Some(("sec-fetch-site", "same-site")),
        Some(("origin", "https://evil.example")),
        Some(("origin", "null")),
        Some(("origin", "http://localhost.evil.example")),
        Some(("origin", "http://localhost:81")),
        Some(("x-authentik-csrf", "guessed")),
    ];
    for header in forged {
        let mut stranger = client.clone();
        if let Some((name, value)) = header {
            stranger = stranger.with_header(name, value);
        }
        let answer = stranger.post(path, body.clone()).await;
        assert_eq!(answer.status, 403, "{header:?}: {}", answer.text);
        let answer = stranger.post(&executor(FLOW, ""), json!({"component": "ak-stage-dummy"})).await;
        assert_eq!(answer.json()["component"], "ak-stage-flow-error", "{header:?}: {}", answer.text);
        assert_eq!(me(&mut stranger).await, 200, "reading takes no proof");
    }
    let mut genuine = client.clone().with_header("sec-fetch-site", "same-origin");
    genuine.post(path, body).await.expect(201);
}

/// Passwords of any length cost little, and what is not a password is none.
#[tokio::test]
async fn very_long_passwords_are_refused() {
    let app = App::start().await;
    let path = executor(FLOW, "");
    let mut client = app.anonymous();
    client.post(&path, json!({"component": "ak-stage-identification", "uid_field": "akadmin"})).await;
    for password in [json!("x".repeat(900_000)), json!("\u{0}"), json!(["a"]), json!({"$ne": 1}), json!(true)] {
        let answer = client.post(&path, json!({"component": "ak-stage-password", "password": password})).await;
        let errors = &answer.json()["response_errors"]["password"];
        assert!(answer.status == 200 && errors.is_array(), "{}", answer.text);
    }
    assert_eq!(me(&mut client).await, 403);
}

/// IncludeSec 2025 M1: guesses that come at once are counted each.
#[tokio::test]
async fn attempts_at_once_are_counted_each() {
    let app = App::start().await;
    app.user("alice", PASSWORD).await;
    let path = executor(FLOW, "");
    let mut client = app.anonymous();
    client.post(&path, json!({"component": "ak-stage-identification", "uid_field": "alice"})).await;
    let mut guesses = tokio::task::JoinSet::new();
    for number in 0..30 {
        let (mut client, path) = (client.clone(), path.clone());
        let body = json!({"component": "ak-stage-password", "password": format!("guess {number}")});
        guesses.spawn(async move { client.post(&path, body).await });
    }
    let answers = guesses.join_all().await;
    let told = answers.iter().filter(|answer| answer.text.contains("\"response_errors\":{\"password\"")).count();
    assert!((1..=5).contains(&told), "{told} guesses of one session were answered, five are allowed");
}
