//! The default blueprints hold together, and make what a new authentik has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{defaults, examples};
use crate::Blueprint;
use crate::tags::{Context, Key, Lookup, Scope, resolve};

/// Objects that were made so far: model, key, fields.
#[derive(Default)]
struct Made(Vec<(String, String, Map<String, Value>)>);

impl Lookup for Made {
    fn find(&self, model: &str, criteria: &[(String, Value)]) -> Result<Option<Value>, String> {
        let found =
            self.0.iter().find(|(of, _, fields)| of == model && criteria.iter().all(|(k, v)| fields.get(k) == Some(v)));
        Ok(found.map(|(_, pk, _)| json!(pk)))
    }

    fn find_object(&self, model: &str, criteria: &[(String, Value)]) -> Result<Option<Value>, String> {
        self.find(model, criteria)
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, path: &str) -> Result<String, String> {
        Err(path.to_owned())
    }
}

/// Applies all files in order; an unresolved `!Find` or `!KeyOf` fails.
fn apply() -> Made {
    let mut made = Made::default();
    let models = json!({"goauthentik.io/rbac/models": {"flow": "authentik_flows", "user": "authentik_core"}});
    let context = Context::new(models.as_object().unwrap(), &[], &Map::new());
    for (path, yaml) in defaults() {
        let blueprint = Blueprint::parse(yaml).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut keys = BTreeMap::new();
        for entry in blueprint.entries {
            let model = entry.model.to_text().unwrap();
            let scope = Scope { model: &model, context: &context, keys: &keys, lookup: &made };
            let mut fields = Map::new();
            for node in [&entry.identifiers, &entry.attrs] {
                let value = resolve(node, &scope).unwrap_or_else(|error| panic!("{path}: {error}"));
                fields.extend(value.as_object().cloned().unwrap());
            }
            let pk = format!("{path}#{}", entry.id.as_deref().unwrap_or_default());
            if let Some(id) = entry.id {
                keys.insert(id, Key { pk: json!(pk), policy_binding_model: None });
            }
            made.0.push((model, pk, fields));
        }
    }
    made
}

fn objects<'m>(made: &'m Made, model: &str) -> Vec<&'m Map<String, Value>> {
    made.0.iter().filter(|(of, ..)| of == model).map(|(.., fields)| fields).collect()
}

#[test]
fn each_file_is_whole_and_found_once() {
    let (mut paths, mut names) = (BTreeSet::new(), BTreeSet::new());
    for (path, yaml) in defaults() {
        let blueprint = Blueprint::parse(yaml).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(paths.insert(path), "{path} is listed twice");
        assert!(names.insert(blueprint.metadata.clone().unwrap().name), "{path}: a name is used twice");
        assert_eq!(blueprint.label(crate::blueprint::LABEL_SYSTEM), Some("true"), "{path}");
        assert!(blueprint.label(crate::blueprint::LABEL_DESCRIPTION).is_some(), "{path}");
        for entry in blueprint.entries {
            assert_eq!(
                entry.state.and_then(|state| state.to_text()).as_deref(),
                Some("created"),
                "{path} line {}",
                entry.line
            );
            assert!(entry.id.is_some(), "{path} line {}: no id", entry.line);
        }
    }
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/defaults")).unwrap().count();
    assert_eq!(files, defaults().len(), "each file of the folder is listed");
}

#[test]
fn all_that_is_referred_to_is_made_before() {
    let made = apply();
    let mut identities = BTreeSet::new();
    for (model, pk, fields) in &made.0 {
        let identity = ["slug", "domain", "name", "order"].iter().find_map(|key| fields.get(*key));
        let target = fields.get("target").map(Value::to_string);
        assert!(identities.insert((model, target, identity.map(Value::to_string))), "{pk} is made twice");
    }
}

#[test]
fn the_fourteen_flows_are_as_recorded() {
    // Slug, name, title, designation, authentication: recordings/b_flows_instances.json, first exchange.
    let signed_in = "require_authenticated";
    let setup = "stage_configuration";
    let expected = [
        ("default-authentication-flow", "Welcome to authentik!", "Welcome to Vestibule!", "authentication", "none"),
        (
            "default-authenticator-static-setup",
            "default-authenticator-static-setup",
            "Setup Static OTP Tokens",
            setup,
            signed_in,
        ),
        (
            "default-authenticator-totp-setup",
            "default-authenticator-totp-setup",
            "Set up Two-Factor authentication",
            setup,
            signed_in,
        ),
        (
            "default-authenticator-webauthn-setup",
            "default-authenticator-webauthn-setup",
            "Setup WebAuthn",
            setup,
            signed_in,
        ),
        ("default-invalidation-flow", "Logout", "Default Invalidation Flow", "invalidation", "none"),
        ("default-password-change", "Change Password", "Change password", setup, signed_in),
        (
            "default-provider-authorization-explicit-consent",
            "Authorize Application",
            "Redirecting to %(app)s",
            "authorization",
            signed_in,
        ),
        (
            "default-provider-authorization-implicit-consent",
            "Authorize Application",
            "Redirecting to %(app)s",
            "authorization",
            signed_in,
        ),
        (
            "default-provider-invalidation-flow",
            "Logged out of application",
            "You've logged out of %(app)s.",
            "invalidation",
            "none",
        ),
        (
            "default-source-authentication",
            "Welcome to authentik!",
            "Welcome to Vestibule!",
            "authentication",
            "require_unauthenticated",
        ),
        (
            "default-source-enrollment",
            "Welcome to authentik! Please select a username.",
            "Welcome to Vestibule! Please select a username.",
            "enrollment",
            "none",
        ),
        ("default-source-pre-authentication", "Pre-Authentication", "Pre-authentication", setup, "none"),
        ("default-user-settings-flow", "User settings", "Update your info", setup, signed_in),
        ("initial-setup", "default-oobe-setup", "Welcome to Vestibule!", setup, "none"),
    ];
    let made = apply();
    let mut flows: Vec<_> = objects(&made, "authentik_flows.flow").into_iter().cloned().map(Value::Object).collect();
    flows.sort_by_key(|flow| flow["slug"].to_string());
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(slug, name, title, designation, authentication)| {
            json!({
                "slug": slug, "name": name, "title": title, "designation": designation,
                "authentication": authentication,
                "layout": "stacked", "denied_action": "message_continue", "policy_engine_mode": "any",
                "compatibility_mode": false,
            })
        })
        .collect();
    assert_eq!(flows, expected);
}

