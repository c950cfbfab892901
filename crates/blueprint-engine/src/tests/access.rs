//! Who may do what by a blueprint, and what its tags may read.

use std::collections::BTreeSet;

use vestibule_resource::Principal;

use super::{note, world};
use crate::{Origin, system};

#[tokio::test]
async fn an_upload_reads_neither_files_nor_the_environment() {
    let world = world().await;
    let text = note("present", "a", "{text: !Env [PATH, nothing]}");
    world.apply_as(&text, &Origin::Client, &system()).await.unwrap();
    assert_eq!(world.note("a").unwrap()["text"], "nothing");
    world.apply(&text).await.unwrap();
    assert_eq!(world.note("a").unwrap()["text"], "PATH is set");
    world.apply(&note("present", "a", "{text: !Env [VESTIBULE_SECRET_KEY, nothing]}")).await.unwrap();
    assert_eq!(world.note("a").unwrap()["text"], "nothing", "not even the server's own blueprints read its secrets");
    let text = note("present", "a", "{text: !File /etc/passwd}");
    let error = world.apply_as(&text, &Origin::Client, &system()).await.unwrap_err().to_string();
    assert!(error.contains("only blueprints on the server itself"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let origin = Origin::Server(Some(folder.path().to_owned()));
    let error = world.apply_as(&text, &origin, &system()).await.unwrap_err().to_string();
    assert!(error.contains("outside of the blueprints folder"), "{error}");
}

#[tokio::test]
async fn cve_2026_40172_a_blueprint_may_what_its_principal_may() {
    let world = world().await;
    world
        .apply("entries: [{model: authentik_core.group, identifiers: {name: old}, attrs: {is_superuser: true}}]")
        .await
        .unwrap();
    world.apply(&note("present", "a", "{}")).await.unwrap();
    let may = |permissions: &[&str]| {
        let permissions = permissions.iter().map(|one| (*one).to_owned()).collect();
        Principal { permissions, superuser: false, ..system() }
    };
    let attempt = async |text: &str, permissions: &[&str]| {
        world.apply_as(text, &Origin::Client, &may(permissions)).await.map_err(|error| error.to_string())
    };
    let cases = [
        (note("present", "b", "{}"), "test.add_note", "you may not add test.note"),
        (note("present", "a", "{text: x}"), "test.change_note", "you may not change test.note"),
        (note("absent", "a", "{}"), "test.delete_note", "you may not delete test.note"),
    ];
    for (text, permission, message) in cases {
        let all = ["test.add_note", "test.change_note", "test.delete_note", "test.view_note"];
        let others: Vec<&str> = all.into_iter().filter(|one| *one != permission).collect();
        let error = attempt(&text, &others).await.unwrap_err();
        assert!(error.contains(message), "{error}");
        attempt(&text, &[permission]).await.unwrap();
    }
    let look = note("present", "c", "{text: !AtIndex [!FindObject [test.note, [name, b]], name]}");
    let error = attempt(&look, &["test.add_note"]).await.unwrap_err();
    assert!(error.contains("you may not view test.note"), "{error}");
    attempt(&look, &["test.add_note", "test.view_note"]).await.unwrap();

    // Superusers are made by those who may make them.
    let everything = [
        "authentik_core.add_group",
        "authentik_core.change_group",
        "authentik_core.view_group",
        "authentik_core.add_user",
        "authentik_core.change_user",
    ];
    let group = "entries: [{model: authentik_core.group, identifiers: {name: g}, attrs: {is_superuser: true}}]";
    let parent = "entries: [{model: authentik_core.group, identifiers: {name: g},
      attrs: {parents: [!Find [authentik_core.group, [name, old]]]}}]";
    let user = "entries: [{model: authentik_core.user, identifiers: {username: u},
      attrs: {name: u, path: users, groups: [!Find [authentik_core.group, [name, old]]]}}]";
    for text in [group, parent, user] {
        let error = attempt(text, &everything).await.unwrap_err();
        assert!(error.starts_with("test.yaml:"), "{error}");
        assert!(error.to_lowercase().contains("superuser"), "{error}");
        world.apply(text).await.unwrap();
        world.apply("entries: [{model: authentik_core.group, identifiers: {name: g}, state: absent}]").await.unwrap();
    }
}

