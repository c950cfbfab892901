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

/// Signs in, with the device that a browser had before; its browser.
async fn sign_in(app: &TestApp, who: &str, device: Option<&str>) -> Client {
    let mut walker = app.walker(SLUG);
    if let Some(device) = device {
        walker.client.cookies.insert("authentik_device".into(), device.into());
    }
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
    assert!(!sign_in(&app, "alice", None).await.cookies.contains_key("authentik_device"));
}

#[tokio::test]
async fn a_bound_session_ends_when_it_comes_from_elsewhere() {
    for (settings, ends) in [
        (json!({}), false),
        (json!({"network_binding": "bind_asn"}), true),
        (json!({"geoip_binding": "bind_continent"}), true),
    ] {
        let app = login(settings.clone()).await;
        let mut browser = sign_in(&app, "alice", None).await;
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
