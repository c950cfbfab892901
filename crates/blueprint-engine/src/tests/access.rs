//! Who may do what by a blueprint, and what its tags may read.

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

#[tokio::test]
async fn permissions_on_single_objects_are_read_and_refused_by_name() {
    let world = world().await;
    let text = |permission: &str| {
        format!(
            "entries:\n  - {{model: test.note, identifiers: {{name: a}}, permissions: [{{permission: {permission}, user: 1}}]}}\n"
        )
    };
    let error = world.error(&text("view_note")).await;
    assert_eq!(error, "test.yaml:2: the permission `view_note` on a single object cannot be given to user 1 yet");
    assert!(world.error(&text("[1]")).await.contains("permission"));
    assert!(world.note("a").is_none(), "nothing is applied without its permissions");
}
