//! What users, groups, tokens and applications answer beyond what every kind does: as authentik's clients expect.

use serde_json::{Value, json};

use crate::app::{App, PASSWORD};

const TOKENS: &str = "/api/v3/core/tokens/";
const USERS: &str = "/api/v3/core/users/";

#[tokio::test]
async fn one_sees_the_groups_roles_and_settings_that_come_from_above() {
    let app = App::start().await;
    let mut admin = app.admin();
    let role = admin.post("/api/v3/rbac/roles/", json!({"name": "Readers"})).await.expect(201)["pk"].clone();
    let settings = |theme: &str| json!({"settings": {"theme": {"base": theme}, "list": [theme]}});
    let body = json!({"name": "All", "roles": [role], "attributes": settings("dark")});
    let all = admin.post("/api/v3/core/groups/", body).await.expect(201)["pk"].clone();
    let body = json!({"name": "Some", "parents": [all], "attributes": {"settings": {"x": 1}}});
    let some = admin.post("/api/v3/core/groups/", body).await.expect(201)["pk"].clone();
    let (alice, mut client) = app.clerk("alice").await;
    let more = json!({"groups": [some], "attributes": {"settings": {"locale": "de", "list": ["own"]}}});
    admin.patch(&format!("{USERS}{alice}/"), more).await.expect(200);
    let me = client.get(&format!("{USERS}me/")).await.expect(200)["user"].clone();
    let names = |list: &Value| list.as_array().unwrap().iter().map(|one| one["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&me["groups"]), ["All", "Some"]);
    assert_eq!(names(&me["roles"]), ["Readers"]);
    assert_eq!(me["settings"]["theme"]["base"], "dark");
    assert_eq!(me["settings"]["x"], 1);
    assert_eq!(me["settings"]["list"], json!(["dark", "own"]));
    assert_eq!(me["settings"]["locale"], "de");
}

#[tokio::test]
async fn cve_2024_37905_a_token_stays_whose_and_as_long_as_it_was_made() {
    let app = App::start().await;
    let mut admin = app.admin();
    let (alice, mut client) = app.clerk("alice").await;
    let bob = app.user("bob", "").await;
    // Who is no superuser makes tokens that end, and keeps them so.
    let made = client.post(TOKENS, json!({"identifier": "own", "expiring": false})).await.expect(201);
    assert_eq!((&made["expiring"], &made["user"]), (&json!(true), &json!(alice)));
    let path = format!("{TOKENS}own/");
    let changed = client.patch(&path, json!({"expiring": false})).await.expect(200);
    assert_eq!(changed["expiring"], json!(true));
    for mut anybody in [client.clone(), admin.clone()] {
        let refused = anybody.patch(&path, json!({"user": bob})).await.expect(400);
        assert_eq!(refused, json!({"user": ["User cannot be changed"]}));
    }
    admin
        .patch(&format!("{USERS}{alice}/"), json!({"attributes": {"goauthentik.io/user/token-expires": false}}))
        .await
        .expect(200);
    let made = client.post(TOKENS, json!({"identifier": "lasting"})).await.expect(201);
    assert_eq!(made["expiring"], json!(false));

    // A token is found by the name of whom it stands for.
    let found = admin.get(&format!("{TOKENS}?search=ALICE")).await.expect(200);
    assert_eq!(found["pagination"]["count"], 3, "{found}");

    // Passwords of applications live as long as is kept about whoever has them.
    let password = |identifier: &str, expires: &str| json!({"identifier": identifier, "intent": "app_password", "expires": expires});
    let refused = client.post(TOKENS, password("p1", "2026-11-24T12:00:00Z")).await.expect(400);
    assert!(
        refused["expires"][0].as_str().unwrap().starts_with("Token expires exceeds maximum lifetime ("),
        "{refused}"
    );
    let group = json!({"name": "patient", "users": [alice], "attributes": {"goauthentik.io/user/token-maximum-lifetime": "days=2"}});
    admin.post("/api/v3/core/groups/", group).await.expect(201);
    client.post(TOKENS, password("p1", "2026-11-24T12:00:00Z")).await.expect(201);
    client.post(TOKENS, password("p2", "2026-11-26T12:00:00Z")).await.expect(400);
}

#[tokio::test]
async fn names_that_are_taken_are_said_and_nothing_is_left_behind() {
    let app = App::start().await;
    let mut admin = app.admin();
    let service = |name: &str| json!({"name": name, "create_group": true});
    let path = format!("{USERS}service_account/");
    admin.post(&path, service("Robot No.  1")).await.expect(200);
    admin.get(&format!("{TOKENS}service-account-robot-no-1-password/")).await.expect(200);
    let taken = admin.post(&path, service("Robot No.  1")).await.expect(400);
    assert_eq!(taken, json!({"name": ["This field must be unique."]}));
    let taken = json!({"non_field_errors": ["A user/group with these details already exists"]});
    assert_eq!(admin.post(&path, service("robot no 1")).await.expect(400), taken);
    admin.post("/api/v3/core/groups/", json!({"name": "crew"})).await.expect(201);
    assert_eq!(admin.post(&path, service("crew")).await.expect(400), taken);
    let users = admin.get(&format!("{USERS}?path=goauthentik.io/service-accounts")).await.expect(200);
    assert_eq!(users["pagination"]["count"], 1);

    let paths = admin.get(&format!("{USERS}paths/?search=Robot")).await.expect(200);
    assert_eq!(paths, json!({"paths": ["goauthentik.io/service-accounts"]}));
    let uuid = users["results"][0]["uuid"].as_str().unwrap();
    assert_eq!(admin.get(&format!("{USERS}?search={uuid}")).await.expect(200)["pagination"]["count"], 1);
}

#[tokio::test]
async fn what_is_not_for_everybody_is_refused_in_the_words_of_the_wire() {
    let app = App::start().await;
    let mut admin = app.admin();
    let alice = app.user("alice", "").await;
    let sql = "UPDATE users SET type = 'internal_service_account' WHERE id = $1";
    app.store().database().execute(vestibule_store::Durability::Process, sql, vec![alice.into()]).await.unwrap();
    let refused = admin.patch(&format!("{USERS}{alice}/"), json!({"name": "x"})).await.expect(400);
    assert_eq!(refused, json!({"non_field_errors": ["Can't modify internal service account users"]}));
    let refused = admin.patch(&format!("{USERS}{alice}/"), json!({"type": "internal"})).await.expect(400);
    assert_eq!(refused, json!({"type": ["Can't change internal service account to other user type."]}));

    let (clerk, mut client) = app.clerk("clerk").await;
    app.grants.grant(clerk, &["authentik_core.add_group"]).await;
    let refused = client.post("/api/v3/core/groups/", json!({"name": "g", "is_superuser": true})).await.expect(400);
    let message = "User does not have permission to set superuser status to True.";
    assert_eq!(refused, json!({"is_superuser": [message]}));
    let refused = admin.post("/api/v3/core/applications/", json!({"name": "a", "slug": "userinfo"})).await.expect(400);
    let message = "The slug 'userinfo' is reserved and cannot be used for applications.";
    assert_eq!(refused, json!({"slug": [message]}));
}

#[tokio::test]
async fn a_filter_by_what_does_not_exist_is_refused() {
    let app = App::start().await;
    let mut admin = app.admin();
    let missing = app.server.api.ctx.uuid();
    for (path, filter, value) in [
        (USERS, "groups_by_name", "nobodies"),
        (USERS, "roles_by_name", "nobodies"),
        (USERS, "groups_by_pk", &missing.to_string()),
        (USERS, "roles_by_pk", &missing.to_string()),
        ("/api/v3/core/groups/", "members_by_pk", "4711"),
        ("/api/v3/core/groups/", "members_by_username", "nobody"),
    ] {
        let refused = admin.get(&format!("{path}?{filter}={value}")).await.expect(400);
        let message = format!("Select a valid choice. {value} is not one of the available choices.");
        assert_eq!(refused, json!({filter: [message]}), "{filter}");
    }
    let found = admin.get(&format!("{USERS}?groups_by_name=authentik+Admins")).await.expect(200);
    assert_eq!(found["pagination"]["count"], 1);
}

#[tokio::test]
async fn pictures_come_from_where_the_settings_say() {
    let app = App::start().await;
    let mut admin = app.admin();
    let more = json!({"email": "alice@example.com", "attributes": {"picture": "https://pictures.example/alice.png"}});
    let alice = app.user("alice", PASSWORD).await;
    admin.patch(&format!("{USERS}{alice}/"), more).await.expect(200);
    let path = format!("{USERS}{alice}/");
    let flow = "/if/flow/default-authentication-flow/";
    for (avatars, picture, origin) in [
        ("gravatar,initials", "https://www.gravatar.com/avatar/", "https://www.gravatar.com"),
        ("attributes.picture,initials", "https://pictures.example/alice.png", "https://pictures.example"),
        ("http://p.example:8080/%(username)s", "http://p.example:8080/alice", "http://p.example:8080"),
        ("initials", "data:image/svg+xml;base64,", ""),
    ] {
        admin.patch("/api/v3/admin/settings/", json!({"avatars": avatars})).await.expect(200);
        let shown = admin.get(&path).await.expect(200)["avatar"].as_str().unwrap().to_owned();
        assert!(shown.starts_with(picture), "{avatars}: {shown}");
        // The page that asks for the password shows it, and its policy lets it.
        let mut browser = app.anonymous().with_header("sec-fetch-site", "same-origin");
        browser.get(flow).await;
        browser.form(flow, &[("uid_field", "alice")]).await;
        let page = browser.get(flow).await;
        let policy = page.headers["content-security-policy"].to_str().unwrap().to_owned();
        let pictures = policy.split("img-src ").nth(1).unwrap().split(';').next().unwrap();
        let expected = format!("'self' data: {origin}");
        assert_eq!(pictures, expected.trim_end(), "{avatars}");
        let escaped = shown.replace('&', "&amp;").replace('/', "&#x2f;");
        assert!(page.text.contains(&escaped), "{avatars}: {}", page.text);
    }
    for wrong in ["letters", "javascript:alert(1)", "https://%(username)s/", "initials,,gravatar"] {
        let refused = admin.patch("/api/v3/admin/settings/", json!({"avatars": wrong})).await.expect(400);
        assert_eq!(refused.as_object().unwrap().keys().collect::<Vec<_>>(), ["avatars"], "{refused}");
    }
}
