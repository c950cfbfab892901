//! The configuration as YAML: what was exported, imported and exported again is the same, byte for byte, whatever it is.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vestibule_blueprint_engine::export::{Secrets, export};
use vestibule_blueprint_engine::{Library, Origin, apply_all, plan_all};
use vestibule_kernel::context::{Random, SeededRandom};

use crate::app::App;
use crate::fixtures::{Fixtures, Named};

/// How many configurations are tried; each from a seed of its own.
const SEEDS: u64 = 6;

async fn text(app: &App, secrets: Secrets) -> String {
    export(app.store(), app.registry(), secrets).await.unwrap()
}

async fn import(app: &App, text: &str) -> Result<(), String> {
    let api = &app.server.api;
    let source = ("export.yaml", text);
    let applied =
        apply_all(&api.store, &api.registry, &api.ctx, &Library::empty(), &Origin::Server(None), source).await;
    applied.map(drop).map_err(|error| error.to_string())
}

/// Objects of every kind that is kept as documents, several times, in an order and with fields that the seed decides.
async fn fill(app: &App, seed: u64) {
    let random = SeededRandom::new(seed);
    let roll = |most: usize| {
        let mut byte = [0];
        random.fill(&mut byte);
        usize::from(byte[0]) % most
    };
    let mut fixtures = Fixtures::new(app);
    let mut kinds = fixtures.kinds();
    kinds.retain(|kind| kind.is_document());
    for _ in 0..2 {
        for place in (1..kinds.len()).rev() {
            kinds.swap(place, roll(place + 1));
        }
        for kind in &kinds {
            let named = if roll(3) == 0 { Named::Required } else { Named::All };
            let mut body = fixtures.body(kind, named).await;
            for field in kind.fields.iter().filter(|field| field.is_writable() && !field.required) {
                if roll(3) == 0 && body.contains_key(field.name) && field.default.is_some() {
                    let other = fixtures.value(kind, field, 1).await;
                    body.insert(field.name.to_owned(), other);
                }
            }
            let answer = fixtures.admin.post(&kind.wire_path(), Value::Object(body)).await;
            // Some fields do not go together with every value of others.
            assert!([201, 400].contains(&answer.status.as_u16()), "{}: {}", kind.model(), answer.text);
        }
    }
}

/// Rows that documents refer to are no part of an export: they are made there by their names.
async fn make_rows(from: &App, to: &App) {
    for (list, name) in [("core/groups", "name"), ("core/users", "username")] {
        let found = from.admin().get(&format!("/api/v3/{list}/?page_size=100")).await.expect(200);
        assert_eq!(found["pagination"]["next"], 0, "{list} fit on a page");
        let there = to.admin().get(&format!("/api/v3/{list}/?page_size=100")).await.expect(200);
        let names = |list: &Value| -> BTreeSet<String> {
            let results = list["results"].as_array().unwrap();
            results.iter().map(|one| one[name].as_str().unwrap().to_owned()).collect()
        };
        for missing in names(&found).difference(&names(&there)) {
            let body = json!({name: missing, "name": missing, "path": "users"});
            to.admin().post(&format!("/api/v3/{list}/"), body).await.expect(201);
        }
    }
}

#[tokio::test]
async fn export_import_export_is_the_same() {
    for seed in 0..SEEDS {
        let here = App::start().await;
        fill(&here, seed).await;
        for secrets in [Secrets::Hidden, Secrets::Shown] {
            let exported = text(&here, secrets).await;
            import(&here, &exported).await.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert_eq!(text(&here, secrets).await, exported, "seed {seed}: here");
        }
        let exported = text(&here, Secrets::Shown).await;
        let elsewhere = App::start().await;
        make_rows(&here, &elsewhere).await;
        import(&elsewhere, &exported).await.unwrap_or_else(|error| panic!("seed {seed}: elsewhere: {error}"));
        assert_eq!(text(&elsewhere, Secrets::Shown).await, exported, "seed {seed}: elsewhere");
        let api = &elsewhere.server.api;
        let (library, origin) = (Library::empty(), Origin::Server(None));
        let plan = plan_all(&api.store, &api.registry, &api.ctx, &library, &origin, ("e", &exported)).await.unwrap();
        assert!(plan.changes.is_empty(), "seed {seed}: there is nothing left to do:\n{plan}");
        assert!(plan.unchanged > 50, "{plan}");
    }
}

#[tokio::test]
async fn what_an_export_hides_is_asked_for_elsewhere() {
    let here = App::start().await;
    fill(&here, 99).await;
    let exported = text(&here, Secrets::Hidden).await;
    let elsewhere = App::start().await;
    make_rows(&here, &elsewhere).await;
    let before = text(&elsewhere, Secrets::Shown).await;
    let error = import(&elsewhere, &exported).await.unwrap_err();
    assert!(error.contains("key_data of authentik_crypto.certificatekeypair"), "{error}");
    assert_eq!(text(&elsewhere, Secrets::Shown).await, before, "nothing was applied");
}
