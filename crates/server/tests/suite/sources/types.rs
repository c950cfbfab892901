//! Each type of provider: where people are sent, with what, and its picture.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::app::App;

/// What is asked for, and what else is said to providers of a type.
fn asked(kind: &str) -> (&'static str, Vec<(&'static str, &'static str)>) {
    match kind {
        "apple" => ("name email", vec![("response_mode", "form_post")]),
        "discord" => ("email identify", vec![("prompt", "none")]),
        "entraid" => ("openid https://graph.microsoft.com/User.Read", vec![]),
        "facebook" => ("email", vec![]),
        "github" => ("read:user user:email", vec![]),
        "gitlab" => ("read_user openid profile email", vec![]),
        "google" => ("email profile", vec![]),
        "mailcow" => ("profile", vec![]),
        "patreon" => ("identity identity[email]", vec![]),
        "reddit" => ("identity", vec![("duration", "permanent")]),
        "twitch" => ("openid", vec![("claims", r#"{"userinfo":{"email":null,"preferred_username":null}}"#)]),
        "twitter" => ("users.read tweet.read", vec![("code_challenge_method", "S256")]),
        "wechat" => ("snsapi_login", vec![("appid", "key")]),
        _ => ("openid email profile", vec![]),
    }
}

#[tokio::test]
async fn people_are_sent_to_each_type_as_it_wants_it() {
    let app = App::start().await;
    let mut admin = app.admin();
    let types = admin.get("/api/v3/sources/oauth/source_types/").await.expect(200);
    let listed = admin.get("/api/v3/sources/all/types/").await.expect(200);
    for one in types.as_array().unwrap() {
        let kind = one["name"].as_str().unwrap();
        let mut body = json!({
            "name": kind, "slug": kind, "provider_type": kind, "consumer_key": "key", "consumer_secret": "secret",
            "additional_scopes": "more",
        });
        let own = one["authorization_url"].is_null();
        if own {
            for field in ["authorization_url", "access_token_url", "profile_url"] {
                body[field] = json!(format!("https://{kind}.example/{field}"));
            }
        } else if one["urls_customizable"] == json!(false) {
            // What is the same for everybody is nobody's to change.
            body["authorization_url"] = json!("https://evil.example/");
        }
        let made = admin.post("/api/v3/sources/oauth/", body).await.expect(201);
        let answer = app.anonymous().get(&format!("/source/oauth/login/{kind}/")).await;
        assert_eq!(answer.status, 302, "{kind}: {}", answer.text);
        let to = url::Url::parse(answer.location()).unwrap();
        let known = if own { made["authorization_url"].as_str() } else { one["authorization_url"].as_str() };
        assert!(answer.location().starts_with(&format!("{}?", known.unwrap())), "{kind}: {to}");
        let sent: HashMap<String, String> = to.query_pairs().into_owned().collect();
        let (scope, more) = asked(kind);
        let named = if kind == "slack" { "user_scope" } else { "scope" };
        assert_eq!(sent[named], format!("{scope} more"), "{kind}");
        for (name, value) in more {
            assert_eq!(sent.get(name).map(String::as_str), Some(value), "{kind} {name}");
        }
        assert_eq!(sent.contains_key("client_id"), kind != "wechat", "{kind}");
        assert_eq!(sent["redirect_uri"], format!("http://localhost/source/oauth/callback/{kind}/"));
        assert_eq!(sent["response_type"], "code", "{kind}");
        assert!(sent["state"].len() >= 32, "{kind}");
        // Whoever is asked for an identity token names the login in it.
        let is_openid = kind == "apple" || scope.split(' ').any(|one| one == "openid");
        assert_eq!(sent.contains_key("nonce"), is_openid, "{kind}");
        assert_eq!(sent.contains_key("code_challenge"), kind == "twitter", "{kind}");
        // Its picture, by each of its addresses.
        let kinds = listed.as_array().unwrap();
        let model = format!("{kind}oauthsource");
        let shown = kinds.iter().find(|one| one["model_name"] == json!(model)).unwrap();
        assert_eq!(made["icon_url"], shown["icon_url"], "{kind}");
        let icon = app.anonymous().get(made["icon_url"].as_str().unwrap()).await;
        assert_eq!((icon.status.as_u16(), &icon.headers["content-type"]), (200, &"image/svg+xml".parse().unwrap()));
    }
    assert_eq!(types.as_array().map(Vec::len), Some(16));
}

#[tokio::test]
async fn a_proof_key_is_sent_as_the_source_says() {
    let app = App::start().await;
    let provider = super::provider::Provider::start().await;
    provider.source(&app, "openidconnect", json!({"pkce": "plain"})).await;
    provider.says("/profile", json!({"sub": "s-1", "nickname": "ada"}));
    let mut client = app.anonymous();
    let sent = super::provider::leave(&mut client, "").await;
    assert_eq!(sent["code_challenge_method"], "plain");
    super::provider::back(&mut client, &sent["state"]).await;
    assert_eq!(provider.seen("/token").form["code_verifier"], sent["code_challenge"]);
}

#[tokio::test]
async fn users_of_a_source_are_kept_where_it_says() {
    let app = App::start().await;
    let provider = super::provider::Provider::start().await;
    provider.source(&app, "openidconnect", json!({"user_path_template": "people/%(slug)s/new"})).await;
    provider.says("/profile", json!({"sub": "s-1", "nickname": "ada"}));
    super::provider::sign_in(&mut app.anonymous()).await;
    let found: Value = app.admin().get("/api/v3/core/users/?username=ada").await.expect(200);
    assert_eq!(found["results"][0]["path"], "people/forge/new");
}
