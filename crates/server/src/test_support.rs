//! A whole server in the test's process, as the program starts it.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use vestibule_kernel::Ctx;
use vestibule_kernel::settings::Settings;
use vestibule_store::Store;
use vestibule_testkit::TestDatabase;

use crate::registry;
use crate::start::{Server, assemble};

/// The key of an API token of the first administrator.
pub(crate) const ADMIN: &str = "bootstrap-token";

pub(crate) struct Started {
    pub(crate) server: Server,
    _database: TestDatabase,
}

pub(crate) async fn started() -> Started {
    let given: BTreeMap<String, String> = [
        ("argon2_memory", "64"),
        ("argon2_iterations", "1"),
        ("body_limit", "1000"),
        ("trusted_proxies", "10.0.0.0/8"),
        ("bootstrap_token", ADMIN),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let settings = Settings::load(&given, &BTreeMap::new(), &BTreeMap::new()).unwrap();
    let database = TestDatabase::new().await;
    let (ctx, families) = (Ctx::system(), registry::families().unwrap());
    let keys = vestibule_kernel::secret::Keys::derive("secret").unwrap();
    let store = Store::open(database.open().await, ctx.clone(), keys.into(), families.registry.codecs()).await.unwrap();
    let server = assemble(&settings, ctx, families, store).await.unwrap();
    Started { server, _database: database }
}

pub(crate) fn request(method: Method, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).header("host", "idp.example").body(Body::empty()).unwrap()
}

pub(crate) async fn text(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

impl Started {
    pub(crate) async fn ask(&self, request: Request<Body>) -> Response {
        self.server.router().oneshot(request).await.unwrap()
    }

    /// What surrounds requests, around other routes.
    pub(crate) fn around(&self, inner: Router) -> Router {
        crate::http::router(&self.server.front, &self.server.flow, inner)
    }
}
