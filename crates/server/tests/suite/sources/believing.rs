//! Which identity tokens are believed (OpenID Connect Core, section 3.1.3.7), and what some providers call things.

use std::collections::HashMap;

use serde_json::{Value, json};
use vestibule_jose::SigningKey;
use vestibule_testkit::{Client, noon};

use super::provider::{CLIENT, KEY, Provider, SECRET, back, event, follow, leave, sign_in, who};
use crate::app::App;

/// Who has issued it.
const ISSUER: &str = "https://forge.example";

/// Makes a token for a login whose parameters these are.
type Make = Box<dyn Fn(&HashMap<String, String>) -> String>;

fn claims(nonce: &str, more: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": CLIENT, "sub": "s-1", "nonce": nonce, "nickname": "ada",
        "iat": noon().timestamp(), "exp": noon().timestamp() + 300,
    });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn signed(claims: &Value, kid: &str) -> String {
    vestibule_jose::sign(&SigningKey::of_pem(&KEY).unwrap(), &[("kid", kid)], claims).unwrap()
}

/// A provider whose identity token is the profile, with its metadata.
async fn forge() -> (App, Provider) {
    let app = App::start().await;
    let provider = Provider::start().await;
    let at = |path: &str| format!("{}{path}", provider.address);
    provider.says("/jwks", Provider::keys("one"));
    provider.says(
        "/.well-known/openid-configuration",
        json!({"issuer": ISSUER, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
               "userinfo_endpoint": at("/profile"), "jwks_uri": at("/jwks")}),
    );
    provider
        .source(&app, "openidconnect", json!({"oidc_well_known_url": at("/.well-known/openid-configuration")}))
        .await;
    (app, provider)
}

/// Comes back with such a token; who is signed in then.
async fn with_token(
    app: &App,
    provider: &Provider,
    make: impl Fn(&HashMap<String, String>) -> String,
) -> (Client, Value) {
    let mut client = app.anonymous();
    let sent = leave(&mut client, "").await;
    provider.says("/token", json!({"access_token": "at-1", "token_type": "Bearer", "id_token": make(&sent)}));
    let answer = back(&mut client, &sent["state"]).await;
    follow(&mut client, answer).await;
    let name = who(&mut client).await;
    (client, name)
}

#[tokio::test]
async fn an_identity_token_is_as_good_as_a_profile() {
    let (app, provider) = forge().await;
    // The profile cannot be had; what is signed says who they are.
    let (_, name) = with_token(&app, &provider, |sent| signed(&claims(&sent["nonce"], &json!({})), "one")).await;
    assert_eq!(name, "ada");
    let sign = |more: Value| move |sent: &HashMap<String, String>| signed(&claims(&sent["nonce"], &more), "one");
    let several = json!({"aud": [CLIENT, "another"], "azp": CLIENT, "at_hash": vestibule_jose::Algorithm::Es256.half_hash("at-1")});
    assert_eq!(with_token(&app, &provider, sign(several)).await.1, "ada");
}

#[tokio::test]
async fn what_is_not_for_this_login_is_not_believed() {
    let (app, provider) = forge().await;
    // Though the profile says who they are.
    provider.says("/profile", json!({"sub": "s-1", "nickname": "ada"}));
    let now = noon().timestamp();
    let cases = [
        (json!({"nonce": "another"}), "another login"),
        (json!({"nonce": null}), "another login"),
        (json!({"aud": "another"}), "another application"),
        (json!({"aud": [CLIENT, "another"]}), "another application"),
        (json!({"azp": "another"}), "another application"),
        (json!({"exp": now - 61}), "expired"),
        (json!({"exp": null}), "expired"),
        (json!({"iat": now + 200}), "not good yet"),
        (json!({"nbf": now + 200}), "not good yet"),
        (json!({"iss": "https://other.example"}), "somebody else has issued it"),
        (json!({"sub": null}), "names nobody"),
        (json!({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}), "another access token"),
        (json!({"sub": "s-2"}), "somebody else's"),
    ];
    for (more, said) in cases {
        let (_, name) = with_token(&app, &provider, |sent| signed(&claims(&sent["nonce"], &more), "one")).await;
        assert_eq!(name, Value::Null, "{more}");
        let event = event(&app, "configuration_error").await;
        assert!(event["context"]["message"].as_str().unwrap().contains(said), "{more}: {event}");
    }
    assert_eq!(app.admin().get("/api/v3/core/users/?username=ada").await.expect(200)["results"], json!([]));
}