/// What finds an object tells something about it: a secret that can be searched is a secret that can be guessed.
#[tokio::test]
async fn nobody_searches_what_they_may_not_see() {
    let world = world().await;
    world.apply(&note("present", "a", "{text: private, secret: geheim}")).await.unwrap();
    let may = |permissions: &[&str]| {
        let permissions = permissions.iter().map(|one| (*one).to_owned()).collect();
        Principal { permissions, superuser: false, ..system() }
    };
    let attempt = async |text: &str, permissions: &[&str]| {
        world.apply_as(text, &Origin::Client, &may(permissions)).await.map_err(|error| error.to_string())
    };
    let by = |criterion: &str| {
        format!("entries:\n  - {{model: test.note, state: created, identifiers: {{{criterion}}}, attrs: {{name: b}}}}")
    };
    let found = |criterion: &str| note("present", "b", &format!("{{other: !Find [test.note, [{criterion}]]}}"));
    let all = ["test.add_note", "test.view_note", "test.change_note", "authentik_core.view_group"];
    for secret in ["secret: geheim", "secret__startswith: g", "secret__icontains: E", "other__secret: geheim"] {
        let error = attempt(&by(secret), &all).await.unwrap_err();
        assert_eq!(error, "test.yaml:2: nobody finds test.note by its `secret`", "{secret}");
        let (name, value) = secret.split_once(": ").unwrap();
        let error = attempt(&found(&format!("{name}, {value}")), &all).await.unwrap_err();
        assert_eq!(error, "test.yaml:2: !Find: nobody finds test.note by its `secret`", "{secret}");
    }
    // Who may not view a kind finds it by its names alone.
    let error = attempt(&by("text: private"), &["test.add_note", "test.change_note"]).await.unwrap_err();
    let expected = "test.yaml:2: you may not find test.note by `text`, which takes the permission test.view_note";
    assert_eq!(error, expected);
    attempt(&by("text: private"), &all).await.unwrap();
    let error = attempt(&by("group__name: staff"), &["test.add_note", "test.view_note"]).await.unwrap_err();
    assert!(error.contains("you may not view authentik_core.group"), "{error}");
    // What is found shows what the API shows: no more.
    let look = |field: &str| {
        note("present", "c", &format!("{{text: !AtIndex [!FindObject [test.note, [name, a]], {field}]}}"))
    };
    attempt(&look("secret"), &["test.add_note", "test.view_note"]).await.unwrap();
    assert_eq!(world.note("c").unwrap()["text"], "", "a secret is for those who may change it");
    attempt(&look("secret"), &all).await.unwrap();
    assert_eq!(world.note("c").unwrap()["text"], "geheim");
    world.apply("entries: [{model: test.note, identifiers: {secret: geheim}, attrs: {text: found}}]").await.unwrap();
    assert_eq!(world.note("a").unwrap()["text"], "found", "the server's own blueprints may");
}

/// Who could neither see nor make an object is not told whether it is there.
#[tokio::test]
async fn what_is_there_is_nobodys_to_know() {
    let world = world().await;
    world.apply(&note("present", "a", "{}")).await.unwrap();
    let nobody = Principal { superuser: false, permissions: BTreeSet::new(), ..system() };
    for (state, verb) in [("created", "add"), ("must_created", "add"), ("absent", "delete")] {
        let mut messages = Vec::new();
        for name in ["a", "b"] {
            let refused = world.apply_as(&note(state, name, "{}"), &Origin::Client, &nobody).await;
            messages.push(refused.unwrap_err().to_string());
        }
        let expected = format!("test.yaml:2: you may not {verb} test.note (test.{verb}_note)");
        assert_eq!(messages, [expected.clone(), expected], "{state}");
    }
}

#[tokio::test]
async fn whoever_may_over_one_object_may_by_a_blueprint() {
    let world = world().await;
    world
        .apply(
            "entries: [{model: test.note, identifiers: {name: a}}, {model: test.note, identifiers: {name: b}},
        {model: authentik_rbac.role, id: r, identifiers: {name: r}},
        {model: test.note, identifiers: {name: a}, permissions: [{permission: change_note, role: !KeyOf r}]}]",
        )
        .await
        .unwrap();
    let sql = "SELECT pk FROM roles WHERE name = 'r'";
    let role = world.store.database().query_one(sql, vec![]).await.unwrap().unwrap().uuid("pk").unwrap();
    let clerk = Principal { roles: vec![role], superuser: false, permissions: BTreeSet::new(), ..system() };
    world.apply_as(&note("present", "a", "{text: x}"), &Origin::Client, &clerk).await.unwrap();
    let error = world.apply_as(&note("present", "b", "{text: x}"), &Origin::Client, &clerk).await.unwrap_err();
    assert_eq!(error.to_string(), "test.yaml:2: you may not change test.note (test.change_note)");
}
