//! Who may do what: nobody without credentials, somebody with the permission alone, and how everybody else is told.

use http::Method;
use serde_json::{Value, json};
use vestibule_resource::Verb;
use vestibule_resource::call::Permission;
use vestibule_testkit::{Answer, Client};

use super::Findings;
use crate::app::App;
use crate::fixtures::{Fixtures, Named, Object, is_made_by_signing_in, path};

const DENIED: &str = "You do not have permission to perform this action.";

/// Every way to use a kind, with the verb that permits it.
const WAYS: [(&str, bool, Verb); 9] = [
    ("GET", false, Verb::View),
    ("HEAD", false, Verb::View),
    ("POST", false, Verb::Add),
    ("GET", true, Verb::View),
    ("HEAD", true, Verb::View),
    ("PUT", true, Verb::Change),
    ("PATCH", true, Verb::Change),
    ("USED_BY", true, Verb::View),
    ("DELETE", true, Verb::Delete),
];

async fn go(client: &mut Client, way: &str, list: &str, object: Option<&str>, body: &Object) -> Answer {
    let path = object.unwrap_or(list);
    if way == "USED_BY" {
        return client.get(&format!("{path}used_by/")).await;
    }
    let method: Method = way.parse().unwrap();
    match way {
        "POST" | "PUT" | "PATCH" => client.json(method, path, Value::Object(body.clone())).await,
        _ => client.send(method, path, None, Vec::new()).await,
    }
}

#[tokio::test]
async fn every_verb_of_every_kind_takes_its_permission() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    let verbs = [Verb::View, Verb::Add, Verb::Change, Verb::Delete];
    let kinds = fixtures.every_kind().into_iter().filter(|kind| !is_made_by_signing_in(kind));
    for (number, kind) in kinds.enumerate() {
        let (clerk, mut client) = app.clerk(&format!("clerk-{number}")).await;
        for (way, on_object, verb) in WAYS {
            // Whoever is signed in sees the applications that they may open.
            let open = kind.model() == "authentik_core.application" && !on_object && verb == Verb::View;
            if open || !kind.spec.verbs_served().contains(&verb) || (way == "USED_BY" && !kind.spec.has_used_by()) {
                continue;
            }
            let body = fixtures.body(kind, Named::Required).await;
            let object = fixtures.create_with(kind, &body).await;
            let (list, path) = (kind.wire_path(), path(kind, &object));
            let target = on_object.then_some(path.as_str());
            let body = if way == "POST" { fixtures.body(kind, Named::Required).await } else { body };
            let name = format!("{way} {}", target.unwrap_or(&list));

            let answer = go(&mut app.anonymous(), way, &list, target, &body).await;
            findings.check(answer.status == 403, || format!("{name} by nobody: {} {}", answer.status, answer.text));
            let words = if on_object { DENIED } else { "Authentication credentials were not provided." };
            findings.check(way == "HEAD" || answer.json() == json!({"detail": words}), || {
                format!("{name} by nobody: {}", answer.text)
            });
            let others = verbs.iter().filter(|other| **other != verb).map(|other| kind.permission(*other));
            let others: Vec<String> = others.collect();
            app.grants.grant(clerk, &others.iter().map(String::as_str).collect::<Vec<_>>()).await;
            if kind.owner().is_some() && matches!(verb, Verb::View | Verb::Add) {
                // One's own need no permission; that others' are hidden is tested beside this.
                app.grants.revoke_all(clerk).await;
                continue;
            }
            let before = app.footprint().await;
            let answer = go(&mut client, way, &list, target, &body).await;
            findings.check(answer.status == 403, || format!("{name} with {others:?}: {}", answer.status));
            findings.check(way == "HEAD" || answer.json() == json!({"detail": DENIED}), || {
                format!("{name} without permission: {}", answer.text)
            });
            findings.check(app.footprint().await == before, || format!("{name} was denied and wrote something"));

            app.grants.revoke_all(clerk).await;
            app.grants.grant(clerk, &[kind.permission(verb).as_str()]).await;
            let answer = go(&mut client, way, &list, target, &body).await;
            // Whose token it is is more than a permission's matter, and tested in the directory.
            let own = kind.model() == "authentik_core.token" && matches!(way, "PUT" | "PATCH");
            findings.check(answer.status.is_success() || own, || format!("{name} with permission: {}", answer.text));
            app.grants.revoke_all(clerk).await;
        }
    }
    findings.none();
}

