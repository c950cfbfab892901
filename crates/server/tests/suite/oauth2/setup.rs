//! What administrators see of a provider: its addresses, and what its application would be told.

use serde_json::{Value, json};

use super::{Site, alice};
use crate::app::App;

#[tokio::test]
async fn the_addresses_are_those_that_answer() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let path = format!("/api/v3/providers/oauth2/{}/setup_urls/", site.provider);
    let urls = app.admin().get(&path).await.expect(200);
    let told = client.get("/application/o/wiki/.well-known/openid-configuration").await.expect(200);
    for (here, there) in [
        ("issuer", "issuer"),
        ("authorize", "authorization_endpoint"),
        ("token", "token_endpoint"),
        ("user_info", "userinfo_endpoint"),
        ("logout", "end_session_endpoint"),
        ("jwks", "jwks_uri"),
    ] {
        assert_eq!(urls[here], told[there], "{here}");
    }
    assert_eq!(urls["provider_info"], "http://localhost/application/o/wiki/.well-known/openid-configuration");
    assert_eq!(urls["dcr_registration"], Value::Null);
    site.set(json!({"issuer_mode": "global"})).await;
    assert_eq!(app.admin().get(&path).await.expect(200)["issuer"], "http://localhost/");
    app.admin().post("/api/v3/providers/oauth2-dcr/", json!({"provider": site.provider})).await.expect(201);
    let urls = app.admin().get(&path).await.expect(200);
    assert_eq!(urls["dcr_registration"], "http://localhost/application/o/wiki/register/");
    // Without an application nothing answers.
    app.admin().delete("/api/v3/core/applications/wiki/").await.expect(204);
    let urls = app.admin().get(&path).await.expect(200);
    assert_eq!((&urls["issuer"], &urls["jwks"], &urls["provider_info"]), (&json!(""), &json!(""), &json!("")));
    client.get(&path).await.expect(403);
}

#[tokio::test]
async fn a_preview_shows_what_the_application_would_be_told_of_a_user() {
    let app = App::start().await;
    let (pk, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let tokens = site.tokens(&mut client).await;
    let real = super::claims(tokens["id_token"].as_str().unwrap());
    let path = format!("/api/v3/providers/oauth2/{}/preview_user/", site.provider);
    let mut admin = app.admin();
    assert_eq!(admin.get(&path).await.expect(200)["preview"]["preferred_username"], "akadmin");
    let shown = admin.get(&format!("{path}?for_user={pk}")).await.expect(200)["preview"].clone();
    for name in ["iss", "sub", "aud", "acr", "name", "preferred_username", "email"] {
        assert_eq!(shown[name], real[name], "{name}");
    }
    for (text, said) in
        [("abc", "input must be numerical"), ("1.5", "input must be numerical"), ("999999", "User not found")]
    {
        let answer = admin.get(&format!("{path}?for_user={text}")).await;
        assert_eq!(answer.expect(400), json!({"for_user": [said]}), "{text}");
    }
    // Whom one may not see one does not look at through a provider.
    let (_, mut clerk) = app.clerk("clerk").await;
    clerk.get(&format!("{path}?for_user={pk}")).await.expect(403);
}
