//! Finding the object that an entry means.

use serde_json::json;

use super::{World, world};

async fn attributes(world: &World, name: &str) -> Option<String> {
    let sql = "SELECT attributes FROM groups WHERE name = $1";
    let row = world.store.database().query_one(sql, vec![name.into()]).await.unwrap()?;
    Some(row.text("attributes").unwrap())
}

#[tokio::test]
async fn a_mapping_finds_what_contains_it_and_is_merged() {
    let world = world().await;
    world
        .apply(
            "
entries:
  - {model: authentik_core.group, identifiers: {name: test1}, attrs: {attributes: {key: [value], other: [a, b]}}}
  - {model: authentik_core.group, identifiers: {name: test2}, attrs: {attributes: {key: [value], other: [c, d]}}}
",
        )
        .await
        .unwrap();
    let text = "entries: [{model: authentik_core.group, identifiers: {attributes: {other: [b]}},
        attrs: {name: test9, attributes: {key: [new]}}}]";
    assert_eq!(world.apply(text).await.unwrap().updated, 1);
    assert_eq!(attributes(&world, "test1").await, None);
    assert_eq!(attributes(&world, "test9").await.unwrap(), json!({"key": ["new"], "other": ["b"]}).to_string());
    assert_eq!(attributes(&world, "test2").await.unwrap(), json!({"key": ["value"], "other": ["c", "d"]}).to_string());
    let text =
        "entries: [{model: authentik_core.group, identifiers: {attributes: {other: {b: 1}}}, attrs: {name: test3}}]";
    assert_eq!(world.apply(text).await.unwrap().created, 1, "nothing has that");
}

#[tokio::test]
async fn a_path_leads_into_a_mapping() {
    let world = world().await;
    let text = "entries: [{model: authentik_core.group, identifiers: {name: a}, attrs: {attributes: {floor: {rooms: [Ü, 2]}}}}]";
    world.apply(text).await.unwrap();
    for (criterion, found) in [
        ("attributes__floor__rooms__0, Ü", true),
        ("attributes__floor__rooms__0__iexact, ü", true),
        ("attributes__floor__rooms__contains, [2]", true),
        ("attributes__floor__rooms, [Ü, 2]", true),
        ("attributes__floor__rooms__1, '2'", false),
        ("attributes__floor__rooms__2__isnull, true", true),
        ("attributes__roof, x", false),
    ] {
        let text = format!(
            "entries: [{{model: test.note, identifiers: {{name: n}}, conditions: [!Find [authentik_core.group, [{criterion}]]]}}]"
        );
        let applied = world.apply(&text).await.unwrap();
        assert_eq!(applied.passed == 0, found, "{criterion}");
    }
}

#[tokio::test]
async fn rows_are_found_by_whatever_tells_them_apart() {
    let world = world().await;
    let user = |name: &str, email: &str| {
        format!(
            "{{model: authentik_core.user, identifiers: {{username: {name}}}, attrs: {{name: Same, email: {email}}}}}"
        )
    };
    world
        .apply(&format!("entries: [{}, {}]", user("one", "a@example.com"), user("two", "b@example.com")))
        .await
        .unwrap();
    // Two are called so, and two have such an address.
    for (identifiers, found) in [
        ("{name: Same, email: b@example.com}", true),
        ("{email: b@example.com, name: Same}", true),
        ("{name: Same, email: c@example.com}", false),
        ("{username__iexact: TWO}", true),
        ("{username__startswith: tw}", true),
        ("{username: tw}", false),
        ("{username__in: [two, three]}", true),
        ("{email: b@example.com, upn: null}", true),
    ] {
        let text = format!("entries: [{{model: authentik_core.user, identifiers: {identifiers}, state: absent}}]");
        let plan = world.plan(&text).await;
        assert_eq!(plan.contains("- authentik_core.user \"two\""), found, "{identifiers}: {plan}");
    }
}

