//! What is written is what is read; each change leaves one event and, for documents, one revision.

use serde_json::Value;
use vestibule_resource::Kind;

use super::{Findings, differing, patch_of, visible};
use crate::app::App;
use crate::fixtures::{Fixtures, Named, Object, path};

/// Events of an action about an object, and revisions of it.
async fn traces(app: &App, kind: &Kind, pk: &Value, action: &str) -> (i64, i64) {
    let key = pk.as_str().map_or_else(|| pk.to_string(), |pk| pk.replace('-', ""));
    let sql = "SELECT COUNT(*) AS n FROM events WHERE action = $1 AND model_name = $2 AND model_pk = $3";
    let events = app.number(sql, vec![action.into(), kind.model_name().into(), key.into()]).await;
    let revisions = match pk.as_str().and_then(|pk| pk.parse().ok()) {
        Some(pk) => i64::try_from(app.store().revisions(pk).await.unwrap().len()).unwrap(),
        // Where documents have numbers, a revision is that of the document with this one.
        None => {
            let sql = "SELECT COUNT(*) AS n FROM configuration_revision WHERE kind = $1 AND (before LIKE $2 OR after LIKE $2)";
            app.number(sql, vec![kind.model().into(), format!("%\"pk\":{pk},%").into()]).await
        }
    };
    (events, revisions)
}

fn pk(object: &Object) -> Value {
    object.get("pk").or_else(|| object.get("brand_uuid")).or_else(|| object.get("pbm_uuid")).unwrap().clone()
}

#[tokio::test]
async fn every_kind_is_created_read_updated_and_deleted() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    for kind in fixtures.kinds() {
        let model = kind.model();
        let body = fixtures.body(kind, Named::All).await;
        let object = fixtures.create_with(kind, &body).await;
        let different = differing(kind, &body, &object);
        findings.check(different.is_empty(), || format!("{model}: created otherwise: {different:?}"));
        let path = path(kind, &object);
        let shown = fixtures.admin.get(&path).await.expect(200);
        let different = differing(kind, &body, shown.as_object().unwrap());
        findings.check(different.is_empty(), || format!("{model}: read otherwise: {different:?}"));

        let (documents, audited) = (i64::from(kind.is_document()), i64::from(kind.spec.is_audited()));
        let (events, revisions) = traces(&app, kind, &pk(&object), "model_created").await;
        findings.check((events, revisions) == (audited, documents), || {
            format!("{model}: {events} events and {revisions} revisions of its creation")
        });

        let answer = fixtures.admin.put(&path, Value::Object(body.clone())).await;
        findings.check(answer.status == 200, || format!("{model}: PUT of what is there: {}", answer.text));
        let after = fixtures.admin.get(&path).await.expect(200);
        findings.check(differing(kind, &body, after.as_object().unwrap()).is_empty(), || {
            format!("{model}: a PUT of what is there changed it: {shown} {after}")
        });

        fixtures.admin.delete(&path).await.expect(204);
        findings.check(fixtures.admin.get(&path).await.status == 404, || format!("{model}: there after its deletion"));
        let (events, revisions) = traces(&app, kind, &pk(&object), "model_deleted").await;
        findings.check(events == audited && revisions >= 2 * documents, || {
            format!("{model}: {events} events and {revisions} revisions after its deletion")
        });
    }
    findings.none();
}

#[tokio::test]
async fn a_patch_changes_its_field_and_no_other() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    for kind in fixtures.kinds() {
        let model = kind.model();
        let body = fixtures.body(kind, Named::All).await;
        let object = fixtures.create_with(kind, &body).await;
        for field in kind.fields.iter().filter(|field| field.is_writable()) {
            let name = field.name;
            let value = fixtures.value(kind, field, 1).await;
            // Two turns make no difference where there is but one value; whose a token is never changes.
            if body.get(name) == Some(&value) || (model, name) == ("authentik_core.token", "user") {
                continue;
            }
            let path = path(kind, &object);
            let (events, revisions) = traces(&app, kind, &pk(&object), "model_updated").await;
            let answer = fixtures.admin.patch(&path, patch_of(kind, name, value.clone(), &object)).await;
            if answer.status != 200 {
                findings.check(false, || format!("{model}.{name}: PATCH of {value}: {}", answer.text));
                continue;
            }
            let patched = answer.json();
            let now = super::super::fixtures::path(kind, patched.as_object().unwrap());
            let mut expected = body.clone();
            expected.insert(name.into(), value);
            let shown = fixtures.admin.get(&now).await.expect(200);
            let different = differing(kind, &expected, shown.as_object().unwrap());
            findings.check(different.is_empty(), || format!("{model}.{name}: after its PATCH: {different:?} differ"));
            let traced = traces(&app, kind, &pk(&object), "model_updated").await;
            let wanted = (events + i64::from(kind.spec.is_audited()), revisions + i64::from(kind.is_document()));
            findings.check(traced == wanted, || format!("{model}.{name}: events and revisions: {traced:?}"));
            let back = patch_of(kind, name, body[name].clone(), &object);
            let answer = fixtures.admin.patch(&now, back).await;
            findings.check(answer.status == 200, || format!("{model}.{name}: PATCH back: {}", answer.text));
        }
    }
    findings.none();
}

#[tokio::test]
async fn what_a_creation_leaves_out_has_its_default_and_a_put_leaves_it_alone() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    for kind in fixtures.kinds() {
        let model = kind.model();
        let body = fixtures.body(kind, Named::Required).await;
        let object = fixtures.create_with(kind, &body).await;
        for field in visible(kind).filter(|field| !body.contains_key(field.name)) {
            let default = field.default.map_or(Value::Null, |default| default());
            // The server itself says whom a token belongs to, when it, events and connections end, and what a client is
            // known as.
            let own = matches!(
                (model, field.name),
                ("authentik_core.token", "user" | "expires")
                    | ("authentik_events.event" | "authentik_sources_oauth.useroauthsourceconnection", "expires")
                    | ("authentik_providers_oauth2.oauth2provider", "client_id" | "client_secret")
            );
            findings.check(own || object[field.name] == default, || {
                format!("{model}.{}: {} where its default is {default}", field.name, object[field.name])
            });
        }
        let path = path(kind, &object);
        for name in body.keys().filter(|name| kind.field(name).is_some_and(|field| field.required)) {
            let mut less = body.clone();
            less.remove(name);
            let answer = fixtures.admin.put(&path, Value::Object(less.clone())).await;
            findings.check(answer.status == 400 && !answer.json()[name].is_null(), || {
                format!("{model}.{name}: a PUT without it: {}", answer.text)
            });
            let answer = fixtures.admin.post(&kind.wire_path(), Value::Object(less)).await;
            findings.check(answer.status == 400 && !answer.json()[name].is_null(), || {
                format!("{model}.{name}: a creation without it: {}", answer.text)
            });
        }
        let full = fixtures.body(kind, Named::All).await;
        let object = fixtures.create_with(kind, &full).await;
        let path = super::super::fixtures::path(kind, &object);
        let mut least = full.clone();
        least.retain(|name, _| body.contains_key(name));
        // A whole new description of a token without an intent means the usual one.
        if model == "authentik_core.token" {
            continue;
        }
        let answer = fixtures.admin.put(&path, Value::Object(least)).await;
        let different = differing(kind, &full, answer.json().as_object().unwrap());
        findings.check(different.is_empty(), || format!("{model}: a PUT changed what it left out: {different:?}"));
    }
    findings.none();
}
