//! Calls every operation of our own document: each exists, and answers what the document says.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use vestibule_openapi_contract::{Document, validate};
use vestibule_resource::Kind;
use vestibule_store::Durability;
use vestibule_tasks::NewTask;
use vestibule_testkit::{Answer, Client};

use crate::app::{App, PASSWORD};
use crate::fixtures::{Fixtures, Named, Object, key};

/// What cannot be found, because nothing of it can exist yet: there is no kind of policy to make one of.
const NOTHING_TO_FIND: [&str; 4] = [
    "DELETE /policies/all/{policy_uuid}/",
    "GET /policies/all/{policy_uuid}/",
    "GET /policies/all/{policy_uuid}/used_by/",
    "POST /policies/all/{policy_uuid}/test/",
];

/// What is refused, whoever asks: nothing here can do it yet, and the answer says so.
const REFUSED: [&str; 2] = ["POST /core/users/{id}/recovery/", "POST /core/users/{id}/recovery_email/"];

/// Somebody whose browser is signed in as the first administrator.
async fn browser(app: &App) -> Client {
    let mut client = app.anonymous().with_header("sec-fetch-site", "same-origin");
    let path = "/api/v3/flows/executor/default-authentication-flow/?query=";
    let mut answer = client.get(path).await;
    for body in [json!({"uid_field": "akadmin"}), json!({"password": PASSWORD})] {
        client.post(path, body).await;
        for _ in 0..5 {
            answer = client.get(path).await;
        }
    }
    assert_eq!(answer.status, 200, "{}", answer.text);
    client.get("/api/v3/core/users/me/").await.expect(200);
    client
}

/// An administrator whose browser stands in the middle of a flow.
async fn inspector(app: &App) -> Client {
    let mut client = app.admin();
    let path = "/api/v3/flows/executor/default-authentication-flow/?query=";
    client.post(path, json!({"component": "ak-stage-identification", "uid_field": "akadmin"})).await;
    client
}

/// The kind that a path of the document is about.
fn kind_of<'k>(kinds: &[&'k Kind], path: &str) -> Option<&'k Kind> {
    kinds.iter().copied().find(|kind| {
        let base = kind.wire_path();
        let rest = path.strip_prefix(base.trim_start_matches("/api/v3"));
        rest.is_some_and(|rest| rest.starts_with('{'))
    })
}

/// The key of what no client makes: a schedule, a task that was given up, a notification of the first administrator.
async fn made_by_the_server(app: &App, path: &str) -> Uuid {
    let database = app.store().database();
    if path.starts_with("/tasks/schedules/") {
        let row = database.query_one("SELECT id FROM schedules", vec![]).await.unwrap().unwrap();
        return row.uuid("id").unwrap();
    }
    let ctx = &app.server.api.ctx;
    let mut transaction = database.begin(Durability::Process).await.unwrap();
    let key = if path.starts_with("/tasks/") {
        let key = NewTask::new("a test", json!({})).enqueue(ctx, &mut transaction).await.unwrap();
        let sql = "UPDATE tasks SET state = 'rejected', due = NULL WHERE id = $1";
        transaction.execute(sql, vec![key.into()]).await.unwrap();
        key
    } else {
        let sql = "INSERT INTO notifications (pk, user_id, severity, body, created, seen, event_pk) \
                   SELECT $1, users.id, 'notice', 'x', $2, FALSE, (SELECT pk FROM events LIMIT 1) FROM users WHERE username = 'akadmin'";
        let key = ctx.uuid();
        transaction.execute(sql, vec![key.into(), ctx.now().into()]).await.unwrap();
        key
    };
    transaction.commit().await.unwrap();
    key
}

/// What an address must have beyond its path.
fn needed(method: &str, path: &str) -> &'static str {
    match (method, path) {
        ("DELETE", "/admin/file/") | ("GET", "/admin/file/used_by/") => "?name=logo.png",
        (_, "/events/events/stats/") => "?count_steps=days%3D1",
        _ => "",
    }
}

