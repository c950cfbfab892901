//! The configuration as YAML: what was exported, imported and exported again is the same, byte for byte, whatever it is.

use serde_json::{Map, Value, json};
use vestibule_blueprint_engine::export::{People, Secrets, export};
use vestibule_blueprint_engine::{Library, Origin, apply_all, plan_all};
use vestibule_kernel::context::{Random, SeededRandom};
use vestibule_resource::{Format, Kind, MODELS, Shape, Verb};

use crate::app::App;
use crate::fixtures::{Fixtures, Named};

/// How many configurations are tried; each from a seed of its own.
const SEEDS: u64 = 6;

async fn text(app: &App, secrets: Secrets) -> String {
    export(app.store(), app.registry(), secrets, People::All).await.unwrap()
}

async fn import(app: &App, text: &str) -> Result<(), String> {
    let api = &app.server.api;
    let source = ("export.yaml", text);
    let applied =
        apply_all(&api.store, &api.registry, &api.ctx, &Library::empty(), &Origin::Server(None), source).await;
    applied.map(drop).map_err(|error| error.to_string())
}

/// Texts that some reader of YAML takes for something else, or breaks.
const ODD: [&str; 24] = [
    "yes",
    "NO",
    "null",
    "~",
    "1e3",
    "0x1F",
    "017",
    "1:30",
    "2026-01-01",
    ".inf",
    "!Find [a, [b, c]]",
    "&a *a",
    "- a: b # c",
    "a: b",
    "{a: [b",
    "%s %(x)s",
    "'\"`",
    "two\nlines",
    "a\n\n  indented\n\ttabs\nend\n",
    "---\n...\n",
    "Ü ẞ ﬁ 😀\u{2028}x",
    "\u{feff}mark",
    "back\\slash\\n",
    "<<",
];

/// Kinds of rows that are part of an export.
const ROWS: [&str; 4] =
    ["authentik_core.user", "authentik_core.group", "authentik_rbac.role", "authentik_rbac.initialpermissions"];

/// The same body with texts that are not what they seem, in every field that may hold any.
fn odd(kind: &Kind, body: &Map<String, Value>, turn: usize) -> Map<String, Value> {
    let mut odd = body.clone();
    for (place, field) in kind.fields.iter().enumerate() {
        let text = ODD[(turn + place) % ODD.len()];
        let value = match (&field.shape, odd.get(field.name)) {
            // A program's texts may be as odd.
            (Shape::Text { .. }, Some(_)) if field.language.is_some() => json!(format!("return {}", json!(text))),
            (Shape::Text { format: Format::Plain, .. }, Some(Value::String(before))) if field.unique.is_some() => {
                json!(format!("{text} {before}"))
            }
            (Shape::Text { format: Format::Plain, .. }, Some(Value::String(_))) => json!(text),
            (Shape::Json | Shape::Map, Some(_)) => {
                json!({text: [text, {"1": {text: null}}, 1.5e300, -0.0, []], "no": {}})
            }
            _ => continue,
        };
        odd.insert(field.name.to_owned(), value);
    }
    odd
}

/// Objects of every kind that is exported, several times, in an order and with fields that the seed decides; and what a
/// role and a user may do to one of each.
async fn fill(app: &App, seed: u64) {
    let random = SeededRandom::new(seed);
    let roll = |most: usize| {
        let mut byte = [0];
        random.fill(&mut byte);
        usize::from(byte[0]) % most
    };
    let mut fixtures = Fixtures::new(app);
    let mut kinds = fixtures.kinds();
    kinds.retain(|kind| kind.is_document() || ROWS.contains(&kind.model()));
    let role = fixtures.key("authentik_rbac.role").await;
    let assign = format!("/api/v3/rbac/permissions/assigned_by_roles/{}/assign/", role.as_str().unwrap());
    let mut odd_ones = 0;
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
            let strange = odd(kind, &body, roll(ODD.len()));
            let mut answer = fixtures.admin.post(&kind.wire_path(), Value::Object(strange)).await;
            odd_ones += usize::from(answer.status == 201);
            if answer.status == 400 {
                answer = fixtures.admin.post(&kind.wire_path(), Value::Object(body)).await;
            }
            // Some fields do not go together with every value of others.
            assert!([201, 400].contains(&answer.status.as_u16()), "{}: {}", kind.model(), answer.text);
            if answer.status == 201 && MODELS.values.iter().any(|(model, _)| *model == kind.model()) {
                let made = answer.json();
                let key =
                    ["pk", "uuid", "brand_uuid", "pbm_uuid"].iter().map(|name| &made[*name]).find(|key| !key.is_null());
                let key = key.map(|key| key.as_str().map_or_else(|| key.to_string(), str::to_owned)).unwrap();
                let permission = kind.permission([Verb::View, Verb::Delete][roll(2)]);
                let body = json!({"permissions": [permission], "model": kind.model(), "object_pk": key});
                fixtures.admin.post(&assign, body).await.expect(200);
            }
        }
    }
    assert!(odd_ones > kinds.len(), "most kinds take such texts: {odd_ones} of {}", 2 * kinds.len());
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
        import(&elsewhere, &exported).await.unwrap_or_else(|error| panic!("seed {seed}: elsewhere: {error}"));
        assert_eq!(text(&elsewhere, Secrets::Shown).await, exported, "seed {seed}: elsewhere");
        let api = &elsewhere.server.api;
        let (library, origin) = (Library::empty(), Origin::Server(None));
        assert!(exported.contains("state: created"), "permissions over objects are part of it");
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
    let before = text(&elsewhere, Secrets::Shown).await;
    let error = import(&elsewhere, &exported).await.unwrap_err();
    assert!(error.contains("key_data of authentik_crypto.certificatekeypair"), "{error}");
    assert_eq!(text(&elsewhere, Secrets::Shown).await, before, "nothing was applied");
}
