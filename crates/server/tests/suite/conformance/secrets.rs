//! Secrets: what may only be written is shown nowhere, and lies sealed in the database.

use serde_json::Value;
use vestibule_blueprint_engine::export::{Secrets, export};
use vestibule_resource::{Access, Verb};

use super::{Findings, patch_of};
use crate::app::App;
use crate::fixtures::{Fixtures, Named, path, secret};

/// Names that a secret has, and what is none of that name.
const SECRET_NAMES: [&str; 5] = ["secret", "password", "private", "key", "token"];
const NO_SECRETS: [&str; 24] = [
    "token_expiry",
    "default_token_duration",
    "default_token_length",
    "password_fields",
    "site_key",
    "allow_show_password",
    "consumer_key",
    "password_change_date",
    "password_stage",
    "passwordless_flow",
    "public_key",
    "access_token_url",
    "request_token_url",
    "private_key_available",
    "private_key_download_url",
    "key_type",
    "token_identifier",
    "access_token_validity",
    "refresh_token_validity",
    "refresh_token_threshold",
    "signing_key",
    "encryption_key",
    "include_claims_in_id_token",
    "jwt_federation_providers",
];

#[tokio::test]
async fn what_is_only_written_is_never_shown() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    let mut admin = app.admin();
    let mut needles = Vec::new();
    for kind in fixtures.kinds() {
        for field in kind.fields.iter().filter(|field| field.access == Access::WriteOnly || field.sealed) {
            // What those who may change an object may read has a test of its own.
            if field.guarded {
                continue;
            }
            // Everybody may know a certificate, it is only long; a kubeconfig has a test of its own.
            if matches!(field.name, "certificate_data" | "kubeconfig") {
                continue;
            }
            let name = format!("{}.{}", kind.model(), field.name);
            findings
                .check(field.sealed && field.access == Access::WriteOnly, || format!("{name}: one without the other"));
            let mut shown = String::new();
            let mut body = fixtures.body(kind, Named::All).await;
            for needle in ["Needle-one", "Needle-two", "Needle-three"] {
                needles.push(format!("{needle}-{}", field.name));
            }
            let [one, two, three] = &needles[needles.len() - 3..] else { unreachable!() };
            body.insert(field.name.into(), secret(kind, field, one));
            let created = admin.post(&kind.wire_path(), Value::Object(body.clone())).await;
            shown.push_str(&created.text);
            let object = created.expect(201).as_object().unwrap().clone();
            let path = path(kind, &object);
            shown.push_str(
                &admin.patch(&path, patch_of(kind, field.name, secret(kind, field, two), &object)).await.text,
            );
            body.insert(field.name.into(), secret(kind, field, three));
            shown.push_str(&admin.put(&path, Value::Object(body)).await.text);
            shown.push_str(&admin.get(&path).await.text);
            shown.push_str(&admin.get(&format!("{path}used_by/")).await.text);
            shown.push_str(&admin.get(&format!("{}?page_size=100", kind.wire_path())).await.text);
            if let Some(family) = kind.spec.family_of() {
                shown.push_str(&admin.get(&format!("/api/v3/{}/?page_size=100", family.path)).await.text);
            }
            let search = admin.get(&format!("{}?search=Needle&ordering={}", kind.wire_path(), field.name)).await;
            findings.check(search.json()["pagination"]["count"] == 0, || format!("{name}: search finds it"));
            shown.push_str(&search.text);
            findings.check(!shown.contains("Needle") && !shown.contains("$sealed"), || format!("{name}: {shown}"));
            let named = format!("\"{}\":", field.name);
            findings.check(!shown.contains(&named), || format!("{name}: its name is in an answer"));
        }
    }
    assert!(!needles.is_empty(), "there are fields that are only written");
    // The default export hides them, the whole one is asked for by name.
    let exported = export(app.store(), app.registry(), Secrets::Hidden).await.unwrap();
    findings.check(!exported.contains("Needle"), || "the export shows a secret".into());
    let flow = admin.get("/api/v3/flows/instances/default-authentication-flow/export/").await;
    findings.check(!flow.text.contains("Needle"), || "a flow's export shows a secret".into());

    // Nothing of it lies in the database as it is: documents, their history, events.
    let database = app.store().database();
    let mut stored = String::new();
    for (table, columns) in [
        ("configuration", "document"),
        ("configuration_revision", "before || after"),
        ("events", "context"),
        ("tokens", "key_hash || key_sealed"),
        ("server_state", "value"),
    ] {
        for row in database.query(format!("SELECT {columns} AS dump FROM {table}"), vec![]).await.unwrap() {
            stored.push_str(&row.optional_text("dump").unwrap().unwrap_or_default());
        }
    }
    findings.check(stored.contains("$sealed") && !stored.contains("Needle"), || "a secret lies open".into());
    findings.check(!stored.contains(crate::app::ADMIN), || "a token lies open".into());
    findings.none();
}

