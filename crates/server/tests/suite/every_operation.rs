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

/// What is refused, whoever asks: nothing here can do it yet, and the answer says so.
pub(crate) const REFUSED: [&str; 11] = [
    // A device is set up by who has it.
    "POST /authenticators/admin/duo/",
    "POST /authenticators/admin/email/",
    "POST /authenticators/admin/sms/",
    "POST /authenticators/admin/static/",
    "POST /authenticators/admin/totp/",
    "POST /authenticators/admin/webauthn/",
    // Nobody is at Duo.
    "POST /stages/authenticator/duo/{stage_uuid}/enrollment_status/",
    "POST /stages/authenticator/duo/{stage_uuid}/import_devices_automatic/",
    "POST /core/users/{id}/recovery/",
    "POST /core/users/{id}/recovery_email/",
    // Groups are connected by signing in.
    "POST /sources/group_connections/oauth/",
];

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

/// The key of what no client makes: a schedule, a task that was given up, a notification or a consent of the first
/// administrator.
async fn made_by_the_server(fixtures: &mut Fixtures<'_>, path: &str) -> String {
    if path.starts_with("/core/user_consent/") {
        return consent(fixtures).await.to_string();
    }
    if path.starts_with("/oauth2/") {
        return grant(fixtures, path).await.to_string();
    }
    let app = fixtures.app;
    let database = app.store().database();
    if path.starts_with("/tasks/schedules/") {
        let row = database.query_one("SELECT id FROM schedules", vec![]).await.unwrap().unwrap();
        return row.uuid("id").unwrap().to_string();
    }
    let ctx = &app.server.api.ctx;
    let mut transaction = database.begin(Durability::Process).await.unwrap();
    let key = if path.starts_with("/policies/") {
        let sql = "INSERT INTO reputation_scores (pk, identifier, ip, ip_geo_data, ip_asn_data, score, updated, expires) \
                   VALUES ($1, $2, '192.0.2.1', '{}', '{}', -1, $3, $3)";
        let key = ctx.uuid();
        transaction.execute(sql, vec![key.into(), key.to_string().into(), ctx.now().into()]).await.unwrap();
        key
    } else if path.starts_with("/tasks/") {
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
    key.to_string()
}

/// A new consent of the first administrator, to a new application.
async fn consent(fixtures: &mut Fixtures<'_>) -> i64 {
    let application = fixtures.key("authentik_core.application").await;
    let application: Uuid = application.as_str().unwrap().parse().unwrap();
    let mut transaction = fixtures.app.store().database().begin(Durability::Process).await.unwrap();
    let sql = "INSERT INTO user_consents (user_id, application, permissions, expiring) \
               SELECT id, $1, '', FALSE FROM users WHERE username = 'akadmin' RETURNING id";
    let row = transaction.query_one(sql, vec![application.into()]).await.unwrap().unwrap();
    let key = row.int("id").unwrap();
    transaction.commit().await.unwrap();
    key
}

/// A new code or token of the first administrator, of a new provider.
async fn grant(fixtures: &mut Fixtures<'_>, path: &str) -> i64 {
    let provider = fixtures.key("authentik_providers_oauth2.oauth2provider").await.as_i64().unwrap();
    let (table, hash, more) = match path.split('/').nth(2).unwrap() {
        "authorization_codes" => ("oauth2_codes", "code_hash", "granted"),
        "access_tokens" => ("oauth2_access_tokens", "token_hash", "id_token"),
        _ => ("oauth2_refresh_tokens", "token_hash", "granted, id_token"),
    };
    let values = if more.contains(',') { "'{}', '{}'" } else { "'{}'" };
    let ctx = &fixtures.app.server.api.ctx;
    let sql = format!(
        "INSERT INTO {table} (user_id, provider, scope, expires, family, {hash}, {more}) \
         SELECT id, $1, 'openid', $2, $3, $4, {values} FROM users WHERE username = 'akadmin' RETURNING id"
    );
    let params = vec![provider.into(), ctx.now().into(), ctx.uuid().into(), ctx.uuid().to_string().into()];
    let mut transaction = fixtures.app.store().database().begin(Durability::Process).await.unwrap();
    let key = transaction.query_one(sql, params).await.unwrap().unwrap().int("id").unwrap();
    transaction.commit().await.unwrap();
    key
}

/// A new device of a new user, of the kind that a path is about.
async fn device(fixtures: &mut Fixtures<'_>, path: &str) -> String {
    let mut parts = path.split('/').skip(2);
    let class = parts.find(|part| *part != "admin").unwrap();
    let more = match class {
        "totp" => ", key_sealed, digits, last_step) SELECT '', 6, 0",
        "webauthn" => {
            ", credential_id, credential, sign_count, rp_id, aaguid) SELECT $4, 'null', 0, 'x', '00000000-0000-0000-0000-000000000000'"
        }
        "email" => ", email, stage) SELECT 'a@b.example', $3",
        "sms" => ", phone_number, is_hashed, stage) SELECT '+1', FALSE, $3",
        "duo" => ", duo_user_id, stage) SELECT 'x', $3",
        _ => ") SELECT ",
    };
    let user = fixtures.key("authentik_core.user").await;
    let (columns, values) = more.split_once(") SELECT ").unwrap();
    let values = if values.is_empty() { String::new() } else { format!(", {values}") };
    let sql = format!(
        "INSERT INTO {class}_devices (user_id, name, name_folded, created, last_updated{columns}) \
         SELECT id, $1, $1, $2, $2{values} FROM users WHERE id = {user} RETURNING id"
    );
    let ctx = &fixtures.app.server.api.ctx;
    let mut params = vec!["device".into(), ctx.now().into()];
    if sql.contains("$3") {
        params.push(ctx.uuid().into());
    }
    let sql = if sql.contains("$4") {
        params.push(ctx.uuid().to_string().into());
        sql.replace("$4", "$3")
    } else {
        sql
    };
    let mut transaction = fixtures.app.store().database().begin(Durability::Process).await.unwrap();
    let key = transaction.query_one(sql, params).await.unwrap().unwrap().int("id").unwrap();
    transaction.commit().await.unwrap();
    key.to_string()
}

/// A connection to a source: they come to be when somebody signs in.
async fn connection(fixtures: &mut Fixtures<'_>, path: &str) -> String {
    let source = fixtures.kind("authentik_sources_oauth.oauthsource");
    let source = fixtures.create(source, Named::Required).await["pk"].as_str().unwrap().to_owned();
    let ctx = &fixtures.app.server.api.ctx;
    let (now, identifier) = (ctx.now().into(), ctx.uuid().to_string().into());
    let params = vec![source.parse::<Uuid>().unwrap().into(), identifier, now];
    let sql = if path.contains("/user_connections/") {
        "INSERT INTO user_source_connections (user_id, source, source_slug, identifier, identifier_folded, created, last_updated, expires) \
         SELECT id, $1, '', $2, $2, $3, $3, $3 FROM users WHERE username = 'akadmin' RETURNING id"
    } else {
        "INSERT INTO group_source_connections (group_pk, source, source_slug, identifier, identifier_folded, created, last_updated) \
         SELECT pk, $1, '', $2, $2, $3, $3 FROM groups WHERE name = 'authentik Admins' RETURNING id"
    };
    let mut transaction = fixtures.app.store().database().begin(Durability::Process).await.unwrap();
    let key = transaction.query_one(sql, params).await.unwrap().unwrap().int("id").unwrap();
    transaction.commit().await.unwrap();
    key.to_string()
}

/// What an address must have beyond its path.
pub(crate) fn needed(method: &str, path: &str) -> &'static str {
    match (method, path) {
        ("DELETE", "/admin/file/") | ("GET", "/admin/file/used_by/") => "?name=logo.png",
        (_, "/events/events/stats/") => "?count_steps=days%3D1",
        _ => "",
    }
}

