//! Connections to sources: who sees them, who may change them, and when they end.

use serde_json::{Value, json};
use vestibule_store::Durability;

use crate::app::App;

async fn source(app: &App, slug: &str) -> Value {
    let body = json!({
        "name": slug, "slug": slug, "provider_type": "github", "consumer_key": "k", "consumer_secret": "s",
    });
    app.admin().post("/api/v3/sources/oauth/", body).await.expect(201)
}

/// As signing in makes one.
async fn connect(app: &App, user: i64, source: &Value, identifier: &str) -> i64 {
    let source: uuid::Uuid = source["pk"].as_str().unwrap().parse().unwrap();
    let sql = "INSERT INTO user_source_connections \
               (user_id, source, source_slug, identifier, identifier_folded, created, last_updated, expires) \
               VALUES ($1, $2, 'forge', $3, $3, $4, $4, $4) RETURNING id";
    let params = vec![user.into(), source.into(), identifier.into(), app.server.api.ctx.now().into()];
    let mut transaction = app.store().database().begin(Durability::Process).await.unwrap();
    let key = transaction.query_one(sql, params).await.unwrap().unwrap().int("id").unwrap();
    transaction.commit().await.unwrap();
    key
}

fn count(list: &Value) -> usize {
    list["results"].as_array().unwrap().len()
}

/// GHSA-wr38-7xg8-fqxr: a connection whose user can be changed is a way into another's account.
#[tokio::test]
async fn ghsa_wr38_7xg8_fqxr_people_see_their_own_and_cannot_say_whom_it_is_for() {
    let app = App::start().await;
    let forge = source(&app, "forge").await;
    let (ada, mut hers) = app.clerk("ada").await;
    let (ben, mut his) = app.clerk("ben").await;
    let key = connect(&app, ada, &forge, "ada@forge").await;
    connect(&app, ben, &forge, "ben@forge").await;
    for kind in ["all", "oauth"] {
        let list = format!("/api/v3/sources/user_connections/{kind}/");
        assert_eq!(count(&app.admin().get(&list).await.expect(200)), 2);
        let shown = hers.get(&list).await.expect(200);
        assert_eq!((count(&shown), &shown["results"][0]["identifier"]), (1, &json!("ada@forge")));
        assert_eq!(shown["results"][0]["source_obj"]["slug"], "forge");
        assert_eq!(shown["results"][0].get("access_token"), None);
        let one = format!("{list}{key}/");
        his.get(&one).await.expect(404);
        // Ada takes nobody's place, and lets nobody take hers.
        let stolen = hers.patch(&one, json!({"identifier": "carl@forge"})).await.expect(400);
        assert!(stolen["identifier"][0].as_str().unwrap().contains("administrator"), "{stolen}");
        let taken = app.admin().patch(&one, json!({"identifier": "ben@forge"})).await.expect(400);
        assert!(taken["identifier"][0].as_str().unwrap().contains("Somebody else"), "{taken}");
        app.admin().patch(&one, json!({"identifier": "ada@forge"})).await.expect(200);
        // Whose it is stays what it was, whoever says otherwise.
        app.admin().patch(&one, json!({"user": ben})).await.expect(200);
        hers.patch(&one, json!({"user": ben})).await;
        assert_eq!(app.admin().get(&one).await.expect(200)["user"], ada);
    }
}

#[tokio::test]
async fn they_follow_the_name_of_their_source_and_end_with_it() {
    let app = App::start().await;
    let forge = source(&app, "forge").await;
    let (ada, mut hers) = app.clerk("ada").await;
    connect(&app, ada, &forge, "ada@forge").await;
    let list = "/api/v3/sources/user_connections/all/?source__slug=";
    app.admin().patch("/api/v3/sources/oauth/forge/", json!({"slug": "smithy"})).await.expect(200);
    assert_eq!(count(&hers.get(&format!("{list}forge")).await.expect(200)), 0);
    assert_eq!(count(&hers.get(&format!("{list}smithy")).await.expect(200)), 1);
    app.admin().delete("/api/v3/sources/oauth/smithy/").await.expect(204);
    assert_eq!(count(&hers.get("/api/v3/sources/user_connections/all/").await.expect(200)), 0);
}

#[tokio::test]
async fn one_made_by_hand_is_its_makers_and_its_token_is_kept_encrypted() {
    let app = App::start().await;
    let forge = source(&app, "forge").await;
    let path = "/api/v3/sources/user_connections/oauth/";
    let body = json!({"source": forge["pk"], "identifier": "me", "access_token": "a-token-to-keep"});
    let (_, mut clerk) = app.clerk("ada").await;
    clerk.post(path, body.clone()).await.expect(403);
    let made = app.admin().post(path, body.clone()).await.expect(201);
    assert!(made["user"].is_i64() && made["expires"].is_string(), "{made}");
    let row = app.store().database().query_one("SELECT access_token_sealed FROM user_source_connections", vec![]).await;
    let sealed = row.unwrap().unwrap().text("access_token_sealed").unwrap();
    assert!(!sealed.contains("a-token-to-keep") && !sealed.is_empty());
    app.admin().post(path, body).await.expect(400);
    let group = json!({"source": forge["pk"], "identifier": "staff"});
    app.admin().post("/api/v3/sources/group_connections/oauth/", group).await.expect(400);
}
