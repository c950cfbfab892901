//! Every operation of our own document takes its permission: nobody is refused less, and nobody needs more.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;
use vestibule_openapi_contract::Document;
use vestibule_resource::Verb;
use vestibule_resource::call::Permission;
use vestibule_store::Durability;
use vestibule_testkit::{Answer, Client};

use crate::app::App;
use crate::conformance::Findings;
use crate::every_operation::{REFUSED, body, call, needed, parameter, query};
use crate::fixtures::Fixtures;

/// What an operation takes besides its permission, because of what its body names: somebody whom one may see, a permission
/// that one has oneself.
fn besides(app: &App, name: &str) -> Vec<String> {
    let one = |name: &str| vec![name.to_owned(), "authentik_core.view_user".to_owned()];
    match name {
        // (It is a group of superusers.)
        "POST /core/groups/{group_uuid}/add_user/" => one("authentik_core.enable_group_superuser"),
        "POST /core/groups/{group_uuid}/remove_user/" => one("authentik_core.disable_group_superuser"),
        "POST /rbac/roles/{uuid}/add_user/"
        | "POST /rbac/roles/{uuid}/remove_user/"
        | "POST /rbac/permissions/assigned_by_roles/{uuid}/assign/"
        | "POST /policies/all/{policy_uuid}/test/" => vec!["authentik_core.view_user".to_owned()],
        "POST /propertymappings/all/{pm_uuid}/test/" => {
            vec!["authentik_core.view_user".to_owned(), "authentik_core.view_group".to_owned()]
        }
        "POST /api/vestibule/v1/flows/preview/" => {
            vec!["authentik_stages_identification.add_identificationstage".to_owned()]
        }
        "PUT /rbac/initial_permissions/{id}/" | "PATCH /rbac/initial_permissions/{id}/" => {
            vec![app.registry().permissions()[0].full()]
        }
        _ => Vec::new(),
    }
}
/// What everybody may ask for.
const OPEN: [&str; 7] = [
    "GET /core/brands/current/",
    "GET /flows/executor/{flow_slug}/",
    "GET /policies/geoip_iso3166/",
    "GET /root/config/",
    "GET /schema/",
    "POST /flows/executor/{flow_slug}/",
    "POST /stages/authenticator/duo/{stage_uuid}/enrollment_status/",
];
/// What everybody may ask for who is signed in: about themselves, about what is no secret, or what checks each part of what
/// it is asked.
const FOR_ANYONE: [&str; 18] = [
    "GET /admin/apps/",
    "GET /admin/models/",
    "GET /admin/version/",
    "GET /authenticators/admin/all/",
    "GET /authenticators/all/",
    "GET /core/application_entitlements/requestable/",
    "GET /core/applications/requestable/",
    "GET /core/applications/{slug}/check_access/",
    "GET /core/users/impersonate_end/",
    "GET /core/users/me/",
    "GET /flows/inspector/{flow_slug}/",
    "GET /rbac/permissions/",
    "GET /rbac/permissions/{id}/",
    "GET /sources/all/user_settings/",
    "GET /stages/all/user_settings/",
    "POST /core/users/switch/",
    "POST /events/notifications/mark_all_seen/",
    "PUT /core/transactional/applications/",
];

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
        if let Some(path) = kind.spec.second_path() {
            let list = format!("/{path}/");
            let object = format!("{list}{{}}/");
            for (method, path, verb) in [
                ("GET", list.clone(), Verb::View),
                ("POST", list, Verb::Add),
                ("GET", object.clone(), Verb::View),
                ("PUT", object.clone(), Verb::Change),
                ("PATCH", object.clone(), Verb::Change),
                ("DELETE", object, Verb::Delete),
            ] {
                rows.insert((method.to_owned(), path), one(kind.permission(verb), false));
            }
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
    let mut nearly = Nearly::start(&app).await;
    let (mut open, mut for_anyone) = (BTreeSet::new(), BTreeSet::new());
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
        target.push_str(needed(&method, &path));
        let body = body(&mut fixtures, &method, &path).await;

        let nobody = call(&mut app.anonymous(), &method, &target, body.clone()).await.status.as_u16();
        let absent = nobody == 404 && *takes == Takes::Credentials;
        let refused = nobody == 403 || absent || path.starts_with("/flows/executor/");
        findings.check(refused || *takes == Takes::Nothing, || format!("{name} by nobody: {nobody}"));
        let (all, own) = match takes {
            Takes::Permissions { all, own } => (all, own),
            // Without tenants there is nothing there, for anybody.
            Takes::Nothing if path.starts_with("/tenants/") => {
                findings.check(nobody == 404, || format!("{name} by nobody: {nobody}"));
                continue;
            }
            Takes::Nothing => {
                open.insert(name);
                continue;
            }
            Takes::Credentials => {
                for_anyone.insert(name);
                continue;
            }
        };
        for permission in all {
            findings.check(app.registry().permission(permission).is_some(), || format!("{name}: no {permission}"));
        }
        let without = call(&mut clerk, &method, &target, body.clone()).await;
        let status = without.status.as_u16();
        // Whoever is signed in sees the applications that they may open.
        let own = *own || name == "GET /core/applications/";
        let hidden = own && (status == 200 || status == 201) && !path.contains('{');
        findings.check([403, 404].contains(&status) || hidden, || format!("{name} without: {status} {}", without.text));
        for permission in all {
            // Whoever has every other permission lacks this one still.
            let lacking = nearly.without(&app, permission, &method, &target, body.clone()).await;
            let status = lacking.status.as_u16();
            let hidden = hidden || (own && [200, 201].contains(&status) && !path.contains('{'));
            findings.check([403, 404].contains(&status) || hidden, || {
                format!("{name} with all but {permission}: {status} {}", lacking.text)
            });
        }
        let more = besides(&app, &name);
        let names: Vec<&str> = all.iter().chain(&more).map(String::as_str).collect();
        app.grants.grant(nobody_special, &names).await;
        // (What one may make of one's own is there by now.)
        let body = if own && method == "POST" { self::body(&mut fixtures, &method, &path).await } else { body };
        let with = call(&mut clerk, &method, &target, body).await;
        let status = with.status.as_u16();
        let expected = match name.as_str() {
            _ if path.starts_with("/tenants/") => status == 404,
            name if REFUSED.contains(&name) => status == 400,
            _ => (200..300).contains(&status),
        };
        findings.check(expected, || format!("{name} with {names:?}: {status} {}", with.text));
        app.grants.revoke_all(nobody_special).await;
    }
    findings.none();
    let listed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(open, listed(&OPEN), "what takes nothing is listed by name");
    assert_eq!(for_anyone, listed(&FOR_ANYONE), "what takes credentials alone is listed by name");
}

