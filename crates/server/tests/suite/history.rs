//! What was changed in the configuration can be had back.

use http::Method;
use serde_json::{Value, json};
use vestibule_testkit::Client;

use crate::app::App;
use crate::conformance::Findings;
use crate::fixtures::{Fixtures, Named, path};

const CHANGES: &str = "/api/vestibule/v1/configuration/changes/";

/// The newest change, or the newest of an object.
async fn newest(admin: &mut Client, query: &str) -> Value {
    admin.get(&format!("{CHANGES}?page_size=1{query}")).await.expect(200)["results"][0].clone()
}

fn undo(change: &Value) -> String {
    format!("{CHANGES}{}/undo/", change["change"].as_str().unwrap())
}

async fn captcha(admin: &mut Client, name: &str) -> (String, Value) {
    let body = json!({"name": name, "public_key": "p", "private_key": "Needle-that-is-kept"});
    let stage = admin.post("/api/v3/stages/captcha/", body).await.expect(201);
    (format!("/api/v3/stages/captcha/{}/", stage["pk"].as_str().unwrap()), stage)
}

#[tokio::test]
async fn every_document_is_there_again_when_its_deletion_is_undone() {
    let app = App::start().await;
    let mut fixtures = Fixtures::new(&app);
    let mut findings = Findings::default();
    for kind in fixtures.kinds().into_iter().filter(|kind| kind.is_document()) {
        let model = kind.model();
        let body = fixtures.body(kind, Named::All).await;
        let object = fixtures.create_with(kind, &body).await;
        let path = path(kind, &object);
        let before = fixtures.admin.get(&path).await.expect(200);
        fixtures.admin.delete(&path).await.expect(204);
        let deletion = newest(&mut fixtures.admin, &format!("&model={model}")).await;
        findings.check(deletion["objects"][0]["action"] == "deleted", || format!("{model}: {deletion}"));

        let planned = fixtures.admin.post(&undo(&deletion), json!({"dry_run": true})).await;
        findings.check(planned.status == 200, || format!("{model}: planned: {}", planned.text));
        findings.check(fixtures.admin.get(&path).await.status == 404, || format!("{model}: a dry run wrote it"));
        let undone = fixtures.admin.post(&undo(&deletion), json!({})).await;
        findings.check(undone.status == 200, || format!("{model}: {}", undone.text));
        let after = fixtures.admin.get(&path).await;
        findings.check(after.status == 200 && after.json() == before, || {
            format!("{model}: there again otherwise: {before} {}", after.text)
        });

        // And away with it, by undoing that.
        let again = newest(&mut fixtures.admin, &format!("&model={model}")).await;
        let undone = fixtures.admin.post(&undo(&again), json!({})).await;
        findings.check(undone.status == 200, || format!("{model}: away again: {}", undone.text));
        findings.check(fixtures.admin.get(&path).await.status == 404, || format!("{model}: still there"));
    }
    findings.none();
}

#[tokio::test]
async fn a_change_is_told_and_undone_with_its_secret_which_nobody_is_shown() {
    let app = App::start().await;
    let mut admin = app.admin();
    let (path, before) = captcha(&mut admin, "First").await;
    let changed = json!({"name": "Second", "private_key": "Another-needle"});
    admin.patch(&path, changed).await.expect(200);
    let pk = before["pk"].as_str().unwrap();
    let change = newest(&mut admin, &format!("&object={pk}")).await;
    assert_eq!(change["actor"]["username"], "akadmin");
    let edit = &change["objects"][0];
    assert_eq!((&edit["action"], &edit["name"], &edit["object"]), (&json!("changed"), &json!("Second"), &before["pk"]));
    assert_eq!(edit["fields"], json!([{"field": "name", "before": "First", "after": "Second"}]));
    let one = admin.get(&format!("{CHANGES}{}/", change["change"].as_str().unwrap())).await.expect(200);
    assert_eq!(one, change);

    let undone = admin.post(&undo(&change), json!({})).await;
    assert!(!undone.text.contains("eedle"), "{}", undone.text);
    assert_eq!(undone.json()["objects"][0]["fields"], json!([{"field": "name", "before": "Second", "after": "First"}]));
    assert_eq!(admin.get(&path).await.expect(200), before);
    let stage = app.store().configuration();
    let stage = stage.document("authentik_stages_captcha.captchastage", pk.parse().unwrap()).unwrap();
    assert_eq!(stage.value["private_key"], "Needle-that-is-kept");
    let events = admin.get("/api/v3/events/events/?action=custom_").await.expect(200);
    assert_eq!(events["results"][0]["context"]["change"], change["change"]);
    assert_eq!(events["results"][0]["context"]["objects"], json!(["First"]));
    // What is as it should be is left alone.
    let again = admin.post(&undo(&change), json!({})).await.expect(200);
    assert_eq!(again["objects"], json!([]));
}

