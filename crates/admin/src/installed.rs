//! What is installed: applications and models, by the names that authentik's clients know them by.

use http::Method;
use serde_json::{Value, json};
use vestibule_resource::call::{Answer, Permission, ok};
use vestibule_resource::{Call, Fields, Operation, Shape};

/// The applications whose API this server speaks, wholly or in part, sorted.
const APPS: &[&str] = &[
    "admin",
    "admin.files",
    "api",
    "blueprints",
    "brands",
    "commands",
    "core",
    "crypto",
    "endpoints",
    "endpoints.connectors.agent",
    "events",
    "flows",
    "outposts",
    "policies",
    "policies.dummy",
    "policies.event_matcher",
    "policies.expiry",
    "policies.expression",
    "policies.geoip",
    "policies.password",
    "policies.reputation",
    "providers.ldap",
    "providers.oauth2",
    "providers.proxy",
    "providers.rac",
    "providers.radius",
    "providers.saml",
    "providers.scim",
    "rbac",
    "recovery",
    "sources.kerberos",
    "sources.ldap",
    "sources.oauth",
    "sources.plex",
    "sources.saml",
    "sources.scim",
    "sources.telegram",
    "stages.authenticator",
    "stages.authenticator_duo",
    "stages.authenticator_email",
    "stages.authenticator_sms",
    "stages.authenticator_static",
    "stages.authenticator_totp",
    "stages.authenticator_validate",
    "stages.authenticator_webauthn",
    "stages.captcha",
    "stages.consent",
    "stages.deny",
    "stages.dummy",
    "stages.email",
    "stages.identification",
    "stages.invitation",
    "stages.password",
    "stages.prompt",
    "stages.redirect",
    "stages.user_delete",
    "stages.user_login",
    "stages.user_logout",
    "stages.user_write",
    "tasks",
    "tasks.schedules",
    "tenants",
];

/// Models that clients do not know as such: what all sources have in common, and what comes and goes by itself.
const UNLISTED: [&str; 2] = ["authentik_core.authenticatedsession", "authentik_core.source"];

/// Words that are not written like words.
const SPELLED: &[(&str, &str)] = &[
    ("api", "API"),
    ("duo", "Duo"),
    ("geoip", "GeoIP"),
    ("ldap", "LDAP"),
    ("oauth", "OAuth"),
    ("oauth2", "OAuth2"),
    ("rac", "RAC"),
    ("rbac", "RBAC"),
    ("saml", "SAML"),
    ("scim", "SCIM"),
    ("sms", "SMS"),
    ("totp", "TOTP"),
    ("webauthn", "WebAuthn"),
];

#[derive(Fields)]
struct App {
    /// Its name.
    name: String,
    /// What people call it.
    label: String,
}

/// Operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    let answer = || Some(Shape::Object("App", App::fields).list());
    vec![
        Operation::new(Method::GET, "admin/apps/", "admin_apps_list", answer(), |_| async { ok(&apps()) })
            .permission(Permission::SignedIn)
            .doc("The parts that the server consists of."),
        Operation::new(Method::GET, "admin/models/", "admin_models_list", answer(), models)
            .permission(Permission::SignedIn)
            .nullable_parameter("filter_has_attributes", Shape::Boolean)
            .doc("The kinds of objects that the server knows."),
    ]
}

fn apps() -> Value {
    APPS.iter()
        .map(|app| json!({"name": format!("authentik.{app}"), "label": format!("authentik {}", label(app))}))
        .collect()
}

fn label(app: &str) -> String {
    let word = |word: &str| match SPELLED.iter().find(|(plain, _)| *plain == word) {
        Some((_, spelled)) => (*spelled).to_owned(),
        None => word.chars().next().into_iter().flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect(),
    };
    let part = |part: &str| part.split('_').map(word).collect::<Vec<_>>().join(" ");
    app.split('.').map(part).collect::<Vec<_>>().join(".")
}

async fn models(call: Call) -> Answer {
    let attributed = call.query.get("filter_has_attributes").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let kinds = call.api.registry.kinds().iter().filter(|kind| !UNLISTED.contains(&kind.model()));
    let kinds = kinds.filter(|kind| !attributed || kind.field("attributes").is_some());
    let mut shown: Vec<(&str, &str)> = kinds.map(|kind| (kind.model(), kind.spec.verbose_name())).collect();
    shown.sort_unstable();
    ok(&shown.into_iter().map(|(name, label)| json!({"name": name, "label": label})).collect())
}