/// Operations beside the uniform ones: public where that is declared, else for those who are signed in, or permitted.
#[tokio::test]
async fn every_operation_takes_its_permission() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    let (_, mut clerk) = app.clerk("clerk").await;
    let mut operations = Vec::new();
    for kind in fixtures.every_kind() {
        for operation in kind.spec.operations() {
            let mut target = format!("{}{}", kind.wire_path(), operation.path);
            if operation.path.starts_with("{}/") {
                let object = fixtures.create(kind, Named::Required).await;
                target = format!("{}{}", path(kind, &object), operation.path.trim_start_matches("{}/"));
            }
            operations.push((operation.clone(), target));
        }
    }
    for operation in app.registry().operations() {
        let path = operation.path.replace("{}", &app.server.api.ctx.uuid().to_string()).replace("{id}", "1");
        let path = path.replace("{flow_slug}", "default-authentication-flow");
        let base = if path.starts_with('/') { "" } else { "/api/v3/" };
        operations.push((operation.clone(), format!("{base}{path}")));
    }
    for (operation, path) in operations {
        let (method, name) = (operation.method.clone(), format!("{} {path}", operation.method));
        let body = (operation.method == Method::POST).then(|| json!({}));
        let send = async |client: &mut Client| match &body {
            Some(body) => client.json(method.clone(), &path, body.clone()).await,
            None => client.send(method.clone(), &path, None, Vec::new()).await,
        };
        let nobody = send(&mut app.anonymous()).await;
        let somebody = send(&mut clerk).await;
        match operation.permission {
            Permission::Public => {
                findings.check(nobody.status != 403, || format!("{name} by nobody: {}", nobody.text));
            }
            Permission::SignedIn => {
                findings.check(nobody.status == 403, || format!("{name} by nobody: {}", nobody.status));
                findings.check(somebody.status != 403, || format!("{name} by somebody: {}", somebody.text));
            }
            Permission::Hidden => {
                let statuses = (nobody.status.as_u16(), somebody.status.as_u16());
                findings.check(statuses == (404, 404), || format!("{name} by nobody and somebody: {statuses:?}"));
            }
            Permission::Verb(_) | Permission::Named(_) => {
                findings.check(nobody.status == 403, || format!("{name} by nobody: {}", nobody.status));
                let refused = somebody.status == 403 || somebody.status == 404;
                findings.check(refused, || format!("{name} by somebody: {}", somebody.status));
            }
        }
    }
    findings.none();
}

#[tokio::test]
async fn the_uniform_answers_of_every_path() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    let mut admin = app.admin();
    for kind in fixtures.kinds() {
        let model = kind.model();
        let object = fixtures.create(kind, Named::Required).await;
        let (list, path) = (kind.wire_path(), path(kind, &object));
        for (path, methods) in [
            (list.clone(), "GET, POST, HEAD, OPTIONS"),
            (path.clone(), "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
            (format!("{path}used_by/"), "GET, HEAD, OPTIONS"),
        ] {
            if path.ends_with("/used_by/") && !kind.spec.has_used_by() {
                continue;
            }
            let get = admin.get(&path).await;
            let head = admin.send(Method::HEAD, &path, None, Vec::new()).await;
            findings.check(head.status == 200 && head.text.is_empty(), || format!("HEAD {path}: {}", head.status));
            findings.check(head.headers.get("content-type") == get.headers.get("content-type"), || {
                format!("HEAD {path}: another type than GET")
            });
            let options = admin.send(Method::OPTIONS, &path, None, Vec::new()).await;
            findings.check(options.status == 200 && options.headers["allow"] == methods, || {
                format!("OPTIONS {path}: {} {:?}", options.status, options.headers.get("allow"))
            });
            findings.check(options.json()["name"].is_string(), || format!("OPTIONS {path}: {}", options.text));
            let other = admin.send(Method::TRACE, &path, None, Vec::new()).await;
            findings.check(other.status == 405 && other.headers["allow"] == methods, || format!("TRACE {path}"));
            let html = app.admin().with_header("accept", "text/html").get(&path).await;
            findings.check(html.status == 406, || format!("{path} as HTML: {}", html.status));
        }
        for key in ["00000000-0000-4000-8000-000000000000", "999999999", "nothing-of-that-name", "%00", "1e9"] {
            for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
                let answer = admin.json(method.clone(), &format!("{list}{key}/"), json!({})).await;
                findings.check(answer.status == 404, || format!("{method} {list}{key}/: {} {}", answer.status, model));
            }
        }
        let xml = admin.send(Method::POST, &list, Some("text/xml"), b"<a/>".to_vec()).await;
        findings.check(xml.status == 415, || format!("{list} with XML: {}", xml.status));
    }
    findings.none();
}