#[tokio::test]
async fn what_was_changed_since_is_not_undone_but_can_be_returned_from() {
    let app = App::start().await;
    let mut admin = app.admin();
    let (path, first) = captcha(&mut admin, "One").await;
    let made = newest(&mut admin, "").await;
    admin.patch(&path, json!({"name": "Two"})).await.expect(200);
    let second = newest(&mut admin, "").await;
    admin.patch(&path, json!({"name": "Three"})).await.expect(200);
    let (other, _) = captcha(&mut admin, "Of later").await;

    let refused = admin.post(&undo(&second), json!({})).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["detail"]), (409, &json!("Changed since: Three.")));
    let back = format!("{CHANGES}{}/return/", made["change"].as_str().unwrap());
    let planned = admin.post(&back, json!({"dry_run": true})).await.expect(200);
    let mut said: Vec<(&str, &str)> = planned["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["action"].as_str().unwrap(), one["name"].as_str().unwrap()))
        .collect();
    said.sort_unstable();
    assert_eq!(said, [("changed", "One"), ("deleted", "Of later")]);
    assert_eq!(admin.get(&path).await.expect(200)["name"], "Three");
    admin.post(&back, json!({})).await.expect(200);
    assert_eq!(admin.get(&path).await.expect(200), first);
    assert_eq!(admin.get(&other).await.status, 404);
}

#[tokio::test]
async fn what_went_together_comes_back_together() {
    let app = App::start().await;
    let mut admin = app.admin();
    let flow = json!({"name": "F", "slug": "of-today", "title": "T", "designation": "authentication"});
    let flow = admin.post("/api/v3/flows/instances/", flow).await.expect(201);
    let stage = admin.post("/api/v3/stages/dummy/", json!({"name": "D"})).await.expect(201);
    let binding = json!({"target": flow["pk"], "stage": stage["pk"], "order": 10});
    let binding = admin.post("/api/v3/flows/bindings/", binding).await.expect(201);
    let binding = format!("/api/v3/flows/bindings/{}/", binding["pk"].as_str().unwrap());
    admin.delete("/api/v3/flows/instances/of-today/").await.expect(204);
    assert_eq!(admin.get(&binding).await.status, 404);
    let deletion = newest(&mut admin, "").await;
    assert_eq!(deletion["objects"].as_array().unwrap().len(), 2);
    admin.post(&undo(&deletion), json!({})).await.expect(200);
    assert_eq!(admin.get("/api/v3/flows/instances/of-today/").await.expect(200)["stages"], json!([stage["pk"]]));
    admin.get(&binding).await.expect(200);

    // What others have come to refer to stays, and what refers to nothing does not come back.
    let stage_path = format!("/api/v3/stages/dummy/{}/", stage["pk"].as_str().unwrap());
    let made = newest(&mut admin, &format!("&object={}", stage["pk"].as_str().unwrap())).await;
    let refused = admin.post(&undo(&made), json!({})).await;
    assert_eq!(refused.status, 409);
    assert!(refused.json()["detail"].as_str().unwrap().ends_with("refers to D."), "{}", refused.text);
    admin.delete(&binding).await.expect(204);
    let unbound = newest(&mut admin, "").await;
    admin.delete(&stage_path).await.expect(204);
    let refused = admin.post(&undo(&unbound), json!({})).await;
    assert_eq!(refused.status, 409);
    assert!(refused.json()["detail"].as_str().unwrap().contains("object does not exist"), "{}", refused.text);
}

#[tokio::test]
async fn changes_are_found_by_who_made_them_and_when() {
    let app = App::start().await;
    let mut admin = app.admin();
    let (pk, mut somebody) = app.clerk("some_body").await;
    app.grants.grant(pk, &["authentik_stages_dummy.add_dummystage"]).await;
    captcha(&mut admin, "Of the administrator").await;
    somebody.post("/api/v3/stages/dummy/", json!({"name": "Of somebody"})).await.expect(201);
    let theirs = newest(&mut admin, "&username=some_body").await;
    assert_eq!(theirs["objects"][0]["name"], "Of somebody");
    assert_eq!(newest(&mut admin, "&username=akadmin").await["objects"][0]["name"], "Of the administrator");
    assert_eq!(newest(&mut admin, "&username=some%25").await, Value::Null);
    let at = theirs["at"].as_str().unwrap();
    assert_eq!(newest(&mut admin, &format!("&at__gt={at}")).await, Value::Null);
    assert_eq!(
        newest(&mut admin, &format!("&at__gt=2001-01-01&object={}", theirs["objects"][0]["object"].as_str().unwrap()))
            .await,
        theirs
    );
    assert_ne!(newest(&mut admin, &format!("&at__lt={at}")).await, theirs);
}

