//! What makes lists of large tables fast is exact, on both databases: counts, searches, and pages from the far end.

use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;
use vestibule_resource::http::Query;
use vestibule_resource::selection;
use vestibule_store::Durability;
use vestibule_testkit::Client;

use crate::app::{App, PASSWORD, node, settings};

/// Lists whose rows are counted as they come and go, with their tables.
const COUNTED: [(&str, &str); 8] = [
    ("core/users", "users"),
    ("core/groups", "groups"),
    ("core/tokens", "tokens"),
    ("core/authenticated_sessions", "authenticated_sessions"),
    ("core/user_consent", "user_consents"),
    ("events/events", "events"),
    ("rbac/roles", "roles"),
    ("rbac/permissions/roles", "role_object_permissions"),
];

/// What the lists say they have is what there is.
async fn check(app: &App, when: &str) {
    for (list, table) in COUNTED {
        let rows = app.number(&format!("SELECT COUNT(*) AS n FROM {table}"), vec![]).await;
        let answer = app.admin().get(&format!("/api/v3/{list}/?page_size=1")).await.expect(200);
        assert_eq!(answer["pagination"]["count"], rows, "{list} {when}");
    }
}

async fn sign_in(app: &App, name: &str) -> Client {
    let mut client = app.anonymous();
    let path = "/api/v3/flows/executor/default-authentication-flow/?query=";
    client.post(path, json!({"component": "ak-stage-identification", "uid_field": name})).await;
    client.post(path, json!({"component": "ak-stage-password", "password": PASSWORD})).await;
    for _ in 0..4 {
        client.get(path).await;
    }
    assert_eq!(client.get("/api/v3/core/users/me/").await.status, 200);
    client
}

#[tokio::test]
async fn counts_follow_what_comes_and_goes() {
    let app = App::start().await;
    let mut admin = app.admin();
    check(&app, "at first").await;
    let user = app.user("one", PASSWORD).await;
    admin.post("/api/v3/core/tokens/", json!({"identifier": "t", "user": user})).await.expect(201);
    let group = admin.post("/api/v3/core/groups/", json!({"name": "g"})).await.expect(201)["pk"].clone();
    admin.post("/api/v3/rbac/roles/", json!({"name": "r"})).await.expect(201);
    admin.post("/api/v3/core/groups/", json!({"name": "g"})).await.expect(400);
    check(&app, "after some were made, and one refused").await;

    let mut client = sign_in(&app, "one").await;
    check(&app, "after a login").await;
    let renamed = json!({"username": "renamed"});
    admin.patch(&format!("/api/v3/core/users/{user}/"), renamed).await.expect(200);
    let sessions = admin.get("/api/v3/core/authenticated_sessions/?user__username=renamed").await.expect(200);
    assert_eq!(sessions["pagination"]["count"], 1, "a session goes by its user's name of today");
    client.get("/flows/-/default/invalidation/").await;
    client.get("/api/v3/flows/executor/default-invalidation-flow/?query=").await;
    check(&app, "after a logout").await;

    let mut transaction = app.store().database().begin(Durability::Full).await.unwrap();
    transaction.execute("DELETE FROM events", vec![]).await.unwrap();
    drop(transaction);
    check(&app, "after what never happened").await;
    sign_in(&app, "renamed").await;
    admin.delete(&format!("/api/v3/core/users/{user}/")).await.expect(204);
    admin.delete(&format!("/api/v3/core/groups/{}/", group.as_str().unwrap())).await.expect(204);
    check(&app, "after a user went with a session and a token").await;
    app.store().database().execute(Durability::Full, "DELETE FROM events", vec![]).await.unwrap();
    check(&app, "after many went at once").await;
}

/// Nodes count on their own, and what they have counted is put together while they go on.
#[tokio::test]
async fn counts_are_right_with_many_connections() {
    let app = App::start().await;
    let database = app.store().database();
    if database.is_sqlite() {
        let other = node(&app.database, &app.clock, &settings(&[])).await;
        let mut client = Client::new(other.router()).with_token(crate::app::ADMIN);
        client.post("/api/v3/core/groups/", json!({"name": "of the other node"})).await.expect(201);
        return check(&app, "after another process wrote").await;
    }
    // Each connection that ever was has counted on its own.
    let sql =
        "INSERT INTO row_counts (name, shard, amount) SELECT 'groups', -number, 3 FROM generate_series(1, 100) number";
    database.execute(Durability::Full, sql, vec![]).await.unwrap();
    let sql = "UPDATE row_counts SET amount = amount - 300 WHERE name = 'groups' AND shard = 0";
    database.execute(Durability::Full, sql, vec![]).await.unwrap();
    let under_way = {
        let mut transaction = database.begin(Durability::Full).await.unwrap();
        transaction.execute("UPDATE row_counts SET amount = amount + 1 WHERE shard = -7", vec![]).await.unwrap();
        transaction
    };
    check(&app, "while a connection counts").await;
    check(&app, "after they were added up").await;
    drop(under_way);
    let rows = app.number("SELECT COUNT(*) AS n FROM row_counts WHERE name = 'groups'", vec![]).await;
    assert!(rows <= 20, "{rows} rows are left");
    let names: Vec<String> = (0..20).map(|number| format!("group {number}")).collect();
    let create = |name: String| {
        let mut admin = app.admin();
        async move { admin.post("/api/v3/core/groups/", json!({"name": name})).await.expect(201) }
    };
    futures::future::join_all(names.into_iter().map(create)).await;
    check(&app, "after many wrote at once").await;
}

