//! The page of one's own tokens and consents: each form done by whose it is alone, refused to others, to bad input and to
//! forms of other sites.

use serde_json::json;

use crate::app::{App, PASSWORD};
use crate::security::login;

const PAGE: &str = "/if/user/access/";
const NEW: &[(&str, &str)] = &[("intent", "app_password"), ("identifier", "mine"), ("description", "<b>mail</b>")];

async fn browser(app: &App, username: &str) -> vestibule_testkit::Client {
    let mut client = app.anonymous().with_header("sec-fetch-site", "same-origin");
    login(&mut client, username, PASSWORD, "").await;
    client
}

async fn tokens(app: &App) -> i64 {
    app.number("SELECT count(*) AS n FROM tokens WHERE identifier = 'mine'", vec![]).await
}

#[tokio::test]
async fn tokens_are_made_seen_and_deleted_by_whose_they_are_alone() {
    let app = App::start().await;
    app.user("alice", PASSWORD).await;
    let mut alice = browser(&app, "alice").await;
    let mut elsewhere =
        app.anonymous().with_header("sec-fetch-site", "cross-site").with_header("origin", "https://evil.example");
    elsewhere.cookies.clone_from(&alice.cookies);
    let (path, mut stranger) = (format!("{PAGE}tokens/"), app.anonymous().with_header("sec-fetch-site", "same-origin"));
    assert_eq!(elsewhere.form(&path, NEW).await.status, 403);
    let led = stranger.form(&path, NEW).await;
    assert_eq!((led.status.as_u16(), led.location().contains("next=%2Fif%2Fuser%2Faccess%2F")), (302, true));
    assert_eq!(tokens(&app).await, 0);

    let made = alice.form(&path, NEW).await;
    let key = app.admin().get("/api/v3/core/tokens/mine/view_key/").await.expect(200)["key"].clone();
    assert_eq!((made.status.as_u16(), &made.headers["cache-control"]), (200, &"no-store".parse().unwrap()));
    assert!(made.text.contains(key.as_str().unwrap()) && made.text.contains("&lt;b&gt;mail"), "{}", made.text);
    assert_eq!(alice.form(&path, NEW).await.status, 400, "the name is taken");
    assert!(!alice.get(PAGE).await.text.contains(key.as_str().unwrap()));
    let shown = alice.form(&format!("{PAGE}tokens/mine/key/"), &[]).await;
    assert!(shown.text.contains(key.as_str().unwrap()));

    // A superuser may do all that by the API; their own page is about themselves.
    let mut admin = browser(&app, "akadmin").await;
    assert!(!admin.get(PAGE).await.text.contains("mine"));
    assert_eq!(admin.form(&format!("{PAGE}tokens/mine/key/"), &[]).await.status, 404);
    assert_eq!(admin.form(&format!("{PAGE}tokens/mine/delete/"), &[]).await.status, 303);
    assert_eq!(elsewhere.form(&format!("{PAGE}tokens/mine/delete/"), &[]).await.status, 403);
    assert_eq!(alice.form(&format!("{PAGE}tokens/..%2Fusers/delete/"), &[]).await.status, 404);
    assert_eq!(tokens(&app).await, 1);
    for _ in 0..2 {
        let done = alice.form(&format!("{PAGE}tokens/mine/delete/"), &[]).await;
        assert_eq!((done.status.as_u16(), done.location()), (303, "/if/user/access/?done=token_deleted"));
    }
    assert_eq!(tokens(&app).await, 0);
    for (intent, expires) in
        [("recovery", ""), ("verification", ""), ("app_password", "soon"), ("app_password", "2199-01-01")]
    {
        let wrong = alice.form(&path, &[("intent", intent), ("identifier", "mine"), ("expires", expires)]).await;
        assert_eq!(wrong.status, 400, "{intent} {expires}: {}", wrong.text);
    }
    assert_eq!(tokens(&app).await, 0);
}

#[tokio::test]
async fn consents_are_revoked_by_whose_they_are_alone() {
    let app = App::start().await;
    let pk = app.user("alice", PASSWORD).await;
    let notes = json!({"name": "Notes", "slug": "notes"});
    let notes = app.admin().post("/api/v3/core/applications/", notes).await.expect(201);
    let application: uuid::Uuid = notes["pk"].as_str().unwrap().parse().unwrap();
    let sql = "INSERT INTO user_consents (user_id, application, permissions, expiring) VALUES ($1, $2, 'email', FALSE)";
    let database = app.server.api.store.database();
    database.execute(vestibule_store::Durability::Full, sql, vec![pk.into(), application.into()]).await.unwrap();
    let consents = async || app.number("SELECT count(*) AS n FROM user_consents", vec![]).await;
    let id = app.number("SELECT id AS n FROM user_consents", vec![]).await;
    let path = format!("{PAGE}consents/{id}/revoke/");
    let (mut alice, mut admin) = (browser(&app, "alice").await, browser(&app, "akadmin").await);
    assert!(!admin.get(PAGE).await.text.contains("Notes"));
    assert_eq!(admin.form(&path, &[]).await.status, 303);
    assert_eq!(consents().await, 1, "another's is left alone");
    assert!(alice.get(PAGE).await.text.contains("Notes"));
    assert_eq!(alice.form(&format!("{PAGE}consents/x/revoke/"), &[]).await.status, 404);
    assert_eq!(alice.form(&path, &[]).await.location(), "/if/user/access/?done=consent_revoked");
    assert_eq!(consents().await, 0);
}