/// A change after which there is nothing left to put back: one that is undone already, or the last one.
async fn a_change(fixtures: &mut Fixtures<'_>, path: &str) -> String {
    let stage = fixtures.admin.post("/api/v3/stages/dummy/", serde_json::json!({"name": path})).await.expect(201);
    let stage = stage["pk"].as_str().unwrap();
    fixtures.admin.delete(&format!("/api/v3/stages/dummy/{stage}/")).await.expect(204);
    let changes = format!("/api/vestibule/v1/configuration/changes/?object={stage}");
    let changes = fixtures.admin.get(&changes).await.expect(200);
    let which = usize::from(path.ends_with("/undo/"));
    changes["results"][which]["change"].as_str().unwrap().to_owned()
}

pub(crate) async fn parameter(fixtures: &mut Fixtures<'_>, path: &str) -> String {
    let kinds = fixtures.every_kind();
    let kind = match path {
        path if path.starts_with("/stages/all/") => fixtures.kind("authentik_stages_dummy.dummystage"),
        path if path.starts_with("/sources/all/") => fixtures.kind("authentik_sources_oauth.oauthsource"),
        path if path.starts_with("/propertymappings/all/") => fixtures.kind("authentik_providers_oauth2.scopemapping"),
        path if path.starts_with("/providers/all/") => fixtures.kind("authentik_providers_oauth2.oauth2provider"),
        path if path.starts_with("/outposts/service_connections/all/") => {
            fixtures.kind("authentik_outposts.dockerserviceconnection")
        }
        path if path.starts_with("/policies/all/") => fixtures.kind("authentik_policies_dummy.dummypolicy"),
        path if [
            "/tasks/",
            "/events/notifications/",
            "/core/user_consent/",
            "/policies/reputation/scores/",
            "/oauth2/",
        ]
        .iter()
        .any(|made| path.starts_with(made)) =>
        {
            return made_by_the_server(fixtures, path).await;
        }
        path if path.contains("_connections/") && path.starts_with("/sources/") => {
            return connection(fixtures, path).await;
        }
        path if path.starts_with("/authenticators/") => return device(fixtures, path).await,
        path if path.contains("/webauthn_device_types/") => return Uuid::nil().to_string(),
        path if path.starts_with("/tenants/") => return fixtures.app.server.api.ctx.uuid().to_string(),
        path if path.starts_with("/flows/executor/") || path.starts_with("/flows/inspector/") => {
            return "default-authentication-flow".into();
        }
        path if path.contains("/version/history/") => return "1".into(),
        path if path.starts_with("/rbac/permissions/assigned_by_roles/") => fixtures.kind("authentik_rbac.role"),
        path if path.starts_with("/rbac/permissions/") => {
            return fixtures.app.registry().permissions()[0].id.to_string();
        }
        path if path.starts_with("/api/vestibule/v1/configuration/changes/") => return a_change(fixtures, path).await,
        path if path.ends_with("/execute/") => return "default-authentication-flow".into(),
        path => kind_of(&kinds, path).unwrap_or_else(|| panic!("what is the parameter of {path}?")),
    };
    if path.ends_with("/setup_urls/") || path.ends_with("/preview_user/") {
        // It has addresses once an application has it.
        let provider = fixtures.key("authentik_core.provider").await;
        let application = fixtures.kind("authentik_core.application");
        let mut body = fixtures.body(application, Named::Required).await;
        body.insert("provider".into(), provider.clone());
        fixtures.create_with(application, &body).await;
        return provider.to_string();
    }
    // A mail of a test needs a mail server.
    let named = if path.starts_with("/events/transports/") { Named::Required } else { Named::All };
    let object = fixtures.create(kind, named).await;
    key(kind, &object)
}

