//! A server in the test's own process, with a database of its own.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use chrono::{DateTime, TimeDelta};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;
use vestibule_directory::bootstrap::{Admin, ensure_admin};
use vestibule_directory::password::Params;
use vestibule_directory::session::Login;
use vestibule_directory::{Authenticator, ClientInfo, Passwords, Sessions, Users};
use vestibule_events::Event;
use vestibule_kernel::context::{FixedClock, SystemRandom};
use vestibule_kernel::secret::Keys;
use vestibule_kernel::{Actor, Ctx, Object};
use vestibule_resource::call::Extensions;
use vestibule_resource::{Api, Fields, Kind, Registry, Resource, Spec};
use vestibule_store::{Database, DocumentType, Durability, Store};

/// Stands in for the flows of another crate.
#[derive(Fields)]
struct Flow {
    #[field(read_only)]
    pk: Uuid,
    name: String,
    slug: String,
}

impl DocumentType for Flow {
    const KIND: &'static str = "authentik_flows.flow";
}

impl Resource for Flow {
    fn spec() -> Spec {
        Spec::new("flows/instances", "authentik_flows.flow", "Flow")
    }
}

/// The administrator's token.
pub(crate) const ADMIN: &str = "admin-token";

/// A server.
pub(crate) struct App {
    pub(crate) api: Api,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) sessions: Sessions,
    pub(crate) users: Users,
    pub(crate) passwords: Arc<Passwords>,
    router: Router,
    _folder: tempfile::TempDir,
}

