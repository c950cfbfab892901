//! The family's operations, asked through the engine.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use http::request::Parts;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use vestibule_kernel::secret::Keys;
use vestibule_kernel::{Actor, ApiError, Ctx};
use vestibule_resource::call::Extensions;
use vestibule_resource::{Api, Authenticate, Principal, Registry};
use vestibule_store::{Database, Store};

/// Who a test is: the header `x-as` is `admin`, a permission, or absent.
struct ByHeader;

#[async_trait]
impl Authenticate for ByHeader {
    async fn principal(&self, parts: &Parts) -> Result<Principal, ApiError> {
        let nobody = Principal::anonymous(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let Some(name) = parts.headers.get("x-as").and_then(|value| value.to_str().ok()) else { return Ok(nobody) };
        let permissions = [name.to_owned()].into();
        Ok(Principal { actor: Actor::System, superuser: name == "admin", permissions, ..nobody })
    }
}

struct Server {
    router: axum::Router,
    _folder: tempfile::TempDir,
}

async fn server() -> Server {
    let folder = tempfile::tempdir().unwrap();
    let ctx = Ctx::system();
    let registry = Arc::new(Registry::part(Vec::new(), super::families(), super::operations()).unwrap());
    let database = Database::sqlite(&folder.path().join("test.db")).await.unwrap();
    let keys = Arc::new(Keys::derive("a key for tests").unwrap());
    let store = Store::open(database, ctx.clone(), keys, registry.codecs()).await.unwrap();
    let extensions = Arc::new(Extensions::default());
    let authenticate = Arc::new(ByHeader);
    let api = Api { store, ctx, registry, authenticate, body_limit: 1 << 20, extensions };
    Server { router: vestibule_resource::routes(&api), _folder: folder }
}

impl Server {
    async fn ask(&self, method: &str, path: &str, who: &str) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(format!("/api/v3/policies/all/{path}")).header("x-as", who);
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}

#[tokio::test]
async fn there_are_none_yet() {
    let server = server().await;
    let (status, list) = server.ask("GET", "?bindings__isnull=true&promptstage__isnull=false", "admin").await;
    assert_eq!((status, &list["results"]), (StatusCode::OK, &json!([])));
    assert_eq!(server.ask("GET", "types/", "admin").await, (StatusCode::OK, json!([])));
    let (status, body) = server.ask("GET", "3fa85f64-5717-4562-b3fc-2c963f66afa6/", "admin").await;
    assert_eq!((status, body), (StatusCode::NOT_FOUND, json!({"detail": "No Policy matches the given query."})));
}

#[tokio::test]
async fn trying_one_out_needs_more_than_looking_at_it() {
    let server = server().await;
    let path = "3fa85f64-5717-4562-b3fc-2c963f66afa6/test/";
    let missing = (StatusCode::NOT_FOUND, json!({"detail": "No Policy matches the given query."}));
    assert_eq!(server.ask("POST", path, "authentik_policies.change_policy").await, missing);
    assert_eq!(server.ask("POST", path, "authentik_policies.view_policy").await, missing);
    assert_eq!(server.ask("POST", path, "authentik_policies.add_policy").await.0, StatusCode::FORBIDDEN);
    assert_eq!(server.ask("GET", path, "admin").await.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_cache_is_empty_and_its_operations_need_their_permission() {
    let server = server().await;
    let view = "authentik_policies.view_policy_cache";
    let clear = "authentik_policies.clear_policy_cache";
    assert_eq!(server.ask("GET", "cache_info/", view).await, (StatusCode::OK, json!({"count": 0})));
    assert_eq!(server.ask("GET", "cache_info/", clear).await.0, StatusCode::FORBIDDEN);
    assert_eq!(server.ask("POST", "cache_clear/", clear).await.0, StatusCode::NO_CONTENT);
    assert_eq!(server.ask("POST", "cache_clear/", view).await.0, StatusCode::FORBIDDEN);
}