/// What an address must have besides.
pub(crate) fn query(path: &str) -> &'static str {
    match path {
        "/core/authenticated_sessions/bulk_delete/" => "?user_pks=1",
        "/rbac/permissions/assigned_by_roles/" => "?model=authentik_core.user",
        _ => "",
    }
}

/// What an operation is sent: the least that it takes.
pub(crate) async fn body(fixtures: &mut Fixtures<'_>, method: &str, path: &str) -> Option<Value> {
    let kinds = fixtures.every_kind();
    if path.starts_with("/authenticators/") && matches!(method, "POST" | "PUT" | "PATCH") {
        return Some(json!({"name": "a device"}));
    }
    if path.contains("_connections/all/{") && path.starts_with("/sources/") && matches!(method, "PUT" | "PATCH") {
        let source = fixtures.key("authentik_sources_oauth.oauthsource").await;
        return Some(json!({"source": source, "identifier": "somebody"}));
    }
    let served = |kind: &&Kind| kind.wire_path() == path || kind.wire_path() == format!("/api/v3{path}");
    let list = kinds.iter().copied().find(served);
    if let ("POST", Some(kind)) = (method, list) {
        return Some(fixtures.body(kind, Named::Required).await.into());
    }
    if let ("PUT" | "PATCH", Some(kind)) = (method, kind_of(&kinds, path)) {
        let mut body = fixtures.body(kind, Named::Required).await;
        if kind.model() == "authentik_core.token" {
            // A description without an intent means another one.
            body.insert("intent".into(), json!("app_password"));
        }
        return Some(body.into());
    }
    if path.ends_with("/unassign/") {
        return Some(json!({"permissions": ["authentik_core.view_user"]}));
    }
    if path.starts_with("/tasks/schedules/{") && matches!(method, "PUT" | "PATCH") {
        return Some(json!({"crontab": "0 3 * * *"}));
    }
    if path == "/admin/settings/" && method != "GET" {
        let flags = ["core_default_app_access", "enterprise_audit_include_expanded_diff"];
        let flags = flags.into_iter().chain(["flows_continuous_login", "flows_refresh_others"]);
        return Some(json!({"flags": flags.map(|flag| (flag.to_owned(), false.into())).collect::<Object>()}));
    }
    if method == "PUT" && path == "/core/transactional/applications/" {
        let kind = |model: &str| fixtures.app.registry().kind(model).unwrap();
        let (application, provider) =
            (kind("authentik_core.application"), kind("authentik_providers_oauth2.oauth2provider"));
        let application = fixtures.body(application, Named::Required).await;
        let provider = fixtures.body(provider, Named::Required).await;
        let model = "authentik_providers_oauth2.oauth2provider";
        return Some(json!({"app": application, "provider_model": model, "provider": provider}));
    }
    if method != "POST" {
        return None;
    }
    let user = async |fixtures: &mut Fixtures<'_>| fixtures.key("authentik_core.user").await;
    Some(match path.trim_end_matches('/').rsplit('/').next().unwrap_or_default() {
        "import_device_manual" => json!({"username": "akadmin", "duo_user_id": "x"}),
        "set_password" => json!({"password": "a new password"}),
        "set_password_hash" => {
            json!({"password": "pbkdf2_sha256$1000$salt$dCX+EsuQTcd1JLRwdyVQOLMqn8EY3X5AsWpgYRa4A6Y="})
        }
        "service_account" => json!({"name": "a program"}),
        "impersonate" => json!({"reason": "a test"}),
        "add_user" | "remove_user" => json!({"pk": user(fixtures).await}),
        "assign" => json!({"permissions": ["authentik_core.view_user"]}),
        "set_key" => json!({"key": "a new key of a token"}),
        "recovery_email" => json!({"email_stage": fixtures.app.server.api.ctx.uuid()}),
        "generate" => json!({"common_name": "a pair", "validity_days": 1, "alg": "ecdsa"}),
        "preview" if path.starts_with("/api/vestibule/v1/flows/") => {
            json!({"model": "authentik_stages_identification.identificationstage", "fields": {"user_fields": ["email"]}})
        }
        "preview" => json!({"name": "n", "field_key": "k", "label": "l", "type": "text"}),
        "plan" => json!({"content": "entries: []"}),
        "simulate" => json!({"flow": "default-authentication-flow"}),
        "send_email" => json!({"email_addresses": ["ann@example.com"]}),
        "switch" => json!({"action": "add"}),
        "{flow_slug}" => json!({"component": "ak-stage-identification", "uid_field": "nobody"}),
        "test" => json!({"user": user(fixtures).await}),
        _ => json!({}),
    })
}

pub(crate) async fn call(client: &mut Client, method: &str, path: &str, body: Option<Value>) -> Answer {
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
        _ if path.starts_with("/tenants/") => status == 404,
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
        let base = if path.starts_with("/api/") { "" } else { "/api/v3" };
        let mut actual = format!("{base}{path}");
        if let Some((before, rest)) = path.split_once('{') {
            let (_, after) = rest.split_once('}').unwrap();
            actual = format!("{base}{before}{}{after}", parameter(&mut fixtures, &path).await);
        }
        actual.push_str(query(&path));
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
