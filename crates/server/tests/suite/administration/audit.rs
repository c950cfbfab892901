//! What happens is written down: what, who, from where, about what; and no secret with it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use vestibule_testkit::Client;

use crate::app::{App, PASSWORD};
use crate::security::{executor, login};

const EVENTS: &str = "/api/v3/events/events/";

/// The events of an action, the newest first.
async fn events(app: &App, action: &str) -> Vec<Value> {
    let listed = app.admin().get(&format!("{EVENTS}?actions={action}&page_size=100")).await.expect(200);
    listed["results"].as_array().unwrap().clone()
}

/// The one event of an action, which tells where it came from.
async fn only(app: &App, action: &str) -> Value {
    let found = events(app, action).await;
    assert_eq!(found.len(), 1, "{action}: {found:?}");
    let event = &found[0];
    assert_eq!(event["client_ip"], "203.0.113.9", "{action}");
    assert_eq!(event["brand"]["model_name"], "brand", "{action}");
    assert_eq!(event["context"]["http_request"]["user_agent"], "audit/1", "{action}");
    event.clone()
}

/// Somebody at an address of their own.
fn from(client: Client) -> Client {
    client.with_header("user-agent", "audit/1").with_header("x-forwarded-for", "203.0.113.9")
}

/// A server that believes what stands before it, which is the test.
async fn app() -> App {
    App::over(vestibule_testkit::TestDatabase::new().await, &[("trusted_proxies", "127.0.0.0/8,::1/128")]).await
}

#[tokio::test]
async fn signing_in_failing_and_signing_out() {
    let app = app().await;
    let alice = app.user("alice", PASSWORD).await;
    let mut client = from(app.anonymous());
    let path = executor("default-authentication-flow", "");
    client.post(&path, json!({"component": "ak-stage-identification", "uid_field": "alice"})).await;
    client.post(&path, json!({"component": "ak-stage-password", "password": "no, another one"})).await;
    let failed = only(&app, "login_failed").await;
    assert_eq!((&failed["user"]["username"], &failed["context"]["username"]), (&json!("alice"), &json!("alice")));
    assert_eq!(failed["context"]["stage"]["model_name"], "passwordstage");
    assert!(!failed.to_string().contains("another one"));

    client.post(&path, json!({"component": "ak-stage-password", "password": PASSWORD})).await;
    for _ in 0..4 {
        client.get(&path).await;
    }
    let signed_in = only(&app, "login").await;
    assert_eq!((&signed_in["user"]["pk"], &signed_in["user"]["username"]), (&json!(alice), &json!("alice")));
    assert_eq!(signed_in["context"]["auth_method"], "password");

    client.get("/if/session-end/none/").await;
    let path = executor("default-invalidation-flow", "");
    for _ in 0..4 {
        client.get(&path).await;
    }
    assert_eq!(only(&app, "logout").await["user"]["username"], "alice");
    // Nobody of that name: who was meant is told, and nobody is named.
    app.later(1);
    let mut stranger = from(app.anonymous());
    login(&mut stranger, "nobody-at-all", "wrong", "").await;
    let failed = &events(&app, "login_failed").await[0];
    assert_eq!(failed["context"]["username"], "nobody-at-all");
    assert!(failed["user"].get("pk").is_none(), "{failed}");
}

#[tokio::test]
async fn being_somebody_else_for_a_while() {
    let app = app().await;
    let bob = app.user("bob", "").await;
    let mut client = from(app.anonymous().with_header("sec-fetch-site", "same-origin"));
    login(&mut client, "akadmin", PASSWORD, "").await;
    let path = format!("/api/v3/core/users/{bob}/impersonate/");
    client.post(&path, json!({"reason": "to help"})).await.expect(204);
    let started = only(&app, "impersonation_started").await;
    assert_eq!(started["user"]["username"], "akadmin");
    assert_eq!((&started["context"]["user"]["pk"], &started["context"]["reason"]), (&json!(bob), &json!("to help")));
    client.get("/api/v3/core/users/impersonate_end/").await.expect(204);
    let ended = only(&app, "impersonation_ended").await;
    assert!(ended.to_string().contains("akadmin"), "{ended}");
}

