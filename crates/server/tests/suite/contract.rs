//! The document of what is served, held against authentik's own.

use std::path::PathBuf;
use std::{env, fs};

use vestibule_openapi_contract::{Document, Options, compare, load_yaml, official_schema_path};
use vestibule_resource::openapi::dangling;

use crate::app::App;

/// What must be exact, whole.
const GROUPS: [&str; 82] = [
    "admin",
    "authenticators/admin/all",
    "authenticators/admin/duo",
    "authenticators/admin/email",
    "authenticators/admin/sms",
    "authenticators/admin/static",
    "authenticators/admin/totp",
    "authenticators/admin/webauthn",
    "authenticators/all",
    "authenticators/duo",
    "authenticators/email",
    "authenticators/sms",
    "authenticators/static",
    "authenticators/totp",
    "authenticators/webauthn",
    "core/application_entitlements",
    "core/applications",
    "core/brands",
    "core/groups",
    "core/object_attributes",
    "core/tokens",
    "core/user_consent",
    "core/users",
    "crypto/certificatekeypairs",
    "events/events/actions",
    "events/events/stats",
    "events/events/top_per_user",
    "events/events/volume",
    "events/notifications",
    "events/rules",
    "events/transports",
    "flows/bindings",
    "flows/inspector",
    "flows/instances",
    "managed/blueprints",
    "oauth2",
    "outposts/instances",
    "outposts/service_connections",
    "policies/all",
    "policies/bindings",
    "policies/dummy",
    "policies/event_matcher",
    "policies/expression",
    "policies/geoip",
    "policies/password",
    "policies/password_expiry",
    "policies/reputation",
    "propertymappings",
    "providers/all",
    "providers/oauth2",
    "root/config",
    "schema",
    "sources/all",
    "sources/group_connections/all",
    "sources/group_connections/oauth",
    "sources/oauth",
    "sources/user_connections/all",
    "sources/user_connections/oauth",
    "stages/all",
    "stages/authenticator/duo",
    "stages/authenticator/email",
    "stages/authenticator/sms",
    "stages/authenticator/static",
    "stages/authenticator/totp",
    "stages/authenticator/validate",
    "stages/authenticator/webauthn",
    "stages/captcha",
    "stages/consent",
    "stages/deny",
    "stages/dummy",
    "stages/email",
    "stages/identification",
    "stages/invitation",
    "stages/password/",
    "stages/prompt",
    "stages/redirect",
    "stages/user_delete",
    "stages/user_login/",
    "stages/user_logout",
    "stages/user_write",
    "tasks",
    "tenants",
];

/// authentik's document, as the crate of its client carries it.
#[expect(clippy::disallowed_methods, reason = "where cargo keeps crates")]
pub(crate) fn official() -> Document {
    let home = env::var("CARGO_HOME").map(PathBuf::from).ok();
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let path = home.and_then(|home| official_schema_path(&home));
    let text = fs::read_to_string(path.expect("cargo has fetched the crate authentik-client")).unwrap();
    Document::new(load_yaml(&text).unwrap())
}

#[tokio::test]
async fn what_is_served_is_what_authentik_serves() {
    let app = App::start().await;
    let (official, ours) = (official(), Document::new(app.schema().await));
    let whole = compare(&official, &ours, &Options::default());
    println!("{} of {} operations exact", whole.exact, whole.total);
    assert_eq!(whole.total, 937, "authentik's operations, its enterprise part set aside");

    let groups = GROUPS.iter().map(|group| (*group).to_owned()).collect();
    let report = compare(&official, &ours, &Options { groups, include_enterprise: false });
    assert!(report.exact == report.total, "{report:#}");
    // The executor asks and takes what the stages here ask and take; authentik's lists those of stages yet to come.
    // So does the request that makes an application with a provider of any kind.
    let known = ["/flows/executor/{flow_slug}/", "/core/transactional/applications/"];
    let beyond = whole.inexact.iter().filter(|(_, path, _)| !known.contains(&path.as_str()));
    assert_eq!(beyond.collect::<Vec<_>>().len(), 0, "what is served beyond these groups is exact too: {whole:#}");
    assert_eq!(dangling(ours.root()), [""; 0], "references that lead nowhere");
}

#[tokio::test]
async fn yaml_and_json_say_the_same() {
    let app = App::start().await;
    let yaml = app.anonymous().get("/api/v3/schema/").await;
    assert_eq!(yaml.headers["content-type"], "application/vnd.oai.openapi");
    assert_eq!(load_yaml(&yaml.text).unwrap(), app.schema().await);
}

#[tokio::test]
async fn a_client_that_has_the_document_is_not_sent_it_again() {
    let app = App::start().await;
    let path = "/api/v3/schema/?format=json";
    let first = app.anonymous().get(path).await;
    let tag = first.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(first.headers["cache-control"], "no-cache");
    for (known, status) in
        [(tag.as_str(), 304), ("W/\"other\"", 200), (&format!("W/\"other\", {tag}"), 304), ("*", 304)]
    {
        let again = app.anonymous().with_header("if-none-match", known).get(path).await;
        assert_eq!((again.status.as_u16(), again.text.is_empty()), (status, status == 304), "{known}");
        assert_eq!(again.headers["etag"], tag.as_str(), "{known}");
    }
    let yaml = app.anonymous().get("/api/v3/schema/").await;
    assert_ne!(yaml.headers["etag"], tag.as_str(), "the other form is another");
}
