//! A provider that says what a test wants it to say, on loopback.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};
use vestibule_crypto::{Algorithm, Request, generate};
use vestibule_jose::SigningKey;
use vestibule_kernel::Ctx;
use vestibule_testkit::{Answer, Client, noon};

use crate::app::App;

/// What this server is called there.
pub(super) const CLIENT: &str = "vestibule-at-the-forge";
/// Its secret there.
pub(super) const SECRET: &str = "a secret / with + signs: and more";

/// The provider's key.
pub(super) static KEY: LazyLock<String> = LazyLock::new(|| {
    let request = Request {
        common_name: "forge".into(),
        alternative_names: Vec::new(),
        algorithm: Algorithm::Ecdsa,
        rsa_bits: 0,
        until: noon(),
    };
    generate(&Ctx::system(), &request).unwrap().key
});

/// A request that the provider got.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub method: Method,
    pub path: String,
    pub query: HashMap<String, String>,
    pub authorization: String,
    pub form: HashMap<String, String>,
}

#[derive(Default)]
struct Script {
    answers: HashMap<String, (u16, &'static str, String)>,
    seen: Vec<Seen>,
}

/// The provider.
#[derive(Clone)]
pub(super) struct Provider {
    pub address: String,
    script: Arc<Mutex<Script>>,
}

fn pairs(text: &[u8]) -> HashMap<String, String> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

async fn answer(
    State(script): State<Arc<Mutex<Script>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut script = script.lock().unwrap();
    script.seen.push(Seen {
        method,
        path: uri.path().to_owned(),
        query: pairs(uri.query().unwrap_or_default().as_bytes()),
        authorization: authorization.to_owned(),
        form: pairs(&body),
    });
    let Some((status, media_type, text)) = script.answers.get(uri.path()).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    (StatusCode::from_u16(status).unwrap(), [(CONTENT_TYPE, media_type)], text).into_response()
}

/// Serves routes on loopback; where.
pub(super) async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

impl Provider {
    pub(super) async fn start() -> Self {
        let script = Arc::new(Mutex::new(Script::default()));
        let router = Router::new().fallback(any(answer)).with_state(Arc::clone(&script));
        let provider = Self { address: serve(router).await, script };
        provider.says("/token", json!({"access_token": "at-1", "token_type": "Bearer", "expires_in": 3600}));
        provider
    }

    /// From here on it answers so.
    pub(super) fn says(&self, path: &str, answer: Value) {
        self.answers(path, 200, "application/json", answer.to_string());
    }

    pub(super) fn answers(&self, path: &str, status: u16, media_type: &'static str, text: impl Into<String>) {
        self.script.lock().unwrap().answers.insert(path.to_owned(), (status, media_type, text.into()));
    }

    /// The last request to a path.
    pub(super) fn seen(&self, path: &str) -> Seen {
        let script = self.script.lock().unwrap();
        let found = script.seen.iter().rev().find(|seen| seen.path == path);
        found.unwrap_or_else(|| panic!("nobody asked for {path}")).clone()
    }

    /// Its key as others know it, under this name.
    pub(super) fn keys(name: &str) -> Value {
        let mut key = SigningKey::of_pem(&KEY).unwrap().public().unwrap().to_jwk();
        key.insert("kid".into(), name.into());
        json!({"keys": [key]})
    }

    /// A source at this provider; its object.
    pub(super) async fn source(&self, app: &App, kind: &str, more: Value) -> Value {
        let at = |path: &str| format!("{}{path}", self.address);
        let flow = |slug: &str| format!("/api/v3/flows/instances/{slug}/");
        let mut admin = app.admin();
        let authentication = admin.get(&flow("default-source-authentication")).await.expect(200);
        let enrollment = admin.get(&flow("default-source-enrollment")).await.expect(200);
        let mut body = json!({
            "name": "Forge", "slug": "forge", "provider_type": kind,
            "consumer_key": CLIENT, "consumer_secret": SECRET,
            "authorization_url": at("/authorize"), "access_token_url": at("/token"), "profile_url": at("/profile"),
            "authentication_flow": authentication["pk"], "enrollment_flow": enrollment["pk"],
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        admin.post("/api/v3/sources/oauth/", body).await.expect(201)
    }
}

/// Leaves for the source; what its provider is told.
pub(super) async fn leave(client: &mut Client, query: &str) -> HashMap<String, String> {
    let answer = client.get(&format!("/source/oauth/login/forge/{query}")).await;
    assert_eq!(answer.status, 302, "{}", answer.text);
    pairs(answer.location().split_once('?').unwrap_or_default().1.as_bytes())
}

/// Comes back with a code.
pub(super) async fn back(client: &mut Client, state: &str) -> Answer {
    client.get(&format!("/source/oauth/callback/forge/?code=c-1&state={state}")).await
}

/// Follows redirects on this server.
pub(super) async fn follow(client: &mut Client, mut answer: Answer) -> Answer {
    for _ in 0..10 {
        let to = answer.location().to_owned();
        // `/if/user/` is the end of it.
        if !to.starts_with('/') || to.starts_with("/if/user/") || to == "/" {
            return answer;
        }
        answer = client.get(&to).await;
    }
    panic!("it never ends: {}", answer.location());
}

/// The whole way; the answer at its end.
pub(super) async fn sign_in(client: &mut Client) -> Answer {
    let sent = leave(client, "").await;
    let answer = back(client, &sent["state"]).await;
    follow(client, answer).await
}

/// Who is signed in.
pub(super) async fn who(client: &mut Client) -> Value {
    let answer = client.get("/api/v3/core/users/me/").await;
    if answer.status == 403 { Value::Null } else { answer.expect(200)["user"]["username"].clone() }
}

/// The newest event of an action. What happens from here on is later.
pub(super) async fn event(app: &App, action: &str) -> Value {
    app.later(1);
    let list = app.admin().get(&format!("/api/v3/events/events/?action={action}&ordering=-created")).await.expect(200);
    list["results"][0].clone()
}

/// A page as people read it.
pub(super) fn read(page: &str) -> String {
    page.replace("&#x2f;", "/").replace("&amp;", "&")
}
