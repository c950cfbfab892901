//! Mappings are tried out on users and groups of a server.
#![expect(clippy::indexing_slicing, reason = "a test ends when something is wrong")]

use serde_json::{Value, json};
use vestibule_testkit::{Client, Families, TestApp};

fn families() -> Families {
    let mut families = Families::base();
    families.kinds.extend(vestibule_property_mappings::kinds());
    families.families.extend(vestibule_property_mappings::families());
    families.operations.extend(vestibule_property_mappings::operations());
    families
}

async fn tried(app: &TestApp, admin: &mut Client, expression: &str, body: Value) -> (Value, Value) {
    let mapping = json!({"name": expression, "expression": expression, "scope_name": "x"});
    let mapping = app.create("authentik_providers_oauth2.scopemapping", mapping).await;
    let path = format!("/api/v3/propertymappings/all/{}/test/", mapping["pk"].as_str().unwrap_or_default());
    let answer = admin.post(&path, body).await.expect(200);
    (answer["result"].clone(), answer["successful"].clone())
}

#[tokio::test]
async fn a_mapping_is_tried_out_on_a_user() {
    let app = TestApp::start(families()).await;
    let mut admin = app.admin().await;
    let group = app.create("authentik_core.group", json!({"name": "staff", "attributes": {"quota": 5}})).await;
    app.create("authentik_brands.brand", json!({"domain": "localhost", "default": true})).await;
    let more = json!({"groups": [group["pk"]], "email": "jdoe@example.com", "attributes": {"shoe": 42}});
    let user = app.user("jdoe", "a password that is long", more).await;
    for (expression, result) in [
        ("return {'name': request.user.username, 'n': [1, 2]}", json!(r#"{"name": "jdoe", "n": [1, 2]}"#)),
        ("return [g.name for g in user.groups.all()]", json!(r#"["staff"]"#)),
        ("for g in request.user.ak_groups.all():\n    yield g.name", json!(r#"["staff"]"#)),
        ("return user.groups.filter(name__startswith='st').exists()", json!("true")),
        ("return ak_is_group_member(user, name='other')", json!("false")),
        ("return user.group_attributes()", json!(r#"{"quota": 5, "shoe": 42}"#)),
        ("return [user.has_usable_password(), user.is_superuser]", json!("[true, false]")),
        ("return ak_user_by(username='jdoe') == user", json!("true")),
        ("return ak_user_by(username='nobody')", json!("null")),
        ("return source['x']", json!(r#""y""#)),
        (
            "return [http_request.brand.domain, http_request.brand.branding_title]",
            json!(r#"["localhost", "Vestibule"]"#),
        ),
        ("return [request.obj.name[:6], request.debug]", json!(r#"["return", true]"#)),
        ("return http_request.tenant.default_token_length", json!("60")),
        ("user.name = 'x'\nuser.save()\nreturn ak_create_event('x')", json!("null")),
    ] {
        let body = json!({"user": user, "context": {"source": {"x": "y"}}});
        assert_eq!(tried(&app, &mut admin, expression, body).await, (result, json!(true)), "{expression}");
    }
    let sql = "SELECT COUNT(*) AS number FROM events WHERE action = 'custom_x'";
    let row = app.store().database().query_one(sql, vec![]).await.unwrap().unwrap();
    assert_eq!(row.int("number").unwrap(), 0, "a trial writes nothing down");
    assert_eq!(tried(&app, &mut admin, "return user.name", json!({"user": user})).await.0, json!(r#""jdoe""#));
    let (result, successful) = tried(&app, &mut admin, "return group.name", json!({"group": group["pk"]})).await;
    assert_eq!((result, successful), (json!(r#""staff""#), json!(true)));
}

#[tokio::test]
async fn what_fails_says_why() {
    let app = TestApp::start(families()).await;
    let mut admin = app.admin().await;
    let (result, successful) = tried(&app, &mut admin, "raise ValueError('no mail')", json!({})).await;
    assert_eq!((result, successful), (json!("ValueError: no mail"), json!(false)));
    let body = json!({"name": "a", "expression": "x = 1\nmatch x:\n    case _:\n        pass", "scope_name": "x"});
    let refused = admin.post("/api/v3/propertymappings/provider/scope/", body).await.expect(400);
    let message = refused["expression"][0].as_str().unwrap_or_default();
    assert!(message.contains("`match`") && message.contains("line 2"), "{refused}");
}
