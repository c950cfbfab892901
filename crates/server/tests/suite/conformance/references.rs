//! Objects that refer to others: who uses what, and what becomes of the referrers when it is deleted.

use serde_json::{Value, json};
use vestibule_resource::{Kind, OnDelete};

use super::Findings;
use crate::app::App;
use crate::fixtures::{Fixtures, Named, Object, path};

/// The object of a key, whatever member of its family it is.
async fn find(app: &App, model: &str, pk: &Value) -> Option<(String, Object)> {
    for kind in app.registry().members(model).into_iter().filter(|kind| !kind.spec.path_served().is_empty()) {
        let field = kind.key_field(model).unwrap_or("pk");
        let list = app.admin().get(&format!("{}?page_size=100", kind.wire_path())).await.expect(200);
        let found = list["results"].as_array()?.iter().find(|one| one[field] == *pk || one["brand_uuid"] == *pk);
        if let Some(object) = found.and_then(Value::as_object) {
            return Some((path(kind, object), object.clone()));
        }
    }
    None
}

fn referrer(kind: &Kind, object: &Object, action: &str, entries: &Value) -> bool {
    let own = object.get("pk").or_else(|| object.get("brand_uuid")).or_else(|| object.get("pbm_uuid"));
    entries.as_array().is_some_and(|entries| {
        entries.iter().any(|entry| {
            entry["app"] == kind.app()
                && entry["model_name"] == kind.model_name()
                && own.is_some_and(|own| entry["pk"].as_str() == Some(own.to_string().trim_matches('"')))
                && entry["name"].is_string()
                && entry["action"] == action
        })
    })
}

#[tokio::test]
async fn what_is_referred_to_knows_it_and_its_deletion_does_what_is_declared() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    let mut admin = app.admin();
    for kind in fixtures.kinds().into_iter().filter(|kind| kind.is_document()) {
        for field in kind.fields.iter().filter(|field| field.is_writable()) {
            let Some((model, on_delete, many)) = field.reference() else { continue };
            // Of what the server alone keeps nobody asks who uses it, and nobody deletes it.
            if app.registry().members(model).iter().all(|kind| !kind.spec.has_used_by()) {
                continue;
            }
            let name = format!("{}.{}", kind.model(), field.name);
            let mut body = fixtures.body(kind, Named::Required).await;
            let pk = fixtures.key(model).await;
            // A binding names one of three.
            if kind.model() == "authentik_policies.policybinding" && field.name != "target" {
                body.shift_remove("user");
            }
            body.insert(field.name.into(), if many { json!([pk]) } else { pk.clone() });
            let object = fixtures.create_with(kind, &body).await;
            let (target, _) = find(&app, model, &pk).await.unwrap_or_else(|| panic!("{name}: {pk} is not there"));
            let used_by = admin.get(&format!("{target}used_by/")).await.expect(200);
            let action = match (many, on_delete) {
                (true, _) => "cascade_many",
                (false, OnDelete::Cascade) => "cascade",
                (false, OnDelete::SetNull) => "set_null",
                (false, OnDelete::SetDefault) => "set_default",
                (false, OnDelete::Protect) => "left_dangling",
            };
            // What belongs to one object alone does not use it.
            let uses = field.unique.is_none();
            findings
                .check(referrer(kind, &object, action, &used_by) == uses, || format!("{name}: {action} in {used_by}"));

            let deleted = admin.delete(&target).await;
            let own = path(kind, &object);
            let shown = admin.get(&own).await;
            match (many, on_delete) {
                (false, OnDelete::Protect) => {
                    findings.check(deleted.status == 400 && shown.status == 200, || format!("{name}: not protected"));
                }
                (false, OnDelete::Cascade) => {
                    findings.check(deleted.status == 204 && shown.status == 404, || format!("{name}: no cascade"));
                }
                (false, OnDelete::SetNull | OnDelete::SetDefault) => {
                    findings.check(shown.json().get(field.name) == Some(&Value::Null), || format!("{name}: not null"));
                }
                (true, _) => {
                    findings.check(shown.json()[field.name] == json!([]), || format!("{name}: {}", shown.text));
                }
            }
        }
    }
    findings.none();
}

#[tokio::test]
async fn a_reference_to_nothing_is_refused() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    for kind in fixtures.kinds() {
        for field in kind.fields.iter().filter(|field| field.is_writable()) {
            let Some((model, _, many)) = field.reference() else { continue };
            let numbered =
                ["authentik_core.user", "authentik_core.provider", "authentik_providers_oauth2.oauth2provider"]
                    .contains(&model);
            let gone = if numbered { json!(987_654) } else { json!(app.server.api.ctx.uuid()) };
            // A key of another kind is as good as none.
            let other = match model {
                _ if numbered => json!(-1),
                "authentik_core.group" => fixtures.key("authentik_flows.flow").await,
                _ => fixtures.key("authentik_core.group").await,
            };
            for pk in [gone, other] {
                let mut body = fixtures.body(kind, Named::Required).await;
                body.insert(field.name.into(), if many { json!([pk]) } else { pk.clone() });
                let answer = fixtures.admin.post(&kind.wire_path(), Value::Object(body)).await;
                let expected = format!("Invalid pk \"{}\" - object does not exist.", pk.to_string().trim_matches('"'));
                findings.check(answer.status == 400 && answer.json()[field.name] == json!([expected]), || {
                    format!("{}.{}: {} {}", kind.model(), field.name, answer.status, answer.text)
                });
            }
        }
    }
    findings.none();
}
