//! Applications and who may open them, asked through the API.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use serde_json::{Value, json};
use vestibule_testkit::{Client, Families, TestApp};

const LIST: &str = "/api/v3/core/applications/";
const BINDINGS: &str = "/api/v3/policies/bindings/";

async fn start() -> TestApp {
    let mut families = Families::base();
    families.kinds.extend(vestibule_applications::kinds());
    families.kinds.extend(vestibule_policy::kinds());
    families.families.extend(vestibule_applications::families());
    families.families.extend(vestibule_policy::families());
    families.families.extend(vestibule_property_mappings::families());
    families.kinds.extend(vestibule_property_mappings::kinds());
    families.operations.extend(vestibule_applications::operations());
    TestApp::start(families).await
}

async fn slugs(client: &mut Client, query: &str) -> Vec<String> {
    let answer = client.get(&format!("{LIST}{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let results = answer.json()["results"].as_array().unwrap().clone();
    results.iter().map(|one| one["slug"].as_str().unwrap().to_owned()).collect()
}

async fn application(admin: &mut Client, slug: &str) -> Value {
    let body = json!({"name": slug, "slug": slug, "meta_launch_url": "https://x.example/%(username)s"});
    let answer = admin.post(LIST, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn a_list_shows_what_one_may_open() {
    let app = start().await;
    let mut admin = app.admin().await;
    let alice = app.user("alice", "", json!({})).await;
    let mut reader = app.token_of(alice).await;
    application(&mut admin, "open").await;
    let closed = application(&mut admin, "closed").await;
    let bobs = app.user("bob", "", json!({})).await;
    let bound = json!({"target": closed["pbm_uuid"], "user": bobs, "order": 0});
    assert_eq!(admin.post(BINDINGS, bound).await.status, 201);

    assert_eq!(slugs(&mut reader, "").await, ["open"]);
    assert_eq!(slugs(&mut app.token_of(bobs).await, "").await, ["closed", "open"]);
    assert_eq!(slugs(&mut admin, "").await, ["open"]);
    assert_eq!(slugs(&mut admin, "?superuser_full_list=true").await, ["closed", "open"]);
    // One who may do nothing else is shown no more for asking.
    assert_eq!(slugs(&mut reader, "?superuser_full_list=true").await, ["open"]);
    assert_eq!(slugs(&mut admin, &format!("?for_user={bobs}")).await, ["closed", "open"]);
    assert_eq!(reader.get(&format!("{LIST}?for_user={bobs}")).await.status, 403);

    let check = |slug: &str| format!("{LIST}{slug}/check_access/");
    assert_eq!(reader.get(&check("closed")).await.json()["passing"], false);
    assert_eq!(reader.get(&check("open")).await.json()["passing"], true);
    assert_eq!(app.anonymous().get(&check("open")).await.status, 403);
}

#[tokio::test]
async fn bindings_are_turned_round_counted_together_and_go_with_what_they_name() {
    let app = start().await;
    let mut admin = app.admin().await;
    let alice = app.user("alice", "", json!({})).await;
    let mut reader = app.token_of(alice).await;
    let one = application(&mut admin, "one").await;
    let target = &one["pbm_uuid"];
    let above = app.create("authentik_core.group", json!({"name": "above"})).await;
    let group = json!({"name": "below", "users": [alice], "parents": [above["pk"]]});
    app.create("authentik_core.group", group).await;

    // A member of a group below is one of the group above.
    let answer = admin.post(BINDINGS, json!({"target": target, "group": above["pk"], "order": 0})).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(slugs(&mut reader, "").await, ["one"]);
    // All must pass, and one says no.
    let no = admin.post(BINDINGS, json!({"target": target, "user": alice, "negate": true, "order": 1})).await;
    assert_eq!(slugs(&mut reader, "").await, ["one"], "any of them");
    let all = admin.patch(&format!("{LIST}one/"), json!({"policy_engine_mode": "all"})).await;
    assert_eq!(all.status, 200, "{}", all.text);
    assert_eq!(slugs(&mut reader, "").await, [""; 0], "all of them");
    // What does not count does not count.
    let path = format!("{BINDINGS}{}/", no.json()["pk"].as_str().unwrap());
    assert_eq!(admin.patch(&path, json!({"enabled": false})).await.status, 200);
    assert_eq!(slugs(&mut reader, "").await, ["one"]);
    // A binding goes with the group that it names, in the same transaction.
    let gone = admin.delete(&format!("/api/v3/core/groups/{}/", above["pk"].as_str().unwrap())).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    assert_eq!(
        admin.get(&format!("{BINDINGS}?target={}", target.as_str().unwrap())).await.json()["results"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // And with what it is bound to.
    assert_eq!(admin.delete(&format!("{LIST}one/")).await.status, 204);
    assert_eq!(admin.get(BINDINGS).await.json()["pagination"]["count"], 0);
}

#[tokio::test]
async fn a_binding_names_one_of_three() {
    let app = start().await;
    let mut admin = app.admin().await;
    let one = application(&mut admin, "one").await;
    let none = admin.post(BINDINGS, json!({"target": one["pbm_uuid"], "order": 0})).await;
    assert_eq!(none.json(), json!({"non_field_errors": ["One of 'group', 'policy', 'user' must be set."]}));
    // An object may be named by its own key; the answer names it by the one that policies are bound to.
    let alice = app.user("alice", "", json!({})).await;
    let answer = admin.post(BINDINGS, json!({"target": one["pk"], "user": alice, "order": 0})).await.json();
    assert_eq!((&answer["target"], &answer["user_obj"]["username"]), (&one["pbm_uuid"], &json!("alice")));
}

#[tokio::test]
async fn includesec_m2_a_launch_url_tells_nothing_but_the_name() {
    let app = start().await;
    let mut admin = app.admin().await;
    for place in ["password", "attributes", "__class__"] {
        let url = format!("https://x.example/%({place})s");
        let answer = admin.post(LIST, json!({"name": place, "slug": place, "meta_launch_url": url})).await.json();
        assert_eq!(answer["launch_url"], url);
    }
    assert_eq!(application(&mut admin, "one").await["launch_url"], "https://x.example/test-admin");
}

#[tokio::test]
async fn cobalt_2024_neither_launch_url_nor_icon_is_a_script() {
    let app = start().await;
    let mut admin = app.admin().await;
    for (field, bad) in [
        ("meta_launch_url", "javascript:alert(1)"),
        ("meta_icon", "javascript:alert(1)"),
        ("meta_icon", "data:image/svg+xml,<svg onload=x>"),
    ] {
        let mut body = json!({"name": "x", "slug": "x"});
        body[field] = bad.into();
        let answer = admin.post(LIST, body).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json(), json!({field: ["Enter a valid URL."]}));
    }
}
