//! Tokens that administrators' programs make: `ak_create_jwt`, `ak_create_jwt_raw`.

use serde_json::{Value, json};

use super::{Site, claims, key_pair};
use crate::app::App;

/// A client whose one scope tells what a program makes.
struct Gate<'a> {
    site: Site<'a>,
    mapping: Value,
}

impl<'a> Gate<'a> {
    async fn new(app: &'a App) -> Self {
        let body = json!({"name": "made", "scope_name": "made", "expression": "return {}"});
        let mapping = app.admin().post("/api/v3/propertymappings/provider/scope/", body).await.expect(201);
        let mapping = mapping["pk"].clone();
        let site = Site::new(app, "gate", json!({"property_mappings": [mapping]})).await;
        Self { site, mapping }
    }

    fn path(&self) -> String {
        format!("/api/v3/propertymappings/provider/scope/{}/", self.mapping.as_str().unwrap())
    }

    /// What a program makes; null: it failed.
    async fn made(&self, program: &str) -> Value {
        let program = format!("from authentik.providers.oauth2.models import OAuth2Provider\n{program}");
        self.site.app.admin().patch(&self.path(), json!({"expression": program})).await.expect(200);
        let asked = [("grant_type", "client_credentials"), ("scope", "made")];
        let tokens = self.site.token(&asked).await.expect(200);
        claims(tokens["access_token"].as_str().unwrap())["made"].clone()
    }

    /// What the programs that failed said, in the order of words.
    async fn failures(&self) -> Vec<String> {
        let path = "/api/v3/events/events/?action=property_mapping_exception&page_size=100";
        let events = self.site.app.admin().get(path).await.expect(200);
        let message = |event: &Value| event["context"]["exception"]["message"].as_str().unwrap().to_owned();
        let mut messages: Vec<String> = events["results"].as_array().unwrap().iter().map(message).collect();
        messages.sort();
        messages
    }
}

#[tokio::test]
async fn a_program_makes_tokens_of_a_provider() {
    let app = App::start().await;
    let key = key_pair(&app, "signer", "rsa").await;
    let wiki = Site::new(&app, "wiki", json!({"signing_key": key})).await;
    let gate = Gate::new(&app).await;
    for provider in
        ["'wiki'", "OAuth2Provider.objects.get(name='wiki')", "OAuth2Provider.objects.filter(client_id='wiki').first()"]
    {
        let made =
            gate.made(&format!("return {{'made': ak_create_jwt(user, {provider}, ['openid', 'profile'])}}")).await;
        let token = made.as_str().unwrap_or_else(|| panic!("{provider}: {made}"));
        let told = wiki.verified(token).await;
        assert_eq!(told["aud"], "wiki");
        assert_eq!(told["scope"], "openid profile");
        assert!(told["iss"].as_str().unwrap().ends_with("/application/o/wiki/"), "{told}");
        assert_eq!(told["exp"].as_i64().unwrap() - told["iat"].as_i64().unwrap(), 60);
        assert_eq!(
            told["preferred_username"], "ak-gate-client_credentials",
            "the mappings of its scopes tell of the user"
        );
        assert_eq!(wiki.userinfo(token).await.expect(200)["sub"], told["sub"], "it opens what such tokens open");
        assert_eq!(wiki.introspect(token).await["active"], true);
    }
    let made = gate
        .made("return {'made': ak_create_jwt_raw('wiki', validity='minutes=5', sub='x', deep={'a': [1]}, aud='other')}")
        .await;
    let told = wiki.verified(made.as_str().unwrap()).await;
    assert_eq!((&told["sub"], &told["deep"], &told["aud"]), (&json!("x"), &json!({"a": [1]}), &json!("wiki")));
    assert_eq!(wiki.introspect(made.as_str().unwrap()).await["active"], false, "such a token is kept nowhere");
}

#[tokio::test]
async fn tokens_that_cannot_be_are_refused() {
    let app = App::start().await;
    Site::new(&app, "wiki", json!({})).await;
    let gate = Gate::new(&app).await;
    let sleeper = app.user("sleeper", "").await;
    app.admin().patch(&format!("/api/v3/core/users/{sleeper}/"), json!({"is_active": false})).await.expect(200);
    let nobody = "there is no such user, or they may not sign in";
    let mut reasons = vec!["ak_create_jwt is not available here".to_owned()];
    for (program, reason) in [
        ("ak_create_jwt('akadmin', 'wiki', ['openid'])", "ak_create_jwt needs a user"),
        ("ak_create_jwt(user, 'none', ['openid'])", "there is no such provider, or it has no application"),
        ("ak_create_jwt(user, 7, ['openid'])", "'provider' must be an OAuth2Provider or the name of one"),
        ("ak_create_jwt(user, 'wiki', 'openid')", "'scopes' must be a list of texts"),
        ("ak_create_jwt(user, 'wiki', ['open id'])", "'scopes' holds what is no scope"),
        (
            "ak_create_jwt(user, 'wiki', ['x'], 'seconds=0')",
            "'validity' must be longer than nothing, and at most a hundred years",
        ),
        ("ak_create_jwt(ak_user_by(username='sleeper'), 'wiki', ['openid'])", nobody),
        ("ak_create_jwt_raw('wiki', x='y' * 20000)", "a token holds 16384 bytes at most"),
        ("ak_create_jwt_raw('none')", "there is no such provider, or it has no application"),
    ] {
        assert_eq!(gate.made(&format!("return {{'made': {program}}}")).await, Value::Null, "{program}");
        reasons.push(reason.to_owned());
    }
    // A mapping that runs for such a token makes no other: that would not end.
    let itself = "return {'made': ak_create_jwt(user, 'gate', ['made'])}";
    let made = gate.made(itself).await;
    assert!(claims(made.as_str().unwrap()).get("made").is_none(), "{made}");
    reasons.sort();
    assert_eq!(gate.failures().await, reasons);
}

#[tokio::test]
async fn a_trial_makes_no_token() {
    let app = App::start().await;
    Site::new(&app, "wiki", json!({})).await;
    let gate = Gate::new(&app).await;
    let user = app.user("alice", "").await;
    for program in ["ak_create_jwt(user, 'wiki', ['openid'])", "ak_create_jwt_raw('wiki', sub='x')"] {
        let body = json!({"expression": format!("return {{'made': {program}}}")});
        app.admin().patch(&gate.path(), body).await.expect(200);
        let tried = app
            .admin()
            .post(&format!("{}test/", gate.path().replace("provider/scope", "all")), json!({"user": user}))
            .await
            .expect(200);
        let made: Value = serde_json::from_str(tried["result"].as_str().unwrap()).unwrap();
        assert_eq!(made["made"], "trial.trial.trial", "{tried}");
    }
    assert_eq!(app.number("SELECT count(*) AS n FROM oauth2_access_tokens", vec![]).await, 0);
}
