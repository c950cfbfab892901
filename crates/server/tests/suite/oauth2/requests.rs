//! Requests at `/application/o/authorize/`: what of them counts, what is passed over, and what becomes known of it.

use serde_json::{Value, json};

use super::{CALLBACK, Site, alice, claims, key_pair, parameters, query};
use crate::app::{App, PASSWORD};
use crate::security::{executor, login};

#[tokio::test]
async fn scopes_are_those_that_are_set_up() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let scope = async |client: &mut _, scope: &str| {
        let code = site.code(client, &[("scope", scope)]).await;
        site.exchange(&code, &[]).await.expect(200)["scope"].clone()
    };
    assert_eq!(scope(&mut client, "openid email admin unheard-of").await, "openid email");
    // Whoever names none gets all of them.
    let all = scope(&mut client, "").await;
    for one in ["openid", "email", "profile", "offline_access"] {
        assert!(all.as_str().unwrap().split(' ').any(|given| given == one), "{one} in {all}");
    }
    // Without a code there is nothing to refresh.
    let more = [("response_type", "id_token token"), ("nonce", "n"), ("scope", "openid offline_access")];
    let found = parameters(site.authorize(&mut client, &more).await.location());
    assert_eq!(claims(&found["access_token"])["scope"], "openid");
}

#[tokio::test]
async fn what_is_too_much_or_unheard_of_is_refused() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let long = "x".repeat(4097);
    let challenge = "y".repeat(129);
    for (more, error) in [
        (vec![("nonce", &*long)], "invalid_request"),
        (vec![("code_challenge", &*challenge)], "invalid_request"),
        (vec![("code_challenge", "a b"), ("code_challenge_method", "S256")], "invalid_request"),
        (vec![("registration", "{}")], "registration_not_supported"),
        (vec![("response_type", "code token"), ("scope", "email")], "invalid_scope"),
    ] {
        let found = parameters(site.authorize(&mut client, &more).await.location());
        assert_eq!((found["error"].as_str(), found["state"].as_str()), (error, "st"), "{error}");
    }
    let found = parameters(site.authorize(&mut client, &[("state", &long)]).await.location());
    assert_eq!((found["error"].as_str(), found.get("state")), ("invalid_request", None));
    // Administrators read of what nobody could be sent back for.
    for (name, title) in [("redirect_uri", "Redirect URI Error"), ("client_id", "Client ID Error")] {
        app.later(1);
        site.authorize(&mut client, &[(name, "https://evil.example/")]).await;
        let list = app.admin().get("/api/v3/events/events/?action=configuration_error&ordering=-created").await;
        assert_eq!(list.expect(200)["results"][0]["context"]["error"], title);
    }
}

#[tokio::test]
async fn a_request_leads_to_the_login_that_its_provider_names_and_nowhere_else() {
    let app = App::start().await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let more = [("next", "https://evil.example/"), ("flow_token", "stolen"), ("login_hint", "alice")];
    let to = site.authorize(&mut app.anonymous(), &more).await.location().to_owned();
    assert!(to.starts_with("/if/flow/default-authentication-flow/?"), "{to}");
    let told = url::Url::parse(&format!("http://localhost{to}")).unwrap();
    let given: Vec<(String, String)> = told.query_pairs().into_owned().collect();
    let named = |name: &str| given.iter().filter(|(one, _)| one == name).map(|(_, value)| &**value).collect::<Vec<_>>();
    assert_eq!((named("login_hint"), named("flow_token")), (vec!["alice"], vec![]), "{to}");
    assert!(named("next").len() == 1 && named("next")[0].starts_with("/application/o/authorize/?"), "{to}");
    let mut admin = app.admin();
    let body = json!({"name": "own", "slug": "own", "title": "own", "designation": "authentication"});
    let own = admin.post("/api/v3/flows/instances/", body).await.expect(201)["pk"].clone();
    site.set(json!({"authentication_flow": own})).await;
    let to = site.authorize(&mut app.anonymous(), &[]).await.location().to_owned();
    assert!(to.starts_with("/if/flow/own/?"), "{to}");
}

#[tokio::test]
async fn where_nobody_may_be_asked_a_flow_that_is_not_for_them_says_so() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let path = "/api/v3/flows/instances/default-provider-authorization-implicit-consent/";
    app.admin().patch(path, json!({"authentication": "require_superuser"})).await.expect(200);
    let answer = site.authorize(&mut client, &[("prompt", "none")]).await;
    assert_eq!(parameters(answer.location())["error"], "interaction_required");
    let answer = site.authorize(&mut client, &[]).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (403, ""));
}

