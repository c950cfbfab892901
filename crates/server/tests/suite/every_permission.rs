//! Every operation of our own document takes its permission: nobody is refused less, and nobody needs more.

use std::collections::BTreeMap;

use vestibule_openapi_contract::Document;
use vestibule_resource::Verb;
use vestibule_resource::call::Permission;

use crate::app::App;
use crate::conformance::Findings;
use crate::every_operation::{body, call, parameter, query};
use crate::fixtures::Fixtures;

/// What an operation takes.
#[derive(Clone, Debug, PartialEq)]
enum Takes {
    /// Nothing.
    Nothing,
    /// Credentials.
    Credentials,
    /// These permissions. `own`: or that the object is one's own.
    Permissions { all: Vec<String>, own: bool },
}

/// A path whose parameters have no names.
fn bare(path: &str) -> String {
    let mut bare = String::new();
    for (place, part) in path.split(['{', '}']).enumerate() {
        bare.push_str(if place % 2 == 0 { part } else { "{}" });
    }
    bare
}

/// What each operation takes, by method and path: from what the registry declares.
fn rows(app: &App) -> BTreeMap<(String, String), Takes> {
    let mut rows = BTreeMap::new();
    let one = |permission: String, own: bool| Takes::Permissions { all: vec![permission], own };
    let registry = app.registry();
    for kind in registry.kinds() {
        let list = kind.wire_path().trim_start_matches("/api/v3").to_owned();
        let object = format!("{list}{{}}/");
        let owned = kind.owner().is_some();
        for (method, path, verb) in [
            ("GET", list.clone(), Verb::View),
            ("POST", list.clone(), Verb::Add),
            ("GET", object.clone(), Verb::View),
            ("GET", format!("{object}used_by/"), Verb::View),
            ("PUT", object.clone(), Verb::Change),
            ("PATCH", object.clone(), Verb::Change),
            ("DELETE", object.clone(), Verb::Delete),
        ] {
            rows.insert((method.to_owned(), path), one(kind.permission(verb), owned));
        }
        for operation in kind.spec.operations() {
            let path = bare(&format!("{list}{}", operation.path.replacen("{}", "{key}", 1)));
            let takes = takes(operation.permission, operation.also, |verb| kind.permission(verb), owned);
            rows.insert((operation.method.to_string(), path), takes);
        }
    }
    for family in registry.families() {
        let (app, name) = family.model.split_once('.').unwrap();
        let list = format!("/{}/", family.path);
        let object = format!("{list}{{}}/");
        for (method, path, verb) in [
            ("GET", list.clone(), Verb::View),
            ("GET", object.clone(), Verb::View),
            ("GET", format!("{object}used_by/"), Verb::View),
            ("DELETE", object.clone(), Verb::Delete),
        ] {
            rows.insert((method.to_owned(), path), one(format!("{app}.{}_{name}", verb.as_str()), false));
        }
    }
    for operation in registry.operations() {
        let path = bare(&format!("/{}", operation.path.trim_start_matches('/').replacen("{}", "{key}", 1)));
        let family = registry.families().iter().find(|family| operation.path.starts_with(family.path));
        let model = operation.about.or(family.map(|family| family.model));
        let named = |verb: Verb| {
            let (app, name) = model.and_then(|model| model.split_once('.')).unwrap_or_default();
            format!("{app}.{}_{name}", verb.as_str())
        };
        let takes = takes(operation.permission, operation.also, named, false);
        rows.insert((operation.method.to_string(), path), takes);
    }
    rows
}

fn takes(permission: Permission, also: &[&str], verb: impl Fn(Verb) -> String, own: bool) -> Takes {
    let first = match permission {
        Permission::Public => return Takes::Nothing,
        Permission::SignedIn | Permission::Hidden => return Takes::Credentials,
        Permission::Verb(one) => verb(one),
        Permission::Named(name) => name.to_owned(),
    };
    let all = std::iter::once(first).chain(also.iter().map(|one| (*one).to_owned())).collect();
    Takes::Permissions { all, own }
}

#[tokio::test]
async fn every_operation_takes_its_permission_and_no_other() {
    let app = App::start().await;
    let document = Document::new(app.schema().await);
    let rows = rows(&app);
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    let (nobody_special, mut clerk) = app.clerk("clerk").await;
    let operations: Vec<(String, String)> =
        document.operations().map(|(method, path)| (method, path.to_owned())).collect();
    for (method, path) in operations {
        let name = format!("{method} {path}");
        let Some(takes) = rows.get(&(method.clone(), bare(&path))) else {
            findings.check(false, || format!("{name}: no row says what it takes"));
            continue;
        };
        let base = if path.starts_with("/api/") { "" } else { "/api/v3" };
        let mut target = format!("{base}{path}");
        if let Some((before, rest)) = path.split_once('{') {
            let (_, after) = rest.split_once('}').unwrap();
            target = format!("{base}{before}{}{after}", parameter(&mut fixtures, &path).await);
        }
        target.push_str(query(&path));
        let body = body(&mut fixtures, &method, &path).await;

        let nobody = call(&mut app.anonymous(), &method, &target, body.clone()).await.status.as_u16();
        let absent = nobody == 404 && *takes == Takes::Credentials;
        let refused = nobody == 403 || absent || path.starts_with("/flows/executor/");
        findings.check(refused || *takes == Takes::Nothing, || format!("{name} by nobody: {nobody}"));
        let Takes::Permissions { all, own } = takes else { continue };
        for permission in all {
            findings.check(app.registry().permission(permission).is_some(), || format!("{name}: no {permission}"));
        }
        let without = call(&mut clerk, &method, &target, body.clone()).await;
        let status = without.status.as_u16();
        // Whoever is signed in sees the applications that they may open.
        let own = *own || name == "GET /core/applications/";
        let hidden = own && (status == 200 || status == 201) && !path.contains('{');
        findings.check([403, 404].contains(&status) || hidden, || format!("{name} without: {status} {}", without.text));
        let names: Vec<&str> = all.iter().map(String::as_str).collect();
        app.grants.grant(nobody_special, &names).await;
        let with = call(&mut clerk, &method, &target, body).await;
        let status = with.status.as_u16();
        findings.check(![401, 403].contains(&status) && status < 500, || {
            format!("{name} with {names:?}: {status} {}", with.text)
        });
        app.grants.revoke_all(nobody_special).await;
    }
    findings.none();
}
