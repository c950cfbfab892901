//! Permissions that entries give: over their own objects, and over everything.

use vestibule_resource::Principal;

use super::{World, world};
use crate::{Origin, system};

const HOLDERS: &str = "
entries:
  - {model: authentik_core.user, id: anna, identifiers: {username: anna}, attrs: {name: Anna}}
  - {model: authentik_rbac.role, id: editors, identifiers: {name: editors}}
  - model: test.note
    identifiers: {name: a}
    permissions:
      - {permission: view_note, user: !KeyOf anna}
      - {permission: test.change_note, role: !KeyOf editors}
      - {permission: !Format ['%s_note', delete], role: !Find [authentik_rbac.role, [name, editors]], user: !KeyOf anna}
";

/// Whose role permits what, over which note.
async fn held(world: &World) -> Vec<String> {
    let sql = "SELECT roles.name AS name, permission, object_uuid FROM role_object_permissions \
               JOIN roles ON roles.pk = role_object_permissions.role ORDER BY roles.name, permission";
    let rows = world.store.database().query(sql, vec![]).await.unwrap();
    let key = world.note("a").map(|note| note["pk"].as_str().unwrap().to_owned());
    rows.iter()
        .map(|row| {
            assert_eq!(Some(row.uuid("object_uuid").unwrap().to_string()), key);
            format!("{} {}", row.text("name").unwrap(), row.text("permission").unwrap())
        })
        .collect()
}

async fn over_everything(world: &World) -> Vec<String> {
    let sql = "SELECT roles.name AS name, permission FROM role_permissions JOIN roles ON roles.pk = role \
               ORDER BY roles.name, permission";
    let rows = world.store.database().query(sql, vec![]).await.unwrap();
    rows.iter().map(|row| format!("{} {}", row.text("name").unwrap(), row.text("permission").unwrap())).collect()
}

/// A role that is called as another will be is in nobody's way.
#[tokio::test]
async fn a_role_may_be_called_anything() {
    let world = world().await;
    let text = "
entries:
  - {model: authentik_rbac.role, identifiers: {name: ak-managed-role--user-1}}
  - {model: authentik_core.user, identifiers: {username: anna}, attrs: {name: A, path: users, permissions: [test.view_note]}}
";
    for _ in 0..2 {
        world.apply(text).await.unwrap();
        let held = over_everything(&world).await;
        assert!(
            matches!(held.as_slice(), [one] if one.starts_with("ak-managed-role--user-1 ") && one.ends_with(" test.view_note")),
            "{held:?}"
        );
        assert!(held[0].len() > 60, "it is the other one's: {held:?}");
    }
}

#[tokio::test]
async fn an_entry_gives_permissions_over_its_object() {
    let world = world().await;
    world.apply(HOLDERS).await.unwrap();
    let own = "ak-managed-role--user-1";
    let expected = [
        format!("{own} test.delete_note"),
        format!("{own} test.view_note"),
        "editors test.change_note".to_owned(),
        "editors test.delete_note".to_owned(),
    ];
    assert_eq!(held(&world).await, expected);
    let events = "SELECT pk FROM events WHERE app = 'authentik.blueprints'";
    assert_eq!(world.store.database().query(events, vec![]).await.unwrap().len(), 4);
    world.apply(HOLDERS).await.unwrap();
    assert_eq!(held(&world).await, expected, "the second time changes nothing");
    assert_eq!(world.store.database().query(events, vec![]).await.unwrap().len(), 4);
    // What is there already and stays as it is has its permissions, too.
    let created = HOLDERS.replace("identifiers: {name: a}", "identifiers: {name: a}\n    state: created");
    let clear = "DELETE FROM role_object_permissions";
    world.store.database().execute(vestibule_store::Durability::Full, clear, vec![]).await.unwrap();
    world.apply(&created).await.unwrap();
    assert_eq!(held(&world).await, expected);
    world.apply("entries: [{model: test.note, identifiers: {name: a}, state: absent}]").await.unwrap();
    assert!(held(&world).await.is_empty(), "they go with the object");
}

