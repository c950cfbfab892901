//! Tests of the stage that signs in: how long, where, and in which browser.

use serde_json::{Value, json};
use vestibule_testkit::{Client, TestApp};

use crate::test_support::{PASSWORD, SLUG, two_steps};

const ME: &str = "/api/v3/core/users/me/";

/// A login whose last stage is as `settings` say.
async fn login(settings: Value) -> TestApp {
    let login = two_steps(json!({}), json!({})).await;
    let mut admin = login.app.admin().await;
    let list = admin.get("/api/v3/stages/user_login/").await.expect(200);
    let pk = list["results"][0]["pk"].as_str().unwrap().to_owned();
    admin.patch(&format!("/api/v3/stages/user_login/{pk}/"), settings).await.expect(200);
    login.app.user("bob", PASSWORD, json!({})).await;
    login.app
}

/// Signs in; the browser.
async fn sign_in(app: &TestApp, who: &str) -> Client {
    let mut walker = app.walker(SLUG);
    assert_eq!(walker.login(who, PASSWORD).await["component"], "xak-flow-redirect");
    walker.client
}

/// Whether the last login was in a known browser.
async fn was_known(app: &TestApp) -> bool {
    let sql = "SELECT context FROM events WHERE action = 'login' ORDER BY created DESC, pk";
    let rows = app.store().database().query(sql, vec![]).await.unwrap();
    let known: Vec<bool> = rows
        .iter()
        .map(|row| row.json("context").unwrap()["auth_method_args"]["known_device"].as_bool().unwrap())
        .collect();
    app.store().database().execute(vestibule_store::Durability::Process, "DELETE FROM events", vec![]).await.unwrap();
    known[0]
}

#[tokio::test]
async fn a_browser_is_known_again_by_the_one_who_used_it() {
    for stay in ["seconds=0", "days=1"] {
        let app = login(json!({"remember_device": "days=2", "remember_me_offset": stay})).await;
        let enter = async |who: &str, device: Option<&str>| {
            let mut walker = app.walker(SLUG);
            if let Some(device) = device {
                walker.client.cookies.insert("authentik_device".into(), device.into());
            }
            walker.login(who, PASSWORD).await;
            // Who is asked whether to stay signed in is known no less.
            if stay != "seconds=0" {
                walker.answer(json!({"remember_me": false})).await;
            }
            walker.client
        };
        let device = enter("alice", None).await.cookies["authentik_device"].clone();
        assert!(!was_known(&app).await, "{stay}");
        enter("alice", Some(&device)).await;
        assert!(was_known(&app).await, "{stay}");
        enter("bob", Some(&device)).await;
        assert!(!was_known(&app).await, "somebody else's");
        let (said, signature) = device.split_once('.').unwrap();
        for forged in
            [format!("{said}.{}", "0".repeat(64)), format!("x{said}.{signature}"), String::from("."), "x".repeat(5000)]
        {
            enter("alice", Some(&forged)).await;
            assert!(!was_known(&app).await, "{forged}");
        }
        app.clock.advance(chrono::TimeDelta::days(2));
        enter("alice", Some(&device)).await;
        assert!(!was_known(&app).await, "too long ago");
    }
    let app = login(json!({"remember_device": "seconds=0"})).await;
    assert!(!sign_in(&app, "alice").await.cookies.contains_key("authentik_device"));
}

#[tokio::test]
async fn a_bound_session_ends_when_it_comes_from_elsewhere() {
    for (settings, ends) in [
        (json!({}), false),
        (json!({"network_binding": "bind_asn"}), true),
        (json!({"geoip_binding": "bind_continent"}), true),
    ] {
        let app = login(settings.clone()).await;
        let mut browser = sign_in(&app, "alice").await;
        browser.get(ME).await.expect(200);
        let sql = "UPDATE sessions SET client_ip = '203.0.113.7'";
        app.store().database().execute(vestibule_store::Durability::Process, sql, vec![]).await.unwrap();
        let status = browser.get(ME).await.status;
        assert_eq!(status == 403, ends, "{settings}");
        let sql = "SELECT context FROM events WHERE action = 'logout'";
        let rows = app.store().database().query(sql, vec![]).await.unwrap();
        assert_eq!(rows.len(), usize::from(ends));
        for row in rows {
            let context = row.json("context").unwrap();
            assert_eq!(context["logout_reason"], "Session binding broken");
            assert_eq!(context["ip"]["previous"], "203.0.113.7");
        }
    }
}

#[tokio::test]
async fn a_session_lasts_as_long_as_it_says() {
    let app = login(json!({"session_duration": "hours=1", "remember_me_offset": "hours=2"})).await;
    for (answer, hours) in [(json!(false), 1), (json!("No"), 1), (json!(true), 3), (json!(1), 3)] {
        let mut walker = app.walker(SLUG);
        let question = walker.login("alice", PASSWORD).await;
        assert_eq!(question["component"], "ak-stage-user-login");
        for wrong in [json!({"component": "ak-stage-user-login"}), json!({"remember_me": "perhaps"})] {
            let again = walker.answer(wrong).await;
            assert!(again["response_errors"]["remember_me"].is_array(), "{again}");
        }
        assert_eq!(walker.answer(json!({"remember_me": answer})).await["component"], "xak-flow-redirect", "{answer}");
        app.clock.advance(chrono::TimeDelta::minutes(hours * 60 - 1));
        walker.client.get(ME).await.expect(200);
        app.clock.advance(chrono::TimeDelta::minutes(1));
        walker.client.get(ME).await.expect(403);
    }
}

#[tokio::test]
async fn other_sessions_of_the_user_end_where_that_is_wanted() {
    for wanted in [false, true] {
        let app = login(json!({"terminate_other_sessions": wanted})).await;
        let mut before = sign_in(&app, "alice").await;
        let mut others = sign_in(&app, "bob").await;
        let mut now = sign_in(&app, "alice").await;
        now.get(ME).await.expect(200);
        others.get(ME).await.expect(200);
        assert_eq!(before.get(ME).await.status == 403, wanted);
    }
}
