//! Tests of the stage that gives recovery codes.

use serde_json::{Value, json};

use crate::test_support::second_factor;

#[tokio::test]
async fn codes_are_kept_once_they_are_taken_and_each_opens_once() {
    let world = second_factor(json!({}), &["static"]).await;
    let mut walker = world.setup("static");
    let shown = walker.challenge().await;
    let codes: Vec<String> =
        shown["codes"].as_array().unwrap().iter().map(|c| c.as_str().unwrap().to_owned()).collect();
    assert_eq!((codes.len(), codes[0].len()), (6, 12), "{shown}");
    // Loading the page again shows the same, and nothing is kept before they are taken.
    assert_eq!(walker.challenge().await["codes"], shown["codes"]);
    assert_eq!(world.devices().await, Value::Array(vec![]));
    let empty = walker.answer(json!({"x": 1})).await;
    assert_eq!(empty["component"], "ak-stage-authenticator-static");
    walker.answer(json!({"component": "ak-stage-authenticator-static"})).await;
    assert_eq!(world.devices().await[0]["type"], "authentik_stages_authenticator_static.StaticDevice");

    let mut admin = world.admin.clone();
    let listed = admin.get("/api/v3/authenticators/admin/static/").await.expect(200);
    assert_eq!(listed["results"][0]["token_set"].as_array().unwrap().len(), 6);
    let end = world.login_with(json!({"code": codes[0]})).await;
    assert_eq!(end["component"], "xak-flow-redirect", "{end}");
    let listed = admin.get("/api/v3/authenticators/admin/static/").await.expect(200);
    assert_eq!(listed["results"][0]["token_set"].as_array().unwrap().len(), 5);
    let again = world.login_with(json!({"code": codes[0]})).await;
    assert_eq!(again["response_errors"]["code"][0]["code"], "invalid", "{again}");
}