/// Somebody who may do everything but one thing, and is no superuser.
struct Nearly {
    role: Uuid,
    client: Client,
}

impl Nearly {
    async fn start(app: &App) -> Self {
        let (user, client) = app.clerk("nearly").await;
        let permissions: Vec<String> =
            app.registry().permissions().iter().map(vestibule_resource::Permission::full).collect();
        app.grants.grant(user, &permissions.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let sql = "SELECT role FROM user_roles WHERE user_id = $1";
        let row = app.store().database().query_one(sql, vec![user.into()]).await.unwrap().unwrap();
        Self { role: row.uuid("role").unwrap(), client }
    }

    /// What they are answered without this one permission.
    async fn without(
        &mut self,
        app: &App,
        permission: &str,
        method: &str,
        target: &str,
        body: Option<serde_json::Value>,
    ) -> Answer {
        let database = app.store().database();
        let params = || vec![self.role.into(), permission.into()];
        let take = "DELETE FROM role_permissions WHERE role = $1 AND permission = $2";
        database.execute(Durability::Process, take, params()).await.unwrap();
        let answer = call(&mut self.client, method, target, body).await;
        let give = "INSERT INTO role_permissions (role, permission) VALUES ($1, $2)";
        database.execute(Durability::Process, give, params()).await.unwrap();
        answer
    }
}