#[tokio::test]
async fn all_that_a_blueprint_did_is_undone_at_once() {
    let app = App::start().await;
    let mut admin = app.admin();
    let (path, before) = captcha(&mut admin, "There before").await;
    let blueprint = "version: 1\nentries:\n\
        - {model: authentik_stages_captcha.captchastage, identifiers: {name: There before}, attrs: {public_key: other}}\n\
        - {model: authentik_stages_dummy.dummystage, id: d, identifiers: {name: New}}\n\
        - {model: authentik_flows.flow, id: f, identifiers: {slug: new}, attrs: {name: New, title: New, designation: authentication}}\n\
        - {model: authentik_flows.flowstagebinding, identifiers: {target: !KeyOf f, stage: !KeyOf d, order: 0}}\n";
    let form = format!(
        "--cut\r\ncontent-disposition: form-data; name=\"file\"; filename=\"b.yaml\"\r\n\r\n{blueprint}\r\n--cut--\r\n"
    );
    let media = Some("multipart/form-data; boundary=cut");
    let path_of_import = "/api/v3/managed/blueprints/import/";
    let imported = admin.send(Method::POST, path_of_import, media, form.into_bytes()).await.expect(200);
    assert_eq!(imported["success"], true, "{imported}");
    let change = newest(&mut admin, "").await;
    assert_eq!(change["objects"].as_array().unwrap().len(), 4, "{change}");
    admin.post(&undo(&change), json!({})).await.expect(200);
    assert_eq!(admin.get(&path).await.expect(200), before);
    assert_eq!(admin.get("/api/v3/flows/instances/new/").await.status, 404);
    assert_eq!(admin.get("/api/v3/stages/dummy/?name=New").await.expect(200)["results"], json!([]));
}

#[tokio::test]
async fn who_may_not_write_an_object_does_not_get_it_back() {
    let app = App::start().await;
    let mut admin = app.admin();
    let (path, _) = captcha(&mut admin, "Kept").await;
    admin.delete(&path).await.expect(204);
    let deletion = newest(&mut admin, "").await;
    let (pk, mut somebody) = app.clerk("somebody").await;
    let see = "authentik_events.view_event";
    for (permissions, seen, undone) in [
        (vec![], 403, 403),
        (vec![see], 200, 403),
        (vec![see, "authentik_blueprints.add_blueprintinstance"], 200, 403),
        (
            vec![see, "authentik_blueprints.add_blueprintinstance", "authentik_stages_captcha.add_captchastage"],
            200,
            200,
        ),
    ] {
        app.grants.grant(pk, &permissions).await;
        assert_eq!(somebody.get(CHANGES).await.status, seen, "{permissions:?}");
        assert_eq!(somebody.post(&undo(&deletion), json!({})).await.status, undone, "{permissions:?}");
    }
    assert_eq!(admin.get(&path).await.expect(200)["name"], "Kept");
}

#[tokio::test]
async fn bad_questions_are_answered_clearly() {
    let app = App::start().await;
    let mut admin = app.admin();
    let none = format!("{CHANGES}00000000-0000-4000-8000-000000000000/");
    assert_eq!(admin.get(&none).await.status, 404);
    assert_eq!(admin.post(&format!("{none}undo/"), json!({})).await.status, 404);
    assert_eq!(admin.post(&format!("{none}return/"), json!({})).await.status, 404);
    assert_eq!(admin.get(&format!("{CHANGES}x/")).await.status, 404);
    let bad = admin.get(&format!("{CHANGES}?object=x")).await;
    assert_eq!((bad.status.as_u16(), &bad.json()), (400, &json!({"object": ["Enter a valid UUID."]})));
    let change = newest(&mut admin, "").await;
    let bad = admin.post(&undo(&change), json!({"dry_run": "perhaps"})).await;
    assert_eq!(bad.status, 400, "{}", bad.text);
}