#[tokio::test]
async fn a_permission_that_cannot_be_given_is_an_error() {
    let world = world().await;
    let text = |permission: &str| {
        format!("entries:\n  - {{model: test.note, identifiers: {{name: a}}, permissions: [{{{permission}}}]}}\n")
    };
    for (permission, message) in [
        ("permission: view_note, user: 77", "there is no user 77"),
        ("permission: view_note, role: 77", "there is no role 77"),
        ("permission: view_note, role: 11111111-1111-4111-8111-111111111111", "there is no role"),
        ("permission: view_tie, user: 77", "there is no permission `view_tie` over test.note"),
        ("permission: authentik_core.view_user, user: 77", "there is no permission `authentik_core.view_user`"),
        ("permission: [1], user: 77", "needs `permission`"),
        ("permission: view_note, user: [1]", "must be a key"),
        ("permission: view_note, user: !Find [authentik_core.user, [username, nobody]]", "!Find: there is no"),
    ] {
        let error = world.error(&text(permission)).await;
        assert!(error.starts_with("test.yaml:2: ") && error.contains(message), "{permission}: {error}");
        assert!(world.note("a").is_none(), "nothing is applied without its permissions");
    }
}

#[tokio::test]
async fn roles_and_users_come_with_permissions_over_everything() {
    let world = world().await;
    let text = "
entries:
  - {model: authentik_rbac.role, identifiers: {name: r}, attrs: {permissions: [test.view_note, authentik_core.view_user]}}
  - {model: authentik_core.user, identifiers: {username: u}, attrs: {name: U, permissions: [test.add_note]}}
";
    let expected = ["ak-managed-role--user-1 test.add_note", "r authentik_core.view_user", "r test.view_note"];
    for _ in 0..2 {
        let applied = world.apply(text).await.unwrap();
        assert!(applied.notes.is_empty(), "{applied:?}");
        assert_eq!(over_everything(&world).await, expected);
    }
    let text = "entries:\n  - {model: authentik_rbac.role, identifiers: {name: r}, attrs: {permissions: [test.fly, view_note]}}";
    let error = world.error(text).await;
    let expected_error = r#"test.yaml:2: {"permissions":{"0":["\"test.fly\" is not a valid choice."],"1":["\"view_note\" is not a valid choice."]}}"#;
    assert_eq!(error, expected_error);
    assert!(world.error(&text.replace("[test.fly, view_note]", "all")).await.contains("Expected a list"));
    assert_eq!(over_everything(&world).await, expected);
}

#[tokio::test]
async fn every_model_is_in_the_context() {
    let world = world().await;
    let text = "entries:
  - {model: authentik_rbac.role, identifiers: {name: r},
     attrs: {permissions: !Enumerate [!Context goauthentik.io/rbac/models, SEQ, !Format ['%s.view_%s', !Value 0, !Index 0]]}}";
    world.apply(text).await.unwrap();
    let all = over_everything(&world).await;
    for permission in ["r test.view_note", "r authentik_core.view_group", "r authentik_flows.view_flow"] {
        assert!(all.iter().any(|one| one == permission), "{permission}: {all:?}");
    }
    assert!(all.iter().all(|one| one.contains(".view_")), "{all:?}");
    let model = "entries: [{model: authentik_core.authenticatedsession, identifiers: {pk: x}, state: absent}]";
    assert!(world.error(model).await.contains("there is no model"), "sessions are the server's own");
}