async fn found(client: &mut Client, query: &str) -> Vec<String> {
    let answer = client.get(&format!("/api/v3/core/users/?page_size=100&{query}")).await.expect(200);
    let results = answer["results"].as_array().unwrap();
    let names: Vec<String> = results.iter().map(|one: &Value| one["username"].as_str().unwrap().to_owned()).collect();
    assert_eq!(answer["pagination"]["count"], names.len(), "{query}");
    names
}

#[tokio::test]
async fn a_search_for_users_finds_pieces_of_what_they_are_called() {
    let app = App::start().await;
    let mut admin = app.admin();
    for (username, name, email) in [
        ("ünal", "Ünal Yılmaz", "u.y@example.net"),
        ("strasse", "Straße 1", ""),
        ("quote\"d", "a%b_c\\d'", "q@example.net"),
        ("plain", "axbxc d", "p@example.net"),
        ("sigma", "Σίσυφος", ""),
        ("lines", "first", "second@example.net"),
    ] {
        let body = json!({"username": username, "name": name, "email": email, "path": "found"});
        admin.post("/api/v3/core/users/", body).await.expect(201);
    }
    for (term, expected) in [
        ("Ü", &["ünal"][..]),
        ("ün", &["ünal"]),
        ("ÜNA", &["ünal"]),
        ("nal yıl", &["ünal"]),
        ("una", &[]),
        ("straSSe", &["strasse"]),
        ("aß", &["strasse"]),
        ("raße", &["strasse"]),
        ("e\"D", &["quote\"d"]),
        ("\"", &["quote\"d"]),
        ("a%b", &["quote\"d"]),
        ("%b_c", &["quote\"d"]),
        ("b_c\\d'", &["quote\"d"]),
        ("xbx", &["plain"]),
        ("ΣΊΣΥΦΟΣ", &["sigma"]),
        ("example.net", &["lines", "plain", "quote\"d", "ünal"]),
        ("example.net axb", &["plain"]),
        ("example.net,d", &["lines", "plain", "quote\"d"]),
        // Two fields are never read as one.
        ("lines\nfirst", &[]),
        ("linesfirst", &[]),
        ("AND", &[]),
        ("ple*", &[]),
        ("(exa)", &[]),
    ] {
        let query: String = byte_serialize(term.as_bytes()).collect();
        assert_eq!(found(&mut admin, &format!("path=found&search={query}")).await, expected, "{term}");
    }
    let pk = admin.get("/api/v3/core/users/?username=plain").await.expect(200)["results"][0]["pk"].clone();
    let path = format!("/api/v3/core/users/{pk}/");
    admin.patch(&path, json!({"name": "Something else"})).await.expect(200);
    assert!(found(&mut admin, "search=axb").await.is_empty());
    assert_eq!(found(&mut admin, "search=som%20else").await, ["plain"]);
    assert!(found(&mut admin, "search=something%20axbc").await.is_empty());
    assert_eq!(found(&mut admin, "search=thing%20els").await, ["plain"]);
    admin.delete(&path).await.expect(204);
    assert!(found(&mut admin, "search=something").await.is_empty());
}

#[tokio::test]
async fn pages_from_the_far_end_are_those_from_the_near_one() {
    let app = App::start().await;
    let mut admin = app.admin();
    for number in 0..9 {
        let body =
            json!({"username": format!("u{number}"), "name": format!("N{}", number % 3), "is_active": number % 2 == 0});
        admin.post("/api/v3/core/users/", body).await.expect(201);
    }
    for query in [
        "",
        "ordering=-username",
        "ordering=name",
        "ordering=-is_active",
        "ordering=last_login",
        "ordering=-last_login",
        "ordering=-name,username",
        "search=u&ordering=-name",
        "is_active=true&ordering=pk",
    ] {
        let whole = found(&mut admin, query).await;
        let mut parts = Vec::new();
        for page in 1..=whole.len().div_ceil(2) {
            let answer = admin.get(&format!("/api/v3/core/users/?page_size=2&page={page}&{query}")).await.expect(200);
            let names =
                answer["results"].as_array().unwrap().iter().map(|one| one["username"].as_str().unwrap().to_owned());
            parts.extend(names);
        }
        assert_eq!(parts, whole, "{query}");
    }
}

/// Whichever fields the list of users says that it is searched by.
#[tokio::test]
async fn a_search_for_users_goes_by_pieces() {
    let app = App::start().await;
    let users = app.registry().kind("authentik_core.user").unwrap();
    let query = Query::parse("search=one&ordering=name");
    let api = &app.server.api;
    let (sql, params) = selection(api, &app.store().configuration(), users, &query).await.unwrap();
    assert!(sql.contains("users_search"), "{sql}");
    assert_eq!(params.len(), 1);
    // Words are looked for at once, but for one that is too short to have pieces.
    let query = Query::parse("search=one%20two%20ab");
    let (sql, _) = selection(api, &app.store().configuration(), users, &query).await.unwrap();
    assert_eq!(sql.matches("users_search").count(), 1, "{sql}");
    assert!(sql.contains("email_folded LIKE"), "{sql}");
}