async fn parameter(fixtures: &mut Fixtures<'_>, path: &str) -> String {
    let kinds = fixtures.kinds();
    let kind = match path {
        path if path.starts_with("/stages/all/") => fixtures.kind("authentik_stages_dummy.dummystage"),
        path if path.starts_with("/sources/all/") => fixtures.kind("authentik_sources_oauth.oauthsource"),
        path if path.starts_with("/policies/all/") => return fixtures.app.server.api.ctx.uuid().to_string(),
        path if path.starts_with("/tasks/") || path.starts_with("/events/notifications/") => {
            return made_by_the_server(fixtures.app, path).await.to_string();
        }
        path if path.starts_with("/tenants/") => return fixtures.app.server.api.ctx.uuid().to_string(),
        path if path.starts_with("/flows/executor/") || path.starts_with("/flows/inspector/") => {
            return "default-authentication-flow".into();
        }
        path if path.contains("/version/history/") => return "1".into(),
        path if path.ends_with("/execute/") => return "default-authentication-flow".into(),
        path => kind_of(&kinds, path).unwrap_or_else(|| panic!("what is the parameter of {path}?")),
    };
    // A mail of a test needs a mail server.
    let named = if path.starts_with("/events/transports/") { Named::Required } else { Named::All };
    let object = fixtures.create(kind, named).await;
    key(kind, &object)
}

/// What an operation is sent: the least that it takes.
async fn body(fixtures: &mut Fixtures<'_>, method: &str, path: &str) -> Option<Value> {
    let kinds = fixtures.kinds();
    let list = kinds.iter().copied().find(|kind| kind.wire_path() == format!("/api/v3{path}"));
    if let ("POST", Some(kind)) = (method, list) {
        return Some(fixtures.body(kind, Named::Required).await.into());
    }
    if let ("PUT" | "PATCH", Some(kind)) = (method, kind_of(&kinds, path)) {
        return Some(fixtures.body(kind, Named::Required).await.into());
    }
    if path.starts_with("/tasks/schedules/{") && matches!(method, "PUT" | "PATCH") {
        return Some(json!({"crontab": "0 3 * * *"}));
    }
    if path == "/admin/settings/" && method != "GET" {
        let flags = ["core_default_app_access", "enterprise_audit_include_expanded_diff"];
        let flags = flags.into_iter().chain(["flows_continuous_login", "flows_refresh_others"]);
        return Some(json!({"flags": flags.map(|flag| (flag.to_owned(), false.into())).collect::<Object>()}));
    }
    if method != "POST" {
        return None;
    }
    let user = async |fixtures: &mut Fixtures<'_>| fixtures.key("authentik_core.user").await;
    Some(match path.trim_end_matches('/').rsplit('/').next().unwrap_or_default() {
        "set_password" => json!({"password": "a new password"}),
        "set_password_hash" => {
            json!({"password": "pbkdf2_sha256$1000$salt$dCX+EsuQTcd1JLRwdyVQOLMqn8EY3X5AsWpgYRa4A6Y="})
        }
        "service_account" => json!({"name": "a program"}),
        "impersonate" => json!({"reason": "a test"}),
        "add_user" | "remove_user" => json!({"pk": user(fixtures).await}),
        "set_key" => json!({"key": "a new key of a token"}),
        "recovery_email" => json!({"email_stage": fixtures.app.server.api.ctx.uuid()}),
        "switch" => json!({"action": "add"}),
        "{flow_slug}" => json!({"component": "ak-stage-identification", "uid_field": "nobody"}),
        "test" => json!({"user": user(fixtures).await}),
        _ => json!({}),
    })
}

