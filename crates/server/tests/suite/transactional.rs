//! An application with its provider and bindings: all of it or nothing, by those who may make each.

use serde_json::{Value, json};
use vestibule_testkit::Client;

use crate::app::App;
use crate::fixtures::{Fixtures, Named};

const PATH: &str = "/api/v3/core/transactional/applications/";
const MODEL: &str = "authentik_providers_oauth2.oauth2provider";

/// A body that is accepted.
async fn body(fixtures: &mut Fixtures<'_>, name: &str) -> Value {
    let mut provider = fixtures.body(fixtures.kind(MODEL), Named::Required).await;
    provider.insert("name".into(), name.into());
    let user = fixtures.key("authentik_core.user").await;
    json!({
        "app": {"name": name, "slug": name}, "provider_model": MODEL, "provider": provider,
        "policy_bindings": [{"user": user, "order": 0}, {"user": user, "order": 1, "negate": true}],
    })
}

async fn put(client: &mut Client, body: &Value) -> (u16, Value) {
    let answer = client.json(http::Method::PUT, PATH, body.clone()).await;
    (answer.status.as_u16(), answer.json())
}

#[tokio::test]
async fn an_application_is_made_with_all_that_belongs_to_it() {
    let app = App::start().await;
    let mut admin = app.admin();
    let mut fixtures = Fixtures::new(&app);
    let good = body(&mut fixtures, "shop").await;
    assert_eq!(put(&mut admin, &good).await, (200, json!({"applied": true, "logs": []})));
    let made = admin.get("/api/v3/core/applications/shop/").await.expect(200);
    assert_eq!(made["provider_obj"]["name"], "shop");
    let path = format!("/api/v3/policies/bindings/?target={}", made["pk"].as_str().unwrap());
    assert_eq!(admin.get(&path).await.expect(200)["pagination"]["count"], 2);

    // What is there is somebody's: it is not changed.
    let before = app.footprint().await;
    let taken = json!({"app": {"slug": ["Application with this slug already exists."]}});
    assert_eq!(put(&mut admin, &good).await, (400, taken));
    let mut other = body(&mut fixtures, "other").await;
    other["provider"]["name"] = json!("shop");
    let before_other = app.footprint().await;
    assert_ne!(before, before_other, "(a user was made for it)");
    let there = json!({"provider": {"name": ["State is set to must_created and object exists already"]}});
    assert_eq!(put(&mut admin, &other).await, (400, there));
    assert_eq!(app.footprint().await, before_other);
}

#[tokio::test]
async fn what_is_wrong_is_said_where_it_is_and_nothing_is_made() {
    let app = App::start().await;
    let mut admin = app.admin();
    let mut fixtures = Fixtures::new(&app);
    let good = body(&mut fixtures, "shop").await;
    let with = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let required = json!(["This field is required."]);
    let before = app.footprint().await;
    let lone = json!({"policy_bindings": [{}, {"order": ["A valid integer is required."]}]});
    for (body, expected) in [
        (json!({}), json!({"app": required, "provider_model": required, "provider": required})),
        (
            with("/app", json!("x")),
            json!({"app": {"non_field_errors": ["Invalid data. Expected a dictionary, but got str."]}}),
        ),
        (with("/provider", json!([])), json!({"provider": ["Expected a dictionary of items but got type \"list\"."]})),
        (with("/provider_model", json!("a.b")), json!({"provider_model": ["\"a.b\" is not a valid choice."]})),
        (
            with("/policy_bindings", json!("x")),
            json!({"policy_bindings": {"non_field_errors": ["Expected a list of items but got type \"str\"."]}}),
        ),
        (with("/app/slug", json!("no slug")), Value::Null),
        (with("/provider", json!({})), Value::Null),
        (with("/policy_bindings/1/order", json!("x")), lone),
        (
            with("/policy_bindings/0", json!(5)),
            json!({"policy_bindings": [{"non_field_errors": ["Invalid data. Expected a dictionary, but got int."]}, {}]}),
        ),
    ] {
        let (status, answer) = put(&mut admin, &body).await;
        assert_eq!(status, 400, "{body}: {answer}");
        assert!(expected.is_null() || answer == expected, "{body}: {answer}");
        assert_eq!(app.footprint().await, before, "{body}");
    }
    // Of an application and a provider that are both wrong, the application is said first.
    let mut both = with("/app", json!({"name": "x"}));
    both["provider"] = json!({});
    assert_eq!(put(&mut admin, &both).await, (400, json!({"app": {"slug": required}})));
    assert!(put(&mut admin, &with("/provider", json!({}))).await.1["provider"]["name"].is_array());
}

#[tokio::test]
async fn it_takes_the_permission_for_each_part() {
    let app = App::start().await;
    let (clerk, mut client) = app.clerk("clerk").await;
    let all = [
        "authentik_core.add_application",
        "authentik_providers_oauth2.add_oauth2provider",
        "authentik_policies.add_policybinding",
    ];
    let mut fixtures = Fixtures::new(&app);
    let good = body(&mut fixtures, "shop").await;
    for missing in all {
        let others: Vec<&str> = all.into_iter().filter(|one| *one != missing).collect();
        app.grants.grant(clerk, &others).await;
        let before = app.footprint().await;
        let (status, answer) = put(&mut client, &good).await;
        assert_eq!(status, 403, "without {missing}: {answer}");
        let detail = answer["detail"].as_str().unwrap();
        assert!(detail.starts_with("User lacks permission to create authentik_"), "{detail}");
        assert_eq!(app.footprint().await, before);
        app.grants.revoke_all(clerk).await;
    }
    app.grants.grant(clerk, &all[..2]).await;
    let mut without = good.clone();
    without["policy_bindings"] = json!([]);
    assert_eq!(put(&mut client, &without).await.0, 200);
    app.grants.grant(clerk, &all).await;
    let mut other = body(&mut fixtures, "other").await;
    other["provider"]["name"] = json!("other");
    assert_eq!(put(&mut client, &other).await.0, 200);
}