#[tokio::test]
async fn passwords_that_are_set() {
    let app = app().await;
    let pk = app.user("alice", "").await;
    let mut admin = from(app.admin());
    admin.post(&format!("/api/v3/core/users/{pk}/set_password/"), json!({"password": PASSWORD})).await.expect(204);
    let set = only(&app, "password_set").await;
    assert_eq!((&set["user"]["username"], &set["context"]["user"]["pk"]), (&json!("akadmin"), &json!(pk)));
    assert!(!set.to_string().contains(PASSWORD));
}

#[tokio::test]
async fn secrets_that_are_looked_at() {
    let app = app().await;
    let mut admin = from(app.admin());
    admin.post("/api/v3/core/tokens/", json!({"identifier": "looked-at", "intent": "api"})).await.expect(201);
    let made = json!({"common_name": "looked-at", "validity_days": 5, "alg": "ecdsa"});
    let pair = admin.post("/api/v3/crypto/certificatekeypairs/generate/", made).await.expect(200);
    let flow = |slug: &str| format!("/api/v3/flows/instances/{slug}/");
    let flows = [
        admin.get(&flow("default-provider-authorization-implicit-consent")).await.expect(200)["pk"].clone(),
        admin.get(&flow("default-provider-invalidation-flow")).await.expect(200)["pk"].clone(),
    ];
    let provider = |name: &str| json!({"name": name, "authorization_flow": flows[0], "invalidation_flow": flows[1], "redirect_uris": []});
    let provider_one = admin.post("/api/v3/providers/oauth2/", provider("one")).await.expect(201);
    admin.post("/api/v3/providers/oauth2/", provider("two")).await.expect(201);
    assert_eq!(events(&app, "secret_view").await.len(), 0, "whoever makes one knows it");

    let pair = format!("/api/v3/crypto/certificatekeypairs/{}/", pair["pk"].as_str().unwrap());
    let provider = format!("/api/v3/providers/oauth2/{}/", provider_one["pk"]);
    for (path, model, kind) in [
        ("/api/v3/core/tokens/looked-at/view_key/".to_owned(), "token", Value::Null),
        (format!("{pair}view_certificate/"), "certificatekeypair", json!("certificate")),
        (format!("{pair}view_private_key/?download"), "certificatekeypair", json!("private_key")),
        (provider.clone(), "oauth2provider", json!("client_secret")),
    ] {
        app.later(1);
        assert_eq!(admin.get(&path).await.status, 200, "{path}");
        let event = &events(&app, "secret_view").await[0];
        let context = &event["context"];
        assert_eq!((&context["secret"]["model_name"], &context["type"]), (&json!(model), &kind), "{path}: {event}");
        assert_eq!((&event["client_ip"], &event["user"]["username"]), (&json!("203.0.113.9"), &json!("akadmin")));
        assert!(!event.to_string().contains(provider_one["client_secret"].as_str().unwrap()));
    }
    app.later(1);
    admin.get("/api/v3/providers/oauth2/").await.expect(200);
    let seen = events(&app, "secret_view").await;
    assert_eq!((seen.len(), seen[0]["context"]["secrets"].as_array().unwrap().len()), (5, 2));
    // Who reads no secret leaves none behind; nor does whoever only sees the family.
    let (reader, mut client) = app.clerk("reader").await;
    app.grants.grant(reader, &["authentik_providers_oauth2.view_oauth2provider", "authentik_core.view_provider"]).await;
    assert_eq!(client.get(&provider).await.expect(200)["client_secret"], "");
    client.get("/api/v3/providers/all/").await.expect(200);
    assert_eq!(events(&app, "secret_view").await.len(), 5);
    app.later(1);
    admin.post("/api/v3/core/tokens/looked-at/set_key/", json!({"key": "of-my-own-choice"})).await.expect(204);
    let rotated = &events(&app, "secret_rotate").await[0];
    assert_eq!((&rotated["client_ip"], &rotated["user"]["username"]), (&json!("203.0.113.9"), &json!("akadmin")));
    assert!(!rotated.to_string().contains("of-my-own-choice"));
}