#[tokio::test]
async fn nobody_else_signs() {
    let (app, provider) = forge().await;
    provider.says("/profile", json!({"sub": "s-1", "nickname": "ada"}));
    let public = Provider::keys("one").to_string();
    let forged: Vec<(&str, Make)> = vec![
        (
            "changed",
            Box::new(|sent| {
                let token = signed(&claims(&sent["nonce"], &json!({})), "one");
                let other = signed(&claims(&sent["nonce"], &json!({"nickname": "root"})), "one");
                let mut parts: Vec<&str> = token.split('.').collect();
                parts[1] = other.split('.').nth(1).unwrap();
                parts.join(".")
            }),
        ),
        (
            "with no signature",
            Box::new(|sent| {
                let header = vestibule_jose::encode(br#"{"alg":"none"}"#);
                format!(
                    "{header}.{}.",
                    vestibule_jose::encode(claims(&sent["nonce"], &json!({})).to_string().as_bytes())
                )
            }),
        ),
        // The public key is no secret (CVE-2015-9235).
        (
            "with the public key as a secret",
            Box::new(move |sent| {
                let key = SigningKey::shared(public.as_bytes());
                vestibule_jose::sign(&key, &[("kid", "one")], &claims(&sent["nonce"], &json!({}))).unwrap()
            }),
        ),
        ("by an unknown key", Box::new(|sent| signed(&claims(&sent["nonce"], &json!({})), "unheard of"))),
        ("not at all", Box::new(|_| "no token".into())),
    ];
    for (how, make) in forged {
        assert_eq!(with_token(&app, &provider, make).await.1, Value::Null, "{how}");
    }
}

#[tokio::test]
async fn a_new_key_is_looked_for_when_a_token_names_it() {
    let (app, provider) = forge().await;
    provider.says("/jwks", Provider::keys("two"));
    let (_, name) = with_token(&app, &provider, |sent| signed(&claims(&sent["nonce"], &json!({})), "two")).await;
    assert_eq!(name, "ada");
}

#[tokio::test]
async fn what_a_provider_says_about_itself_is_asked_again_every_few_hours() {
    let (app, provider) = forge().await;
    let work = async || {
        app.later(3 * 3600);
        for _ in 0..10 {
            app.server.runner.run_due().await.unwrap();
        }
        app.admin().get("/api/v3/sources/oauth/forge/").await.expect(200)
    };
    let before = app.admin().get("/api/v3/sources/oauth/forge/").await.expect(200);
    let revisions = async || app.number("SELECT COUNT(*) AS n FROM configuration_revision", vec![]).await;
    let written = revisions().await;
    assert_eq!((work().await, revisions().await), (before.clone(), written));
    // It moves, and signs with another key.
    let at = |path: &str| format!("{}{path}", provider.address);
    provider.says("/jwks-2", Provider::keys("two"));
    let metadata = json!({"issuer": ISSUER, "authorization_endpoint": at("/authorize-2"), "jwks_uri": at("/jwks-2")});
    provider.says("/.well-known/openid-configuration", metadata);
    let after = work().await;
    assert_eq!(
        (&after["authorization_url"], &after["access_token_url"], &after["oidc_jwks"], &after["oidc_jwks_url"]),
        (&json!(at("/authorize-2")), &json!(at("/token")), &Provider::keys("two"), &json!(at("/jwks-2")))
    );
    // What cannot be had stays as it was.
    provider.answers("/.well-known/openid-configuration", 500, "text/html", "");
    provider.answers("/jwks-2", 200, "application/json", "[]");
    assert_eq!(work().await, after);
    let exp = json!({"exp": noon().timestamp() + 24 * 3600});
    let token = |sent: &HashMap<String, String>| signed(&claims(&sent["nonce"], &exp), "two");
    assert_eq!(with_token(&app, &provider, token).await.1, "ada");
}

#[tokio::test]
async fn a_shared_secret_signs_where_the_provider_has_no_key() {
    let (app, provider) = forge().await;
    let (_, name) = with_token(&app, &provider, |sent| {
        let key = SigningKey::shared(SECRET.as_bytes());
        vestibule_jose::sign(&key, &[], &claims(&sent["nonce"], &json!({}))).unwrap()
    })
    .await;
    assert_eq!(name, "ada");
}

#[tokio::test]
async fn without_keys_only_a_safe_connection_stands_in_for_a_signature() {
    let app = App::start().await;
    let provider = Provider::start().await;
    provider.source(&app, "openidconnect", json!({})).await;
    provider.says("/profile", json!({"sub": "s-1", "nickname": "ada"}));
    let (_, name) = with_token(&app, &provider, |sent| signed(&claims(&sent["nonce"], &json!({})), "one")).await;
    assert_eq!(name, Value::Null);
}

#[tokio::test]
async fn an_answer_of_another_provider_is_not_taken() {
    let (app, provider) = forge().await;
    let mut client = app.anonymous();
    for (issuer, status) in [("https%3A%2F%2Fother.example", 502), ("https%3A%2F%2Fforge.example", 302)] {
        let sent = leave(&mut client, "").await;
        let token = signed(&claims(&sent["nonce"], &json!({})), "one");
        provider.says("/token", json!({"access_token": "at-1", "id_token": token}));
        let path = format!("/source/oauth/callback/forge/?code=c&state={}&iss={issuer}", sent["state"]);
        assert_eq!(client.get(&path).await.status, status);
    }
}

#[tokio::test]
async fn github_answers_in_its_own_ways() {
    let app = App::start().await;
    let provider = Provider::start().await;
    provider.source(&app, "github", json!({"user_matching_mode": "email_link"})).await;
    // A form instead of JSON, as it once was.
    provider.answers("/token", 200, "application/x-www-form-urlencoded", "access_token=gho_1&token_type=bearer");
    provider.says("/profile", json!({"id": 583_231, "login": "octocat", "name": "Octo Cat", "email": null}));
    let mail = |verified: bool| {
        json!([{"email": "old@example.com", "primary": false, "verified": true},
               {"email": "octo@example.com", "primary": true, "verified": verified}])
    };
    let user = app.user("octo", "").await;
    let body = json!({"email": "octo@example.com"});
    app.admin().patch(&format!("/api/v3/core/users/{user}/"), body).await.expect(200);
    provider.says("/profile/emails", mail(false));
    let mut client = app.anonymous();
    assert_eq!(sign_in(&mut client).await.status, 403);
    provider.says("/profile/emails", mail(true));
    sign_in(&mut client).await;
    assert_eq!(who(&mut client).await, "octo");
    let connected = app.admin().get("/api/v3/sources/user_connections/oauth/").await.expect(200);
    assert_eq!(connected["results"][0]["identifier"], "583231");
    assert_eq!(provider.seen("/token").form["client_secret"], SECRET);
    assert_eq!(provider.seen("/profile/emails").authorization, "Bearer gho_1");
    let mut other = app.anonymous();
    let sent = leave(&mut other, "").await;
    assert_eq!((sent["scope"].as_str(), sent.get("nonce")), ("read:user user:email", None));
}

#[tokio::test]
async fn mailcow_takes_its_token_in_the_address() {
    let app = App::start().await;
    let provider = Provider::start().await;
    provider.source(&app, "mailcow", json!({})).await;
    provider.says("/profile", json!({"id": "7", "full_name": "moo", "email": "moo@example.com"}));
    let mut client = app.anonymous();
    sign_in(&mut client).await;
    assert_eq!(who(&mut client).await, "moo");
    let seen = provider.seen("/profile");
    assert_eq!((seen.query["access_token"].as_str(), seen.authorization.as_str()), ("at-1", ""));
}

/// RFC 5849.
#[tokio::test]
async fn oauth_1_is_spoken_where_a_source_has_an_address_for_request_tokens() {
    let app = App::start().await;
    let provider = Provider::start().await;
    let more = json!({"request_token_url": format!("{}/request", provider.address)});
    provider.source(&app, "openidconnect", more).await;
    let form = "application/x-www-form-urlencoded";
    provider.answers("/request", 200, form, "oauth_token=rt&oauth_token_secret=rs&oauth_callback_confirmed=true");
    provider.answers("/token", 200, form, "oauth_token=at&oauth_token_secret=as");
    provider.says("/profile", json!({"sub": "s-1", "nickname": "ada"}));
    let mut client = app.anonymous();
    let sent = leave(&mut client, "").await;
    assert_eq!(sent, HashMap::from([("oauth_token".to_owned(), "rt".to_owned())]));
    let asked = provider.seen("/request").authorization;
    assert!(asked.starts_with("OAuth ") && asked.contains("oauth_signature=\""), "{asked}");
    assert!(
        asked.contains("oauth_callback=\"http%3A%2F%2Flocalhost%2Fsource%2Foauth%2Fcallback%2Fforge%2F\""),
        "{asked}"
    );
    for path in ["?oauth_token=other&oauth_verifier=v", "?oauth_verifier=v"] {
        assert_eq!(client.get(&format!("/source/oauth/callback/forge/{path}")).await.status, 400);
    }
    let answer = client.get("/source/oauth/callback/forge/?oauth_token=rt&oauth_verifier=v").await;
    follow(&mut client, answer).await;
    assert_eq!(who(&mut client).await, "ada");
    let redeemed = provider.seen("/token").authorization;
    assert!(redeemed.contains("oauth_token=\"rt\"") && redeemed.contains("oauth_verifier=\"v\""), "{redeemed}");
    assert!(provider.seen("/profile").authorization.contains("oauth_token=\"at\""));
    // OAuth 1.0 without the a: whoever was sent there may not be who comes back.
    provider.answers("/request", 200, form, "oauth_token=rt&oauth_token_secret=rs");
    assert_eq!(app.anonymous().get("/source/oauth/login/forge/").await.status, 502);
}
