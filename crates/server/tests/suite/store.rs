//! The data: refused where it does not fit, sealed where it is secret, there again after a restart.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Instant;

use serde_json::json;
use vestibule_kernel::{Actor, Ctx};
use vestibule_server::registry::families;
use vestibule_server::start::{StartError, start};
use vestibule_store::Durability;
use vestibule_testkit::Client;

use crate::app::{ADMIN, App, node, settings};

async fn started(data: &Path, more: &[(&str, &str)]) -> Result<Client, StartError> {
    let folder = data.display().to_string();
    let more: Vec<(&str, &str)> = more.iter().copied().chain([("data", folder.as_str())]).collect();
    let server = start(&settings(&more), Ctx::system(), families().unwrap()).await?;
    Ok(Client::new(server.router()).with_token(ADMIN))
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let app = App::start().await;
    let sql = "INSERT INTO schema_version (version, name, at) VALUES (9999, 'of the future', $1)";
    let now = app.server.api.ctx.now();
    app.store().database().execute(Durability::Full, sql, vec![now.into()]).await.unwrap();
    let opened = vestibule_store::Store::open(
        app.database.open().await,
        Ctx::system(),
        vestibule_kernel::secret::Keys::derive("a secret for tests").unwrap().into(),
        app.registry().codecs(),
    );
    let refused = opened.await.map(drop).unwrap_err().to_string();
    assert!(refused.contains("9999") && refused.contains("start a newer Vestibule"), "{refused}");
}

#[tokio::test]
async fn another_secret_key_is_refused() {
    let app = App::start().await;
    let keys = vestibule_kernel::secret::Keys::derive("another secret").unwrap().into();
    let opened = vestibule_store::Store::open(app.database.open().await, Ctx::system(), keys, app.registry().codecs());
    assert!(matches!(opened.await, Err(vestibule_store::StoreError::Seal(_))));
}

#[tokio::test]
async fn a_data_folder_keeps_its_key_and_everything_else() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut admin = started(&data, &[]).await.unwrap();
    let captcha = json!({"name": "c", "public_key": "p", "private_key": "Needle-in-a-file"});
    let stage = admin.post("/api/v3/stages/captcha/", captcha).await.expect(201);
    let token = admin.post("/api/v3/core/tokens/", json!({"identifier": "t"})).await.expect(201);
    admin.post("/api/v3/core/tokens/t/set_key/", json!({"key": "Needle-of-a-token"})).await.expect(204);
    let user = admin.get("/api/v3/core/users/me/").await.expect(200)["user"]["uid"].clone();
    drop(admin);

    // At rest: no secret lies open in any file, nor a password's.
    for entry in std::fs::read_dir(&data).unwrap().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for needle in ["Needle", ADMIN, crate::app::PASSWORD] {
            assert!(!text.contains(needle), "{needle} lies open in {}", entry.path().display());
        }
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert!(
            mode.trailing_zeros() >= 6 || entry.file_name().to_string_lossy().contains("-shm"),
            "{entry:?}: {mode:o}"
        );
    }

    let refused = started(&data, &[("secret_key", "another")]).await.map(drop).unwrap_err();
    assert!(matches!(refused, StartError::Store(_)), "{refused}");
    let mut admin = started(&data, &[]).await.unwrap();
    let path = format!("/api/v3/stages/captcha/{}/", stage["pk"].as_str().unwrap());
    assert_eq!(admin.get(&path).await.expect(200), stage);
    let view = admin.get("/api/v3/core/tokens/t/view_key/").await.expect(200);
    assert_eq!(view["key"], "Needle-of-a-token");
    assert_eq!(admin.get("/api/v3/core/tokens/t/").await.expect(200)["pk"], token["pk"]);
    assert_eq!(admin.get("/api/v3/core/users/me/").await.expect(200)["user"]["uid"], user);
    drop(admin);

    std::fs::remove_file(data.join("secret_key")).unwrap();
    let lost = started(&data, &[]).await.map(drop).unwrap_err().to_string();
    assert!(lost.contains("secret_key") && lost.contains("missing"), "{lost}");
}

#[tokio::test]
async fn revisions_tell_what_was_and_who_changed_it() {
    let app = App::start().await;
    let mut admin = app.admin();
    let captcha = json!({"name": "before", "public_key": "p", "private_key": "Needle"});
    let stage = admin.post("/api/v3/stages/captcha/", captcha).await.expect(201);
    let pk = stage["pk"].as_str().unwrap();
    let path = format!("/api/v3/stages/captcha/{pk}/");
    app.later(60);
    admin.patch(&path, json!({"name": "after"})).await.expect(200);
    admin.patch(&path, json!({"name": ""})).await.expect(400);
    admin.delete(&path).await.expect(204);
    let revisions = app.store().revisions(pk.parse().unwrap()).await.unwrap();
    let names: Vec<_> = revisions.iter().map(|one| (&one.before["name"], &one.after["name"])).collect();
    let (before, after, none) = (json!("before"), json!("after"), json!(null));
    assert_eq!(names, [(&after, &none), (&before, &after), (&none, &before)]);
    assert!(revisions.iter().all(|one| one.actor["username"] == "akadmin" && one.kind.ends_with("captchastage")));
    assert_eq!((revisions[1].at - revisions[2].at).num_seconds(), 60);
    assert!(!revisions.iter().any(|one| format!("{}{}", one.before, one.after).contains("Needle")));
}

/// A default that somebody deleted or changed does not come back at the next start.
#[tokio::test]
async fn a_second_start_changes_nothing() {
    let app = App::start().await;
    let mut admin = app.admin();
    admin.delete("/api/v3/flows/instances/default-enrollment-flow/").await;
    admin.patch("/api/v3/flows/instances/default-authentication-flow/", json!({"title": "Mine"})).await.expect(200);
    let before = app.footprint().await;
    let again = node(&app.database, &app.clock, &settings(&[("bootstrap_password", "another")])).await;
    assert_eq!(app.footprint().await, before);
    let mut client = Client::new(again.router()).with_token(ADMIN);
    let flow = client.get("/api/v3/flows/instances/default-authentication-flow/").await.expect(200);
    assert_eq!(flow["title"], "Mine");
}

#[tokio::test]
async fn one_write_among_ten_thousand_documents() {
    let app = App::start().await;
    let kind = app.registry().kind("authentik_stages_dummy.dummystage").unwrap();
    let mut change = app.store().change(Actor::System).await.unwrap();
    for number in 0..10_000 {
        let pk = app.server.api.ctx.uuid();
        let document = json!({"pk": pk, "name": format!("dummy {number}"), "throw_error": false});
        change.put(kind.model(), pk, document.as_object().unwrap().clone()).await.unwrap();
    }
    change.commit().await.unwrap();
    let mut admin = app.admin();
    let mut times = Vec::new();
    for number in 0..11 {
        let begun = Instant::now();
        admin.post("/api/v3/stages/dummy/", json!({"name": format!("one more {number}")})).await.expect(201);
        times.push(begun.elapsed());
    }
    times.sort();
    let begun = Instant::now();
    let list = admin.get("/api/v3/stages/all/?page_size=100&search=dummy&ordering=-name").await.expect(200);
    println!("one write among 10,000 documents: {:?} (median of 11), a searched list: {:?}", times[5], begun.elapsed());
    assert!(list["pagination"]["count"].as_u64().unwrap() >= 10_000);
}