#[tokio::test]
async fn settings_and_what_a_deletion_changes_elsewhere() {
    let app = app().await;
    let mut admin = from(app.admin());
    admin.patch("/api/v3/admin/settings/", json!({"event_retention": "days=7"})).await.expect(200);
    let updated = only(&app, "model_updated").await;
    let diff = &updated["context"]["diff"];
    assert_eq!(diff["event_retention"], json!({"previous_value": "days=365", "new_value": "days=7"}));
    assert_eq!(
        (diff.as_object().unwrap().len(), &updated["context"]["model"]["app"]),
        (1, &json!("authentik_tenants"))
    );

    app.later(1);
    let group = admin.post("/api/v3/core/groups/", json!({"name": "told"})).await.expect(201);
    let rule = json!({"name": "rule", "destination_group": group["pk"]});
    let rule = admin.post("/api/v3/events/rules/", rule).await.expect(201);
    admin.delete(&format!("/api/v3/core/groups/{}/", group["pk"].as_str().unwrap())).await.expect(204);
    let updated = events(&app, "model_updated").await;
    let pk = rule["pk"].as_str().unwrap().replace('-', "");
    assert_eq!(updated[0]["context"]["model"]["pk"], pk, "{updated:?}");
    let difference = &updated[0]["context"]["diff"]["destination_group"];
    assert_eq!(difference, &json!({"previous_value": group["pk"], "new_value": null}));
}

/// An event names what it is about as its users do, whatever other lists call it.
#[tokio::test]
async fn names_in_events_are_plain() {
    let app = app().await;
    let mut admin = from(app.admin());
    admin.post("/api/v3/rbac/roles/", json!({"name": "plain"})).await.expect(201);
    admin.post("/api/v3/events/transports/", json!({"name": "plain"})).await.expect(201);
    let names: Vec<_> =
        events(&app, "model_created").await.iter().map(|one| one["context"]["model"]["name"].clone()).collect();
    assert_eq!(names, ["plain", "plain"]);
}

#[test]
fn commands() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str], input: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.current_dir(folder.path()).args(["--data", "data"]).args(arguments).env_remove("VESTIBULE_CONFIG");
        command.env("VESTIBULE_SECRET_KEY", "a secret key for tests").stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{arguments:?}");
    };
    std::fs::write(
        folder.path().join("a.yaml"),
        "entries:\n  - model: authentik_stages_dummy.dummystage\n    identifiers: {name: from a file}\n",
    )
    .unwrap();
    run(&["import", "a.yaml"], "");
    run(&["user", "create", "carol"], "");
    run(&["user", "set-password", "carol"], "Carols own password\n");
    run(&["user", "login-link", "carol"], "");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let told = runtime.block_on(async {
        let file = folder.path().join("data/vestibule.sqlite3");
        let database = vestibule_store::Database::sqlite(&file).await.unwrap();
        let rows = database.query("SELECT action, context FROM events ORDER BY created", vec![]).await.unwrap();
        rows.iter().map(|row| (row.text("action").unwrap(), row.json("context").unwrap())).collect::<Vec<_>>()
    });
    let actions: Vec<_> = told.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions, ["model_created", "model_created", "password_set", "secret_view"]);
    assert_eq!(told[2].1["user"]["username"], "carol");
    assert!(told.iter().all(|(_, context)| !context.to_string().contains("Carols own password")));
}

#[tokio::test]
async fn what_the_server_itself_does_wrong() {
    let app = app().await;
    let mut admin = app.admin();
    let flow = json!({"name": "f", "slug": "failing", "title": "f", "designation": "enrollment"});
    let flow = admin.post("/api/v3/flows/instances/", flow).await.expect(201);
    let stage = json!({"name": "fails", "throw_error": true});
    let stage = admin.post("/api/v3/stages/dummy/", stage).await.expect(201);
    let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": 0});
    admin.post("/api/v3/flows/bindings/", binding).await.expect(201);
    let mut client = from(app.anonymous());
    let answer = client.get(&executor("failing", "")).await.expect(200);
    assert_eq!(answer["component"], "ak-stage-flow-error");
    let event = only(&app, "system_exception").await;
    assert_eq!(event["context"]["http_request"]["path"], "/api/v3/flows/executor/failing/");
    app.later(1);
    assert_eq!(client.get("/if/flow/failing/").await.status, 500);
    assert_eq!(events(&app, "system_exception").await[0]["context"]["http_request"]["path"], "/if/flow/failing/");
}