impl App {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::sqlite(&folder.path().join(Path::new("test.db"))).await.unwrap();
        Self::start(database, folder).await
    }

    #[expect(clippy::disallowed_methods, reason = "the test run's own setting")]
    pub(crate) async fn postgres() -> Option<Self> {
        let server = std::env::var("VESTIBULE_TEST_POSTGRES").ok()?;
        let name = format!("directory_{}", Ctx::system().uuid().simple());
        let root = Database::postgres(&server).await.unwrap();
        root.query(format!("CREATE DATABASE {name}"), vec![]).await.unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        let database = Database::postgres(&format!("{base}/{name}")).await.unwrap();
        Some(Self::start(database, tempfile::tempdir().unwrap()).await)
    }

    async fn start(database: Database, folder: tempfile::TempDir) -> Self {
        let clock = Arc::new(FixedClock::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap()));
        let ctx = Ctx::new(clock.clone(), Arc::new(SystemRandom));
        let mut kinds = vestibule_directory::kinds();
        kinds.extend(vestibule_rbac::kinds());
        kinds.extend(vestibule_crypto::kinds());
        kinds.push(Kind::document::<Flow>());
        let mut operations = vestibule_directory::operations();
        operations.extend(vestibule_rbac::operations());
        let registry = Registry::part(kinds, vec![], operations).unwrap();
        let registry = Arc::new(registry);
        let keys = Arc::new(Keys::derive("test").unwrap());
        let store = Store::open(database, ctx.clone(), keys, registry.codecs()).await.unwrap();
        let sessions = Sessions::new(store.clone(), ctx.clone());
        let params = Params { memory: 64, iterations: 1, parallelism: 1 };
        let passwords = Arc::new(Passwords::new(ctx.clone(), params, 2, 16).unwrap());
        let extensions = Extensions::default().with(Arc::clone(&passwords)).with(Arc::new(sessions.clone()));
        let api = Api {
            store: store.clone(),
            ctx: ctx.clone(),
            registry,
            authenticate: Arc::new(Authenticator::new(store.clone(), ctx.clone())),
            body_limit: 1 << 20,
            extensions: Arc::new(extensions),
        };
        let router = vestibule_resource::routes(&api);
        let users = Users::new(store, ctx);
        let app = Self { api, clock, sessions, users, passwords, router, _folder: folder };
        app.bootstrap().await;
        app
    }

    async fn bootstrap(&self) {
        let mut change = self.api.store.change(Actor::System).await.unwrap();
        let sql = "INSERT INTO groups (pk, num_pk, name, name_folded, is_superuser, attributes) \
                   VALUES ($1, 1, 'authentik Admins', 'authentik admins', $2, '{}')";
        let pk = self.api.ctx.uuid();
        change.transaction().execute(sql, vec![pk.into(), true.into()]).await.unwrap();
        let hash = self.passwords.hash("admin".into()).await.unwrap();
        let admin = Admin { password_hash: Some(hash), token: Some(ADMIN.into()), email: Some("a@example.com".into()) };
        assert!(ensure_admin(&mut change, &self.api.ctx, admin.clone()).await.unwrap());
        assert!(!ensure_admin(&mut change, &self.api.ctx, admin).await.unwrap());
        vestibule_directory::resources::system::note_version(&self.api.ctx, &mut change).await.unwrap();
        change.commit().await.unwrap();
    }

    pub(crate) fn later(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    /// Sends a request with these headers.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/api/v3/{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let mut request = request.header("content-type", "application/json").body(body).unwrap();
        let ip = "203.0.113.9".parse().unwrap();
        let host = headers.iter().find(|(name, _)| *name == "host").map_or("id.example", |(_, host)| host);
        request.extensions_mut().insert(ClientInfo { ip, secure: false, host: host.to_owned() });
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let cookie = parts.headers.get("set-cookie").map(|value| value.to_str().unwrap().to_owned());
        Answer { status: parts.status, json, cookie }
    }

    /// Sends a request with a token.
    pub(crate) async fn call(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        self.send(method, path, &[("authorization", &format!("Bearer {token}"))], &body).await
    }

    /// Sends a request as the administrator.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Value) -> Answer {
        self.call(ADMIN, method, path, body).await
    }

    /// Makes a user; their key.
    pub(crate) async fn user(&self, username: &str) -> i64 {
        let answer = self.admin("POST", "core/users/", json!({"username": username, "name": username})).await;
        answer.expect(201)["pk"].as_i64().unwrap()
    }

    /// Gives a user permissions, by the role that is theirs alone.
    pub(crate) async fn grant(&self, user: i64, permissions: &[&str]) {
        let mut change = self.api.store.change(Actor::System).await.unwrap();
        vestibule_rbac::assign_to_user(change.transaction(), &self.api.ctx, user, permissions).await.unwrap();
        change.commit().await.unwrap();
    }

    /// A user with these permissions, and a token that does not end.
    pub(crate) async fn clerk(&self, username: &str, permissions: &[&str]) -> (i64, String) {
        let pk = self.user(username).await;
        self.grant(pk, permissions).await;
        let token = format!("token-of-{username}");
        let path = format!("core/tokens/{username}/set_key/");
        self.admin("POST", "core/tokens/", json!({"identifier": username, "user": pk})).await.expect(201);
        self.admin("POST", &path, json!({"key": token})).await.expect(204);
        let sql = "UPDATE tokens SET expiring = $1 WHERE identifier = $2";
        let params = vec![false.into(), username.into()];
        self.api.store.database().execute(Durability::Process, sql, params).await.unwrap();
        (pk, token)
    }

    /// Signs a user in; the session's cookie.
    pub(crate) async fn login(&self, pk: i64) -> String {
        let mut session = self.sessions.anonymous("203.0.113.9", "test");
        let event = Event::new("login", "test", Actor::Anonymous);
        let expires = self.api.ctx.now() + TimeDelta::days(14);
        assert!(matches!(self.sessions.login(&mut session, pk, expires, event).await.unwrap(), Login::Done));
        session.key.unwrap()
    }

    /// Events of an action.
    pub(crate) async fn events(&self, action: &str) -> Vec<Object> {
        let sql = "SELECT user_json, context FROM events WHERE action = $1 ORDER BY created";
        let rows = self.api.store.database().query(sql, vec![action.into()]).await.unwrap();
        let event = |row: &vestibule_store::Row| {
            let value = json!({"user": row.json("user_json").unwrap(), "context": row.json("context").unwrap()});
            value.as_object().cloned().unwrap()
        };
        rows.iter().map(event).collect()
    }
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) json: Value,
    pub(crate) cookie: Option<String>,
}

impl Answer {
    /// The body of an answer that must have this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.json);
        self.json
    }
}
