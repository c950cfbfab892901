//! OAuth 2 and OpenID Connect as applications meet them.

mod advisories;
mod answers;
mod authorize;
mod conformance;
mod device;
mod gates;
mod github;
mod logout;
mod machines;
mod peers;
mod programs;
mod proof;
mod registration;
mod relying_party;
mod requests;
mod rotation;
mod setup;
mod tokens;

use std::collections::HashMap;

use base64::Engine as _;
use http::Method;
use serde_json::{Value, json};
use vestibule_jose::{Algorithm, Jws, PublicKey};
use vestibule_testkit::{Answer, Client};

use crate::app::{App, PASSWORD};
use crate::security::login;

/// Where the application is.
pub(crate) const CALLBACK: &str = "https://wiki.example/callback";
/// Its secret.
pub(crate) const SECRET: &str = "the secret of the wiki";
const FORM: Option<&str> = Some("application/x-www-form-urlencoded");

/// An application with its provider.
pub(crate) struct Site<'a> {
    pub app: &'a App,
    /// The provider's number.
    pub provider: i64,
    /// `client_id`, slug and name alike.
    pub id: &'static str,
    /// The application's `pbm_uuid`.
    pub target: String,
}

pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The parameters of an address, of its query or its fragment.
pub(crate) fn parameters(address: &str) -> HashMap<String, String> {
    let text = address.split_once(['?', '#']).map_or("", |(_, rest)| rest);
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// The claims of a token, unverified.
pub(crate) fn claims(token: &str) -> Value {
    Value::Object(Jws::parse(token).unwrap().unverified().unwrap())
}

impl<'a> Site<'a> {
    /// An application whose provider has these settings besides the usual ones. With `key`, an RSA key signs.
    pub(crate) async fn new(app: &'a App, id: &'static str, more: Value) -> Self {
        let mut admin = app.admin();
        let flow = |slug: &str| format!("/api/v3/flows/instances/{slug}/");
        let authorization = admin.get(&flow("default-provider-authorization-implicit-consent")).await.expect(200);
        let invalidation = admin.get(&flow("default-provider-invalidation-flow")).await.expect(200);
        let scopes = admin.get("/api/v3/propertymappings/provider/scope/?page_size=100").await.expect(200);
        let mappings: Vec<Value> = scopes["results"].as_array().unwrap().iter().map(|one| one["pk"].clone()).collect();
        let mut body = json!({
            "name": id, "client_id": id, "client_secret": SECRET,
            "authorization_flow": authorization["pk"], "invalidation_flow": invalidation["pk"],
            "redirect_uris": [
                {"matching_mode": "strict", "url": CALLBACK},
                {"matching_mode": "strict", "url": "https://wiki.example/bye", "redirect_uri_type": "logout"},
            ],
            "property_mappings": mappings,
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let provider = admin.post("/api/v3/providers/oauth2/", body).await.expect(201)["pk"].as_i64().unwrap();
        let made = json!({"name": id, "slug": id, "provider": provider});
        let made = admin.post("/api/v3/core/applications/", made).await.expect(201);
        Self { app, provider, id, target: made["pbm_uuid"].as_str().unwrap().to_owned() }
    }

    /// Changes the provider.
    pub(crate) async fn set(&self, body: Value) {
        self.app.admin().patch(&format!("/api/v3/providers/oauth2/{}/", self.provider), body).await.expect(200);
    }

    /// Lets in nobody but whom this user is.
    pub(crate) async fn only_for(&self, user: i64) {
        let body = json!({"target": self.target, "user": user, "order": 0});
        self.app.admin().post("/api/v3/policies/bindings/", body).await.expect(201);
    }

    /// A request for a code, with these parameters instead or besides.
    pub(crate) async fn authorize(&self, client: &mut Client, more: &[(&str, &str)]) -> Answer {
        let usual = [
            ("response_type", "code"),
            ("client_id", self.id),
            ("redirect_uri", CALLBACK),
            ("scope", "openid email profile offline_access"),
            ("state", "st"),
        ];
        let usual = usual.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        let pairs: Vec<(&str, &str)> =
            usual.chain(more.iter().copied()).filter(|(_, value)| !value.is_empty()).collect();
        client.get(&format!("/application/o/authorize/?{}", query(&pairs))).await
    }

    /// A code for whoever is signed in.
    pub(crate) async fn code(&self, client: &mut Client, more: &[(&str, &str)]) -> String {
        let answer = self.authorize(client, more).await;
        assert_eq!(answer.status, 302, "{}", answer.text);
        let found = parameters(answer.location());
        found.get("code").unwrap_or_else(|| panic!("no code in {}", answer.location())).clone()
    }

    /// A request to the token endpoint, with the client's secret.
    pub(crate) async fn token(&self, more: &[(&str, &str)]) -> Answer {
        let mut pairs = vec![("client_id", self.id), ("client_secret", SECRET)];
        pairs.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        pairs.extend(more.iter().copied().filter(|(_, value)| !value.is_empty()));
        self.post("/application/o/token/", &pairs).await
    }

    /// A form to an endpoint.
    pub(crate) async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        self.app.anonymous().send(Method::POST, path, FORM, query(pairs).into_bytes()).await
    }

    /// What a code is exchanged for.
    pub(crate) async fn exchange(&self, code: &str, more: &[(&str, &str)]) -> Answer {
        let usual = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        let usual = usual.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        let pairs: Vec<(&str, &str)> = usual.chain(more.iter().copied()).collect();
        self.token(&pairs).await
    }

    /// Tokens of whoever is signed in.
    pub(crate) async fn tokens(&self, client: &mut Client) -> Value {
        let code = self.code(client, &[]).await;
        self.exchange(&code, &[]).await.expect(200)
    }

    /// What the client is told about a token.
    pub(crate) async fn introspect(&self, token: &str) -> Value {
        let pairs = [("token", token), ("client_id", self.id), ("client_secret", SECRET)];
        self.post("/application/o/introspect/", &pairs).await.expect(200)
    }

    /// Whether userinfo takes a token.
    pub(crate) async fn userinfo(&self, token: &str) -> Answer {
        self.app.anonymous().with_token(token).get("/application/o/userinfo/").await
    }

    /// The claims of a token that the published key verifies.
    pub(crate) async fn verified(&self, token: &str) -> Value {
        let keys = self.app.anonymous().get(&format!("/application/o/{}/jwks/", self.id)).await.expect(200);
        let jws = Jws::parse(token).unwrap();
        let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"].as_str() == jws.kid()).unwrap();
        let key = PublicKey::of(key.as_object().unwrap()).unwrap();
        Value::Object(jws.verify(&key, &Algorithm::ASYMMETRIC).unwrap())
    }
}

/// A key pair of this server's.
pub(crate) async fn key_pair(app: &App, name: &str, algorithm: &str) -> Value {
    let body = json!({"common_name": name, "validity_days": 30, "alg": algorithm});
    app.admin().post("/api/v3/crypto/certificatekeypairs/generate/", body).await.expect(200)["pk"].clone()
}

/// A browser in which Alice is signed in; her key.
pub(crate) async fn alice(app: &App) -> (i64, Client) {
    signed_in(app, "alice").await
}

/// A browser in which a new user is signed in; their key.
pub(crate) async fn signed_in(app: &App, name: &str) -> (i64, Client) {
    let pk = app.user(name, PASSWORD).await;
    let mut client = app.anonymous();
    login(&mut client, name, PASSWORD, "").await;
    (pk, client)
}

/// Name and secret as HTTP Basic has them.
pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}")))
}
