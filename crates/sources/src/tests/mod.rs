//! Sources, asked through the engine.

mod dialects;
mod discovery;
mod oauth;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use http::request::Parts;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use vestibule_http_client::HttpClient;
use vestibule_kernel::address::EgressGuard;
use vestibule_kernel::secret::Keys;
use vestibule_kernel::{Actor, ApiError, Ctx};
use vestibule_resource::call::Extensions;
use vestibule_resource::{Api, Authenticate, Principal, Registry};
use vestibule_store::{Database, Store};

/// Everyone may do everything.
struct Anyone;

#[async_trait]
impl Authenticate for Anyone {
    async fn principal(&self, _: &Parts) -> Result<Principal, ApiError> {
        let nobody = Principal::anonymous(IpAddr::V4(Ipv4Addr::LOCALHOST));
        Ok(Principal { actor: Actor::System, superuser: true, ..nobody })
    }
}

/// A server of flows and sources.
pub(crate) struct Server {
    router: axum::Router,
    api: Api,
    _folder: tempfile::TempDir,
}

/// A server that may fetch from `allowed`.
pub(crate) async fn server(allowed: &str) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let ctx = Ctx::system();
    let kinds = vestibule_flow::kinds().into_iter().chain(crate::kinds()).collect();
    let families = vestibule_flow::families().into_iter().chain(crate::families()).collect();
    let registry = Arc::new(Registry::part(kinds, families, crate::operations()).unwrap());
    let database = Database::sqlite(&folder.path().join("test.db")).await.unwrap();
    let keys = Arc::new(Keys::derive("a key for tests").unwrap());
    let store = Store::open(database, ctx.clone(), keys, registry.codecs()).await.unwrap();
    let guard = EgressGuard::new(allowed.split_whitespace().map(|network| network.parse().unwrap()).collect());
    let client = HttpClient::with_timeout(guard, Duration::from_millis(500));
    let extensions = Arc::new(Extensions::default().with(Arc::new(client)));
    let api = Api { store, ctx, registry, authenticate: Arc::new(Anyone), body_limit: 1 << 20, extensions };
    Server { router: vestibule_resource::routes(&api), api, _folder: folder }
}

impl Server {
    /// Asks at a path below `/api/v3/`.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let request =
            Request::builder().method(method).uri(format!("/api/v3/{path}")).header("host", "id.example:9000");
        let request = request.header("content-type", "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Creates a source from its smallest form and further fields.
    pub(crate) async fn create(&self, slug: &str, provider: &str, further: Value) -> (StatusCode, Value) {
        let mut body = json!({
            "name": slug, "slug": slug, "provider_type": provider, "consumer_key": "k", "consumer_secret": "s3cret",
        });
        body.as_object_mut().unwrap().extend(further.as_object().cloned().unwrap());
        self.ask("POST", "sources/oauth/", Some(body)).await
    }
}