#[tokio::test]
async fn what_has_another_key_here_is_followed() {
    let world = world().await;
    world.apply("entries: [{model: test.note, identifiers: {name: a}}, {model: authentik_core.group, identifiers: {name: g}}]").await.unwrap();
    // As an export of another server names them: by their keys there.
    let text = "
entries:
  - {model: test.note, identifiers: {pk: 11111111-1111-4111-8111-111111111111, name: a}, attrs: {text: moved}}
  - {model: authentik_core.group, identifiers: {group_uuid: 22222222-2222-4222-8222-222222222222, name: g}}
  - {model: authentik_core.group, identifiers: {pk: 33333333-3333-4333-8333-333333333333, name: new}}
  - {model: test.note, identifiers: {name: b}, attrs: {other: 11111111-1111-4111-8111-111111111111, group: 22222222-2222-4222-8222-222222222222}}
  - {model: test.note, identifiers: {name: c}, attrs: {other: {pk: 11111111-1111-4111-8111-111111111111}, group: 33333333-3333-4333-8333-333333333333}}
  - {model: test.tie, identifiers: {one: {pk: 11111111-1111-4111-8111-111111111111}, two: !Find [test.note, [name, b]], order: 1}}
";
    let text = text
        .replace("other: {pk: 11111111-1111-4111-8111-111111111111}", "other: 11111111-1111-4111-8111-111111111111");
    for _ in 0..2 {
        world.apply(&text).await.unwrap();
        let (a, b, c) = (world.note("a").unwrap(), world.note("b").unwrap(), world.note("c").unwrap());
        assert_eq!(a["text"], "moved");
        assert_ne!(a["pk"], "11111111-1111-4111-8111-111111111111");
        assert_eq!((&b["other"], &c["other"]), (&a["pk"], &a["pk"]));
        assert!(b["group"].is_string() && c["group"].is_string() && b["group"] != c["group"]);
        assert_eq!(world.store.configuration().documents("test.tie").count(), 1);
    }
}

#[tokio::test]
async fn a_field_that_does_not_exist_finds_nothing_and_is_an_error() {
    let world = world().await;
    for (identifiers, message) in [
        ("{nmae: a}", "test.note has no field `nmae` that could find it"),
        ("{group__nmae: a}", "authentik_core.group has no field `nmae` that could find it"),
        ("{name__flies: a}", "`name` of test.note leads to nothing that has a `flies`"),
        ("{}", "the entry of test.note needs `identifiers`, a mapping that finds the object"),
        ("!Context missing", "`identifiers` and `attrs` must become mappings"),
        ("!ParseJSON '{}'", "the entry of test.note needs `identifiers`, a mapping that finds the object"),
    ] {
        let error = world.error(&format!("entries:\n  - {{model: test.note, identifiers: {identifiers}}}")).await;
        assert_eq!(error, format!("test.yaml:2: {message}"));
    }
}

#[tokio::test]
async fn what_is_to_be_gone_needs_no_attributes() {
    let world = world().await;
    world.apply("entries: [{model: test.note, identifiers: {name: a}}]").await.unwrap();
    let text = "entries: [{model: test.note, state: !Format [absent], identifiers: {name: a}, attrs: {other: !Find [test.note, [name, gone]]}}]";
    assert_eq!(world.apply(text).await.unwrap().deleted, 1);
    assert_eq!(world.apply(text).await.unwrap().passed, 1);
}

#[tokio::test]
async fn a_context_is_resolved_where_it_is_asked_for() {
    let world = world().await;
    let text = "
context: {first: !KeyOf a, found: !Find [test.note, [name, a]]}
entries:
  - {model: test.note, id: a, identifiers: {name: a}}
  - {model: !Format ['test.%s', note], identifiers: {name: b}, attrs: {other: !Context first}}
  - {model: test.note, identifiers: {name: c}, attrs: {other: !Context found}}
  - {model: test.note, identifiers: {name: d}, conditions: [!Condition [NOR, !Find [test.note, [name, a]]]]}
  - {model: test.note, identifiers: {name: e}, conditions: [!Condition [NOR, !Find [test.note, [name, nobody]]]]}
";
    world.apply(text).await.unwrap();
    let key = world.note("a").unwrap()["pk"].clone();
    assert_eq!((&world.note("b").unwrap()["other"], &world.note("c").unwrap()["other"]), (&key, &key));
    assert!(world.note("d").is_none() && world.note("e").is_some());
}
