//! Rows of tables by a blueprint: users, groups and tokens, with what the API has operations of their own for.

use std::sync::Arc;

use vestibule_directory::password::{Params, Passwords};
use vestibule_resource::Principal;

use super::{World, world};
use crate::{Origin, system};

const PEOPLE: &str = "
entries:
  - {model: authentik_core.group, id: staff, identifiers: {name: staff}, attrs: {attributes: {floor: 2}}}
  - {model: authentik_core.group, id: cooks, identifiers: {name: cooks}, attrs: {parents: [!KeyOf staff]}}
  - model: authentik_core.user
    id: anna
    identifiers: {username: anna}
    attrs: {name: Anna, path: users, groups: [!KeyOf cooks], password: Tisch und Stuhl 7}
  - model: authentik_core.token
    identifiers: {identifier: annas}
    attrs: {user: !KeyOf anna, intent: app_password, description: hers, expiring: false, key: a-key-of-hers-1}
";

async fn one(world: &World, sql: &'static str) -> String {
    let row = world.store.database().query_one(sql, vec![]).await.unwrap().unwrap();
    row.text("found").unwrap()
}

async fn count(world: &World, action: &str) -> i64 {
    let sql = "SELECT COUNT(*) AS n FROM events WHERE action = $1";
    world.store.database().query_one(sql, vec![action.into()]).await.unwrap().unwrap().int("n").unwrap()
}

#[tokio::test]
async fn people_come_with_their_passwords_and_keys() {
    let world = world().await;
    let applied = world.apply(PEOPLE).await.unwrap();
    assert_eq!((applied.created, applied.notes.as_slice()), (4, [].as_slice()));
    let hash = one(&world, "SELECT password AS found FROM users WHERE username = 'anna'").await;
    let params = Params { memory: 64, iterations: 1, parallelism: 1 };
    let passwords = Arc::new(Passwords::new(world.ctx.clone(), params, 1, 1).unwrap());
    let verified = passwords.verify(Some(hash.clone()), "Tisch und Stuhl 7".into()).await.unwrap();
    assert!(verified.is_right());
    let key = one(&world, "SELECT key_hash AS found FROM tokens WHERE identifier = 'annas'").await;
    assert_eq!(key, world.store.keys().lookup_hash("a-key-of-hers-1"));
    assert_eq!((count(&world, "password_set").await, count(&world, "secret_rotate").await), (1, 1));

    assert_eq!(world.apply(PEOPLE).await.unwrap().updated, 4);
    let again = one(&world, "SELECT password AS found FROM users WHERE username = 'anna'").await;
    assert_eq!(again, hash, "a password that is set already stays, and so do its sessions");
    assert_eq!((count(&world, "password_set").await, count(&world, "secret_rotate").await), (1, 1));
    let events = world.store.database().query("SELECT context FROM events", vec![]).await.unwrap();
    let tells = |text: String| text.contains("Tisch") || text.contains("a-key-of-hers");
    assert!(!events.iter().any(|event| tells(event.text("context").unwrap())), "no event tells a secret");

    let absent = "entries: [{model: authentik_core.user, identifiers: {username: anna}, state: absent}]";
    assert_eq!(world.apply(absent).await.unwrap().deleted, 1);
    let rows = world.store.database().query("SELECT pk FROM tokens", vec![]).await.unwrap();
    assert!(rows.is_empty(), "her tokens went with her");
}

/// What applications know people by comes along, from superusers; nobody is given somebody else's.
#[tokio::test]
async fn people_are_known_by_what_they_were() {
    let world = world().await;
    let user = |name: &str, more: &str| {
        format!(
            "entries: [{{model: authentik_core.user, identifiers: {{username: {name}}}, attrs: {{name: A, path: users{more}}}}}]"
        )
    };
    world.apply(&user("anna", ", uid: hers")).await.unwrap();
    let uid = "SELECT uid AS found FROM users WHERE username = 'anna'";
    assert_eq!(one(&world, uid).await, "hers");
    world.apply(&user("anna", "")).await.unwrap();
    assert_eq!(one(&world, uid).await, "hers");
    for wrong in [", uid: ''", ", uid: [x]", ", uid: null"] {
        assert!(world.error(&user("anna", wrong)).await.contains("uid"));
    }
    assert!(world.error(&user("berta", ", uid: hers")).await.contains("unique"));
    let permissions = ["authentik_core.change_user", "authentik_core.add_user"].map(str::to_owned).into();
    let clerk = Principal { permissions, superuser: false, ..system() };
    for text in [user("anna", ", uid: mine"), user("berta", ", uid: hers")] {
        let error = world.apply_as(&text, &Origin::Client, &clerk).await.unwrap_err().to_string();
        assert!(error.contains("permission"), "{error}");
    }
    assert_eq!(one(&world, uid).await, "hers");
}

#[tokio::test]
async fn a_password_takes_its_own_permission() {
    let world = world().await;
    world
        .apply("entries: [{model: authentik_core.user, identifiers: {username: anna}, attrs: {name: A, path: users}}]")
        .await
        .unwrap();
    let permissions = ["authentik_core.change_user"].map(str::to_owned).into();
    let clerk = Principal { permissions, superuser: false, ..system() };
    let set = |attrs: &str| {
        format!("entries:\n  - {{model: authentik_core.user, identifiers: {{username: anna}}, attrs: {{{attrs}}}}}")
    };
    for attrs in ["password: x", "password_hash: x"] {
        let error = world.apply_as(&set(attrs), &Origin::Client, &clerk).await.unwrap_err().to_string();
        assert!(error.starts_with("test.yaml:2: ") && error.contains("permission"), "{error}");
    }
    let error = world.error(&set("password_hash: md5")).await;
    assert!(error.contains("no hash"), "{error}");
    let hash = "pbkdf2_sha256$1000$salt$dCX+EsuQTcd1JLRwdyVQOLMqn8EY3X5AsWpgYRa4A6Y=";
    world.apply(&set(&format!("password_hash: {hash}"))).await.unwrap();
    assert_eq!(one(&world, "SELECT password AS found FROM users WHERE username = 'anna'").await, hash);
}
