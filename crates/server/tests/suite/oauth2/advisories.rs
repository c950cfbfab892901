//! Advisories of authentik and of its peers about OAuth 2, each a test of its name.

use serde_json::json;

use super::{CALLBACK, Site, alice, parameters};
use crate::app::App;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: [(&str, &str); 2] =
    [("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), ("code_challenge_method", "S256")];

#[tokio::test]
async fn cve_2023_48228_a_challenge_needs_its_verifier() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let code = site.code(&mut client, &CHALLENGE).await;
    assert_eq!(site.exchange(&code, &[]).await.expect(400)["error"], "invalid_grant");
    // A wrong one burns the code.
    let code = site.code(&mut client, &CHALLENGE).await;
    assert_eq!(site.exchange(&code, &[("code_verifier", "wrong")]).await.expect(400)["error"], "invalid_grant");
    assert_eq!(site.exchange(&code, &[("code_verifier", VERIFIER)]).await.expect(400)["error"], "invalid_grant");
    let code = site.code(&mut client, &CHALLENGE).await;
    site.exchange(&code, &[("code_verifier", VERIFIER)]).await.expect(200);
}

#[tokio::test]
async fn cve_2024_23647_a_verifier_needs_its_challenge() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let code = site.code(&mut client, &[]).await;
    assert_eq!(site.exchange(&code, &[("code_verifier", VERIFIER)]).await.expect(400)["error"], "invalid_grant");
}

#[tokio::test]
async fn cve_2024_21637_nobody_is_sent_to_what_a_browser_runs() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let uris = json!([{"matching_mode": "regex", "url": ".*"}]);
    let site = Site::new(&app, "wiki", json!({"redirect_uris": uris})).await;
    for uri in ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,<script>", "vbscript:x"] {
        for mode in ["query", "form_post"] {
            let answer = site.authorize(&mut client, &[("redirect_uri", uri), ("response_mode", mode)]).await;
            assert_eq!((answer.status.as_u16(), answer.location()), (400, ""), "{uri} {mode}");
        }
    }
    let answer = site.authorize(&mut client, &[("redirect_uri", "com.example.app:/cb")]).await;
    assert!(answer.location().starts_with("com.example.app:/cb?code="), "{}", answer.location());
}

#[tokio::test]
async fn cve_2024_52289_no_address_is_trusted_because_it_came_first() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({"redirect_uris": []})).await;
    assert_eq!(site.authorize(&mut client, &[("redirect_uri", "https://evil.example/")]).await.status, 400);
    let kept = app.admin().get(&format!("/api/v3/providers/oauth2/{}/", site.provider)).await.expect(200);
    assert_eq!(kept["redirect_uris"], json!([]));
    site.set(json!({"redirect_uris": [{"matching_mode": "strict", "url": CALLBACK}]})).await;
    assert_eq!(site.authorize(&mut client, &[("redirect_uri", "https://wikiXexample/callback")]).await.status, 400);
}

#[tokio::test]
async fn cve_2024_52287_scopes_that_are_not_set_up_are_not_given() {
    let app = App::start().await;
    let site = Site::new(&app, "robot", json!({})).await;
    let asked = [("grant_type", "client_credentials"), ("scope", "openid admin superuser")];
    assert_eq!(site.token(&asked).await.expect(200)["scope"], "openid");
    site.set(json!({"property_mappings": []})).await;
    assert_eq!(site.token(&asked).await.expect(200)["scope"], "");
}

#[tokio::test]
async fn rfc_9700_a_mix_up_shows_in_the_answer() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    for more in [("state", "x"), ("prompt", "dance")] {
        let answer = site.authorize(&mut client, &[more]).await;
        assert_eq!(parameters(answer.location())["iss"], "http://localhost/application/o/wiki/");
    }
}
