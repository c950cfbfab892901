//! Sessions, cookies and passwords: what an attacker may try with each.

use serde_json::json;
use vestibule_store::Durability;

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

/// Zitadel CVE-2025-64103 and its kin: whoever finds a browser open removes no second factor. Cure53 ATH-01-011: nor do they
/// change the password; the session's owner shows first that it is still them.
#[tokio::test]
async fn cve_2025_64103_and_ath_01_011_who_signed_in_long_ago_changes_no_login() {
    const CHANGE: &str = "/if/flow/default-password-change/?next=/if/user/";
    let app = App::start().await;
    let pk = app.user("alice", PASSWORD).await;
    let mut admin = app.admin();
    // A login without the second factor that this is about.
    let stages = "/api/v3/stages/authenticator/validate/";
    let found = admin.get(&format!("{stages}?name=default-authentication-mfa-validation")).await.json();
    let stage = format!("{stages}{}/", found["results"][0]["pk"].as_str().unwrap());
    admin.patch(&stage, json!({"device_classes": ["duo"]})).await.expect(200);
    let device = || async {
        let sql = "INSERT INTO static_devices (user_id, name, name_folded, created, last_updated) \
                   VALUES ($1, 'codes', 'codes', $2, $2) RETURNING id";
        let now = vestibule_testkit::noon();
        let mut transaction = app.store().database().begin(Durability::Full).await.unwrap();
        let row = transaction.query_one(sql, vec![pk.into(), now.into()]).await.unwrap().unwrap();
        transaction.commit().await.unwrap();
        row.int("id").unwrap()
    };
    let (kept, gone) = (device().await, device().await);
    let left =
        async || app.number("SELECT COUNT(*) AS n FROM static_devices WHERE user_id = $1", vec![pk.into()]).await;
    let path = |device: i64| format!("/api/v3/authenticators/static/{device}/");
    let mut client = app.anonymous().with_header("sec-fetch-site", "same-origin");
    login(&mut client, "alice", PASSWORD, "").await;
    let removed = client.delete(&path(gone)).await;
    assert_eq!(removed.status, 204, "{}", removed.text);
    assert!(client.get(CHANGE).await.text.contains("type=\"password\""));

    app.later(3601);
    let refused = client.delete(&path(kept)).await;
    assert_eq!((refused.status.as_u16(), refused.json()["detail"].as_str()), (403, Some("Sign in again to do this.")));
    let page = client.form(&format!("/if/user/devices/static/{kept}/remove/"), &[]).await;
    assert_eq!(page.location(), "/flows/-/default/authentication/?next=%2Fif%2Fuser%2F");
    let page = client.get(CHANGE).await.text;
    assert!(page.contains("Please sign in again") && !page.contains("type=\"password\""), "{page}");
    let answer =
        json!({"component": "ak-stage-prompt", "password": "Other-Horse-9!", "password_repeat": "Other-Horse-9!"});
    for answered in [None, Some(answer)] {
        let path = executor("default-password-change", "");
        let said = match answered {
            None => client.get(&path).await.json(),
            Some(answer) => client.post(&path, answer).await.json(),
        };
        assert_eq!(
            (&said["component"], &said["error_message"]),
            (&json!("ak-stage-access-denied"), &json!("Sign in again to do this."))
        );
    }
    assert_eq!((left().await, me(&mut client).await), (1, 200), "they are signed in all the same");
    // An administrator's program goes by its token, however old that is.
    let other = device().await;
    assert_eq!(admin.delete(&format!("/api/v3/authenticators/admin/static/{other}/")).await.status, 204);

    login(&mut client, "alice", PASSWORD, "").await;
    assert!(client.get(CHANGE).await.text.contains("type=\"password\""));
    assert_eq!(client.delete(&path(kept)).await.status, 204);
    assert_eq!(left().await, 0);
}