/// Nobody gives by a blueprint what they do not have, nor becomes anybody.
#[tokio::test]
async fn ghsa_h6c5_mpvq_j4jc_blueprints_give_no_more_than_ones_own() {
    let world = world().await;
    world.apply(HOLDERS).await.unwrap();
    let boss = "entries:
  - {model: authentik_rbac.role, id: strong, identifiers: {name: strong}, attrs: {permissions: [test.delete_tie]}}
  - {model: authentik_core.group, id: g, identifiers: {name: g}, attrs: {is_superuser: true}}
  - {model: authentik_core.user, identifiers: {username: boss}, attrs: {name: B, groups: [!KeyOf g]}}
  - {model: authentik_core.user, identifiers: {username: chief}, attrs: {name: C, roles: [!KeyOf strong]}}";
    world.apply(boss).await.unwrap();
    let permissions = [
        "test.add_note",
        "test.view_note",
        "test.change_note",
        "authentik_rbac.add_role",
        "authentik_rbac.change_role",
        "authentik_rbac.view_role",
        "authentik_rbac.assign_role_permissions",
        "authentik_core.view_user",
        "authentik_core.add_user",
        "authentik_core.change_user",
        "authentik_core.reset_user_password",
        "authentik_core.add_group",
        "authentik_core.change_group",
        "authentik_core.view_group",
        "authentik_rbac.add_initialpermissions",
        "authentik_core.add_token",
        "authentik_core.set_token_key",
    ];
    let clerk = Principal { permissions: permissions.map(str::to_owned).into(), superuser: false, ..system() };
    let mut without = clerk.clone();
    without.permissions.remove("authentik_rbac.assign_role_permissions");
    let attempt = async |entry: &str, who: &Principal| {
        world
            .apply_as(&format!("entries:\n  - {entry}\n"), &Origin::Client, who)
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let over_note = |permission: &str| {
        format!(
            "{{model: test.note, identifiers: {{name: a}}, permissions: [{{permission: {permission}, role: !Find [authentik_rbac.role, [name, strong]]}}]}}"
        )
    };
    let before = (held(&world).await, over_everything(&world).await);
    let user = |name: &str, attrs: &str| {
        format!("{{model: authentik_core.user, identifiers: {{username: {name}}}, attrs: {{{attrs}}}}}")
    };
    let hash = "pbkdf2_sha256$1000$salt$dCX+EsuQTcd1JLRwdyVQOLMqn8EY3X5AsWpgYRa4A6Y=";
    let strong = "!Find [authentik_rbac.role, [name, strong]]";
    for entry in [
        over_note("delete_note"),
        "{model: authentik_rbac.role, identifiers: {name: editors}, attrs: {permissions: [test.delete_note]}}".to_owned(),
        "{model: authentik_rbac.role, identifiers: {name: new}, attrs: {permissions: [test.delete_note]}}".to_owned(),
        user("anna", "permissions: [test.delete_note]"),
        user("new", "name: N, permissions: [authentik_core.enable_group_superuser]"),
        user("anna", &format!("roles: [{strong}]")),
        user("anna", "groups: [!Find [authentik_core.group, [name, g]]]"),
        user("boss", "password: mallory knows it"),
        user("boss", &format!("password_hash: {hash}")),
        user("chief", "password: mallory knows it"),
        user("chief", "email: mallory@example.com"),
        format!("{{model: authentik_core.group, identifiers: {{name: new}}, attrs: {{roles: [{strong}]}}}}"),
        "{model: authentik_core.group, identifiers: {name: new}, attrs: {parents: [!Find [authentik_core.group, [name, g]]]}}".to_owned(),
        "{model: authentik_core.group, identifiers: {name: g}, attrs: {users: [!Find [authentik_core.user, [username, anna]]]}}".to_owned(),
        "{model: authentik_core.token, identifiers: {identifier: t}, attrs: {user: !Find [authentik_core.user, [username, boss]], key: mallory knows it}}".to_owned(),
    ] {
        let error = attempt(&entry, &clerk).await.expect_err(&entry);
        assert!(error.starts_with("test.yaml:2: "), "{error}");
        assert_eq!((held(&world).await, over_everything(&world).await), before, "{entry}");
    }
    attempt(&user("anna", "permissions: [test.view_note]"), &without).await.unwrap_err();
    attempt(&over_note("view_note"), &without).await.unwrap_err();
    // What one has, one may give.
    attempt(&over_note("view_note"), &clerk).await.unwrap();
    let fresh = user("fresh", "name: F, permissions: [test.view_note], password: a password of theirs");
    attempt(&fresh, &clerk).await.unwrap();
}
