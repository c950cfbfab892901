//! Plans.

use super::{note, world};
use crate::export::Secrets;

#[tokio::test]
async fn a_plan_says_what_would_change_and_changes_nothing() {
    let world = world().await;
    world.apply("entries: [{model: authentik_core.group, identifiers: {name: staff}}]").await.unwrap();
    for name in ["same", "gone", "other"] {
        world.apply(&note("present", name, "{text: one, secret: geheim}")).await.unwrap();
    }
    world
        .apply("entries: [{model: test.tie, identifiers: {one: !Find [test.note, [name, gone]], two: !Find [test.note, [name, other]], order: 1}}]")
        .await
        .unwrap();
    let text = "
entries:
  - {model: test.note, id: new, identifiers: {name: new}, attrs: {text: \"a\\nb\", secret: neu, group: !Find [authentik_core.group, [name, staff]]}}
  - {model: test.note, identifiers: {name: same}, attrs: {text: one}}
  - {model: test.note, identifiers: {name: other}, attrs: {text: two, secret: anders, other: !KeyOf new}}
  - {model: test.note, identifiers: {name: gone}, state: absent}
  - {model: test.tie, identifiers: {one: !KeyOf new, two: !Find [test.note, [name, other]], order: 2}}
  - {model: authentik_core.group, identifiers: {name: guests}, attrs: {parents: [!Find [authentik_core.group, [name, staff]]]}}
";
    let before = world.export(Secrets::Shown).await;
    let plan = world.plan(text).await;
    let expected = r#"+ test.note "new"  (line 3)
    name: "new"
    text: "a\nb"
    secret: "(secret)"
    group: "authentik_core.group \"staff\""
~ test.note "other"  (line 5)
    text: "one" -> "two"
    secret: "(secret)" -> "(secret)"
    other: null -> "test.note \"new\""
- test.note "gone"  (line 6)
+ test.tie one="test.note \"new\"" two="test.note \"other\"" order=2  (line 7)
    one: "test.note \"new\""
    two: "test.note \"other\""
    order: 2
+ authentik_core.group "guests"  (line 8)
    name: "guests"
    parents: ["authentik_core.group \"staff\""]
- test.tie one="test.note \"gone\"" two="test.note \"other\"" order=1  (goes with another)
3 to create, 1 to change, 2 to delete, 1 as they are.
"#;
    assert_eq!(plan, expected);
    assert_eq!(world.plan(text).await, plan, "the same text for the same plan");
    assert_eq!(world.export(Secrets::Shown).await, before);
    let rows = world.store.database().query("SELECT name FROM groups WHERE name = 'guests'", vec![]).await.unwrap();
    assert!(rows.is_empty());
}

/// What is set and given besides the fields is part of a plan, too.
#[tokio::test]
async fn a_plan_says_what_is_given_and_tells_no_secret() {
    let world = world().await;
    let text = "
entries:
  - {model: authentik_rbac.role, id: r, identifiers: {name: r}, attrs: {permissions: [test.view_note]}}
  - {model: authentik_core.user, identifiers: {username: anna}, attrs: {name: Anna, password: Tisch und Stuhl 7}}
  - {model: test.note, identifiers: {name: a}, permissions: [{permission: change_note, role: !KeyOf r}]}
";
    let plan = world.plan(text).await;
    for line in [
        "    permissions: [\"test.view_note\"]\n",
        "    password: \"(secret)\"\n",
        "    permissions over it: \"test.change_note for r\"\n",
        "3 to create, 0 to change, 0 to delete, 0 as they are.\n",
    ] {
        assert!(plan.contains(line), "{line}: {plan}");
    }
    assert!(!plan.contains("Tisch") && !plan.contains("argon2"), "{plan}");
    world.apply(text).await.unwrap();
    assert_eq!(world.plan(text).await, "0 to create, 0 to change, 0 to delete, 3 as they are.\n");
    let more = text.replace("[test.view_note]", "[test.add_note]").replace("Stuhl 7", "Stuhl 8");
    let more = more.replace("change_note, role", "view_note, role");
    let plan = world.plan(&more).await;
    for line in [
        "    permissions: [\"test.view_note\"] -> [\"test.add_note\",\"test.view_note\"]\n",
        "    password: \"(secret)\" -> \"(secret)\"\n",
        "    permissions over it: null -> \"test.view_note for r\"\n",
        "0 to create, 3 to change, 0 to delete, 0 as they are.\n",
    ] {
        assert!(plan.contains(line), "{line}: {plan}");
    }
}
