//! Exports that come back as they went.

use serde_json::{Value, json};

use super::world;
use crate::export::{People, Secrets, documents, export};

const CIRCLE: &str = "
entries:
  - {model: authentik_core.group, identifiers: {name: staff}}
  - {model: test.note, identifiers: {name: a}, attrs: {secret: geheim, text: \"two\\nlines: yes\"}}
  - {model: test.note, identifiers: {name: b}, attrs: {other: !Find [test.note, [name, a]], group: !Find [authentik_core.group, [name, staff]]}}
  - {model: test.note, identifiers: {name: a}, attrs: {other: !Find [test.note, [name, b]]}}
  - {model: test.tie, identifiers: {one: !Find [test.note, [name, a]], two: !Find [test.note, [name, b]], order: 3}}
";

#[tokio::test]
async fn export_import_export_is_the_same_here_and_elsewhere() {
    let here = world().await;
    here.apply(CIRCLE).await.unwrap();
    let hidden = here.export(Secrets::Hidden).await;
    assert!(!hidden.contains("geheim") && hidden.contains("!Secret"), "{hidden}");
    here.import(&hidden).await.unwrap();
    assert_eq!(here.export(Secrets::Hidden).await, hidden);
    assert_eq!(here.note("a").unwrap()["secret"], "geheim", "a placeholder keeps the present value");

    let elsewhere = world().await;
    let error = elsewhere.import(&hidden).await.unwrap_err().to_string();
    assert!(error.contains("secret of test.note {\"name\":\"a\"}"), "{error}");
    assert!(elsewhere.note("b").is_none(), "an import that lacks a secret changes nothing");
    let shown = here.export(Secrets::Shown).await;
    elsewhere.import(&shown).await.unwrap();
    assert_eq!(elsewhere.export(Secrets::Shown).await, shown);
    assert_eq!(elsewhere.note("a").unwrap()["secret"], "geheim");
    assert_eq!(elsewhere.note("a").unwrap()["other"], elsewhere.note("b").unwrap()["pk"]);
}

#[tokio::test]
async fn a_large_export_is_several_documents_and_comes_back() {
    let here = world().await;
    let entries: Vec<Value> = (0..600)
        .map(|number| json!({"model": "test.note", "identifiers": {"name": format!("n{number:03}")}}))
        .collect();
    here.apply(&json!({"entries": entries}).to_string()).await.unwrap();
    let text = here.export(Secrets::Hidden).await;
    assert_eq!(documents(&text).len(), 3);
    let applied = here.import(&text).await.unwrap();
    assert_eq!((applied.created, applied.updated), (0, 600));
    assert_eq!(here.export(Secrets::Hidden).await, text);
    let broken = text.replace("name: n599", "name: n599\n    colour: [");
    assert!(
        here.import(&broken).await.unwrap_err().to_string().starts_with("export.yaml:4"),
        "lines count from the start"
    );
}

/// Of a text of several documents, what is missing has its line in the whole.
#[tokio::test]
async fn missing_secrets_have_their_lines() {
    let world = world().await;
    let part = |name: &str| {
        format!(
            "entries:\n  - {{model: test.note, identifiers: {{name: {name}}}, attrs: {{secret: !Secret secret}}}}\n"
        )
    };
    let text =
        format!("{}---\n{}---\nentries:\n  - {{model: test.note, identifiers: {{nmae: x}}}}\n", part("a"), part("b"));
    let error = world.import(&text).await.unwrap_err().to_string();
    for line in
        ["export.yaml:2: secret of test.note {\"name\":\"a\"}", "export.yaml:5: secret of test.note {\"name\":\"b\"}"]
    {
        assert!(error.contains(line), "{error}");
    }
    assert!(world.note("a").is_none());
}

/// What is known by a number has another one elsewhere; where nothing names it, its own key does.
#[tokio::test]
async fn numbered_objects_without_names_come_back() {
    let here = world().await;
    let text = "
entries:
  - {model: test.note, identifiers: {name: a}}
  - {model: test.knot, id: x, identifiers: {uuid: 11111111-1111-4111-8111-111111111111}, attrs: {one: !Find [test.note, [name, a]], text: x}}
  - {model: test.knot, id: y, identifiers: {uuid: 22222222-2222-4222-8222-222222222222}, attrs: {one: !Find [test.note, [name, a]], text: y, others: [!KeyOf x]}}
  - {model: test.knot, identifiers: {uuid: 11111111-1111-4111-8111-111111111111}, attrs: {others: [!KeyOf y, !KeyOf x]}}
";
    here.apply(text).await.unwrap();
    assert_eq!(here.apply(text).await.unwrap().created, 0);
    let exported = here.export(Secrets::Shown).await;
    assert!(exported.contains("uuid: 11111111-1111-4111-8111-111111111111"), "{exported}");
    let elsewhere = world().await;
    // Numbers there are others.
    let first = "entries: [{model: test.note, identifiers: {name: z}},
        {model: test.knot, identifiers: {uuid: 33333333-3333-4333-8333-333333333333}, attrs: {one: !Find [test.note, [name, z]]}}]";
    elsewhere.apply(first).await.unwrap();
    elsewhere.apply("entries: [{model: test.note, identifiers: {name: z}, state: absent}]").await.unwrap();
    for _ in 0..2 {
        elsewhere.import(&exported).await.unwrap();
        assert_eq!(elsewhere.export(Secrets::Shown).await, exported);
    }
    let knots = elsewhere.store.configuration();
    let (mut numbers, mut others) = (Vec::new(), Vec::new());
    for knot in knots.documents("test.knot") {
        numbers.push(knot.value["pk"].as_i64().unwrap());
        others.extend(knot.value["others"].as_array().unwrap().iter().map(|one| one.as_i64().unwrap()));
    }
    assert!(numbers.len() == 2 && numbers.iter().all(|number| *number > 1), "{numbers:?}");
    assert!(others.len() == 3 && others.iter().all(|one| numbers.contains(one)), "{others:?}");
}

const PEOPLE: &str = "
entries:
  - {model: authentik_rbac.role, id: editors, identifiers: {name: 'no'}, attrs: {permissions: [test.view_note, test.add_note]}}
  - {model: authentik_rbac.role, id: readers, identifiers: {name: readers}}
  - {model: authentik_core.group, id: a, identifiers: {name: '2026-01-01'}, attrs: {is_superuser: true, roles: [!KeyOf editors]}}
  - {model: authentik_core.group, id: b, identifiers: {name: Ünter}, attrs: {parents: [!KeyOf a], roles: [!KeyOf readers, !KeyOf editors]}}
  - {model: authentik_core.group, identifiers: {name: '2026-01-01'}, attrs: {parents: [!KeyOf b], attributes: {deep: {'1': [null, 'null', 1.5e300]}}}}
  - model: authentik_core.user
    id: anna
    identifiers: {username: '007'}
    attrs: {name: 'Anna Ü: #1', path: a/b, email: a@example.com, groups: [!KeyOf b, !KeyOf a], roles: [!KeyOf readers],
      permissions: [test.delete_note], password: Tisch und Stuhl 7}
  - model: authentik_core.token
    identifiers: {identifier: annas}
    attrs: {user: !KeyOf anna, intent: api, expires: '2031-02-03T04:05:06.000007Z', key: a-key-of-hers-1}
  - {model: authentik_core.user, identifiers: {username: unrelated}, attrs: {name: '', password: something else}}
  - {model: authentik_rbac.initialpermissions, identifiers: {name: yes-please}, attrs: {role: !KeyOf readers}}
  - model: test.note
    identifiers: {name: a}
    attrs: {group: !KeyOf b}
    permissions: [{permission: view_note, user: !KeyOf anna}, {permission: change_note, role: !KeyOf readers}]
  - model: authentik_core.group
    identifiers: {name: Ünter}
    permissions: [{permission: add_user_to_group, role: !KeyOf readers}]
";

#[tokio::test]
async fn people_and_what_they_may_come_back() {
    let here = world().await;
    here.apply(PEOPLE).await.unwrap();
    let number = here.registry.permission("test.view_note").unwrap().id;
    let initial = format!(
        "entries: [{{model: authentik_rbac.initialpermissions, identifiers: {{name: yes-please}}, attrs: {{permissions: [{number}]}}}}]"
    );
    here.apply(&initial).await.unwrap();
    for (secrets, people) in [
        (Secrets::Shown, People::All),
        (Secrets::Hidden, People::All),
        (Secrets::Shown, People::Referred),
        (Secrets::Hidden, People::Referred),
    ] {
        let text = export(&here.store, &here.registry, secrets, people).await.unwrap();
        assert_eq!(text.contains("$argon2"), secrets == Secrets::Shown, "{text}");
        assert_eq!(text.contains("unrelated"), people == People::All, "{text}");
        assert!(text.contains("test.delete_note") && text.contains("uid: "), "{text}");
        assert_eq!(text.contains("2031-02-03T04:05:06.000007Z"), people == People::All, "{text}");
        let with_keys = (secrets, people) == (Secrets::Shown, People::All);
        assert_eq!(text.contains("a-key-of-hers-1"), with_keys, "{text}");
        let elsewhere = world().await;
        for _ in 0..2 {
            elsewhere.import(&text).await.unwrap();
            assert_eq!(export(&elsewhere.store, &elsewhere.registry, secrets, people).await.unwrap(), text);
        }
        let plan = elsewhere.plan(&text).await;
        assert!(plan.starts_with("0 to create, 0 to change, 0 to delete"), "{plan}");
        here.import(&text).await.unwrap();
        assert_eq!(export(&here.store, &here.registry, secrets, people).await.unwrap(), text);
    }
}