#[tokio::test]
async fn a_signed_answer_says_whose_it_is_and_until_when() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let (key, sealing) = (key_pair(&app, "oidc", "ecdsa").await, key_pair(&app, "sealed", "rsa").await);
    let site = Site::new(&app, "wiki", json!({"signing_key": key})).await;
    let now = vestibule_testkit::noon().timestamp();
    for more in [("prompt", "consent login none"), ("state", "st")] {
        let answer = site.authorize(&mut client, &[more, ("response_mode", "jwt")]).await;
        let told = site.verified(&parameters(answer.location())["response"]).await;
        assert_eq!((&told["iss"], &told["aud"]), (&json!("http://localhost/application/o/wiki/"), &json!("wiki")));
        assert!(told["exp"].as_i64().is_some_and(|ends| ends > now && ends <= now + 600), "{told}");
        assert_eq!(told["state"], "st");
        assert_ne!(told.get("error").is_some(), told.get("code").is_some(), "{told}");
    }
    // In a form as well; and with a fragment where tokens come by it.
    let more = [("response_mode", "form_post.jwt"), ("prompt", "none")];
    let page = site.authorize(&mut client, &more).await;
    assert!(page.text.contains("name=\"response\"") && !page.text.contains("name=\"code\""), "{}", page.text);
    let more = [("response_mode", "jwt"), ("response_type", "id_token"), ("nonce", "n")];
    let answer = site.authorize(&mut client, &more).await;
    let told = site.verified(&parameters(answer.location())["response"]).await;
    assert!(answer.location().contains('#') && told["id_token"].is_string(), "{told}");
    // Encrypted where tokens are.
    site.set(json!({"encryption_key": sealing})).await;
    let answer = site.authorize(&mut client, &[("response_mode", "jwt")]).await;
    assert_eq!(parameters(answer.location())["response"].split('.').count(), 5);
}

#[tokio::test]
async fn an_authorization_is_written_down() {
    let app = App::start().await;
    let (_, mut client) = alice(&app).await;
    let site = Site::new(&app, "wiki", json!({})).await;
    site.code(&mut client, &[("scope", "openid email")]).await;
    let list = app.admin().get("/api/v3/events/events/?action=authorize_application").await.expect(200);
    let event = &list["results"][0];
    assert_eq!(
        (&event["user"]["username"], &event["context"]["authorized_application"]["name"], &event["context"]["scopes"]),
        (&json!("alice"), &json!("wiki"), &json!("openid email"))
    );
}

/// A flow is walked by whoever began it: who signs in meanwhile as somebody else gets nothing of it.
#[tokio::test]
async fn an_answer_is_for_whoever_asked() {
    let app = App::start().await;
    let (_, client) = alice(&app).await;
    app.user("bob", PASSWORD).await;
    let slug = "default-provider-authorization-explicit-consent";
    let flow = app.admin().get(&format!("/api/v3/flows/instances/{slug}/")).await.expect(200)["pk"].clone();
    let site = Site::new(&app, "wiki", json!({"authorization_flow": flow})).await;
    let mut browser = client.with_header("sec-fetch-site", "same-origin");
    site.authorize(&mut browser, &[]).await;
    let path = executor(slug, "");
    let asked: Value = browser.get(&path).await.expect(200);
    login(&mut browser, "bob", PASSWORD, "").await;
    browser.post(&path, json!({"component": "ak-stage-consent", "token": asked["token"]})).await;
    let end = browser.get(&path).await;
    assert!(!end.text.contains("code=") && !end.text.contains(CALLBACK), "{}", end.text);
    assert_eq!(app.number("SELECT count(*) AS n FROM oauth2_codes", vec![]).await, 0);
}

#[tokio::test]
async fn a_request_that_is_sent_beforehand_is_whole_and_holds_no_secret() {
    let app = App::start().await;
    let site = Site::new(&app, "wiki", json!({})).await;
    let pairs = [
        ("client_id", "wiki"),
        ("client_secret", super::SECRET),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid"),
    ];
    let nested = [&pairs[..], &[("request_uri", "urn:ietf:params:oauth:request_uri:x")]].concat();
    assert_eq!(site.post("/application/o/par/", &nested).await.expect(400)["error"], "invalid_request");
    site.post("/application/o/par/", &pairs).await.expect(201);
    let rows = app.store().database().query("SELECT parameters FROM oauth2_pushed", vec![]).await.unwrap();
    let kept = rows[0].json("parameters").unwrap();
    assert_eq!((&kept["scope"], kept.get("client_secret")), (&json!("openid"), None));
    assert!(!kept.to_string().contains(super::SECRET), "{}", query(&[]));
}
