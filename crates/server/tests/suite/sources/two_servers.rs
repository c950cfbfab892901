//! One Vestibule signs in through another.

use serde_json::{Value, json};

use super::provider::{follow, serve, who};
use crate::app::{App, PASSWORD};
use crate::oauth2::{SECRET, Site};
use crate::security::login;

#[tokio::test]
async fn somebody_who_has_an_account_there_is_somebody_here() {
    let there = App::start().await;
    let ada = there.user("ada", PASSWORD).await;
    let body = json!({"email": "ada@example.com", "name": "Ada Lovelace"});
    there.admin().patch(&format!("/api/v3/core/users/{ada}/"), body).await.expect(200);
    let site = Site::new(&there, "here", json!({"client_id": "here"})).await;
    let uris = json!([{"matching_mode": "strict", "url": "http://localhost/source/oauth/callback/there/"}]);
    site.set(json!({"redirect_uris": uris})).await;
    let address = serve(there.router.clone()).await;

    let here = App::start().await;
    let mut admin = here.admin();
    let mut pk =
        async |slug: &str| admin.get(&format!("/api/v3/flows/instances/{slug}/")).await.expect(200)["pk"].clone();
    let (known, new) = (pk("default-source-authentication").await, pk("default-source-enrollment").await);
    let source = json!({
        "name": "There", "slug": "there", "provider_type": "openidconnect", "pkce": "S256",
        "consumer_key": "here", "consumer_secret": SECRET, "authentication_flow": known, "enrollment_flow": new,
        "oidc_well_known_url": format!("{address}/application/o/here/.well-known/openid-configuration"),
    });
    let source = here.admin().post("/api/v3/sources/oauth/", source).await.expect(201);
    assert_eq!(source["authorization_url"], format!("{address}/application/o/authorize/"));

    let mut browser = here.anonymous();
    let mut browser_there = there.anonymous().with_host(address.strip_prefix("http://").unwrap());
    login(&mut browser_there, "ada", PASSWORD, "").await;
    let sent = browser.get("/source/oauth/login/there/?next=/if/user/").await;
    let to_there = sent.location().strip_prefix(&address).unwrap().to_owned();
    let answered = browser_there.get(&to_there).await;
    let answered = follow(&mut browser_there, answered).await;
    let back =
        answered.location().strip_prefix("http://localhost").unwrap_or_else(|| panic!("{}", answered.text)).to_owned();
    let arrived = browser.get(&back).await;
    assert_eq!(follow(&mut browser, arrived).await.location(), "/if/user/");
    assert_eq!(who(&mut browser).await, "ada");
    let user = here.admin().get("/api/v3/core/users/?username=ada").await.expect(200)["results"][0].clone();
    assert_eq!((&user["email"], &user["name"]), (&json!("ada@example.com"), &json!("Ada Lovelace")));
    assert_eq!(user["attributes"], Value::Object(serde_json::Map::new()));
}
