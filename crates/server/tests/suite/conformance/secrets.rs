//! Secrets: what may only be written is shown nowhere, and lies sealed in the database.

use serde_json::Value;
use vestibule_blueprint_engine::export::{People, Secrets, export};
use vestibule_resource::{Access, Field, Kind, Verb};

use super::{Findings, patch_of};
use crate::app::App;
use crate::fixtures::{Fixtures, Named, key, path, secret};

/// Names that a secret has, and what is none of that name.
const SECRET_NAMES: [&str; 5] = ["secret", "password", "private", "key", "token"];
const NO_SECRETS: [&str; 31] = [
    "id_token",
    "field_key",
    "token_count",
    "token_length",
    "resident_key_requirement",
    "admin_integration_key",
    "token_expiry",
    "default_token_duration",
    "default_token_length",
    "password_field",
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
    let exported = export(app.store(), app.registry(), Secrets::Hidden, People::All).await.unwrap();
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
            let named = (kind.model(), field.name);
            // Recovery codes are their owner's to see, and of who may change them.
            let codes = ("authentik_stages_authenticator_static.staticdevice", "token_set");
            if field.guarded || named == ("authentik_core.objectattribute", "key") || named == codes {
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
            "ConsentChallenge"
                | "StaticDevice"
                | "StaticDeviceToken"
                | "TokenView"
                | "UserServiceAccountResponse"
                | "ObjectAttribute"
                | "OAuth2ProviderSetupURLs"
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
            let (search, other) = (format!("{list}?search=Needle"), format!("{list}?{}=something-else", field.name));
            for asked in [&own, &list, &search, &other, &format!("{own}used_by/")] {
                let answer = client.get(asked).await;
                findings.check(answer.status == 200 && !answer.text.contains("Needle"), || format!("{name}: {asked}"));
            }
            // What finds an object by its secret tells the secret.
            let found = client.get(&search).await.json()["pagination"]["count"].clone();
            findings.check(found == 0, || format!("{name}: search finds it"));
            let (all, some) = (client.get(&list).await, client.get(&other).await);
            findings.check(all.json()["results"] == some.json()["results"], || format!("{name}: a filter finds it"));
            app.grants.grant(clerk, &[&kind.permission(Verb::Change)]).await;
            findings
                .check(client.get(&own).await.text.contains("Needle"), || format!("{name}: hidden from its keeper"));
        }
    }
    findings.none();
    assert!(guarded > 0, "there are secrets that an answer holds");
}

/// Whoever may view everything, and change nothing, finds no secret in any answer of any operation.
#[tokio::test]
async fn no_answer_tells_a_secret_to_whoever_only_looks() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    let (reader, mut client) = app.clerk("reader").await;
    let views: Vec<String> = app.registry().permissions().iter().map(vestibule_resource::Permission::full).collect();
    let views: Vec<&str> = views.iter().map(String::as_str).filter(|one| one.contains(".view_")).collect();
    // Keys have permissions of their own to view them.
    let keys = ["view_token_key", "view_certificatekeypair_key", "view_certificatekeypair_certificate"];
    let views: Vec<&str> = views.into_iter().filter(|one| !keys.iter().any(|key| one.ends_with(key))).collect();
    app.grants.grant(reader, &views).await;
    let mut made: Vec<(&Kind, String)> = Vec::new();
    for kind in fixtures.kinds() {
        // Everybody may know a certificate; a kubeconfig has a test of its own.
        let open = |field: &Field| matches!(field.name, "certificate_data" | "kubeconfig");
        let is_secret = |field: &&Field| field.is_writable() && (field.guarded || !field.is_readable()) && !open(field);
        let secrets: Vec<&Field> = kind.fields.iter().filter(is_secret).collect();
        let mut body = fixtures.body(kind, Named::All).await;
        for field in &secrets {
            body.insert(field.name.into(), secret(kind, field, "Needle"));
        }
        let object = fixtures.create_with(kind, &body).await;
        // Others that show it inside of them.
        if kind.spec.family_of().is_some_and(|family| family.model == "authentik_core.provider") {
            let application = fixtures.kind("authentik_core.application");
            let mut body = fixtures.body(application, Named::Required).await;
            body.insert("provider".into(), object["pk"].clone());
            fixtures.create_with(application, &body).await;
        }
        made.push((kind, key(kind, &object)));
    }
    let document = app.schema().await;
    let (mut asked, mut answered) = (0, 0);
    for (path, operations) in document["paths"].as_object().unwrap() {
        if operations.get("get").is_none() || path.starts_with("/flows/executor/") {
            continue;
        }
        let base = if path.starts_with("/api/") { "" } else { "/api/v3" };
        let targets: Vec<String> = match path.split_once('{') {
            None => vec![format!("{base}{path}"), format!("{base}{path}?page_size=100&superuser_full_list=true")],
            // Each object under each path: of what is none of a kind, the answer is 404.
            Some((before, rest)) => {
                let after = rest.split_once('}').unwrap().1;
                let fits = |kind: &Kind| {
                    let family = kind.spec.family_of().map(|family| format!("/{}/", family.path));
                    before == kind.wire_path().trim_start_matches("/api/v3") || family.as_deref() == Some(before)
                };
                let own = made.iter().filter(|(kind, _)| fits(kind));
                own.map(|(_, key)| format!("{base}{before}{key}{after}")).collect()
            }
        };
        for target in targets {
            asked += 1;
            let answer = client.get(&target).await;
            answered += usize::from(answer.status == 200);
            findings.check(!answer.text.contains("Needle"), || format!("GET {target}: {}", answer.text));
            findings.check(answer.status.as_u16() < 500, || format!("GET {target}: {}", answer.status));
        }
    }
    println!("{asked} asked, {answered} answered");
    findings
        .check(answered > 150, || format!("{answered} of {asked} were answered: the reader sees too little to tell"));
    findings.none();
}