/// GHSA-m9h4-7j9c-55x9: a field that is called like a secret is one.
#[tokio::test]
async fn ghsa_m9h4_7j9c_55x9_what_is_called_a_secret_is_not_shown() {
    let app = App::start().await;
    let mut findings = Findings::default();
    for kind in app.registry().kinds() {
        for field in kind.fields.iter().filter(|field| field.is_readable() && !NO_SECRETS.contains(&field.name)) {
            // An attribute's key is its name; what is guarded has a test of its own.
            if field.guarded || (kind.model(), field.name) == ("authentik_core.objectattribute", "key") {
                continue;
            }
            let is_called = field.name.split('_').any(|word| SECRET_NAMES.contains(&word));
            findings.check(!is_called, || format!("{}.{} is shown", kind.model(), field.name));
        }
    }
    let document = app.schema().await;
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let sent = name.ends_with("Request");
        // Their purpose is to hand a key to whoever may see it.
        let purpose = matches!(
            name.as_str(),
            "TokenView" | "UserServiceAccountResponse" | "ObjectAttribute" | "OAuth2ProviderSetupURLs"
        );
        let is_guarded = |field: &str| {
            app.registry().kinds().iter().any(|kind| kind.field(field).is_some_and(|field| field.guarded))
        };
        for (field, _) in schema["properties"].as_object().into_iter().flatten() {
            let is_called = field.split('_').any(|word| SECRET_NAMES.contains(&word));
            findings.check(
                sent || purpose || !is_called || NO_SECRETS.contains(&field.as_str()) || is_guarded(field),
                || format!("{name}.{field} is in an answer"),
            );
        }
    }
    findings.none();
}

/// CVE-2026-40166, GHSA-m9h4-7j9c-55x9: a secret that an answer holds is for those who may change the object.
#[tokio::test]
async fn cve_2026_40166_a_guarded_secret_is_for_those_who_may_change_it() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    let mut guarded = 0;
    for (number, kind) in fixtures.kinds().into_iter().enumerate() {
        for field in kind.fields.iter().filter(|field| field.guarded) {
            guarded += 1;
            let name = format!("{}.{}", kind.model(), field.name);
            let mut body = fixtures.body(kind, Named::All).await;
            body.insert(field.name.into(), secret(kind, field, "Needle"));
            let object = fixtures.create_with(kind, &body).await;
            let (clerk, mut client) = app.clerk(&format!("reader-{number}")).await;
            app.grants.grant(clerk, &[&kind.permission(Verb::View)]).await;
            let (own, list) = (path(kind, &object), kind.wire_path());
            for asked in [own.clone(), list.clone(), format!("{list}?search=Needle"), format!("{own}used_by/")] {
                let answer = client.get(&asked).await;
                findings.check(answer.status == 200 && !answer.text.contains("Needle"), || format!("{name}: {asked}"));
            }
            app.grants.grant(clerk, &[&kind.permission(Verb::Change)]).await;
            findings
                .check(client.get(&own).await.text.contains("Needle"), || format!("{name}: hidden from its keeper"));
        }
    }
    findings.none();
    assert!(guarded > 0, "there are secrets that an answer holds");
}