#[test]
fn the_stages_stand_in_their_order() {
    let made = apply();
    let bindings: BTreeSet<_> = objects(&made, "authentik_flows.flowstagebinding")
        .into_iter()
        .map(|binding| {
            let stage = binding["stage"].as_str().unwrap();
            let target = binding["target"].as_str().unwrap();
            let fields =
                |pk: &str| made.0.iter().find(|(_, of, _)| of == pk).map(|(.., fields)| fields.clone()).unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&fields(target)["slug"]), binding["order"].as_i64().unwrap(), text(&fields(stage)["name"]))
        })
        .collect();
    let expected = [
        ("default-authentication-flow", 10, "default-authentication-identification"),
        ("default-authentication-flow", 20, "default-authentication-password"),
        ("default-authentication-flow", 30, "default-authentication-mfa-validation"),
        ("default-authentication-flow", 100, "default-authentication-login"),
        ("default-authenticator-static-setup", 0, "default-authenticator-static-setup"),
        ("default-authenticator-totp-setup", 0, "default-authenticator-totp-setup"),
        ("default-authenticator-webauthn-setup", 0, "default-authenticator-webauthn-setup"),
        ("default-invalidation-flow", 0, "default-invalidation-logout"),
        ("default-password-change", 0, "default-password-change-prompt"),
        ("default-password-change", 1, "default-password-change-write"),
        ("default-provider-authorization-explicit-consent", 0, "default-provider-authorization-consent"),
        ("default-source-authentication", 0, "default-source-authentication-login"),
        ("default-source-enrollment", 0, "default-source-enrollment-prompt"),
        ("default-source-enrollment", 1, "default-source-enrollment-write"),
        ("default-source-enrollment", 2, "default-source-enrollment-login"),
        ("default-user-settings-flow", 20, "default-user-settings"),
        ("default-user-settings-flow", 100, "default-user-settings-write"),
        ("initial-setup", 100, "default-authentication-login"),
    ];
    let expected =
        expected.into_iter().map(|(flow, order, stage)| (flow.to_owned(), order, stage.to_owned())).collect();
    assert_eq!(bindings, expected);
}

#[test]
fn group_and_brand() {
    let made = apply();
    assert_eq!(
        json!(objects(&made, "authentik_core.group").first()),
        json!({"name": "authentik Admins", "is_superuser": true})
    );
    let role = json!({"name": "authentik Read-only", "permissions": ["authentik_flows.view_flow", "authentik_core.view_user"]});
    assert_eq!(json!(objects(&made, "authentik_rbac.role")), json!([role]));
    let [_, readers] = objects(&made, "authentik_core.group")[..] else { panic!("two groups") };
    assert_eq!((&readers["name"], &readers["is_superuser"]), (&json!("authentik Read-only"), &json!(false)));
    assert_eq!(readers["roles"], json!(["default/rbac-role-read-only.yaml#role"]));
    assert_eq!(
        json!(objects(&made, "authentik_brands.brand")),
        json!([{
            "domain": "authentik-default",
            "default": true,
            "flow_authentication": "default/flow-default-authentication-flow.yaml#flow",
            "flow_invalidation": "default/flow-default-invalidation-flow.yaml#flow",
            "flow_user_settings": "default/flow-default-user-settings-flow.yaml#flow",
        }])
    );
}

#[test]
fn each_example_is_offered_and_not_applied_by_itself() {
    let names: BTreeSet<String> = examples()
        .iter()
        .map(|(path, yaml)| {
            let blueprint = Blueprint::parse(yaml).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert_eq!(blueprint.label(crate::blueprint::LABEL_INSTANTIATE), Some("false"), "{path}");
            assert!(blueprint.label(crate::blueprint::LABEL_DESCRIPTION).is_some(), "{path}");
            assert!(blueprint.label(crate::blueprint::LABEL_SYSTEM).is_none(), "{path}");
            blueprint.metadata.unwrap().name
        })
        .collect();
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples")).unwrap().count();
    assert_eq!(
        (names.len(), files),
        (examples().len(), examples().len()),
        "each file is listed, under a name of its own"
    );
}
