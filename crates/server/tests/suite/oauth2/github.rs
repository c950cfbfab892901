//! Applications that believe to speak to GitHub.

use http::Method;
use serde_json::{Value, json};

use super::{CALLBACK, FORM, SECRET, Site, alice, parameters, query};
use crate::app::App;
use crate::security::executor;

#[tokio::test]
async fn an_application_of_github_learns_who_somebody_is_and_which_groups_they_are_in() {
    let app = App::start().await;
    let (pk, mut client) = alice(&app).await;
    let mut admin = app.admin();
    admin.patch(&format!("/api/v3/core/users/{pk}/"), json!({"email": "alice@example.com"})).await.expect(200);
    let group = admin.post("/api/v3/core/groups/", json!({"name": "Site Crew"})).await.expect(201);
    admin.post("/api/v3/core/groups/", json!({"name": "others"})).await.expect(201);
    let path = format!("/api/v3/core/groups/{}/add_user/", group["pk"].as_str().unwrap());
    admin.post(&path, json!({"pk": pk})).await.expect(204);
    let slug = "default-provider-authorization-explicit-consent";
    let flow = admin.get(&format!("/api/v3/flows/instances/{slug}/")).await.expect(200)["pk"].clone();
    let site = Site::new(&app, "wiki", json!({"authorization_flow": flow})).await;
    let wanted = "read:user user:email read:org admin:org";
    let pairs =
        query(&[("client_id", "wiki"), ("redirect_uri", CALLBACK), ("scope", wanted), ("response_type", "code")]);
    client.get(&format!("/login/oauth/authorize?{pairs}")).await;
    let path = executor(slug, "");
    let asked = client.get(&path).await.expect(200);
    let named = asked["permissions"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap());
    assert_eq!(named.collect::<Vec<_>>(), ["read:org", "read:user", "user:email"], "{asked}");
    let mut browser = client.clone().with_header("sec-fetch-site", "same-origin");
    browser.post(&path, json!({"component": "ak-stage-consent", "token": asked["token"]})).await;
    let end = browser.get(&path).await.expect(200);
    let code = parameters(end["to"].as_str().unwrap())["code"].clone();
    let pairs = [("client_id", "wiki"), ("client_secret", SECRET), ("code", &*code), ("redirect_uri", CALLBACK)];
    let form = query(&[&pairs[..], &[("grant_type", "authorization_code")]].concat()).into_bytes();
    let tokens = app.anonymous().send(Method::POST, "/login/oauth/access_token", FORM, form).await.expect(200);
    let mut bearer = app.anonymous().with_token(tokens["access_token"].as_str().unwrap());
    let user = bearer.get("/user").await.expect(200);
    assert_eq!(
        (&user["login"], &user["id"], &user["email"], &user["type"]),
        (&json!("alice"), &json!(pk), &json!("alice@example.com"), &json!("User"))
    );
    let teams: Value = bearer.get("/user/teams").await.expect(200);
    assert_eq!(teams.as_array().map(Vec::len), Some(1), "{teams}");
    assert_eq!(
        (&teams[0]["name"], &teams[0]["slug"], &teams[0]["organization"]["type"]),
        (&json!("Site Crew"), &json!("site-crew"), &json!("Organization"))
    );
    assert_eq!(site.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 403, "it did not ask for openid");
}

#[tokio::test]
async fn what_was_not_allowed_is_not_told() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    // Elsewhere GitHub's scopes are none.
    let code = site.code(&mut client, &[("scope", "openid user:email read:org")]).await;
    let tokens = site.exchange(&code, &[]).await.expect(200);
    assert_eq!(tokens["scope"], "openid");
    let mut bearer = app.anonymous().with_token(tokens["access_token"].as_str().unwrap());
    for path in ["/user", "/user/teams"] {
        let refused = bearer.get(path).await;
        let told = refused.headers["www-authenticate"].to_str().unwrap();
        assert_eq!(refused.status, 403, "{path}");
        assert!(told.contains("insufficient_scope"), "{told}");
        assert_eq!(app.anonymous().get(path).await.status, 401, "{path}");
    }
}