async fn call(client: &mut Client, method: &str, path: &str, body: Option<Value>) -> Answer {
    if path.ends_with("/blueprints/import/") {
        let text = "version: 1\nmetadata: {name: a test}\nentries: []\n";
        let form = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"b.yaml\"\r\n\r\n{text}\r\n--edge--\r\n"
        );
        return client.send(Method::POST, path, Some("multipart/form-data; boundary=edge"), form.into_bytes()).await;
    }
    if method == "POST" && path.ends_with("/admin/file/") {
        let form =
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.gif\"\r\n\r\nGIF89a\r\n--edge--\r\n";
        return client.send(Method::POST, path, Some("multipart/form-data; boundary=edge"), form.into()).await;
    }
    let method: Method = method.parse().unwrap();
    match body {
        Some(body) => client.json(method, path, body).await,
        None => client.send(method, path, None, Vec::new()).await,
    }
}

/// What is wrong with an answer.
fn wrong(document: &Document, name: &str, method: &str, path: &str, answer: &Answer) -> Vec<String> {
    let status = answer.status.as_u16();
    let expected = match name {
        name if NOTHING_TO_FIND.contains(&name) || path.starts_with("/tenants/") => status == 404,
        name if REFUSED.contains(&name) => status == 400,
        _ => (200..300).contains(&status) || (status == 302 && path.starts_with("/flows/executor/")),
    };
    if !expected {
        return vec![format!("{status}: {}", answer.text)];
    }
    // As recorded, and unlike the document: a text where a list of texts belongs.
    if REFUSED.contains(&name) {
        return Vec::new();
    }
    let is_json = answer.headers.get("content-type").is_some_and(|kind| kind == "application/json");
    match document.answer_schema(method, path, status) {
        _ if status == 404 || status == 302 => Vec::new(),
        Some(schema) if is_json => validate(document.root(), schema, &answer.json()),
        Some(_) => Vec::new(),
        None if answer.text.is_empty() => Vec::new(),
        None => vec![format!("{status} is not in the document, or has no body there: {}", answer.text)],
    }
}

#[tokio::test]
async fn every_operation_answers_what_the_document_says() {
    let app = App::start().await;
    let document = Document::new(app.schema().await);
    let mut fixtures = Fixtures::new(&app);
    let brands = app.admin().get("/api/v3/core/brands/").await.expect(200);
    let brand = format!("/api/v3/core/brands/{}/", brands["results"][0]["brand_uuid"].as_str().unwrap());
    let flow = fixtures.key("authentik_flows.flow").await;
    app.admin().patch(&brand, json!({"flow_user_switch": flow})).await.expect(200);

    let (mut found, mut count) = (Vec::new(), 0);
    let operations: Vec<(String, String)> =
        document.operations().map(|(method, path)| (method, path.to_owned())).collect();
    for (method, path) in operations {
        let name = format!("{method} {path}");
        let mut actual = format!("/api/v3{path}");
        if let Some((before, rest)) = path.split_once('{') {
            let (_, after) = rest.split_once('}').unwrap();
            actual = format!("/api/v3{before}{}{after}", parameter(&mut fixtures, &path).await);
        }
        actual.push_str(needed(&method, &path));
        let body = body(&mut fixtures, &method, &path).await;
        let of_a_session = ["/impersonate", "/switch/", "/flows/inspector/", "/flows/executor/"];
        let answer = if of_a_session.iter().any(|part| path.contains(part)) {
            let mut client =
                if path.contains("/flows/inspector/") { inspector(&app).await } else { browser(&app).await };
            if path.ends_with("/impersonate_end/") {
                let other = fixtures.key("authentik_core.user").await;
                let path = format!("/api/v3/core/users/{other}/impersonate/");
                client.post(&path, json!({"reason": "a test"})).await.expect(204);
            }
            call(&mut client, &method, &actual, body).await
        } else {
            call(&mut app.admin(), &method, &actual, body).await
        };
        found.extend(wrong(&document, &name, &method, &path, &answer).iter().map(|what| format!("{name}: {what}")));
        count += 1;
    }
    println!("{count} operations called");
    assert!(found.is_empty(), "{}", found.join("\n"));
}
