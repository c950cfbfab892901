//! Tests of the stage that sets up an app.

use serde_json::json;
use vestibule_devices::Totp;

use super::base32;
use crate::test_support::{code_of, second_factor};

#[test]
fn base32_is_that_of_the_standard() {
    // RFC 4648, section 10.
    for (plain, coded) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foobar", "MZXW6YTBOI")] {
        assert_eq!(base32(plain.as_bytes()), coded);
    }
}

#[tokio::test]
async fn an_app_is_set_up_by_a_code_of_it() {
    let world = second_factor(json!({}), &["totp"]).await;
    let mut walker = world.setup("totp");
    let shown = walker.challenge().await;
    let url = shown["config_url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("otpauth://totp/") && url.contains("digits=6"), "{url}");
    assert_eq!(walker.challenge().await["config_url"], shown["config_url"]);
    let wrong = walker.answer(json!({"code": "000000"})).await;
    assert_eq!(wrong["response_errors"]["code"][0]["string"], "Code does not match");
    assert_eq!(wrong["config_url"], shown["config_url"]);
    let step = Totp::step(world.app.state.ctx().now());
    let code = code_of(&url, step);
    let end = walker.answer(json!({"code": code})).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    assert_eq!(world.devices().await[0]["type"], "authentik_stages_authenticator_totp.TOTPDevice");
    // The code that proved it opens nothing afterwards.
    let used = world.login_with(json!({"code": code})).await;
    assert!(used["response_errors"]["code"].is_array(), "{used}");
    world.app.clock.advance(chrono::TimeDelta::seconds(60));
    let end = world.login_with(json!({"code": code_of(&url, step + 2)})).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
}

#[tokio::test]
async fn the_secret_lies_sealed_in_session_and_table() {
    let world = second_factor(json!({}), &["totp"]).await;
    let mut walker = world.setup("totp");
    let url = walker.challenge().await["config_url"].as_str().unwrap().to_owned();
    let secret = url.split("secret=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let database = world.app.store().database();
    let rows = database.query("SELECT data FROM sessions", vec![]).await.unwrap();
    assert!(rows.iter().all(|row| !row.text("data").unwrap().contains(&secret)));
    let step = Totp::step(world.app.state.ctx().now());
    walker.answer(json!({"code": code_of(&url, step)})).await;
    let rows = database.query("SELECT key_sealed FROM totp_devices", vec![]).await.unwrap();
    assert!(rows.len() == 1 && rows.iter().all(|row| !row.text("key_sealed").unwrap().is_empty()));
}
